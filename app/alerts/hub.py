"""One reader for all subscribers who ask the same: each alert is read and encoded once for all of them (AL-2).

A subscriber reads by itself until it has caught up, in pages from its cursor; then it joins a group, which is read
for once however many are in it. A group keeps few events: who is too slow for them reads by itself again. So nothing
is lost, and nothing is held without end.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable
from itertools import takewhile
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, select

from app.alerts.models import FeedRow
from app.alerts.service import ALERTS_FEED
from app.kernel.completed import Completed
from app.kernel.database import Database
from app.kernel.errors import Unavailable
from app.kernel.events import Listener, Signal
from app.kernel.tables import table_of

FEED = table_of(FeedRow)
TOPIC = "alerts"
PAGE = 100
KEPT = 300
AGAIN_SECONDS = 1.0

Event = tuple[int, Completed]
Read = Callable[[int, int], Awaitable[list[Event]]]
"""Reads what a caller sees now above one position and up to another, in order, PAGE at most."""


def last_position(connection: Connection) -> int:
    """The position of the newest alert; 0 before the first."""
    return connection.execute(select(FEED.c.last).where(FEED.c.name == ALERTS_FEED)).scalar() or 0


class Group:
    """Subscribers who are sent the same. It holds all that they see of the positions above `floor` up to `position`."""

    def __init__(self, read: Read, position: int) -> None:
        self.position = position
        self.floor = position
        self.members = 0
        self.changed = asyncio.Event()
        self.failure: Exception | None = None
        self._read = read
        self._events: deque[Event] = deque()
        # Most subscribers are at one position: what is new to one is the same list for all.
        self._news: dict[int, list[Event]] = {}

    def since(self, position: int) -> list[Event] | None:
        """The events above a position; None where they are not held any more."""
        if self.failure is not None:
            raise self.failure
        if position < self.floor:
            return None
        news = self._news.get(position)
        if news is None:
            news = list(takewhile(lambda event: event[0] > position, reversed(self._events)))
            news.reverse()
            self._news[position] = news
        return news

    async def advance(self, head: int) -> None:
        """Read up to a position that was committed, and wake who waits."""
        while self.position < head:
            events = await self._read(self.position, head)
            self._news.clear()
            self._events.extend(events)
            self.position = reached(events, head)
            while len(self._events) > KEPT:
                self.floor = self._events.popleft()[0]
            self._wake()

    def fail(self, error: Exception) -> None:
        """Let no one wait for what will not come."""
        self.failure = error
        self._wake()

    def _wake(self) -> None:
        self.changed.set()
        self.changed = asyncio.Event()


def reached(events: list[Event], head: int) -> int:
    """How far a page went: to the end, unless it is full."""
    return head if len(events) < PAGE else events[-1][0]


class Hub:
    """The groups of one server. It listens while anyone is subscribed."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._groups: dict[Hashable, Group] = {}
        self._subscribers = 0
        self._listener: Listener | None = None
        self._reading: asyncio.Task[None] | None = None

    async def follow(self, key: Hashable, read: Read, position: int, *, fresh: bool) -> AsyncGenerator[Completed, None]:
        """Every event above a position that the caller sees, in order, without end.

        `key` is equal for callers whose reads are alike; `fresh`: the position was the newest a moment ago.
        """
        self._enter()
        try:
            while True:
                if not fresh:
                    head = await self._database.read(last_position)
                    while position < head:
                        events = await read(position, head)
                        for _, event in events:
                            yield event
                        position = reached(events, head)
                group = self._join(key, read, position)
                try:
                    while (news := group.since(position)) is not None:
                        changed, position = group.changed, max(position, group.position)
                        for _, event in news:
                            yield event
                        if not news:
                            await changed.wait()
                finally:
                    self._leave(key, group)
                fresh = False
        finally:
            self._exit()

    def _enter(self) -> None:
        self._subscribers += 1
        if self._listener is None:
            self._listener = self._database.bus.listen(TOPIC)
            self._reading = asyncio.create_task(self._read_on(self._listener), name="alerts' hub")

    def _exit(self) -> None:
        self._subscribers -= 1
        if self._subscribers == 0 and self._listener is not None and self._reading is not None:
            self._database.bus.forget(self._listener)
            self._reading.cancel()
            self._listener = self._reading = None

    def _join(self, key: Hashable, read: Read, position: int) -> Group:
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = Group(read, position)
            # What was committed since the position was read may have been told of already.
            assert self._listener is not None
            self._listener.put(Signal(TOPIC))
        group.members += 1
        return group

    def _leave(self, key: Hashable, group: Group) -> None:
        group.members -= 1
        if group.members == 0 and self._groups.get(key) is group:
            del self._groups[key]

    async def _read_on(self, listener: Listener) -> None:
        while True:
            await listener.wait()
            try:
                head = await self._database.read(last_position)
                await asyncio.gather(*(self._bring(key, group, head) for key, group in list(self._groups.items())))
            except Unavailable:
                await asyncio.sleep(AGAIN_SECONDS)
                listener.put(Signal(TOPIC))

    async def _bring(self, key: Hashable, group: Group, head: int) -> None:
        try:
            await group.advance(head)
        except Unavailable:
            raise
        except Exception as error:
            group.fail(error)
            if self._groups.get(key) is group:
                del self._groups[key]


_hubs: WeakKeyDictionary[Database, Hub] = WeakKeyDictionary()


def hub_of(database: Database) -> Hub:
    """The hub of a server's database."""
    hub = _hubs.get(database)
    if hub is None:
        hub = _hubs[database] = Hub(database)
    return hub
