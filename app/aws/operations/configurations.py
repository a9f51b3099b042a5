"""License configurations: created, read, edited, deleted, listed."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from app.aws.calls import Answer, Read, Write, arn_of_region, reads, refuse_unsupported, unknown, writes
from app.aws.errors import invalid_value, too_many_filters
from app.aws.filters import MOST_VALUES, boolean_of, filters_of
from app.aws.license_rules import parse_rules, rule_texts
from app.aws.names import COUNTING, RESOURCE, STATUS, meant
from app.aws.paging import page_of
from app.kernel.viewer import Viewer
from app.licensing import configurations as licensing
from app.licensing import reading
from app.licensing.configurations import CreateConfiguration, UpdateConfiguration
from app.licensing.definition import UNCHANGED
from app.licensing.service import ConfigurationFacts, facts

LATER = ("DisassociateWhenNotFound", "ProductInformationList", "LicenseExpiry")
"""Members that came after the guide's edition; they would change how licenses are tracked."""


@writes("CreateLicenseConfiguration")
def create(call: Write) -> Answer:
    given = call.given
    refuse_unsupported(given, *LATER)
    command = CreateConfiguration(
        region=call.region,
        name=given["Name"],
        description=given.get("Description"),
        counting_type=meant(COUNTING, given["LicenseCountingType"]),
        rules=parse_rules(given.get("LicenseRules", [])),
        license_count=given.get("LicenseCount"),
        hard_limit=given.get("LicenseCountHardLimit", False),
        tags=tag_pairs(given.get("Tags", [])),
    )
    key = licensing.create(call.tx, call.viewer, command)
    return {"LicenseConfigurationArn": facts(call.connection, [key])[key].arn}


def tag_pairs(tags: Sequence[dict[str, str]]) -> list[tuple[str, str]]:
    """Tags as the slices take them; a tag without a value has an empty one."""
    return [(tag.get("Key", ""), tag.get("Value", "")) for tag in tags]


def seen(call: Read | Write, arn: str) -> ConfigurationFacts:
    """The configuration of an ARN that the caller sees; else it is not found, whatever the reason."""
    found = reading.seen_by_arn(call.connection, call.viewer.account_id, arn_of_region(arn, call.region))
    if found is None:
        raise unknown(arn)
    return found


@reads("GetLicenseConfiguration")
def get(call: Read) -> Answer:
    arn = arn_of_region(call.given["LicenseConfigurationArn"], call.region)
    found = reading.detail(call.connection, call.viewer.account_id, arn)
    if found is None:
        raise unknown(arn)
    tags = [{"Key": key, "Value": value} for key, value in found.tags.items()]
    return {**_described(found.configuration, found.summaries), "Tags": tags}


@writes("UpdateLicenseConfiguration")
def update(call: Write) -> Answer:
    given = call.given
    refuse_unsupported(given, *LATER)
    found = seen(call, given["LicenseConfigurationArn"])
    if "LicenseRules" in given and rule_texts(found.rules) != _normal(given["LicenseRules"]):
        raise invalid_value("The license rules of a configuration can't change: make another one (LC-8).")
    status = given.get("LicenseConfigurationStatus")
    command = UpdateConfiguration(
        key=found.key,
        name=given.get("Name", UNCHANGED),
        description=given.get("Description", UNCHANGED),
        license_count=given.get("LicenseCount", UNCHANGED),
        hard_limit=given.get("LicenseCountHardLimit", UNCHANGED),
        status=meant(STATUS, status) if status is not None else UNCHANGED,
    )
    licensing.edit(call.tx, call.viewer, command)
    return {}


def _normal(texts: Sequence[str]) -> list[str]:
    """Rules as they are read back, so that the same ones in another spelling change nothing."""
    parse_rules(texts)
    lowered = {"true": "True", "false": "False"}
    return [f"{name}={lowered.get(value.lower(), value)}" for name, _, value in (text.partition("=") for text in texts)]


@writes("DeleteLicenseConfiguration")
def delete(call: Write) -> Answer:
    licensing.remove(call.tx, call.viewer, seen(call, call.given["LicenseConfigurationArn"]).key)
    return {}


@reads("ListLicenseConfigurations")
def list_configurations(call: Read) -> Answer:
    page = page_of(call, "ListLicenseConfigurations")
    filters = filters_of(call.given, ("licenseCountingType", "enforceLicenseCount", "usagelimitExceeded"))
    arns = call.given.get("LicenseConfigurationArns") or None
    if arns is not None and len(arns) > MOST_VALUES:
        raise too_many_filters("ARNs", len(arns), MOST_VALUES)
    found = reading.seen(
        call.connection,
        call.viewer.account_id,
        call.region,
        arns=arns,
        counting_types=[_counting(word) for word in filters["licenseCountingType"]]
        if "licenseCountingType" in filters
        else None,
        hard_limit=boolean_of(filters, "enforceLicenseCount"),
        over_limit=boolean_of(filters, "usagelimitExceeded"),
        after=page.after or 0,
        limit=page.read,
    )
    shown, token = page.shown(found, lambda each: each.key)
    return {"LicenseConfigurations": described(call.connection, call.viewer, shown), "NextToken": token}


def _counting(word: str) -> Any:
    try:
        return meant(COUNTING, word)
    except KeyError:
        raise invalid_value(
            f"The filter licenseCountingType is one of {', '.join(COUNTING.values())}, not “{word[:40]}”."
        ) from None


def described(connection: Connection, viewer: Viewer, found: Sequence[ConfigurationFacts]) -> list[Answer]:
    """Configurations as Get and List tell them, with what carries them by type; one statement for all."""
    by_key: dict[int, list[reading.TypeSummary]] = defaultdict(list)
    for summary in reading.summaries(connection, viewer.account_id, [each.key for each in found]):
        by_key[summary.configuration_key].append(summary)
    return [_described(each, by_key[each.key]) for each in found]


def _described(found: ConfigurationFacts, summaries: Sequence[reading.TypeSummary]) -> Answer:
    carried = [each for each in summaries if each.resource_type in RESOURCE]
    return {
        "LicenseConfigurationId": found.arn.rpartition(":")[2],
        "LicenseConfigurationArn": found.arn,
        "Name": found.name,
        "Description": found.description,
        "LicenseCountingType": COUNTING[found.rules.counting_type],
        "LicenseRules": rule_texts(found.rules),
        "LicenseCount": found.license_count,
        "LicenseCountHardLimit": found.hard_limit,
        "ConsumedLicenses": found.consumed,
        "Status": STATUS[found.status],
        "OwnerAccountId": found.owner_account_id,
        "ConsumedLicenseSummaryList": [
            {"ResourceType": RESOURCE[each.resource_type], "ConsumedLicenses": each.consumed} for each in carried
        ],
        "ManagedResourceSummaryList": [
            {"ResourceType": RESOURCE[each.resource_type], "AssociationCount": each.resources} for each in carried
        ],
    }
