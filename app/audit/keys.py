"""Keys of records: the event's time in front, so that a span of time is a span of keys and pages need no sorting."""

import secrets
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_LOW_BITS = 21
_START_BITS = 20
_HIGHEST = 2**63 - 1


def first_key_at(instant: datetime) -> int:
    """The lowest key of an event at an instant or later; keys are told apart by milliseconds."""
    return min(max((instant - _EPOCH) // _MILLISECOND, 0) << _LOW_BITS, _HIGHEST)


class EventKeys:
    """Makes keys for the one thread that writes.

    Each millisecond starts at random, so that two servers collide hardly ever; the primary key refuses where they do.
    """

    def __init__(self) -> None:
        self._base = -1
        self._last = -1

    def next(self, base: int) -> int:
        """A key of the millisecond whose first key is `base`."""
        if base == self._base:
            self._last += 1
        else:
            self._base = base
            self._last = base + secrets.randbits(_START_BITS)
        return self._last
