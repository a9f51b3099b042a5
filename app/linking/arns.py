"""The ARNs that acts are done on, and those that settings accept (ST-5)."""

import re
from collections.abc import Mapping

from app.kernel.ids import arn
from app.kernel.regions import partition
from app.linking.acts import On

PREFIX = "aws-license-manager-service-"
"""How names of buckets and topics begin, as the roles' policies demand (ST-5)."""

_BUCKET = re.compile(rf"arn:([a-z-]+):s3:::({PREFIX}[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)")
_TOPIC = re.compile(rf"arn:([a-z-]+):sns:([a-z0-9-]+):([0-9]{{12}}):({PREFIX}[A-Za-z0-9_-]*)")
_LONGEST_ARN = 256


def is_bucket(text: str, region: str) -> bool:
    """Whether a text is the ARN of a bucket that settings accept, in the partition of their Region."""
    found = _BUCKET.fullmatch(text)
    if not found or len(text) > _LONGEST_ARN:
        return False
    part, name = found.groups()
    return part == partition(region) and len(name) <= 63 and ".." not in name


def is_topic(text: str, region: str) -> bool:
    """Whether a text is the ARN of a topic that settings accept: of their own Region."""
    found = _TOPIC.fullmatch(text)
    if not found or len(text) > _LONGEST_ARN:
        return False
    return found.group(1, 2) == (partition(region), region)


def bucket_arn(name: str) -> str:
    """The ARN of a bucket of the service in the partition of the Regions with support."""
    return f"arn:aws:s3:::{PREFIX}{name}"


def on_organization(organization_arn: str, bucket: str, region: str, master: str) -> Mapping[On, str]:
    """What the master role's actions are done on, in a Region."""
    return {
        On.ORGANIZATION: organization_arn,
        On.BUCKET: bucket,
        On.OBJECTS: f"{bucket}/inventory",
        On.SYNC_OBJECTS: f"{bucket}/resource_sync/inventory",
        On.QUERIES: arn("athena", region, master, "workgroup/primary"),
        On.CATALOG: arn("glue", region, master, "catalog"),
        On.SHARE: arn("ram", region, master, "resource-share/*"),
    }
