"""An organization as AWS told of it, taken as a difference to what is known (OR-1 to OR-4)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import delete, select, update

from app.kernel.changes import Change, Changes
from app.kernel.database import Transaction
from app.kernel.errors import DomainError, ErrorCode, Refusal
from app.kernel.tables import table_of
from app.kernel.viewer import Permission, Viewer
from app.organizations import events
from app.organizations.accounts import already_in_organization, create_standalone, enter, remove
from app.organizations.founding import enable_all_features, found, set_service_access
from app.organizations.locks import lock
from app.organizations.models import AccountRow, OrganizationalUnitRow, OrganizationRow
from app.organizations.rules import FeatureSet
from app.organizations.service import account_exists, organization, organization_by_id
from app.organizations.units import add

accounts = table_of(AccountRow)
organizations = table_of(OrganizationRow)
units = table_of(OrganizationalUnitRow)
_AT_ONCE = 5_000


@dataclass(frozen=True, slots=True)
class ObservedAccount:
    """An account of the organization. `parent_id`: the unit or root that it is in; None where it was not asked.

    `closed_as`: its state, where it can't be used.
    """

    account_id: str
    name: str
    email: str | None = None
    parent_id: str | None = None
    closed_as: str | None = None


@dataclass(frozen=True, slots=True)
class ObservedUnit:
    """A unit and the unit or root that it is under. `name` None was not asked for: it stays, and is the id at first."""

    unit_id: str
    name: str | None
    parent_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedOrganization:
    """An organization. What is None was not asked for and stays as it is known.

    `accounts`: all of them, the master too. `parents`: the units and roots whose own units were all told.
    """

    organization_id: str
    master_account_id: str
    feature_set: FeatureSet
    master_email: str | None = None
    root_id: str | None = None
    accounts: Sequence[ObservedAccount] | None = None
    units: Sequence[ObservedUnit] = ()
    parents: frozenset[str] = field(default_factory=frozenset)
    service_access_enabled: bool | None = None


def apply(tx: Transaction, seen: ObservedOrganization) -> Changes:
    """Make what is known of an organization what was observed; what that changed.

    Accounts that are new are made; those that are not in it any more leave it, and keep what they own (OR-4).
    """
    return _Work(tx, seen).run()


class _Work:
    """One observation."""

    def __init__(self, tx: Transaction, seen: ObservedOrganization) -> None:
        self.tx, self.seen, self.changes = tx, seen, Changes()
        arn = f"arn:aws:iam::{seen.master_account_id}:root"
        self.master = Viewer(seen.master_account_id, arn, Permission.ADMINISTRATOR, "root", "observation")
        self.key = 0
        self.units: dict[str, Any] = {}

    def run(self) -> Changes:
        self.tx.flush()
        self._organization()
        self._load_units()
        self._units()
        self._accounts()
        self._forget_units()
        self._service_access()
        return self.changes

    def _organization(self) -> None:
        seen = self.seen
        present = organization_by_id(self.tx.connection, seen.organization_id)
        if present is None:
            self._found()
            return
        self.key = present.key
        lock(self.tx, self.key)
        if present.master_account_id != seen.master_account_id:
            raise _conflict(
                f"Organization {seen.organization_id} has the master account {present.master_account_id} here, not "
                f"{seen.master_account_id}."
            )
        if present.feature_set is not seen.feature_set:
            if seen.feature_set is not FeatureSet.ALL:
                raise _conflict(f"Organization {seen.organization_id} has all features enabled, which is for good.")
            enable_all_features(self.tx, self.master)
            self.changes.note("organizations", Change.CHANGED)

    def _found(self) -> None:
        seen = self.seen
        if not account_exists(self.tx.connection, seen.master_account_id):
            told = {each.account_id: each.name for each in seen.accounts or ()}
            name = told.get(seen.master_account_id, seen.master_account_id)
            create_standalone(self.tx, seen.master_account_id, name, seen.master_email)
            self.changes.note("accounts", Change.ADDED)
        self.key = found(
            self.tx,
            seen.master_account_id,
            seen.feature_set,
            organization_id=seen.organization_id,
            root_id=seen.root_id,
        )
        self.changes.note("organizations", Change.ADDED)

    # ------------------------------------------------------------ units

    def _load_units(self) -> None:
        rows = self.tx.execute(select(units).where(units.c.organization_id == self.key))
        self.units = {row.unit_id: row for row in rows}
        self.root = next(row.unit_id for row in self.units.values() if row.parent_id is None)
        if self.seen.root_id not in (None, self.root):
            raise _conflict(f"The root of organization {self.seen.organization_id} is {self.root} here.")

    def _parent(self, parent_id: str) -> int:
        """The key of a unit or root that something is in."""
        row = self.units.get(parent_id)
        if row is None:
            raise _conflict(f"“{parent_id}” is not a unit of organization {self.seen.organization_id}.")
        key: int = row.id
        return key

    def _units(self) -> None:
        """Write new units, those above first, and new names."""
        self._free_names()
        waiting = list(self.seen.units)
        while waiting:
            ready = [each for each in waiting if each.parent_id in self.units]
            if not ready:
                self._parent(waiting[0].parent_id)
            for each in ready:
                self._unit(each)
            self.tx.flush()
            self._load_units()
            waiting = [each for each in waiting if each not in ready]

    def _free_names(self) -> None:
        """Let a unit have the name that another gives up: names are unique among siblings at every moment."""
        named = {each.unit_id: each.name for each in self.seen.units}
        renamed = [row.id for row in self.units.values() if named.get(row.unit_id) not in (None, row.name)]
        freed = [*renamed, *self._going()]
        if freed:
            self.tx.execute(update(units).where(units.c.id.in_(freed)).values(name=units.c.unit_id))

    def _unit(self, seen: ObservedUnit) -> None:
        parent, present = self._parent(seen.parent_id), self.units.get(seen.unit_id)
        if present is None:
            add(self.tx, self.key, parent, seen.name or seen.unit_id, seen.unit_id)
            self.changes.note("units", Change.ADDED)
            return
        if present.parent_id != parent:
            raise _conflict(f"Unit {seen.unit_id} is under another parent here; units do not move.")
        if seen.name is not None and present.name != seen.name:
            self.tx.execute(update(units).where(units.c.id == present.id).values(name=seen.name))
            self.changes.note("units", Change.CHANGED)

    def _going(self) -> dict[int, int]:
        """The units that are not there any more, and those below them, each with its parent."""
        told = {each.unit_id for each in self.seen.units}
        listed = {self.units[each].id for each in self.seen.parents if each in self.units}
        above = {row.id: row.parent_id for row in self.units.values()}
        going = {row.id: row.parent_id for row in self.units.values() if row.unit_id not in told}
        going = {key: parent for key, parent in going.items() if parent in listed}
        while more := {key: parent for key, parent in above.items() if parent in going and key not in going}:
            going.update(more)
        return going

    def _forget_units(self) -> None:
        """Take away units that are not there any more, the lowest first; they are empty by now."""
        going = self._going()
        if not going:
            return
        held = self.tx.execute(select(accounts.c.account_id).where(accounts.c.unit_id.in_(going))).scalars().first()
        if held is not None:
            raise _conflict(f"Account {held} is in a unit that is not there any more, and it is not told where it is.")
        self.changes.note("units", Change.GONE, len(going))
        while going:
            leaves = [key for key in going if key not in going.values()]
            self.tx.execute(delete(units).where(units.c.id.in_(leaves)))
            going = {key: parent for key, parent in going.items() if key not in leaves}

    # ------------------------------------------------------------ accounts

    def _accounts(self) -> None:
        seen = self.seen.accounts
        if seen is None:
            return
        present = self._present([each.account_id for each in seen])
        for each in seen:
            self._account(each, present.get(each.account_id))
        told = {each.account_id for each in seen}
        members = self.tx.execute(select(accounts.c.account_id).where(accounts.c.organization_id == self.key)).scalars()
        for account_id in sorted(set(members) - told - {self.seen.master_account_id}):
            remove(self.tx, self.master, account_id)
            self.changes.note("accounts", Change.GONE)

    def _present(self, ids: Sequence[str]) -> Mapping[str, Any]:
        found: dict[str, Any] = {}
        for start in range(0, len(ids), _AT_ONCE):
            rows = self.tx.execute(select(accounts).where(accounts.c.account_id.in_(ids[start : start + _AT_ONCE])))
            found.update((row.account_id, row) for row in rows)
        return found

    def _account(self, seen: ObservedAccount, present: Any) -> None:
        unit = self._parent(seen.parent_id) if seen.parent_id is not None else None
        if present is None:
            key = create_standalone(self.tx, seen.account_id, seen.name, seen.email)
            enter(self.tx, self.key, unit or self.units[self.root].id, seen.account_id)
            if seen.closed_as is not None:
                self.tx.execute(update(accounts).where(accounts.c.id == key).values(closed_as=seen.closed_as))
            self.changes.note("accounts", Change.ADDED)
            return
        if present.organization_id is None:
            enter(self.tx, self.key, unit or self.units[self.root].id, seen.account_id)
        elif present.organization_id != self.key:
            raise DomainError(already_in_organization(seen.account_id))
        values = {"name": seen.name, "email": seen.email, "closed_as": seen.closed_as}
        moves = present.organization_id == self.key and unit not in (None, present.unit_id)
        differs = any(present._mapping[name] != value for name, value in values.items())  # noqa: SLF001
        if differs:
            self.tx.execute(update(accounts).where(accounts.c.id == present.id).values(**values))
        if moves:
            self._move(seen.account_id, present.id, unit)
        if differs or moves or present.organization_id is None:
            self.changes.note("accounts", Change.CHANGED)

    def _move(self, account_id: str, key: int, unit: int | None) -> None:
        self.tx.execute(update(accounts).where(accounts.c.id == key).values(unit_id=unit))
        events.tell(self.tx, events.MembershipChange(events.ChangeKind.MOVED, self.key, account_id))

    # ------------------------------------------------------------ trusted access

    def _service_access(self) -> None:
        wanted = self.seen.service_access_enabled
        if wanted is None or organization(self.tx.connection, self.key).service_access_enabled == wanted:
            return
        set_service_access(self.tx, self.master, enabled=wanted)
        self.changes.note("trusted access", Change.CHANGED)


def _conflict(message: str) -> DomainError:
    return DomainError(
        Refusal(
            code=ErrorCode.CONFLICT,
            message=message,
            remedy="Check that these answers are of this organization, and complete.",
            rule="OR-1",
        )
    )
