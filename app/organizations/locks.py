"""One change of an organization after the other, on PostgreSQL too."""

from sqlalchemy import select

from app.kernel.database import Transaction
from app.kernel.database.groups import MustRetry
from app.kernel.tables import table_of
from app.organizations.models import AccountRow, OrganizationRow
from app.organizations.rules import Membership
from app.organizations.service import membership

accounts = table_of(AccountRow)
organizations = table_of(OrganizationRow)


def lock(tx: Transaction, organization_key: int) -> None:
    """Hold an organization until the unit of work ends: who joins, leaves and links does so one after the other."""
    tx.execute(select(organizations.c.id).where(organizations.c.id == organization_key).with_for_update())


def hold(tx: Transaction, account_id: str) -> Membership | None:
    """An account's place, which nobody changes until the unit of work ends.

    In an organization that is held whole; outside, the account is, so that it joins none meanwhile.
    """
    tx.flush()
    place = membership(tx.connection, account_id)
    if place is None:
        tx.execute(select(accounts.c.id).where(accounts.c.account_id == account_id).with_for_update())
        place = membership(tx.connection, account_id)
    if place is None:
        return None
    lock(tx, place.organization_key)
    now = membership(tx.connection, account_id)
    if now is None or now.organization_key != place.organization_key:
        raise MustRetry
    return now
