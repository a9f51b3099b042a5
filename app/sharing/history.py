"""What an account once had through shares, for telling it which of the causes took it away (TR-8)."""

from sqlalchemy import Connection, func, or_, select

from app.kernel.tables import table_of
from app.sharing.models import ResourceShareRow, ShareItemRow, ShareReachRow
from app.sharing.reach import terms_of
from app.sharing.rules import PastReach, Reach
from app.sharing.sight import shared_with

items = table_of(ShareItemRow)
reaches = table_of(ShareReachRow)
shares = table_of(ResourceShareRow)


def has(connection: Connection, account_id: str, configuration_key: int) -> bool:
    """Whether a share of a license configuration is in force for an account."""
    grants = shared_with(account_id).subquery()
    statement = select(grants).where(grants.c.configuration_id == configuration_key).limit(1)
    return connection.execute(statement).first() is not None


def past_reaches(connection: Connection, account_id: str, configuration_key: int) -> list[PastReach]:
    """The shares through which an account once had a license configuration, the latest first.

    It had it where the share reached the account while the configuration was in the share.
    """
    overlapping = (
        reaches.c.share_id == items.c.share_id,
        or_(items.c.ended.is_(None), reaches.c.id < items.c.ended),
        or_(reaches.c.ended.is_(None), items.c.id < reaches.c.ended),
    )
    rows = connection.execute(
        select(
            items.c.share_id,
            shares.c.name,
            reaches.c.organization_id,
            reaches.c.invited,
            func.max(reaches.c.id).label("latest"),
        )
        .join(reaches, reaches.c.share_id == items.c.share_id)
        .join(shares, shares.c.id == items.c.share_id)
        .where(items.c.configuration_id == configuration_key, reaches.c.account_id == account_id, *overlapping)
        .group_by(items.c.share_id, shares.c.name, reaches.c.organization_id, reaches.c.invited)
        .order_by(func.max(reaches.c.id).desc())
        .limit(100)
    ).all()
    terms = terms_of(connection, {row.share_id for row in rows})
    holding = items.c.configuration_id == configuration_key
    held = set(connection.execute(select(items.c.share_id).where(holding, items.c.ended.is_(None))).scalars())
    return [
        PastReach(
            share=terms[row.share_id],
            share_name=row.name,
            reach=Reach(row.organization_id, row.invited),
            holds_configuration=row.share_id in held,
        )
        for row in rows
    ]
