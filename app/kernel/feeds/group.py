"""Subscribers who are sent the same: their events are read once, and handed to all who have had everything."""

import asyncio
from collections import deque
from itertools import takewhile
from typing import TYPE_CHECKING

from app.kernel.completed import Completed
from app.kernel.feeds.callers import refused
from app.kernel.feeds.feed import KEPT, Event, Read, reached

if TYPE_CHECKING:
    from app.kernel.feeds.follower import Follower

AT_ONCE = 100
"""Subscribers served before others of the server have a turn, and what was written goes out."""


class Group:
    """It holds all that its members see of the positions above `floor` up to `position`."""

    def __init__(self, read: Read, position: int) -> None:
        self.read = read
        self.position = position
        self.floor = position
        self.members = 0
        self.failure: Exception | None = None
        # In the order in which they fell asleep.
        self.asleep: dict[Follower, None] = {}
        self._events: deque[Event] = deque()
        # Most subscribers are at one position: what is new to one is the same list for all.
        self._news: dict[int, list[Completed]] = {}

    def since(self, position: int) -> list[Completed] | None:
        """The events above a position; None where they are not held any more."""
        if self.failure is not None:
            raise self.failure
        if position < self.floor:
            return None
        news = self._news.get(position)
        if news is None:
            news = [event for _, event in takewhile(lambda event: event[0] > position, reversed(self._events))]
            news.reverse()
            self._news[position] = news
        return news

    async def advance(self, head: int) -> None:
        """Read up to a position that was committed, and tell it to who sleeps."""
        while self.position < head:
            events = await self.read(self.position, head)
            self._news.clear()
            self._events.extend(events)
            self.position = reached(events, head)
            while len(self._events) > KEPT:
                self.floor = self._events.popleft()[0]
            await self._tell()

    def fail(self, error: Exception) -> None:
        """Let no one wait for what will not come."""
        self.failure = error
        for follower in tuple(self.asleep):
            follower.wake()

    async def _tell(self) -> None:
        sleepers = [follower for follower in self.asleep if self.since(follower.position) != []]
        unknown = await refused(follower.sleeper for follower in sleepers)
        for number, follower in enumerate(sleepers, 1):
            # It may have left, or fallen asleep anew, while others were told.
            if follower.sleeper is not None and follower.position < self.position:
                self._hand(follower, welcome=follower.sleeper.caller not in unknown)
            if number % AT_ONCE == 0:
                await asyncio.sleep(0)

    def _hand(self, follower: "Follower", *, welcome: bool) -> None:
        news = self.since(follower.position) if welcome else None
        if news and follower.sleeper is not None and follower.sleeper.take(news):
            follower.position = self.position
        else:
            follower.wake()
