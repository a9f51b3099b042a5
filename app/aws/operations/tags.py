"""Tags of license configurations."""

from app.aws.calls import Answer, Read, Write, reads, writes
from app.aws.operations.configurations import seen, tag_pairs
from app.kernel.tagging import tag_resource, untag_resource
from app.licensing.service import tags_of


@writes("TagResource")
def tag(call: Write) -> Answer:
    tag_resource(call.tx, call.viewer, seen(call, call.given["ResourceArn"]).id, tag_pairs(call.given["Tags"]))
    return {}


@writes("UntagResource")
def untag(call: Write) -> Answer:
    untag_resource(call.tx, call.viewer, seen(call, call.given["ResourceArn"]).id, call.given["TagKeys"])
    return {}


@reads("ListTagsForResource")
def list_tags(call: Read) -> Answer:
    found = seen(call, call.given["ResourceArn"])
    tags = tags_of(call.connection, [found.key])[found.key]
    return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}
