"""A trail has each record once, in files named as CloudTrail names them, whatever is cut short (AU-3)."""

import asyncio
import gzip
import re
from datetime import timedelta
from typing import Any

import orjson
import pytest
from structlog.testing import capture_logs

from app.audit.trail import books
from app.audit.trail.delivery import Delivered
from app.audit.trail.verify import verify
from app.kernel.clock import ManualClock
from app.kernel.database import Database
from tests.audit.stage import INTERVAL, KEYS, OTHER, OWNER, MemoryStore, act, act_everywhere, deliverer, events, viewer

LOG_NAME = re.compile(
    r"AWSLogs/(\d{12})/CloudTrail/([a-z0-9-]+)/2026/01/05/\1_CloudTrail_\2_20260105T\d{4}Z_[A-Za-z0-9]{16}\.json\.gz"
)


def delivered(store: MemoryStore) -> list[dict[str, Any]]:
    """All records in the log files of a store."""
    return [
        record
        for key, body in store.objects.items()
        if "/CloudTrail/" in key
        for record in orjson.loads(gzip.decompress(body))["Records"]
    ]


async def recorded(database: Database) -> list[str]:
    """The records that the database has, sorted."""
    return sorted(each["record"] for each in await events(database))


def same(store: MemoryStore, records: list[str]) -> bool:
    """Whether a store has just these records, each once and to the byte."""
    return sorted(orjson.dumps(each).decode() for each in delivered(store)) == records


async def test_au_3_log_files_are_gzipped_json_by_account_region_and_day(database: Database) -> None:
    await act_everywhere(database, 3)
    store = MemoryStore()
    assert await deliverer(database, store).run_once() == Delivered(records=12, log_files=4, digests=0)
    names = [key for key in store.objects if key.startswith("AWSLogs/")]
    assert {LOG_NAME.fullmatch(name).groups() for name in names} == {  # type: ignore[union-attr]
        (account_id, region) for account_id in (OWNER, OTHER) for region in ("us-east-1", "eu-west-1")
    }
    assert same(store, await recorded(database))


async def test_a_delivery_waits_for_its_time_and_then_brings_what_is_new(
    database: Database, clock: ManualClock
) -> None:
    store = MemoryStore()
    server = deliverer(database, store)
    await act(database)
    assert await server.run_once() is not None
    await act(database)
    assert await server.run_once() is None
    clock.advance(INTERVAL)
    assert await server.run_once() == Delivered(1, 1, 0)
    clock.advance(INTERVAL)
    assert await server.run_once() == Delivered(0, 0, 0)
    assert same(store, await recorded(database))


async def test_of_several_servers_one_delivers(database: Database, database_url: str, clock: ManualClock) -> None:
    second = Database(database_url, clock=clock)
    await second.start()
    await act_everywhere(database)
    store = MemoryStore()
    servers = [deliverer(database, store), deliverer(second, store), deliverer(database, store)]
    done = await asyncio.gather(*[server.run_once() for server in servers])
    assert [each for each in done if each is not None] == [Delivered(4, 4, 0)]
    await second.stop()


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_a_server_that_dies_at_any_put_leaves_neither_a_gap_nor_a_repetition(
    database: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """Every put of a delivery, those of heads and digests included, is where a server dies; another one goes on."""
    monkeypatch.setattr(books, "release", lambda tx, holder: None)
    store = MemoryStore()
    deaths = 0
    for number in range(1, 20):
        await act_everywhere(database)
        clock.advance(hours=1)
        store.dies_at(number, moment)
        try:
            await deliverer(database, store).run_once()
        except ConnectionError:
            deaths += 1
            assert await deliverer(database, store).run_once() is None, "the dead server's time is not over"
            clock.advance(INTERVAL)
            assert await deliverer(database, store).run_once() is not None
        assert same(store, await recorded(database))
        assert verify(store, KEYS).findings == []
    assert deaths == 15


@pytest.mark.parametrize("place", ["tollgate/trail-head.json", "/CloudTrail/"], ids=["head", "log file"])
async def test_a_server_that_was_stuck_finds_that_another_took_over(
    database: Database, clock: ManualClock, place: str
) -> None:
    """It is left alone while it may still be at it, and does no harm when it goes on after another has delivered."""
    await act_everywhere(database)
    store = MemoryStore(stuck_at=place)
    short = timedelta(minutes=1)
    slow = asyncio.create_task(deliverer(database, store, interval=short).run_once())
    await asyncio.to_thread(store.wait_until_stuck)
    clock.advance(short)
    assert await deliverer(database, store, interval=short).run_once() is None
    clock.advance(books.HELD_FOR)
    assert await deliverer(database, store, interval=short).run_once() == Delivered(4, 4, 0)
    store.stuck.set()
    assert await slow is None
    assert same(store, await recorded(database))
    clock.advance(short)
    await act(database)
    assert await deliverer(database, store, interval=short).run_once() == Delivered(1, 1, 0)
    assert verify(store, KEYS).findings == []


async def test_a_record_that_was_committed_late_is_delivered(
    database: Database, database_url: str, clock: ManualClock
) -> None:
    """Its key is lower than those of records that were delivered before it was there to be seen."""
    behind = ManualClock(clock.now())
    clock.advance(minutes=10)
    late = Database(database_url, clock=behind)
    await late.start()
    store = MemoryStore()
    await act(database)
    await deliverer(database, store).run_once()
    await act(late, by=viewer(OTHER))
    await late.stop()
    clock.advance(INTERVAL)
    assert await deliverer(database, store).run_once() == Delivered(1, 1, 0)
    assert [each["account_id"] for each in await events(database)] == [OTHER, OWNER]
    assert same(store, await recorded(database))


async def test_a_trail_that_is_sent_elsewhere_begins_anew_and_both_are_whole(
    database: Database, clock: ManualClock
) -> None:
    old, new = MemoryStore(), MemoryStore()
    for store, destination in ((old, "old"), (new, "new")):
        server = deliverer(database, store, destination=destination)
        for _ in range(3):
            await act_everywhere(database)
            clock.advance(minutes=40)
            await server.run_once()
        assert verify(store, KEYS).findings == []
    assert verify(old, KEYS).records == verify(new, KEYS).records == 12
    assert len(delivered(old)) + len(delivered(new)) == len(await events(database))


async def test_the_trail_of_a_day_is_whole(database: Database, clock: ManualClock) -> None:
    store = MemoryStore()
    server = deliverer(database, store)
    for _ in range(30):
        await act_everywhere(database)
        await server.run_once()
        clock.advance(minutes=10)
    report = verify(store, KEYS)
    assert report.findings == []
    assert (report.records, report.digests) == (120, 16)
    assert same(store, await recorded(database))


async def test_a_destination_that_fails_is_tried_again_and_takes_nothing_down(
    database: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await act_everywhere(database)
    store = MemoryStore()
    store.dies_at(2, "before")
    rounds = 0

    async def wait(seconds: float) -> None:
        nonlocal rounds
        rounds += 1
        clock.advance(seconds=seconds * 10)
        if rounds == 3:
            raise asyncio.CancelledError

    monkeypatch.setattr("app.audit.trail.delivery.asyncio.sleep", wait)
    with capture_logs() as logged, pytest.raises(asyncio.CancelledError):
        await deliverer(database, store).run()
    assert [each["event"] for each in logged] == ["the trail was not delivered"]
    assert same(store, await recorded(database))


async def test_more_records_than_a_file_holds_become_several(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(books, "MOST_RECORDS", 10)
    monkeypatch.setattr(books, "MOST_CHARACTERS", 2_000)
    for _ in range(25):
        await act(database)
    store = MemoryStore()
    assert await deliverer(database, store).run_once() == Delivered(25, 10, 0)
    assert same(store, await recorded(database))
