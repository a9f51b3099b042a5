"""An account's settings in a Region, and the link of its organization."""

from app.aws.calls import Answer, Read, Write, reads, refuse_unsupported, writes
from app.linking import service, settings
from app.linking.service import KEEP, SettingsChange
from app.organizations.service import membership
from app.sharing import store


@reads("GetServiceSettings", core_role=False)
def get(call: Read) -> Answer:
    found = settings.settings(call.connection, call.viewer.account_id, call.region)
    place = membership(call.connection, call.viewer.account_id)
    linked = place is not None and place.organization.linked
    answer: Answer = {
        "S3BucketArn": found.s3_bucket_arn if found else None,
        "SnsTopicArn": found.sns_topic_arn if found else None,
        "OrganizationConfiguration": {"EnableIntegration": linked},
        "EnableCrossAccountsDiscovery": place is not None and place.organization.discovery_enabled,
    }
    if place is not None and place.is_master:
        key = store.managed(call.connection, place.account_id, call.region)
        share = store.load(call.connection, key) if key is not None else None
        answer["LicenseManagerResourceShareArn"] = share.arn if share else None
    return answer


@writes("UpdateServiceSettings")
def update(call: Write) -> Answer:
    given = call.given
    refuse_unsupported(given, "EnabledDiscoverySourceRegions")
    change = SettingsChange(
        region=call.region,
        link_organization=_link(call),
        enable_discovery=given.get("EnableCrossAccountsDiscovery"),
        s3_bucket_arn=given["S3BucketArn"] or None if "S3BucketArn" in given else KEEP,
        sns_topic_arn=given["SnsTopicArn"] or None if "SnsTopicArn" in given else KEEP,
    )
    service.update(call.tx, call.viewer, change)
    return {}


def _link(call: Write) -> bool | None:
    """Whether to link; that an organization which is not linked stays so asks for nothing."""
    wanted: bool | None = call.given.get("OrganizationConfiguration", {}).get("EnableIntegration")
    place = membership(call.connection, call.viewer.account_id)
    if wanted is False and (place is None or not place.organization.linked):
        return None
    return wanted
