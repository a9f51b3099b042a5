"""One operation of a socket."""

import asyncio
from typing import Protocol

from app.api.answer import Answer
from app.api.protocol import NEXT_ENDS, next_begins
from app.api.subscription import Subscription


class Owner(Protocol):
    """The socket, to its operations."""

    def offer(self, messages: list[bytes]) -> bool:
        """Send at once, or not at all."""

    def resume(self, running: "Running") -> None:
        """Go on with a subscription that was asleep."""


class Running:
    """Whether the client still wants it, and whether it may be stopped midway. A subscription sleeps without a task."""

    __slots__ = ("_begins", "_owner", "asleep", "id", "stoppable", "subscription", "task", "wanted")

    def __init__(self, owner: Owner, operation: str) -> None:
        self.id = operation
        self.task: asyncio.Task[None] | None = None
        self.subscription: Subscription | None = None
        self.wanted = True
        self.stoppable = False
        self.asleep = False
        self._owner = owner
        self._begins = next_begins(operation)

    def drop(self) -> None:
        """Send nothing more. A query or a mutation goes on to its end, so that it is recorded."""
        self.wanted = False
        if self.asleep and self.subscription is not None:
            self.asleep = False
            self.subscription.end()
        elif self.stoppable and self.task is not None:
            self.task.cancel()

    def message(self, answer: Answer) -> bytes:
        """What tells an answer."""
        return self._begins + answer.body + NEXT_ENDS

    def tell(self, answers: list[Answer]) -> bool:
        """Tell answers while asleep, if nothing is in the way."""
        return self._owner.offer([self.message(answer) for answer in answers])

    def wake(self) -> None:
        """Go on with a task of its own."""
        self.asleep = False
        self._owner.resume(self)
