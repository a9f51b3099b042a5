"""Accounts and units as the operator of the service names them, whoever sees them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, exists, select

from app.kernel.tables import table_of
from app.organizations.models import AccountRow, OrganizationalUnitRow, OrganizationRow

accounts = table_of(AccountRow)
organizations = table_of(OrganizationRow)
units = table_of(OrganizationalUnitRow)


@dataclass(frozen=True, slots=True)
class NamedAccount:
    """An account, and the o-… id of the organization that it is in, if any."""

    account_id: str
    name: str
    organization_id: str | None
    is_master: bool
    created_at: datetime


def all_accounts(connection: Connection) -> list[NamedAccount]:
    """Every account of the service, in the order in which they were made."""
    rows = connection.execute(
        select(accounts, organizations.c.organization_id.label("public_id"), organizations.c.master_account_id)
        .outerjoin(organizations, organizations.c.id == accounts.c.organization_id)
        .order_by(accounts.c.id)
    )
    return [
        NamedAccount(row.account_id, row.name, row.public_id, row.master_account_id == row.account_id, row.created_at)
        for row in rows
    ]


def any_account(connection: Connection) -> bool:
    """Whether the service knows any account at all: one that does not is empty."""
    return bool(connection.execute(select(exists(select(accounts.c.id)))).scalar())


def unit_at(connection: Connection, organization_key: int, names: Sequence[str]) -> int | None:
    """The key of a unit by the names on the way down to it; the root where there are none, None where there is no such.

    One statement for each name.
    """
    within = units.c.organization_id == organization_key
    key: int | None = connection.execute(select(units.c.id).where(within, units.c.parent_id.is_(None))).scalar_one()
    for name in names:
        below = select(units.c.id).where(within, units.c.parent_id == key, units.c.name == name)
        key = connection.execute(below).scalar()
        if key is None:
            return None
    return key
