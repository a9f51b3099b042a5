"""The hub: one read for all who ask the same, bounded for whoever is slow, and nothing lost by it (AL-2)."""

import asyncio
from collections.abc import AsyncGenerator

import pytest
from sqlalchemy import select

from app.alerts.hub import KEPT, PAGE, Event, Hub
from app.alerts.models import AlertRow
from app.kernel.completed import Completed
from app.kernel.database import Database
from app.kernel.tables import table_of
from tests.alerts.raising import raise_alerts

ALERT = table_of(AlertRow)


class Reader:
    """Reads alerts as the feed does, and counts."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.reads = 0
        self.failure: Exception | None = None

    async def __call__(self, after: int, upto: int) -> list[Event]:
        self.reads += 1
        if self.failure is not None:
            raise self.failure
        within = select(ALERT.c.position, ALERT.c.message).where(ALERT.c.position > after, ALERT.c.position <= upto)
        rows = await self._database.read(
            lambda connection: connection.execute(within.order_by(ALERT.c.position).limit(PAGE)).all()
        )
        return [(row.position, Completed(row.message)) for row in rows]


async def take(stream: AsyncGenerator[Completed, None], count: int) -> list[object]:
    return [(await anext(stream)).value for _ in range(count)]


async def test_subscribers_who_ask_the_same_share_one_read_and_one_encoding(database: Database) -> None:
    """AL-2: a hundred of them cost no more reads than one."""
    hub, reader = Hub(database), Reader(database)
    streams = [hub.follow("same", reader, 0, fresh=True) for _ in range(100)]
    first = [asyncio.create_task(anext(stream)) for stream in streams]
    await asyncio.sleep(0)
    await raise_alerts(database, "one")
    events = await asyncio.gather(*first)
    assert len({id(event) for event in events}) == 1
    assert reader.reads == 1
    for stream in streams:
        await stream.aclose()


async def test_one_who_is_too_slow_for_its_group_catches_up_and_misses_nothing(database: Database) -> None:
    """AL-2: the group keeps a few hundred; what it kept no more is read again, once, in order."""
    hub, reader = Hub(database), Reader(database)
    total = 2 * KEPT + 7
    slow, fast = (hub.follow("same", reader, 0, fresh=True) for _ in range(2))
    begun = asyncio.create_task(take(slow, 1)), asyncio.create_task(take(fast, 1))
    await asyncio.sleep(0)
    await raise_alerts(database, "0")
    assert [await each for each in begun] == [["0"], ["0"]]
    for number in range(1, total):
        await raise_alerts(database, str(number))
        assert await take(fast, 1) == [str(number)]
    assert await take(slow, total - 1) == [str(n) for n in range(1, total)]
    await raise_alerts(database, "last")
    assert (await take(slow, 1), await take(fast, 1)) == (["last"], ["last"])
    for stream in (slow, fast):
        await stream.aclose()


async def test_what_breaks_a_read_is_told_to_those_whose_it_is_alone(database: Database) -> None:
    """AL-2: the others go on."""
    hub, sound, broken = Hub(database), Reader(database), Reader(database)
    good, bad = hub.follow("good", sound, 0, fresh=True), hub.follow("bad", broken, 0, fresh=True)
    begun = [asyncio.create_task(take(each, 1)) for each in (good, bad)]
    await asyncio.sleep(0)
    await raise_alerts(database, "one")
    await asyncio.gather(*begun)
    broken.failure = RuntimeError("no")
    waiting = [asyncio.create_task(take(each, 1)) for each in (good, bad)]
    await asyncio.sleep(0)
    await raise_alerts(database, "two")
    assert await waiting[0] == ["two"]
    with pytest.raises(RuntimeError, match="no"):
        await waiting[1]
    await good.aclose()


async def test_the_hub_lets_go_when_the_last_subscriber_leaves_and_begins_anew(database: Database) -> None:
    """AL-2: nothing listens for nobody."""
    hub, reader = Hub(database), Reader(database)
    for number in range(2):
        stream = hub.follow("same", reader, number, fresh=True)
        begun = asyncio.create_task(take(stream, 1))
        await asyncio.sleep(0)
        await raise_alerts(database, str(number))
        assert await begun == [str(number)]
        await stream.aclose()
        assert not any(database.bus._listeners.values())
