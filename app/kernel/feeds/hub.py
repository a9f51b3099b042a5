"""The groups of one feed on one server."""

import asyncio
from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar
from weakref import WeakKeyDictionary

from app.kernel.database import Database
from app.kernel.errors import Unavailable
from app.kernel.events import Bus, Listener
from app.kernel.feeds.feed import Feed, Read
from app.kernel.feeds.follower import Follower
from app.kernel.feeds.group import Group

AGAIN_SECONDS = 1.0
Source = TypeVar("Source", bound=Feed)


class Hub(Generic[Source]):
    """It listens while anyone follows."""

    def __init__(self, bus: Bus, feed: Source) -> None:
        self.feed = feed
        self._bus = bus
        self._groups: dict[Hashable, Group] = {}
        self._followers = 0
        self._listener: Listener | None = None
        self._reading: asyncio.Task[None] | None = None

    def follow(self, key: Hashable, read: Read, position: int, *, fresh: bool) -> Follower:
        """Every event above a position that the caller sees, in order, without end; to be closed.

        `key` is equal for callers whose reads are alike; `fresh`: the position was the newest a moment ago.
        """
        self._followers += 1
        if self._listener is None:
            self._listener = self._bus.listen(self.feed.topic)
            self._reading = asyncio.create_task(self._read_on(self._listener), name=f"feed of {self.feed.topic}")
        return Follower(self, key, read, position, fresh=fresh)

    def exit(self) -> None:
        """A follower is closed."""
        self._followers -= 1
        if self._followers == 0 and self._listener is not None and self._reading is not None:
            self._bus.forget(self._listener)
            self._reading.cancel()
            self._listener = self._reading = None

    def join(self, key: Hashable, read: Read, position: int) -> Group:
        """The group of a key, which knows of everything above the position as soon as it has looked."""
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = Group(read, position)
            # What was committed since the position was read may have been told of already.
            assert self._listener is not None
            self._listener.rouse()
        group.members += 1
        return group

    def leave(self, key: Hashable, group: Group) -> None:
        """A member is none any more."""
        group.members -= 1
        if group.members == 0:
            self._drop(key, group)

    async def _read_on(self, listener: Listener) -> None:
        while True:
            self.feed.heard(await listener.wait())
            try:
                await self._bring_all(await self.feed.head())
            except Unavailable:
                await asyncio.sleep(AGAIN_SECONDS)
                listener.rouse()

    async def _bring_all(self, head: int) -> None:
        bringing = (self._bring(key, group, head) for key, group in list(self._groups.items()))
        # None is left behind for what happens to another: its sleepers would not be told.
        for outcome in await asyncio.gather(*bringing, return_exceptions=True):
            if isinstance(outcome, BaseException):
                raise outcome

    async def _bring(self, key: Hashable, group: Group, head: int) -> None:
        try:
            await group.advance(head)
        except Unavailable:
            raise
        except Exception as error:
            group.fail(error)
            self._drop(key, group)

    def _drop(self, key: Hashable, group: Group) -> None:
        if self._groups.get(key) is group:
            del self._groups[key]


_hubs: WeakKeyDictionary[Database, dict[Callable[[Database], Feed], Hub[Any]]] = WeakKeyDictionary()


def hub_of(database: Database, feed: Callable[[Database], Source]) -> Hub[Source]:
    """The one hub of a feed of a server's database."""
    hubs = _hubs.setdefault(database, {})
    hub = hubs.get(feed)
    if hub is None:
        hub = hubs[feed] = Hub(database.bus, feed(database))
    return hub
