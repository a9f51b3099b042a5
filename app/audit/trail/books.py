"""The bookkeeping of deliveries: each record in one log file, each log file in one digest, whatever is cut short.

A server first writes down here what it is about to deliver, under names that stay; only then are objects put, and only
then is it noted that they are. What was cut short between is put again, to the byte the same.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, func, select, update

from app.audit.models import UNDELIVERED, AuditEventRow, TrailDigestRow, TrailFileRow, TrailQueueRow, TrailRow
from app.audit.trail.files import Hashes, log_key
from app.kernel.database import Transaction
from app.kernel.ids import new_key
from app.kernel.tables import table_of

TRAIL = table_of(TrailRow)
FILE = table_of(TrailFileRow)
DIGEST = table_of(TrailDigestRow)
QUEUE = table_of(TrailQueueRow)
EVENT = table_of(AuditEventRow)
NAME = "tollgate"
HELD_FOR = timedelta(minutes=5)
MOST_RECORDS = 5_000
MOST_CHARACTERS = 32 * 1024 * 1024


class Lost(Exception):
    """Another server has taken the trail over; this one stops where it is."""


@dataclass(frozen=True, slots=True)
class PendingFile:
    """A log file that is to be put."""

    id: int
    key: str
    records: int


def take(tx: Transaction, holder: str, destination: str, interval: timedelta) -> bool:
    """Become the one server that delivers now; False where it is not yet time, or another one does.

    Where the trail was sent elsewhere until now, it begins anew at the new destination.
    """
    found = tx.execute(select(TRAIL).where(TRAIL.c.name == NAME)).mappings().first()
    if found is None:
        tx.add(TRAIL, _begun(tx.now, destination))
    taken = tx.execute(
        update(TRAIL)
        .where(TRAIL.c.name == NAME, TRAIL.c.due_at <= tx.now, TRAIL.c.held_until <= tx.now)
        .values(holder=holder, held_until=tx.now + HELD_FOR, due_at=tx.now + interval)
    )
    if taken.rowcount and found is not None and found["destination"] != destination:
        _begin_anew(tx, destination)
    return bool(taken.rowcount)


def renew(tx: Transaction, holder: str) -> None:
    """Go on delivering; raises Lost where another server has taken over."""
    held = tx.execute(
        update(TRAIL).where(TRAIL.c.name == NAME, TRAIL.c.holder == holder).values(held_until=tx.now + HELD_FOR)
    )
    if not held.rowcount:
        raise Lost


def release(tx: Transaction, holder: str) -> None:
    """Let the next delivery be any server's."""
    tx.execute(
        update(TRAIL).where(TRAIL.c.name == NAME, TRAIL.c.holder == holder).values(holder=None, held_until=tx.now)
    )


def claim(tx: Transaction, holder: str) -> int:
    """Choose waiting records for new log files, one for each account and Region; how many were chosen."""
    renew(tx, holder)
    waiting = tx.execute(
        select(EVENT.c.id, EVENT.c.account_id, EVENT.c.region, EVENT.c.event_time, func.length(EVENT.c.record))
        .join_from(QUEUE, EVENT, EVENT.c.id == QUEUE.c.event_id)
        .where(QUEUE.c.file_id == UNDELIVERED)
        .order_by(QUEUE.c.event_id)
        .limit(MOST_RECORDS)
    ).all()
    files: dict[tuple[str, str], list[Any]] = {}
    for row in waiting:
        files.setdefault((row.account_id, row.region), []).append(row)
    for (account_id, region), rows in files.items():
        for part in _parts(rows):
            _add_file(tx, account_id, region, part)
    return len(waiting)


def pending_files(connection: Connection) -> list[PendingFile]:
    """The log files that are to be put, the oldest first."""
    found = connection.execute(
        select(FILE.c.id, FILE.c.key, FILE.c.records).where(FILE.c.delivered_at.is_(None)).order_by(FILE.c.id)
    )
    return [PendingFile(*row) for row in found]


def records_of(connection: Connection, file: PendingFile) -> list[str]:
    """The records of a log file; raises Lost where another server has delivered it meanwhile."""
    found = connection.execute(
        select(EVENT.c.record)
        .join_from(QUEUE, EVENT, EVENT.c.id == QUEUE.c.event_id)
        .where(QUEUE.c.file_id == file.id)
        .order_by(QUEUE.c.event_id)
    )
    records = list(found.scalars())
    if len(records) != file.records:
        raise Lost
    return records


def file_delivered(tx: Transaction, holder: str, file: PendingFile, hashes: Hashes) -> None:
    """Note that a log file stands at the destination; its records wait no more."""
    renew(tx, holder)
    tx.execute(
        update(FILE)
        .where(FILE.c.id == file.id)
        .values(delivered_at=tx.now, content_hash=hashes.content, packed_hash=hashes.packed)
    )
    tx.execute(delete(QUEUE).where(QUEUE.c.file_id == file.id))


def _begun(now: datetime, destination: str) -> dict[str, Any]:
    return {
        "name": NAME,
        "destination": destination,
        "holder": None,
        "held_until": now,
        "due_at": now,
        "digests_due_at": now + timedelta(hours=1),
        "started_at": now,
        "sequence": 0,
    }


def _begin_anew(tx: Transaction, destination: str) -> None:
    """The old destination's last head has what was delivered there; nothing of it is referred to from the new one."""
    tx.execute(delete(DIGEST))
    tx.execute(delete(FILE).where(FILE.c.delivered_at.is_not(None)))
    tx.execute(
        update(TRAIL)
        .where(TRAIL.c.name == NAME)
        .values(destination=destination, started_at=tx.now, digests_due_at=tx.now + timedelta(hours=1))
    )


def _parts(rows: list[Any]) -> Iterable[list[Any]]:
    part: list[Any] = []
    size = 0
    for row in rows:
        if part and size + row[4] > MOST_CHARACTERS:
            yield part
            part, size = [], 0
        part.append(row)
        size += row[4]
    yield part


def _add_file(tx: Transaction, account_id: str, region: str, rows: list[Any]) -> None:
    file_id = new_key()
    tx.add(
        FILE,
        {
            "id": file_id,
            "account_id": account_id,
            "region": region,
            "key": log_key(account_id, region, tx.now),
            "records": len(rows),
            "oldest": min(row.event_time for row in rows),
            "newest": max(row.event_time for row in rows),
        },
    )
    chosen = [row.id for row in rows]
    for start in range(0, len(chosen), 500):
        tx.execute(
            update(QUEUE)
            .where(QUEUE.c.file_id == UNDELIVERED, QUEUE.c.event_id.in_(chosen[start : start + 500]))
            .values(file_id=file_id)
        )
