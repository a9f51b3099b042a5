"""What the other slices ask of organizations, in few statements however many accounts; and the marks of the link."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Select, bindparam, literal, select, update

from app.kernel.database import Transaction
from app.kernel.errors import DomainError
from app.kernel.tables import table_of
from app.organizations.models import AccountRow, FormerMemberRow, OrganizationalUnitRow, OrganizationRow
from app.organizations.rules import (
    FeatureSet,
    FormerMember,
    Membership,
    Organization,
    Unit,
    not_in_organization,
    not_master,
    path_of,
    role_in,
)
from app.organizations.sight import is_master_of, organization_key_of, same_organization, self_or_master_of

accounts = table_of(AccountRow)
former = table_of(FormerMemberRow)
organizations = table_of(OrganizationRow)
units = table_of(OrganizationalUnitRow)

_ORGANIZATION = (
    organizations.c.id.label("organization_key"),
    organizations.c.organization_id.label("public_id"),
    organizations.c.master_account_id,
    organizations.c.feature_set,
    organizations.c.service_access_enabled,
    organizations.c.linked_at,
    organizations.c.discovery_enabled_at,
)


def membership(connection: Connection, account_id: str) -> Membership | None:
    """An account's place in its organization; None where it is in none, or does not exist. At most two statements."""
    row = connection.execute(
        select(accounts.c.unit_id, *_ORGANIZATION)
        .join(organizations, organizations.c.id == accounts.c.organization_id)
        .where(accounts.c.account_id == account_id)
    ).one_or_none()
    if row is None:
        return None
    return _membership(account_id, _organization(row), path(connection, row.unit_id))


def require_membership(connection: Connection, account_id: str) -> Membership:
    """An account's place in its organization; NOT_IN_ORGANIZATION where it is in none."""
    found = membership(connection, account_id)
    if found is None:
        raise DomainError(not_in_organization(account_id))
    return found


def require_master(connection: Connection, account_id: str, rule: str = "OR-1") -> Membership:
    """The same for the master account; NOT_MASTER_ACCOUNT for a member."""
    found = require_membership(connection, account_id)
    if not found.is_master:
        raise DomainError(not_master(found, rule))
    return found


def account_exists(connection: Connection, account_id: str) -> bool:
    """Whether the service knows an account. What a caller is told must not differ by it (PM-2)."""
    return connection.execute(select(accounts.c.id).where(accounts.c.account_id == account_id)).first() is not None


def organization(connection: Connection, organization_key: int) -> Organization:
    """An organization by its key."""
    row = connection.execute(select(*_ORGANIZATION).where(organizations.c.id == organization_key)).one()
    return _organization(row)


def organization_by_id(connection: Connection, organization_id: str) -> Organization | None:
    """An organization by its o-… id."""
    statement = select(*_ORGANIZATION).where(organizations.c.organization_id == organization_id)
    row = connection.execute(statement).one_or_none()
    return None if row is None else _organization(row)


def members(connection: Connection, organization_key: int) -> list[Membership]:
    """All accounts of an organization, the master too, in the order in which they were made. Three statements."""
    whole = organization(connection, organization_key)
    tree = units_of(connection, organization_key)
    rows = connection.execute(
        select(accounts.c.account_id, accounts.c.unit_id)
        .where(accounts.c.organization_id == organization_key)
        .order_by(accounts.c.id)
    )
    return [_membership(row.account_id, whole, path_of(row.unit_id, tree)) for row in rows]


def closed_accounts(connection: Connection, organization_key: int) -> dict[str, str]:
    """The accounts of an organization that can't be used in AWS, each with its state there."""
    rows = connection.execute(
        select(accounts.c.account_id, accounts.c.closed_as).where(
            accounts.c.organization_id == organization_key, accounts.c.closed_as.is_not(None)
        )
    )
    return {row.account_id: row.closed_as for row in rows}


def former_members(connection: Connection, organization_key: int) -> list[FormerMember]:
    """Accounts that left an organization or were removed, and did not come back (TR-9)."""
    rows = connection.execute(
        select(former.c.account_id, former.c.left_at)
        .where(former.c.organization_id == organization_key)
        .order_by(former.c.left_at, former.c.account_id)
    )
    return [FormerMember(row.account_id, row.left_at) for row in rows]


def units_of(connection: Connection, organization_key: int) -> dict[int, Unit]:
    """The units of an organization by key."""
    rows = connection.execute(
        select(units.c.id, units.c.unit_id, units.c.parent_id).where(units.c.organization_id == organization_key)
    )
    return {row.id: Unit(row.id, row.unit_id, row.parent_id) for row in rows}


def account_keys(connection: Connection, account_ids: Sequence[str]) -> dict[str, int]:
    """The keys of accounts, for their global ids (`acct`)."""
    rows = connection.execute(
        select(accounts.c.account_id, accounts.c.id).where(accounts.c.account_id.in_(account_ids))
    )
    return {row.account_id: row.id for row in rows}


# ------------------------------------------------------------ the link (ST-2, ST-4); the linking slice decides


def mark_linked(tx: Transaction, organization_key: int) -> bool:
    """Mark an organization linked, once; False where it was already. Nobody is told: linking acts itself.

    Mark first, then read the members: until the unit of work ends nobody joins, leaves, or deletes the master role.
    """
    unlinked = organizations.c.linked_at.is_(None)
    return _mark(tx, organization_key, {"linked_at": tx.now}, unlinked)


def mark_unlinked(tx: Transaction, organization_key: int) -> bool:
    """Undo the link; False where there was none, or discovery is on, which keeps it (ST-4)."""
    undoable = organizations.c.linked_at.is_not(None) & organizations.c.discovery_enabled_at.is_(None)
    return _mark(tx, organization_key, {"linked_at": None}, undoable)


def mark_discovery_enabled(tx: Transaction, organization_key: int) -> bool:
    """Mark discovery on, for good; False where it was already or the organization is not linked (ST-4)."""
    possible = organizations.c.linked_at.is_not(None) & organizations.c.discovery_enabled_at.is_(None)
    return _mark(tx, organization_key, {"discovery_enabled_at": tx.now}, possible)


def _mark(tx: Transaction, organization_key: int, values: dict[str, Any], where: Any) -> bool:
    done = tx.execute(update(organizations).where(organizations.c.id == organization_key, where).values(values))
    return done.rowcount == 1


def _organization(row: Any) -> Organization:
    return Organization(
        key=row.organization_key,
        organization_id=row.public_id,
        master_account_id=row.master_account_id,
        feature_set=FeatureSet(row.feature_set),
        service_access_enabled=row.service_access_enabled,
        linked_at=row.linked_at,
        discovery_enabled_at=row.discovery_enabled_at,
    )


def _path_statement() -> Select[Any]:
    own = select(units.c.id, units.c.unit_id, units.c.parent_id, literal(0).label("height"))
    walk = own.where(units.c.id == bindparam("unit")).cte("walk", recursive=True)
    above = select(units.c.id, units.c.unit_id, units.c.parent_id, walk.c.height + 1)
    walk = walk.union_all(above.join(walk, units.c.id == walk.c.parent_id))
    return select(walk.c.id, walk.c.unit_id, walk.c.parent_id).order_by(walk.c.height)


_PATH = _path_statement()


def path(connection: Connection, unit: int) -> tuple[Unit, ...]:
    """A unit and those above it, up to the root."""
    rows = connection.execute(_PATH, {"unit": unit})
    return tuple(Unit(row.id, row.unit_id, row.parent_id) for row in rows)


def _membership(account_id: str, whole: Organization, path: Sequence[Unit]) -> Membership:
    return Membership(
        account_id=account_id,
        role=role_in(account_id, whole.master_account_id),
        organization=whole,
        unit_keys=tuple(each.key for each in path),
        unit_ids=tuple(each.unit_id for each in path),
    )


def masters_of(connection: Connection, account_ids: Sequence[str]) -> set[str]:
    """The master accounts of the organizations that some accounts are in, in one statement."""
    statement = (
        select(organizations.c.master_account_id)
        .join(accounts, accounts.c.organization_id == organizations.c.id)
        .where(accounts.c.account_id.in_(account_ids))
        .distinct()
    )
    return set(connection.execute(statement).scalars())


__all__ = [
    "account_exists",
    "account_keys",
    "former_members",
    "is_master_of",
    "mark_discovery_enabled",
    "mark_linked",
    "mark_unlinked",
    "masters_of",
    "members",
    "membership",
    "organization",
    "organization_by_id",
    "organization_key_of",
    "path",
    "require_master",
    "require_membership",
    "same_organization",
    "self_or_master_of",
    "units_of",
]
