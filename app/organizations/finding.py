"""Units found by name or id with all below them, and the accounts in them, for the inventory's search (IN-1)."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, exists, select

from app.kernel.tables import table_of
from app.organizations.models import AccountRow, OrganizationalUnitRow

accounts = table_of(AccountRow)
units = table_of(OrganizationalUnitRow)


def units_where(connection: Connection, account_id: str, matches: Callable[[str, str, int], bool]) -> list[int]:
    """The keys of the units of an account's organization that match, and of all units below them, in one statement.

    `matches` is asked with a unit's name, its ou-… or r-… id, and its key.
    """
    own = select(accounts.c.organization_id).where(accounts.c.account_id == account_id).scalar_subquery()
    columns = (units.c.id, units.c.parent_id, units.c.name, units.c.unit_id)
    tree = list(connection.execute(select(*columns).where(units.c.organization_id == own).order_by(units.c.id)))
    found = {row.id for row in tree if matches(row.name, row.unit_id, row.id)}
    growing = True
    while growing:
        below = {row.id for row in tree if row.parent_id in found} - found
        found |= below
        growing = bool(below)
    return sorted(found)


def accounts_in(unit_keys: Select[Any]) -> Select[Any]:
    """The ids of the accounts that are in one of some units."""
    account = accounts.alias()
    return select(account.c.account_id).where(account.c.unit_id.in_(unit_keys))


def is_in_units(account_id: ColumnElement[Any], unit_keys: Select[Any]) -> ColumnElement[bool]:
    """Whether an account is in one of some units."""
    account = accounts.alias()
    placed = select(account.c.id).where(account.c.account_id == account_id, account.c.unit_id.in_(unit_keys))
    return exists(placed.correlate_except(account))
