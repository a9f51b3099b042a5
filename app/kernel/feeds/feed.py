"""What a feed is to its hub: positions that grow, and a way to read what lies between two of them."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from app.kernel.completed import Completed
from app.kernel.events import Signal

PAGE = 100
KEPT = 300

Event = tuple[int, Completed]
Read = Callable[[int, int], Awaitable[list[Event]]]
"""Reads what a caller sees now above one position and up to another, in order; a full page may end before."""


class Feed(Protocol):
    """Where the events of one kind come from."""

    @property
    def topic(self) -> str:
        """The signals that tell of new events."""

    def heard(self, signals: Sequence[Signal]) -> None:
        """Take note of signals, before the head is asked for."""

    async def head(self) -> int:
        """The position of the newest event; 0 before the first. Raises Unavailable."""


def reached(events: list[Event], head: int) -> int:
    """How far a page went: to the end, unless it is full."""
    return head if len(events) < PAGE else events[-1][0]
