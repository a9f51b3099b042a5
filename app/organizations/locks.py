"""One change of an organization after the other, on PostgreSQL too."""

from sqlalchemy import select

from app.kernel.database import Transaction
from app.kernel.tables import table_of
from app.organizations.models import OrganizationRow

organizations = table_of(OrganizationRow)


def lock(tx: Transaction, organization_key: int) -> None:
    """Hold an organization until the unit of work ends: who joins, leaves and links does so one after the other."""
    tx.execute(select(organizations.c.id).where(organizations.c.id == organization_key).with_for_update())
