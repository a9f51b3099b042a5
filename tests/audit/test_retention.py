"""Records past their time go from the database, never before their trail has them; the chain stays whole (AU-3)."""

import asyncio
from datetime import timedelta
from typing import Any

import orjson
from pydantic import SecretStr
from sqlalchemy import func, select

from app.audit.models import AuditResourceRow, TrailQueueRow
from app.audit.retention import purge, purge_some
from app.audit.trail.verify import verify
from app.kernel.clock import ManualClock
from app.kernel.database import Database
from app.kernel.tables import table_of
from app.settings import Settings
from tests.audit.stage import KEYS, OTHER, OWNER, MemoryStore, act, act_everywhere, deliverer, events, viewer
from tests.audit.test_trail import delivered

ARN = f"arn:aws:license-manager:us-east-1:{OWNER}:license-configuration:lic-1"


def settings(**given: Any) -> Settings:
    return Settings(database_url=SecretStr("sqlite+aiosqlite:///unused.db"), _env_file=None, **given)


async def count(database: Database, row: Any) -> int:
    statement = select(func.count()).select_from(table_of(row))
    return await database.read(lambda connection: connection.execute(statement).scalar_one())


async def test_what_is_older_than_the_setting_goes_and_that_is_recorded(database: Database, clock: ManualClock) -> None:
    for account_id in (OWNER, OWNER, OTHER):
        await act(database, by=viewer(account_id), concerns=[(ARN, account_id)])
    clock.advance(days=5)
    await act(database, "stopInstances")
    clock.advance(days=5)
    assert await purge(database, settings(audit_retention_days=10)) == 0
    clock.advance(seconds=1)
    assert await purge(database, settings(audit_retention_days=10)) == 3
    rows = await events(database)
    assert [(row["account_id"], row["event_name"]) for row in rows] == [
        (OWNER, "StopInstances"),
        (OWNER, "PurgeEventHistory"),
        (OTHER, "PurgeEventHistory"),
    ]
    record = orjson.loads(rows[1]["record"])
    assert record["requestParameters"] == {"before": "2026-01-05T09:00:01.000000Z", "records": 2}
    assert record["userIdentity"] == {"type": "AWSService", "invokedBy": "tollgate"}
    assert await count(database, AuditResourceRow) == 0
    assert await count(database, TrailQueueRow) == 3


async def test_what_is_not_yet_delivered_stays_where_a_trail_is_set(database: Database, clock: ManualClock) -> None:
    trailed = settings(audit_retention_days=1, trail_destination="memory")
    store = MemoryStore()
    await act_everywhere(database)
    await deliverer(database, store).run_once()
    clock.advance(minutes=10)
    await act_everywhere(database)
    clock.advance(days=2)
    assert await purge(database, trailed) == 4
    assert await purge(database, trailed) == 0
    await deliverer(database, store).run_once()
    assert await purge(database, trailed) == 4
    clock.advance(hours=1)
    await deliverer(database, store).run_once()
    report = verify(store, KEYS)
    assert report.findings == []
    assert report.records == 8 + 2 * 2, "eight acts, and the purges of two accounts"


async def test_a_purge_during_deliveries_loses_nothing(database: Database, clock: ManualClock) -> None:
    """What was ever in the database is in the trail, once."""
    store = MemoryStore()
    written: set[str] = set()

    async def purging() -> None:
        for _ in range(6):
            await database.write(lambda tx: purge_some(tx, tx.now + timedelta(days=1), trailed=True, at_most=3))

    for _ in range(8):
        await act_everywhere(database)
        written |= {orjson.loads(row["record"])["eventID"] for row in await events(database)}
        server = deliverer(database, store)
        await asyncio.gather(server.run_once(), purging())
        written |= {orjson.loads(row["record"])["eventID"] for row in await events(database)}
        clock.advance(minutes=20)
    await deliverer(database, store).run_once()
    report = verify(store, KEYS)
    assert report.findings == []
    delivered_ids = [record["eventID"] for record in delivered(store)]
    assert len(delivered_ids) == len(set(delivered_ids)) == report.records
    assert written <= set(delivered_ids)
    assert len(await events(database)) < report.records, "something was purged meanwhile"
