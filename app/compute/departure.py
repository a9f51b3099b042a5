"""How a resource goes: its license configurations are taken off it at once, and nothing finds it any more (IN-5)."""

from collections.abc import Sequence

from sqlalchemy import Connection, or_, select, update

from app.compute.models import ResourceRow
from app.compute.resources import Resource
from app.compute.rules import InstanceState
from app.kernel.database import Transaction
from app.kernel.tables import table_of
from app.licensing.carried import carries_any
from app.licensing.release import purge

resources = table_of(ResourceRow)


def depart(tx: Transaction, leaving: Sequence[Resource]) -> None:
    """Purge what some resources carry, and note that they are gone. What referred to them still does."""
    keys = [each.key for each in leaving]
    purge(tx, keys)
    tx.execute(update(resources).where(resources.c.id.in_(keys)).values(gone_at=tx.now))
    for each in leaving:
        tx.concern(each.arn, each.account_id)


def gone_but_carrying(connection: Connection, at_most: int) -> list[int]:
    """Resources that are gone or terminated and still carry license configurations: stale associations (IN-5)."""
    ended = or_(resources.c.gone_at.is_not(None), resources.c.state == InstanceState.TERMINATED)
    statement = select(resources.c.id).where(ended, carries_any(resources.c.id)).order_by(resources.c.id)
    return list(connection.execute(statement.limit(at_most)).scalars())
