"""Keys of records: the event's time in front, so that a span of time is a span of keys and pages need no sorting."""

import secrets
import threading
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_LOW_BITS = 21
_START_BITS = 20
_HIGHEST = 2**63 - 1
_MILLISECONDS_KEPT = 16


def first_key_at(instant: datetime) -> int:
    """The lowest key of an event at an instant or later; keys are told apart by milliseconds."""
    return min(max((instant - _EPOCH) // _MILLISECOND, 0) << _LOW_BITS, _HIGHEST)


class EventKeys:
    """Makes keys, in one process in the order in which they are asked for within a millisecond.

    Each millisecond starts at random, so that two servers collide hardly ever; the primary key refuses where they do.
    """

    def __init__(self) -> None:
        self._last: dict[int, int] = {}
        self._lock = threading.Lock()

    def next(self, base: int) -> int:
        """A key of the millisecond whose first key is `base`."""
        with self._lock:
            last = self._last.get(base)
            if last is None:
                last = base + secrets.randbits(_START_BITS)
                # More than one only where there are several clocks.
                if len(self._last) >= _MILLISECONDS_KEPT:
                    del self._last[next(iter(self._last))]
            self._last[base] = last + 1
            return last + 1
