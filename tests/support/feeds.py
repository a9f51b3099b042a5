"""A feed in memory."""

from collections.abc import Sequence

from app.kernel.completed import Completed
from app.kernel.events import Bus, Signal
from app.kernel.feeds import PAGE, Event, Follower, Hub


class Shelf:
    """A feed whose events are numbers, and a reader of it that counts."""

    topic = "numbers"

    def __init__(self) -> None:
        self.bus = Bus()
        self.hub = Hub(self.bus, self)
        self.events: list[Event] = []
        self.last = 0
        self.reads = 0
        self.hidden: set[int] = set()
        self.failure: Exception | None = None

    def heard(self, signals: Sequence[Signal]) -> None:
        return

    async def head(self) -> int:
        return self.last

    async def read(self, after: int, upto: int) -> list[Event]:
        self.reads += 1
        if self.failure is not None:
            raise self.failure
        return [event for event in self.events if after < event[0] <= upto and event[0] not in self.hidden][:PAGE]

    def put(self, count: int = 1) -> None:
        """Events whose values are their positions."""
        self.put_values(*range(self.last + 1, self.last + count + 1))

    def put_values(self, *values: object) -> None:
        for value in values:
            self.last += 1
            self.events.append((self.last, Completed(value)))
        self.bus.publish([Signal(self.topic)])

    def follow(self, position: int = 0, *, key: str = "same", fresh: bool = True) -> Follower:
        return self.hub.follow(key, self.read, position, fresh=fresh)
