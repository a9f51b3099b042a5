"""Resource shares by their names, which owners may give twice: the first counts."""

from sqlalchemy import Connection, select

from app.kernel.tables import table_of
from app.sharing.models import ResourceShareRow
from app.sharing.rules import ResourceShareStatus

shares = table_of(ResourceShareRow)


def share_named(connection: Connection, owner_account_id: str, region: str, name: str) -> int | None:
    """The key of an account's first active share of a name in a Region."""
    key: int | None = connection.execute(
        select(shares.c.id)
        .where(
            shares.c.owner_account_id == owner_account_id,
            shares.c.region == region,
            shares.c.name == name,
            shares.c.status == ResourceShareStatus.ACTIVE,
        )
        .order_by(shares.c.id)
        .limit(1)
    ).scalar()
    return key
