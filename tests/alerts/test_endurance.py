"""Subscribers that are cut off and servers that restart: in the end each has each alert once (AL-1, AL-2)."""

import asyncio
import random
from dataclasses import dataclass

import pytest
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from app.kernel.clock import ManualClock
from app.kernel.database import Database
from tests.alerts.raising import OWNER, raise_alerts
from tests.alerts.served import serving, subscribed
from tests.support.api import Client


@dataclass(frozen=True, slots=True)
class Size:
    """How much of it."""

    alerts: int
    subscribers: int
    drops: int
    restarts: int


class Follower:
    """A subscriber that connects anew from its cursor until it has had enough."""

    def __init__(self, size: Size, drops: list[int]) -> None:
        self.got: list[str] = []
        self.dropped = 0
        self._size = size
        self._drops = sorted(drops)

    async def follow(self, place: "Place") -> None:
        cursor = "k0"
        while len(self.got) < self._size.alerts:
            await place.open.wait()
            try:
                async with subscribed(place.address, place.client, after=cursor) as feed:
                    while len(self.got) < self._size.alerts:
                        self.got.append(await feed.next())
                        assert feed.cursor is not None
                        cursor = feed.cursor
                        if self._drops and len(self.got) >= self._drops[0]:
                            self._drops.pop(0)
                            self.dropped += 1
                            feed.connection.transport.abort()
            except (ConnectionClosed, InvalidHandshake, OSError):
                await asyncio.sleep(0.01)


class Place:
    """Where the server is at the moment, if it is anywhere."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.address = ""
        self.client: Client


async def endure(database_url: str, clock: ManualClock, size: Size) -> None:
    """Raise, cut and restart, then hold each subscriber's alerts against all."""
    chance = random.Random(7)
    cuts = [chance.randrange(1, size.alerts) for _ in range(size.drops)]
    followers = [Follower(size, cuts[each :: size.subscribers]) for each in range(size.subscribers)]
    place = Place()
    writer = Database(database_url, clock=clock)
    await writer.start()
    try:
        async with asyncio.TaskGroup() as group:
            following = [group.create_task(each.follow(place)) for each in followers]
            raised = 0
            for run in range(size.restarts + 1):
                last = run == size.restarts
                async with serving(database_url, clock, shutdown_seconds=1) as server:
                    place.client = await server.api.account(OWNER)
                    place.address = server.address
                    place.open.set()
                    upto = size.alerts if last else size.alerts * (run + 1) // (size.restarts + 1)
                    while raised < upto:
                        count = min(chance.randrange(1, 20), upto - raised)
                        by = chance.choice([writer, server.database])
                        await raise_alerts(by, *(str(raised + each) for each in range(count)))
                        raised += count
                    if last:
                        await asyncio.wait(following)
                    place.open.clear()
    finally:
        await writer.stop()
    expected = [str(number) for number in range(size.alerts)]
    assert all(each.got == expected for each in followers)
    assert sum(each.dropped for each in followers) == size.drops


async def test_each_subscriber_ends_with_each_alert_once(database_url: str, clock: ManualClock) -> None:
    """AL-1, AL-2: with connections dropped and the server restarted meanwhile."""
    await endure(database_url, clock, Size(alerts=400, subscribers=8, drops=16, restarts=2))


@pytest.mark.soak
async def test_each_subscriber_ends_with_each_alert_once_at_full_size(database_url: str, clock: ManualClock) -> None:
    """AL-1, AL-2: 10,000 alerts, 50 subscribers, 100 dropped connections, 5 restarts."""
    await endure(database_url, clock, Size(alerts=10_000, subscribers=50, drops=100, restarts=5))
