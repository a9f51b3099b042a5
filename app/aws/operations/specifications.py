"""The license configurations on one resource: listed, put on, taken off; all of a call or nothing."""

from collections.abc import Sequence
from typing import Any

from app.aws.calls import Answer, Kept, Read, Write, arn_of_region, reads, unknown, writes
from app.aws.errors import invalid_value
from app.aws.operations.associations import ACROSS, is_across
from app.aws.paging import page_of
from app.compute.by_arn import seen_by_arn
from app.compute.resources import Resource
from app.compute.rules import ResourceType
from app.kernel.errors import DomainError, ErrorCode, Refusal
from app.licensing import reading
from app.licensing.bulk import associate
from app.licensing.disassociation import disassociate
from app.licensing.failures import note_failures
from app.licensing.service import keys_of_arns

UPDATE = "UpdateLicenseSpecificationsForResource"
MOST_SPECIFICATIONS = 50


def _resource(call: Read | Write) -> Resource:
    arn = arn_of_region(call.given["ResourceArn"], call.region)
    found = seen_by_arn(call.connection, call.viewer.account_id, arn)
    if found is None:
        raise unknown(arn)
    return found


@reads("ListLicenseSpecificationsForResource")
def list_specifications(call: Read) -> Answer:
    page = page_of(call, "ListLicenseSpecificationsForResource")
    resource = _resource(call)
    found = reading.carried_by(
        call.connection, call.viewer.account_id, resource.key, after=page.after or 0, limit=page.read
    )
    shown, token = page.shown(found, lambda each: each[0].key)
    answers = [
        {"LicenseConfigurationArn": arn, "AmiAssociationScope": ACROSS if is_across(each, resource) else None}
        for each, arn in shown
    ]
    return {"LicenseSpecifications": answers, "NextToken": token}


@writes(UPDATE)
def update(call: Write) -> Answer:
    """What is taken off goes first, so that its licenses are free for what is put on. A refusal undoes all of it."""
    removed, added = _arns(call, "RemoveLicenseSpecifications"), _arns(call, "AddLicenseSpecifications")
    resource = _resource(call)
    if resource.type == ResourceType.LAUNCH_TEMPLATE:
        raise invalid_value("The license specifications of launch templates are not changed by this operation.")
    keys = keys_of_arns(call.connection, [*removed, *added])
    refused: list[tuple[int, Refusal]] = []
    for arns, act in ((removed, disassociate), (added, associate)):
        for arn in arns:
            if arn not in keys:
                raise unknown(arn)
            refused += [(keys[arn], each) for each in _refusals(call, act, keys[arn], resource)]
    if refused:
        raise Kept(
            DomainError(*(refusal for _, refusal in refused)),
            lambda tx: _keep(tx, call, resource, refused),
        )
    return {}


def _arns(call: Write, member: str) -> list[str]:
    specifications: Sequence[dict[str, Any]] = call.given.get(member, [])
    if len(specifications) > MOST_SPECIFICATIONS:
        raise invalid_value(
            f"{member} has {len(specifications)} license specifications; at most {MOST_SPECIFICATIONS} are taken."
        )
    return list(dict.fromkeys(arn_of_region(each["LicenseConfigurationArn"], call.region) for each in specifications))


def _refusals(call: Write, act: Any, key: int, resource: Resource) -> Sequence[Refusal]:
    """What stands against one act; one that the caller can't even know of is refused at once."""
    try:
        found: Sequence[Refusal] = act(call.tx, call.viewer, key, [resource.key]).refusals
    except DomainError as error:
        if any(refusal.code is ErrorCode.NOT_FOUND for refusal in error.refusals):
            raise
        found = error.refusals
    return found


def _keep(tx: Any, call: Write, resource: Resource, refused: Sequence[tuple[int, Refusal]]) -> None:
    """Keep what was refused, for ListFailuresForLicenseConfigurationOperations."""
    for key, refusal in refused:
        if refusal.code is not ErrorCode.NOT_FOUND:
            note_failures(tx, call.viewer, UPDATE, key, [(resource, refusal)])
