"""What an account does with its settings, and what linking an organization makes (ST-1 to ST-6)."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from sqlalchemy import Connection

from app.kernel.checks import require
from app.kernel.database import Transaction
from app.kernel.errors import DomainError, ErrorCode, Refusal, invalid
from app.kernel.findings import Findings
from app.kernel.ids import new_hex, node_id
from app.kernel.regions import region as region_of
from app.kernel.regions import regions
from app.kernel.viewer import Viewer
from app.linking import settings as rows
from app.linking.arns import PREFIX, bucket_arn, is_bucket, is_topic
from app.linking.crossing import checks_to_enable_discovery, checks_to_link, checks_to_unlink
from app.linking.rules import (
    DataCatalog,
    irreversible,
    is_schedule,
    link_failures,
    next_run,
)
from app.linking.schedule import usual_schedule
from app.linking.settings import Settings
from app.organizations import events
from app.organizations.locks import hold
from app.organizations.rules import not_master
from app.organizations.service import (
    former_members,
    mark_discovery_enabled,
    mark_linked,
    mark_unlinked,
    members,
    membership,
    organization,
)
from app.roles.rules import ServiceLinkedRoleKind as Role
from app.roles.service import ensure_many
from app.sharing import managed
from app.sharing.service import follow_organization


class Keep(Enum):
    """That a setting stays as it is: None means that it goes, or is the default again."""

    KEEP = "KEEP"


KEEP = Keep.KEEP


@dataclass(frozen=True, slots=True)
class SettingsChange:
    """What is to change of an account's settings in a Region."""

    region: str
    link_organization: bool | None = None
    enable_discovery: bool | None = None
    s3_bucket_arn: str | Keep | None = KEEP
    sns_topic_arn: str | Keep | None = KEEP
    inventory_sync_schedule: str | Keep | None = KEEP


def update(tx: Transaction, viewer: Viewer, change: SettingsChange) -> int:
    """Change settings, all or nothing. Returns the key of the settings."""
    region_of(change.region, "input", "region")
    own = rows.own(tx, viewer.account_id, change.region)
    _change_row(tx, own, change)
    if change.link_organization is not None:
        (link if change.link_organization else unlink)(tx, viewer, change.region)
    if change.enable_discovery is not None:
        (enable_discovery if change.enable_discovery else _keep_discovery)(tx, viewer, change.region)
    return own.key


def upgrade_data_catalog(tx: Transaction, viewer: Viewer, region: str) -> int:
    """Make the account's inventory in a Region one that can be queried, for good (TR-1). Returns the settings' key."""
    region_of(region, "region")
    own = rows.own(tx, viewer.account_id, region)
    rows.change(tx, own.key, data_catalog=DataCatalog.GLUE)
    return own.key


# ------------------------------------------------------------ an account's own


def _change_row(tx: Transaction, own: Settings, change: SettingsChange) -> None:
    findings = Findings()
    values: dict[str, object] = {}
    for name, check in (("s3_bucket_arn", _bucket), ("sns_topic_arn", _topic), ("inventory_sync_schedule", _schedule)):
        given = getattr(change, name)
        if given is not KEEP:
            values[name] = findings.of(check, tx.connection, own, given)
    findings.close()
    if "inventory_sync_schedule" in values:
        values["next_sync_at"] = next_run(str(values["inventory_sync_schedule"]), tx.now)
    if values:
        rows.change(tx, own.key, **values)


def _bucket(connection: Connection, own: Settings, given: str | None) -> str | None:
    if given is None:
        place = membership(connection, own.account_id)
        if place is not None and place.is_master and place.organization.linked:
            raise DomainError(_link_needs_bucket(own))
        return None
    if not is_bucket(given, own.region):
        raise invalid(
            "That is not the ARN of a bucket that License Manager can use.",
            "input",
            "s3BucketArn",
            remedy=f"The bucket's name begins with {PREFIX}, as in {bucket_arn('example')}.",
            rule="ST-5",
        )
    return given


def _topic(connection: Connection, own: Settings, given: str | None) -> str | None:
    if given is not None and not is_topic(given, own.region):
        raise invalid(
            "That is not the ARN of a topic that License Manager can use.",
            "input",
            "snsTopicArn",
            remedy=f"The topic is in {own.region} and its name begins with {PREFIX}.",
            rule="ST-5",
        )
    return given


def _schedule(connection: Connection, own: Settings, given: str | None) -> str:
    schedule = usual_schedule() if given is None else " ".join(given.split())
    if not is_schedule(schedule):
        raise invalid(
            "That is not a schedule.",
            "input",
            "inventorySyncSchedule",
            remedy=f"Write a cron expression of five fields, UTC, such as {usual_schedule()}.",
            rule="IN-3",
        )
    return schedule


def _link_needs_bucket(own: Settings) -> Refusal:
    return Refusal(
        code=ErrorCode.CONFLICT,
        message="The organization is linked, and its inventory is kept in the bucket.",
        remedy="Name another bucket, or undo the link first.",
        rule="ST-3",
        field=("input", "s3BucketArn"),
        node_ids=(node_id("set", own.key),),
    )


# ------------------------------------------------------------ the link (ST-2 to ST-4)


def link(tx: Transaction, viewer: Viewer, region: str) -> None:
    """Link the caller's organization. Linked already, what it made is made again where it went missing (RO-5)."""
    hold(tx, viewer.account_id)
    require(checks_to_link(tx.connection, viewer.account_id, region))
    place = membership(tx.connection, viewer.account_id)
    assert place is not None
    tx.concern(place.organization.arn, place.account_id)
    mark_linked(tx, place.organization_key)
    managed.ensure(tx, place, region)
    # What is in force by the link is so before the roles appear, which accept what is still open (SH-2).
    follow_organization(tx, place.organization_key)
    others = [each.account_id for each in members(tx.connection, place.organization_key) if not each.is_master]
    ensure_many(tx, [place.account_id], Role.MASTER_ACCOUNT)
    _give_roles(tx, others)
    supported = [each.code for each in regions() if each.supports_cross_account]
    rows.set_bucket_where_none(tx, place.account_id, bucket_arn(new_hex(12)), supported)


def unlink(tx: Transaction, viewer: Viewer, region: str) -> None:
    """Undo the link: what is shared inside ends, but for invitations that were accepted. Roles stay (RO-4)."""
    place = hold(tx, viewer.account_id)
    require(checks_to_unlink(tx.connection, viewer.account_id, region))
    assert place is not None
    tx.concern(place.organization.arn, place.account_id)
    if mark_unlinked(tx, place.organization_key):
        managed.close(tx, place.account_id)
        follow_organization(tx, place.organization_key)


def enable_discovery(tx: Transaction, viewer: Viewer, region: str) -> None:
    """Turn on discovery across the organization's accounts, for good (ST-4)."""
    place = hold(tx, viewer.account_id)
    require(checks_to_enable_discovery(tx.connection, viewer.account_id, region))
    assert place is not None
    tx.concern(place.organization.arn, place.account_id)
    mark_discovery_enabled(tx, place.organization_key)


def _keep_discovery(tx: Transaction, viewer: Viewer, region: str) -> None:
    """Discovery is never turned off (TR-7); where it is not on, there is nothing to do."""
    place = membership(tx.connection, viewer.account_id)
    if place is None or not place.organization.discovery_enabled:
        return
    refusal = irreversible(
        "Discovery across accounts is on, and can't be turned off again.",
        "There is no way back. Single accounts can be taken out of the organization, or delete their member role.",
        "TR-7",
        "input",
        "enableCrossAccountDiscovery",
    )
    raise DomainError(refusal if place.is_master else not_master(place, "ST-4"))


def _give_roles(tx: Transaction, account_ids: Sequence[str]) -> None:
    ensure_many(tx, account_ids, Role.CORE)
    ensure_many(tx, account_ids, Role.MEMBER_ACCOUNT)


# ------------------------------------------------------------ what the link does not reach (ST-6, TR-9)


def failures(connection: Connection, viewer_account_id: str, asked: Sequence[tuple[str, str]]) -> list[list[Refusal]]:
    """The accounts that the link does not reach any more, for each of some settings that a viewer sees.

    Settings are pairs of account and Region: the master's tell of all accounts, a member's of itself. In a fixed number
    of statements: whose settings a viewer sees, is in its own organization.
    """
    place = membership(connection, viewer_account_id)
    if place is None:
        return [[] for _ in asked]
    whole, beside = place.organization, [each.account_id for each in members(connection, place.organization_key)]
    former = former_members(connection, place.organization_key) if place.is_master else []
    found: list[list[Refusal]] = []
    for account_id, region in asked:
        if not region_of(region).supports_cross_account or account_id not in beside:
            found.append([])
        elif account_id == whole.master_account_id:
            found.append(link_failures(whole, beside, former))
        else:
            found.append(link_failures(whole, [account_id], []))
    return found


def _follow_membership(tx: Transaction, change: events.MembershipChange) -> None:
    """An account that joins a linked organization gets its roles (ST-3)."""
    if change.kind is not events.ChangeKind.JOINED or change.account_id is None:
        return
    joined = organization(tx.connection, change.organization_key)
    if joined.linked and joined.master_account_id != change.account_id:
        _give_roles(tx, [change.account_id])


events.on_account_created.append(rows.create)
events.on_membership_changed.append(_follow_membership)
