"""Records past their time leave the database, never before their trail has them; that they left is itself recorded.

Only the database forgets: log files and digests stay as they are, and so does the chain.
"""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import bindparam, delete, func, or_, select

from app.audit.keys import first_key_at
from app.audit.models import UNDELIVERED, AuditEventRow, AuditResourceRow, TrailFileRow, TrailQueueRow
from app.audit.records import write_service_events
from app.kernel.clock import iso
from app.kernel.database import Database, Transaction
from app.kernel.tables import table_of
from app.settings import Settings

EVENT = table_of(AuditEventRow)
RESOURCE = table_of(AuditResourceRow)
QUEUE = table_of(TrailQueueRow)
FILE = table_of(TrailFileRow)
AT_ONCE = 500
ACTION = "purgeEventHistory"


async def purge(database: Database, settings: Settings) -> int:
    """Take all records out of the event history that are older than the settings keep; how many went."""
    before = database.clock.now() - timedelta(days=settings.audit_retention_days)
    trailed = settings.trail_destination is not None
    total = 0
    while gone := await database.write(lambda tx: purge_some(tx, before, trailed=trailed)):
        total += gone
    return total


def purge_some(tx: Transaction, before: datetime, *, trailed: bool, at_most: int = AT_ONCE) -> int:
    """Take the oldest records out that were made before an instant; how many went, 0 where none is left.

    With `trailed`, only what was delivered. What is being delivered stays in any case.
    """
    tx.flush()
    under_way = (
        select(QUEUE.c.event_id)
        .join_from(QUEUE, FILE, FILE.c.id == QUEUE.c.file_id)
        .where(FILE.c.delivered_at.is_(None))
    )
    old = select(EVENT.c.id, EVENT.c.account_id, EVENT.c.record).where(
        EVENT.c.id < first_key_at(before), EVENT.c.id.not_in(under_way)
    )
    if trailed:
        # In the same statement: a record and its place in the queue are seen together or not at all.
        waiting = select(func.min(QUEUE.c.event_id)).where(QUEUE.c.file_id == UNDELIVERED).scalar_subquery()
        old = old.where(or_(waiting.is_(None), EVENT.c.id < waiting))
    old = old.order_by(EVENT.c.id).limit(at_most)
    rows = tx.execute(old).all()
    if rows:
        _delete(tx, rows)
        counts = Counter(row.account_id for row in rows)
        parameters = {account_id: {"before": iso(before), "records": count} for account_id, count in counts.items()}
        write_service_events(tx, ACTION, parameters)
    return len(rows)


def _delete(tx: Transaction, rows: Any) -> None:
    keys = [row.id for row in rows]
    named = [
        {"a": arn, "b": row.account_id, "c": row.id}
        for row in rows
        for arn in dict.fromkeys(each["ARN"] for each in orjson.loads(row.record)["resources"])
    ]
    if named:
        of_record = (
            (RESOURCE.c.arn == bindparam("a"))
            & (RESOURCE.c.account_id == bindparam("b"))
            & (RESOURCE.c.event_id == bindparam("c"))
        )
        tx.execute(delete(RESOURCE).where(of_record), named)
    tx.execute(delete(QUEUE).where(QUEUE.c.file_id == UNDELIVERED, QUEUE.c.event_id.in_(keys)))
    tx.execute(delete(EVENT).where(EVENT.c.id.in_(keys)))
