"""How many resources each part of a filter finds, about: counted once, and remembered for a while.

Neither database knows it of a bound value; and what is read first makes the difference between a page of a few rows and
one of all. A figure that is out of date costs time, never an answer.
"""

import threading
from collections import OrderedDict
from collections.abc import Hashable
from datetime import datetime, timedelta

from sqlalchemy import Connection, Select, func, select

from app.compute.searching import resources

MOST = 50_000
"""Counting stops here: more is many."""

MANY = 0.25
"""The part of all resources that many are taken for, where it is more than was counted."""

LIFE = timedelta(minutes=5)
_REMEMBERED = 20_000
_remembered: OrderedDict[Hashable, tuple[datetime, int]] = OrderedDict()
_lock = threading.Lock()


def frequency(connection: Connection, what: Hashable, keys: Select[tuple[int]], now: datetime) -> float:
    """About how many keys a select finds. `what` names the select with its values."""
    counted = _counted(connection, what, keys, MOST, now)
    return counted if counted < MOST else max(MOST, MANY * everything(connection, now))


def everything(connection: Connection, now: datetime) -> int:
    """About how many resources there are, at least one."""
    return max(1, _counted(connection, "everything", select(resources().c.id), 100 * MOST, now))


def _counted(connection: Connection, what: Hashable, keys: Select[tuple[int]], most: int, now: datetime) -> int:
    named = (connection.engine.url, what)
    with _lock:
        known = _remembered.get(named)
    if known is not None and abs(now - known[0]) < LIFE:
        return known[1]
    counted = connection.execute(select(func.count()).select_from(keys.limit(most).subquery())).scalar_one()
    with _lock:
        _remembered[named] = (now, counted)
        if len(_remembered) > _REMEMBERED:
            _remembered.popitem(last=False)
    return counted
