"""What carries a license configuration, what it consumes there, and what was refused on it."""

from collections.abc import Sequence

from app.aws.calls import Answer, Read, reads
from app.aws.errors import invalid_value
from app.aws.filters import filters_of
from app.aws.names import RESOURCE
from app.aws.operations.configurations import seen
from app.aws.paging import page_of
from app.compute.by_arn import seen_by_arn
from app.compute.resources import Resource, load
from app.compute.rules import ResourceType
from app.kernel.ids import check_account_id
from app.licensing import reading
from app.licensing.reading import AssociationFacts

CONSUMERS = [kind for kind in RESOURCE if kind != ResourceType.IMAGE]
"""An image carries a configuration to what is launched from it, and uses no license itself."""

ACROSS = "cross-account"
MOST_RESOURCES = 20


@reads("ListAssociationsForLicenseConfiguration")
def list_associations(call: Read) -> Answer:
    page = page_of(call, "ListAssociationsForLicenseConfiguration")
    configuration = seen(call, call.given["LicenseConfigurationArn"])
    found = reading.associations_of(
        call.connection,
        call.viewer.account_id,
        configuration,
        types=list(RESOURCE),
        after=page.after or 0,
        limit=page.read,
    )
    shown, token = page.shown(found, lambda each: each.key)
    resources = load(call.connection, [each.resource_key for each in shown], gone=True)
    answers = [_association(each, resources[each.resource_key]) for each in shown]
    return {"LicenseConfigurationAssociations": answers, "NextToken": token}


def _association(found: AssociationFacts, resource: Resource) -> Answer:
    return {
        "ResourceArn": resource.arn,
        "ResourceType": RESOURCE[resource.type],
        "ResourceOwnerId": resource.account_id,
        "AssociationTime": found.associated_at,
        "AmiAssociationScope": ACROSS if is_across(found, resource) else None,
    }


def is_across(found: AssociationFacts, resource: Resource) -> bool:
    """Whether an image carries the configuration for another account than its owner (EN-8)."""
    return resource.type == ResourceType.IMAGE and found.account_id != resource.account_id


@reads("ListUsageForLicenseConfiguration")
def list_usage(call: Read) -> Answer:
    page = page_of(call, "ListUsageForLicenseConfiguration")
    filters = filters_of(call.given, ("resourceArn", "resourceType", "resourceAccount"))
    configuration = seen(call, call.given["LicenseConfigurationArn"])
    accounts = filters.get("resourceAccount")
    found = reading.associations_of(
        call.connection,
        call.viewer.account_id,
        configuration,
        types=_types(filters.get("resourceType")),
        account_ids=[check_account_id(each) for each in accounts] if accounts is not None else None,
        resource_keys=_resources(call, filters.get("resourceArn")),
        after=page.after or 0,
        limit=page.read,
    )
    shown, token = page.shown(found, lambda each: each.key)
    resources = load(call.connection, [each.resource_key for each in shown], gone=True)
    answers = [_usage(each, resources[each.resource_key]) for each in shown]
    return {"LicenseConfigurationUsageList": answers, "NextToken": token}


def _types(words: Sequence[str] | None) -> list[str]:
    if words is None:
        return CONSUMERS
    wrong = [word for word in words if word not in RESOURCE.values()]
    if wrong:
        allowed = ", ".join(RESOURCE.values())
        raise invalid_value(f"The filter resourceType is one of {allowed}, not “{wrong[0][:40]}”.")
    return [kind for kind in CONSUMERS if RESOURCE[kind] in words]


def _resources(call: Read, arns: Sequence[str] | None) -> list[int] | None:
    """The keys of the resources that a filter names; those that are not seen are none."""
    if arns is None:
        return None
    if len(arns) > MOST_RESOURCES:
        raise invalid_value(f"The filter resourceArn takes at most {MOST_RESOURCES} ARNs.")
    found = [seen_by_arn(call.connection, call.viewer.account_id, arn) for arn in arns]
    return [each.key for each in found if each is not None]


def _usage(found: AssociationFacts, resource: Resource) -> Answer:
    return {
        "ResourceArn": resource.arn,
        "ResourceType": RESOURCE[resource.type],
        "ResourceStatus": _status(resource),
        "ResourceOwnerId": resource.account_id,
        "AssociationTime": found.associated_at,
        "ConsumedLicenses": found.consumed,
    }


def _status(resource: Resource) -> str:
    if resource.state is not None:
        return resource.state.lower()
    return "active" if resource.active and resource.gone_at is None else "inactive"


@reads("ListFailuresForLicenseConfigurationOperations")
def list_failures(call: Read) -> Answer:
    page = page_of(call, "ListFailuresForLicenseConfigurationOperations")
    configuration = seen(call, call.given["LicenseConfigurationArn"])
    found = reading.failures_of(
        call.connection, call.viewer.account_id, configuration, before=page.after, limit=page.read
    )
    shown, token = page.shown(found, lambda each: each.key)
    return {"LicenseOperationFailureList": [_failure(each) for each in shown], "NextToken": token}


def _failure(found: reading.FailureFacts) -> Answer:
    return {
        "ResourceArn": found.resource_arn,
        "ResourceType": RESOURCE.get(found.resource_type or ""),
        "ErrorMessage": found.error_message,
        "FailureTime": found.failed_at,
        "OperationName": found.operation,
        "ResourceOwnerId": found.account_id,
        "OperationRequestedBy": found.requested_by,
        "MetadataList": [{"Name": "ErrorCode", "Value": found.error_code}],
    }
