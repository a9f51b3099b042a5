"""How many resources each part of a filter finds, about: counted once, and remembered for a while.

Neither database knows it of a bound value; and what is read first makes the difference between a page of a few rows and
one of all. A figure that is out of date costs time, never an answer.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select

from app.compute.searching import resources
from app.inventory.search.drivers import Driver

MOST = 50_000
"""Counting stops here: more is many."""

MANY = 0.25
"""The part of all resources that many are taken for, where it is more than was counted."""

LIFE = timedelta(minutes=5)
_REMEMBERED = 20_000


@dataclass(frozen=True, slots=True)
class Frequency:
    """About how many keys a driver finds, and whether in their order."""

    rows: float
    ordered: bool


class Frequencies:
    """What is known of one database at an instant; `_remembered` is kept between searches."""

    _remembered: OrderedDict[Hashable, tuple[datetime, Frequency | None]] = OrderedDict()
    _lock = threading.Lock()

    def __init__(self, connection: Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def of(self, what: Hashable, make: Callable[[], Driver | None]) -> Frequency | None:
        """Of a driver, which is made only where it is not remembered; None where no index finds what it is for.

        `what` names the driver with its values.
        """
        return self._recall(what, lambda: self._measured(make()))

    def everything(self) -> float:
        """About how many resources there are, at least one."""
        known = self._recall("everything", self._counted)
        assert known is not None
        return known.rows

    def _counted(self) -> Frequency:
        resource = resources()
        there = Driver(select(resource.c.id).where(resource.c.gone_at.is_(None)), resource.c.id, ordered=True)
        return Frequency(max(1, self._count(there, 100 * MOST)), ordered=True)

    def _measured(self, driver: Driver | None) -> Frequency | None:
        if driver is None:
            return None
        counted = float(self._count(driver, MOST))
        if counted >= MOST:
            counted = max(counted, MANY * self.everything())
        return Frequency(counted, driver.ordered)

    def _count(self, driver: Driver, most: int) -> int:
        some = driver.keys.limit(most).subquery()
        return int(self._connection.execute(select(func.count()).select_from(some)).scalar_one())

    def _recall(self, what: Hashable, make: Callable[[], Frequency | None]) -> Frequency | None:
        named = (id(self._connection.engine), what)
        with self._lock:
            known = self._remembered.get(named)
        if known is not None and abs(self._now - known[0]) < LIFE:
            return known[1]
        made = make()
        with self._lock:
            self._remembered[named] = (self._now, made)
            if len(self._remembered) > _REMEMBERED:
                self._remembered.popitem(last=False)
        return made
