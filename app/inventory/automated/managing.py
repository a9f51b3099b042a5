"""Rules of automated discovery: made, changed, previewed, enabled and deleted by the owner of the configuration.

A rule is made disabled. It is enabled only once it was previewed as it is, and a change of what it finds disables it.
"""

from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, func, select, update

from app.inventory.automated.definition import LONGEST_NAME, MOST_RULES, Definition, ExcludedTag, Rule, check, rule_of
from app.inventory.automated.survey import rules
from app.inventory.rules import DiscoveryScope
from app.kernel.database import Transaction
from app.kernel.errors import DomainError, ErrorCode, Refusal, invalid, not_found
from app.kernel.ids import new_key, node_id
from app.kernel.viewer import Viewer
from app.licensing.configurations import hold_own
from app.licensing.service import facts
from app.organizations.locks import hold
from app.roles.service import require_core

WHAT = "The discovery rule"


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateRule:
    """A rule to be."""

    configuration_key: int
    name: str
    definition: Definition


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateRule:
    """What changes of a rule; None stays as it is."""

    key: int
    name: str | None = None
    filter: str | None = None
    scope: DiscoveryScope | None = None
    excluded_account_ids: tuple[str, ...] | None = None
    excluded_tags: tuple[ExcludedTag, ...] | None = None

    def applied_to(self, definition: Definition) -> Definition:
        """What the rule then finds."""
        names = ("filter", "scope", "excluded_account_ids", "excluded_tags")
        given: dict[str, Any] = {name: getattr(self, name) for name in names}
        return replace(definition, **{name: value for name, value in given.items() if value is not None})


def create(tx: Transaction, viewer: Viewer, command: CreateRule) -> int:
    """Make a rule of one of the viewer's own configurations; it does nothing until it is enabled. Its key."""
    require_core(tx.connection, viewer.account_id)
    check(command.name, command.definition)
    held = hold_own(tx, viewer, command.configuration_key, "input", "licenseConfigurationId")
    hold(tx, viewer.account_id)
    _check_room(tx, viewer)
    _check_name(tx, viewer, command.name)
    key = new_key()
    tx.add(
        rules,
        {
            "id": key,
            "account_id": viewer.account_id,
            "configuration_id": held.key,
            "region": held.region,
            "name": command.name,
            **command.definition.columns(),
            "version": 1,
            "previewed_at": None,
            "enabled": False,
            "created_at": tx.now,
            "updated_at": tx.now,
            "run_started_at": None,
            "run_finished_at": None,
            "matched": 0,
            "associated": 0,
            "already_associated": 0,
            "left_out": 0,
            "skipped": [],
        },
    )
    return key


def edit(tx: Transaction, viewer: Viewer, command: UpdateRule) -> int:
    """Change a rule; one that finds something else than before is disabled until it is previewed again."""
    held = own(tx, viewer, command.key, "input", "id")
    name = held.name if command.name is None else command.name
    definition = command.applied_to(held.definition)
    check(name, definition)
    if name != held.name:
        _check_name(tx, viewer, name)
    values: dict[str, Any] = {"name": name, "updated_at": tx.now}
    if definition != held.definition:
        finds = {"version": held.version + 1, "previewed_at": None, "enabled": False}
        values |= {**definition.columns(), **finds}
    if name != held.name or definition != held.definition:
        tx.execute(update(rules).where(rules.c.id == held.key).values(**values))
    return held.key


def remove(tx: Transaction, viewer: Viewer, key: int) -> str:
    """Delete a rule; what it has associated stays associated. Its global id."""
    held = own(tx, viewer, key, "id")
    tx.execute(delete(rules).where(rules.c.id == held.key))
    return node_id("drule", held.key)


def note_preview(tx: Transaction, viewer: Viewer, key: int, version: int) -> int:
    """Note that a rule was previewed as it is; refused where it has changed since."""
    held = own(tx, viewer, key, "input", "id")
    if held.version != version:
        raise _not_ready(held, "was changed while it was previewed.", "Preview it again, as it is now.", "input", "id")
    tx.execute(update(rules).where(rules.c.id == key).values(previewed_at=tx.now))
    return key


def enable(tx: Transaction, viewer: Viewer, key: int) -> int:
    """Have a rule evaluated at the end of each synchronisation, and when it is run; it must have been previewed."""
    held = own(tx, viewer, key, "id")
    if held.previewed_at is None:
        why = "was not previewed as it is now: no one has seen what it would associate."
        raise _not_ready(held, why, "Call previewDiscoveryRule, look at what it tells, then enable the rule.", "id")
    tx.execute(update(rules).where(rules.c.id == key).values(enabled=True, updated_at=tx.now))
    return key


def disable(tx: Transaction, viewer: Viewer, key: int) -> int:
    """Have a rule find nothing more; what it has associated stays associated."""
    held = own(tx, viewer, key, "id")
    tx.execute(update(rules).where(rules.c.id == held.key).values(enabled=False, updated_at=tx.now))
    return key


def require_enabled(tx: Transaction, viewer: Viewer, key: int, *field: str) -> Rule:
    """A rule of the viewer's that is enabled."""
    held = own(tx, viewer, key, *field)
    if not held.enabled:
        raise _not_ready(held, "is not enabled.", "Preview it, then enable it: enableDiscoveryRule.", *field)
    return held


def own(tx: Transaction, viewer: Viewer, key: int, *field: str) -> Rule:
    """The viewer's own rule, which nothing else changes until the unit of work ends; no other exists for it (PM-2)."""
    row = tx.execute(mine(viewer.account_id, key).with_for_update()).one_or_none()
    if row is None:
        raise not_found(WHAT, *field)
    held = rule_of(row)
    configuration = facts(tx.connection, [held.configuration_key])[held.configuration_key]
    tx.concern(configuration.arn, configuration.owner_account_id)
    return held


def mine(account_id: str, key: int) -> Select[Any]:
    """The row of an account's own rule."""
    return select(rules).where(rules.c.id == key, rules.c.account_id == account_id)


def _not_ready(held: Rule, why: str, remedy: str, *field: str) -> DomainError:
    return DomainError(
        Refusal(
            code=ErrorCode.CONFLICT,
            message=f"“{held.name}” {why}",
            remedy=remedy,
            rule="IN-3",
            field=field,
            node_ids=(node_id("drule", held.key),),
        )
    )


def _check_room(tx: Transaction, viewer: Viewer) -> None:
    if _count(tx, rules.c.account_id == viewer.account_id) >= MOST_RULES:
        raise invalid(
            f"The account has {MOST_RULES} discovery rules already, as many as it can have.",
            "input",
            remedy="Delete one, or join two by OR in one filter.",
            rule="API-3",
        )


def _check_name(tx: Transaction, viewer: Viewer, name: str) -> None:
    if len(name) <= LONGEST_NAME and _count(tx, rules.c.account_id == viewer.account_id, rules.c.name == name):
        raise invalid(
            f"The account has a discovery rule “{name}” already.",
            "input",
            "name",
            remedy="Choose another name: names of rules are unique in an account.",
        )


def _count(tx: Transaction, *conditions: ColumnElement[bool]) -> int:
    return int(tx.execute(select(func.count()).select_from(rules).where(*conditions)).scalar_one())
