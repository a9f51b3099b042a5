"""What an owner does with license configurations: create, edit, activate and deactivate, tag, delete (LC)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, func, select, update

from app.alerts.service import raise_alert
from app.compute.figures import figures
from app.compute.rules import ResourceType
from app.kernel.checks import Check, asked, require
from app.kernel.database import Transaction
from app.kernel.errors import DomainError, ErrorCode, Refusal, not_found
from app.kernel.events import Signal
from app.kernel.findings import Findings
from app.kernel.ids import new_hex, new_key, node_id, service_arn
from app.kernel.regions import region as region_of
from app.kernel.tagging import Taggable, Tags, taggable
from app.kernel.tags import check_tags
from app.kernel.viewer import Viewer
from app.licensing.counting import level
from app.licensing.definition import (
    UNCHANGED,
    LicenseRules,
    RuleSetting,
    Unchanged,
    check_count,
    check_description,
    check_name,
    check_thresholds,
    license_rules,
    name_taken,
)
from app.licensing.failures import FAILURE
from app.licensing.gate import Gate, limit_alert
from app.licensing.history import UsageChange, record_usage, remove_history
from app.licensing.recount import recount_configuration
from app.licensing.rules import CountingType, Status
from app.licensing.service import ASSOCIATION, CONFIGURATION, TAG, ConfigurationFacts, facts, facts_of, tags_of
from app.licensing.thresholds import usual_thresholds
from app.roles.service import require_core
from app.sharing.service import configuration_deleted, configurations_seen

MOST_NAMED = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateConfiguration:
    """A license configuration to be. `rules` in the order in which they were given; no thresholds: the usual ones."""

    region: str
    name: str
    counting_type: CountingType
    description: str | None = None
    rules: Sequence[RuleSetting] = ()
    license_count: int | None = None
    hard_limit: bool = False
    alert_thresholds: Sequence[int] | None = None
    tags: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateConfiguration:
    """What is to change of a license configuration, and its version as the caller knows it (LC-8, API-2)."""

    key: int
    name: str | Unchanged = UNCHANGED
    description: str | Unchanged | None = UNCHANGED
    license_count: int | Unchanged | None = UNCHANGED
    hard_limit: bool | Unchanged = UNCHANGED
    alert_thresholds: Sequence[int] | Unchanged = UNCHANGED
    status: Status | Unchanged = UNCHANGED
    expected_version: int | None = None


def create(tx: Transaction, viewer: Viewer, command: CreateConfiguration) -> int:
    """Make a license configuration of the caller's account; its key. Raises everything that is wrong with it."""
    require_core(tx.connection, viewer.account_id, hold=True)
    region_of(command.region, "input", "region")
    rules = _checked(tx, viewer.account_id, command)
    key = new_key()
    arn = service_arn(command.region, viewer.account_id, f"license-configuration:lic-{new_hex(32)}")
    tx.add(
        CONFIGURATION,
        {
            "id": key,
            "arn": arn,
            "owner_account_id": viewer.account_id,
            "region": command.region,
            "name": command.name,
            "name_folded": command.name.casefold(),
            "description": command.description,
            "counting_type": command.counting_type.value,
            "minimum": rules.minimum,
            "maximum": rules.maximum,
            "honor_vcpu_optimization": rules.honor_vcpu_optimization,
            "allowed_tenancy": list(rules.allowed_tenancy),
            "rule_order": list(rules.order),
            "license_count": command.license_count,
            "hard_limit": command.hard_limit,
            "status": Status.ACTIVE.value,
            "version": 1,
            "consumed": 0,
            "alert_thresholds": list(_thresholds(command)),
            "alerted": 0,
            "created_at": tx.now,
            "updated_at": tx.now,
        },
    )
    for name, value in command.tags:
        tx.add(TAG, {"configuration_id": key, "key": name, "value": value})
    tx.defer(record_usage, UsageChange(key, tx.now, viewer.account_id, 0, 0, command.license_count))
    tx.concern(arn, viewer.account_id)
    return key


def _thresholds(command: CreateConfiguration) -> Sequence[int]:
    return usual_thresholds() if command.alert_thresholds is None else command.alert_thresholds


def _checked(tx: Transaction, account_id: str, command: CreateConfiguration) -> LicenseRules:
    findings = Findings()
    if findings.of(check_name, command.name, "input", "name") is not None:
        findings.of(_check_free, tx, account_id, command.region, command.name)
    findings.of(check_description, command.description, "input", "description")
    rules = findings.of(license_rules, command.counting_type, command.rules, "input", "rules")
    findings.of(check_count, command.license_count, "input", "licenseCount")
    findings.of(check_thresholds, _thresholds(command), "input", "alertThresholds")
    findings.of(check_tags, command.tags, "input", "tags")
    findings.close()
    assert rules is not None
    return rules


def _check_free(tx: Transaction, account_id: str, region: str, name: str) -> None:
    """Refuse a name that another configuration of the account and Region has (LC-7)."""
    taken = select(CONFIGURATION.c.id).where(
        CONFIGURATION.c.owner_account_id == account_id, CONFIGURATION.c.region == region, CONFIGURATION.c.name == name
    )
    key = tx.execute(taken).scalar()
    if key is not None:
        raise DomainError(name_taken(name, node_id("lc", key), "input", "name"))


# ------------------------------------------------------------ editing


def edit(tx: Transaction, viewer: Viewer, command: UpdateConfiguration) -> int:
    """Change a license configuration of the caller's account; its key. What changes nothing keeps the version."""
    require_core(tx.connection, viewer.account_id)
    held = hold_own(tx, viewer, command.key, "input", "id")
    if command.expected_version is not None and command.expected_version != held.version:
        raise DomainError(_conflict(held, command.expected_version))
    changes = _changes(tx, held, command)
    if not changes:
        return held.key
    deactivates = changes.get("status") == Status.INACTIVE
    if deactivates:
        _check_runs_nothing(tx, held)
    count = changes.get("license_count", held.license_count)
    thresholds = changes.get("alert_thresholds", held.alert_thresholds)
    reached = level(held.consumed, count, thresholds)
    tx.execute(
        update(CONFIGURATION)
        .where(CONFIGURATION.c.id == held.key)
        .values(**changes, version=held.version + 1, alerted=reached, updated_at=tx.now)
    )
    if "license_count" in changes:
        tx.defer(record_usage, UsageChange(held.key, tx.now, held.owner_account_id, 0, held.consumed, count))
        tx.announce(Signal("usage", frozenset({held.key})))
    if reached > held.alerted and not deactivates:
        book = Gate.open(tx.connection, [held.key], lock=False).books[held.key]
        raise_alert(tx, limit_alert(book, reached, held.owner_account_id, None))
    if "status" in changes:
        recount_configuration(tx, held.key)
    return held.key


def _changes(tx: Transaction, held: ConfigurationFacts, command: UpdateConfiguration) -> dict[str, Any]:
    """The columns that an edit changes, checked; raises everything that is wrong with them."""
    findings = Findings()
    wanted: dict[str, Any] = {}
    if not isinstance(command.name, Unchanged) and command.name != held.name:
        if findings.of(check_name, command.name, "input", "name") is not None:
            findings.of(_check_free, tx, held.owner_account_id, held.region, command.name)
        wanted |= {"name": command.name, "name_folded": command.name.casefold()}
    if not isinstance(command.description, Unchanged) and command.description != held.description:
        findings.of(check_description, command.description, "input", "description")
        wanted["description"] = command.description
    if not isinstance(command.license_count, Unchanged) and command.license_count != held.license_count:
        findings.of(check_count, command.license_count, "input", "licenseCount")
        wanted["license_count"] = command.license_count
    if not isinstance(command.hard_limit, Unchanged) and command.hard_limit != held.hard_limit:
        wanted["hard_limit"] = command.hard_limit
    if not isinstance(command.alert_thresholds, Unchanged):
        findings.of(check_thresholds, command.alert_thresholds, "input", "alertThresholds")
        if tuple(command.alert_thresholds) != held.alert_thresholds:
            wanted["alert_thresholds"] = list(command.alert_thresholds)
    if not isinstance(command.status, Unchanged) and command.status != held.status:
        wanted["status"] = command.status.value
    findings.close()
    return wanted


def _conflict(held: ConfigurationFacts, expected: int) -> Refusal:
    return Refusal(
        code=ErrorCode.CONFLICT,
        message=f"“{held.name}” is of version {held.version}, not {expected}: someone edited it meanwhile.",
        remedy="Read it again, and edit what it is now.",
        rule="API-2",
        field=("input", "expectedVersion"),
        node_ids=(held.id,),
    )


def _check_runs_nothing(tx: Transaction, held: ConfigurationFacts) -> None:
    """Refuse to deactivate what is attached to a running instance (LC-10)."""
    resource = figures()
    running = (
        ASSOCIATION.c.configuration_id == held.key,
        ASSOCIATION.c.resource_type == ResourceType.INSTANCE,
        resource.c.consuming,
    )
    joined = ASSOCIATION.join(resource, resource.c.key == ASSOCIATION.c.resource_id)
    count = tx.execute(select(func.count()).select_from(joined).where(*running)).scalar_one()
    if not count:
        return
    first = select(ASSOCIATION.c.resource_id).select_from(joined).where(*running).order_by(ASSOCIATION.c.id)
    raise DomainError(
        Refusal(
            code=ErrorCode.LICENSE_CONFIGURATION_IN_USE,
            message=f"“{held.name}” is attached to {_number(count, 'running instance')}.",
            remedy="Stop or terminate them, or disassociate them, then deactivate it.",
            rule="LC-10",
            field=("input", "status"),
            node_ids=_ids(tx.connection, first),
        )
    )


# ------------------------------------------------------------ deleting


def remove(tx: Transaction, viewer: Viewer, key: int) -> str:
    """Delete a license configuration that is on no resource, and take it out of its shares (LC-11). Its global id."""
    require_core(tx.connection, viewer.account_id)
    held = hold_own(tx, viewer, key, "id")
    require([_on_nothing(tx.connection, held)])
    configuration_deleted(tx, key)
    tx.execute(delete(FAILURE).where(FAILURE.c.configuration_id == key))
    tx.execute(delete(CONFIGURATION).where(CONFIGURATION.c.id == key))
    tx.defer(remove_history, key)
    return held.id


def delete_checks(connection: Connection, account_id: str, key: int) -> list[Check]:
    """What deleting a license configuration asks, for its explanation (RO-2, SH-3, LC-11)."""
    core, own = "The account has the core service-linked role", "The account owns the license configuration"
    checks = [asked("RO-2", core, lambda: require_core(connection, account_id))]
    held = facts(connection, [key]).get(key)
    checks.append(asked("SH-3", own, lambda: _require_own(connection, account_id, held)))
    if held is None or not checks[-1].passed:
        return checks
    return [*checks, _on_nothing(connection, held)]


def _on_nothing(connection: Connection, held: ConfigurationFacts) -> Check:
    text = "The license configuration is on no resource"
    attached = ASSOCIATION.c.configuration_id == held.key
    count = connection.execute(select(func.count()).select_from(ASSOCIATION).where(attached)).scalar_one()
    if not count:
        return Check("LC-11", text)
    refusal = Refusal(
        code=ErrorCode.LICENSE_CONFIGURATION_IN_USE,
        message=f"“{held.name}” is associated with {_number(count, 'resource')}.",
        remedy="Disassociate them first: disassociateResources.",
        rule="LC-11",
        field=("id",),
        node_ids=_ids(connection, select(ASSOCIATION.c.resource_id).where(attached).order_by(ASSOCIATION.c.id)),
    )
    return Check("LC-11", text, refusal)


def _number(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _ids(connection: Connection, resource_keys: Any) -> tuple[str, ...]:
    """The global ids of the first resources of a statement."""
    return tuple(node_id("res", key) for key in connection.execute(resource_keys.limit(MOST_NAMED)).scalars())


# ------------------------------------------------------------ whose it is, and tags


def hold_own(tx: Transaction, viewer: Viewer, key: int, *field: str) -> ConfigurationFacts:
    """A configuration of the caller's own account, which nothing else changes until the unit ends.

    Only the owner changes it (SH-3); to an account that does not see it, it does not exist (PM-2).
    """
    row = tx.execute(select(CONFIGURATION).where(CONFIGURATION.c.id == key).with_for_update()).one_or_none()
    held = facts_of(row) if row is not None else None
    _require_own(tx.connection, viewer.account_id, held, *field)
    assert held is not None
    tx.concern(held.arn, held.owner_account_id)
    return held


def _require_own(connection: Connection, account_id: str, held: ConfigurationFacts | None, *field: str) -> None:
    """Refuse all but the owner: a sharee with ACCESS_DENIED, any other as if it were not there."""
    if held is not None and held.owner_account_id == account_id:
        return
    if held is None or not configurations_seen(connection, [held.key], [account_id]):
        raise not_found("The license configuration", *field)
    raise DomainError(
        Refusal(
            code=ErrorCode.ACCESS_DENIED,
            message=f"“{held.name}” is shared with the account; only its owner changes or deletes it.",
            remedy=f"Ask an administrator of account {held.owner_account_id}.",
            rule="SH-3",
            field=field,
            account_id=held.owner_account_id,
            node_ids=(held.id,),
        )
    )


def _open_tags(tx: Transaction, viewer: Viewer, key: int) -> Tags:
    require_core(tx.connection, viewer.account_id)
    hold_own(tx, viewer, key, "id")
    return tags_of(tx.connection, [key])[key]


def _store_tags(tx: Transaction, key: int, changed: Tags, removed: Sequence[str]) -> None:
    """Tags are no part of the version: they have operations of their own (LC-8)."""
    gone = [*changed, *removed]
    if not gone:
        return
    tx.execute(delete(TAG).where(TAG.c.configuration_id == key, TAG.c.key.in_(gone)))
    for name, value in changed.items():
        tx.add(TAG, {"configuration_id": key, "key": name, "value": value})


taggable("lc", Taggable(_open_tags, _store_tags))
