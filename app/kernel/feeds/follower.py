"""One subscriber's place in a feed."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Hashable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from app.kernel.completed import Completed
from app.kernel.feeds.callers import ITSELF
from app.kernel.feeds.feed import Read, reached
from app.kernel.feeds.group import Group

if TYPE_CHECKING:
    from app.kernel.feeds.hub import Hub


class Sleeper(Protocol):
    """Who waits for a follower's news without a task."""

    @property
    def caller(self) -> Hashable:
        """Equal for those whose `revalidate` ends alike; ITSELF for who asks when it is awake."""

    def revalidate(self) -> Awaitable[None]:
        """Asked after an event was read and before it is taken; raises where it is not to be."""

    def take(self, news: list[Completed]) -> bool:
        """Take all of the news at once, or none and return False: then it is woken, to iterate at its own pace."""

    def wake(self) -> None:
        """There is something to find out by iterating."""


class Follower(AsyncIterator[Completed]):
    """Every event above a position that a caller sees, in order, without end.

    It reads by itself, in pages, until it has caught up; then it is a member of a group, which is read for once however
    many are in it. A group keeps few events: who is too slow for them reads by itself again.
    """

    __slots__ = ("_fresh", "_group", "_held", "_hub", "_key", "_read", "_taken", "position", "sleeper")

    def __init__(self, hub: "Hub[Any]", key: Hashable, read: Read, position: int, *, fresh: bool) -> None:
        """`fresh`: the position was the newest a moment ago."""
        self.position = position
        self.sleeper: Sleeper | None = None
        self._hub: Hub[Any] | None = hub
        self._key = key
        self._read = read
        self._fresh = fresh
        self._group: Group | None = None
        self._held: Sequence[Completed] = ()
        self._taken = 0

    async def __anext__(self) -> Completed:
        while self._taken == len(self._held):
            if await self._caught_up():
                await self._news()
        self._taken += 1
        return self._held[self._taken - 1]

    async def rest(self, sleeper: Sleeper) -> bool:
        """Leave what comes to a sleeper, if all that was there was iterated over. False: iterate on."""
        if self._taken < len(self._held) or not await self._caught_up():
            return False
        self._sleep(sleeper)
        return True

    def wake(self) -> None:
        """End the rest."""
        sleeper = self.sleeper
        self._sleep_no_more()
        if sleeper is not None:
            sleeper.wake()

    def close(self) -> None:
        """Follow no more."""
        self.sleeper = None
        if self._hub is not None:
            self._leave()
            self._hub.exit()
            self._hub = None

    async def aclose(self) -> None:
        """As the end of a generator."""
        self.close()

    async def _caught_up(self) -> bool:
        """Hold what comes next; True if there is nothing, which the group will then tell of."""
        hub = self._hub
        if hub is None:
            raise StopAsyncIteration
        if self._group is None:
            if not self._fresh and not await self._read_on(hub):
                return False
            self._group = hub.join(self._key, self._read, self.position)
            # Those who ask the same read the same: one reader is kept for all.
            self._read = self._group.read
        news = self._group.since(self.position)
        if news is None:
            self._leave()
            return False
        self.position = max(self.position, self._group.position)
        self._hold(news)
        return not news

    async def _read_on(self, hub: "Hub[Any]") -> bool:
        head = await hub.feed.head()
        if self.position < head:
            events = await self._read(self.position, head)
            self.position = reached(events, head)
            self._hold([event for _, event in events])
            return not events and self.position == head
        return True

    def _hold(self, events: Sequence[Completed]) -> None:
        self._held, self._taken = events, 0

    async def _news(self) -> None:
        waiter = _Waiter()
        self._sleep(waiter)
        try:
            await waiter.woken
        finally:
            self._sleep_no_more()

    def _sleep(self, sleeper: Sleeper) -> None:
        assert self._group is not None
        self.sleeper = sleeper
        self._group.asleep[self] = None

    def _sleep_no_more(self) -> None:
        self.sleeper = None
        if self._group is not None:
            self._group.asleep.pop(self, None)

    def _leave(self) -> None:
        if self._group is not None and self._hub is not None:
            self._group.asleep.pop(self, None)
            self._hub.leave(self._key, self._group)
        self._group = None
        self._fresh = False


class _Waiter:
    """A task that waits for news."""

    __slots__ = ("woken",)
    caller = ITSELF

    def __init__(self) -> None:
        self.woken = asyncio.get_running_loop().create_future()

    async def revalidate(self) -> None:
        return

    def take(self, news: list[Completed]) -> bool:
        return False

    def wake(self) -> None:
        if not self.woken.done():
            self.woken.set_result(None)
