"""Which license configurations' use changed, in the order in which one server heard of it."""

from collections import deque
from collections.abc import Sequence

from app.kernel.database import Database
from app.kernel.events import Signal

TOPIC = "usage"
REMEMBERED = 1_000


class UsageFeed:
    """Its positions count what was heard. Of what is long ago it only knows that anything may have changed."""

    topic = TOPIC

    def __init__(self, _: Database | None = None) -> None:
        """The database is heard through its bus alone."""
        self._last = 0
        self._changes: deque[tuple[int, frozenset[int]]] = deque()
        self._forgotten = 0

    def heard(self, signals: Sequence[Signal]) -> None:
        """Many signals between two looks are one change: what stands then is what is told."""
        if not signals:
            return
        self._last += 1
        if any(not signal.keys for signal in signals):
            self._forgotten = self._last
            self._changes.clear()
        else:
            self._changes.append((self._last, frozenset().union(*(signal.keys for signal in signals))))
            if len(self._changes) > REMEMBERED:
                self._forgotten = self._changes.popleft()[0]

    async def head(self) -> int:
        """How often anything was heard."""
        return self._last

    def between(self, after: int, upto: int) -> set[int] | None:
        """The keys of what changed above one position and up to another; None: anything may have."""
        if after < self._forgotten:
            return None
        return {key for position, keys in self._changes if after < position <= upto for key in keys}
