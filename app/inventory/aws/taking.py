"""Writes what AWS told: the organization, and what an account holds in a Region; each unit leaves a record (AU-1)."""

from collections.abc import Sequence

from app.audit.records import record_act
from app.compute import managed
from app.compute.observed import keys_by_id
from app.compute.rules import ResourceType
from app.inventory import observed, reports
from app.inventory.aws.observing import Told
from app.inventory.reported import Report
from app.inventory.reports import Taken
from app.kernel.changes import Change, Changes
from app.kernel.database import Transaction
from app.kernel.errors import Refusal
from app.kernel.viewer import Viewer
from app.organizations import observed as organizations
from app.organizations.observed import ObservedOrganization
from app.roles.service import core_role

INSTANCE = "i-"
"""How EC2's instances are named where SSM's inventory tells of them."""

AGENT = "tollgate-collector"


def take_organization(tx: Transaction, seen: ObservedOrganization) -> Changes:
    """Bring an organization in line with what AWS told of it (OR-1 to OR-4)."""
    changes = organizations.apply(tx, seen)
    if changes:
        record_act(tx, _acting(seen.master_account_id), "syncOrganization", {"organizationId": seen.organization_id})
    return changes


def take(tx: Transaction, told: Told) -> tuple[Changes, list[Refusal]]:
    """Bring an account's Region in line with what AWS told (IN-3); what changed, and which reports were not taken.

    What SSM reports of an EC2 instance is the instance's own; of any other server it is a managed instance.
    """
    observation = told.observation
    account_id, region = observation.account_id, observation.region
    changes = observed.apply(tx, observation)
    inside, outside = list[Report](), list[Report]()
    for each in told.reports:
        (inside if each.resource_id.startswith(INSTANCE) else outside).append(each)
    _install(tx, account_id, region, inside, changes)
    taken = reports.take(tx, account_id, region, outside)
    changes.include(taken.changes)
    if changes:
        record_act(tx, _acting(account_id), "syncInventory", {"region": region})
    return changes, taken.refused


def take_reports(tx: Transaction, account_id: str, region: str, told: Sequence[Report]) -> Taken:
    """Take what SSM's files tell of an account's Region (IN-3).

    An EC2 instance that is not known itself is kept as a managed instance, like any other server.
    """
    tx.flush()
    instances = [each.resource_id for each in told if each.resource_id.startswith(INSTANCE)]
    known = keys_by_id(tx.connection, region, ResourceType.INSTANCE, instances, account_id)
    taken = reports.take(tx, account_id, region, [each for each in told if each.resource_id not in known])
    _install(tx, account_id, region, [each for each in told if each.resource_id in known], taken.changes)
    if taken.changes:
        record_act(tx, _acting(account_id), "syncInventory", {"region": region})
    return taken


def _install(tx: Transaction, account_id: str, region: str, inside: Sequence[Report], changes: Changes) -> None:
    """What is installed on EC2 instances; of their size EC2 itself told."""
    told = {each.resource_id: each.applications for each in inside if each.applications is not None}
    if not told:
        return
    tx.flush()
    keys = keys_by_id(tx.connection, region, ResourceType.INSTANCE, told, account_id)
    changed = managed.set_applications(tx, {key: told[id_] or () for id_, key in keys.items()})
    changes.note("instances' applications", Change.CHANGED, len(changed))


def _acting(account_id: str) -> Viewer:
    return core_role(account_id, AGENT)
