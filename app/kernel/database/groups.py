"""The group commit: what is waiting runs in one transaction, each unit in a savepoint, and is answered after commit."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any, Protocol

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from app.kernel.database.transaction import Deferred, Transaction
from app.kernel.errors import Busy, Unavailable
from app.kernel.events import Bus, Signal, encode

RETRIES = 8
_SERIALIZATION = {"40001", "40P01"}
_UNIQUE = "23505"


class Batch(Protocol):
    """Work on many commands at once: the outcome of each is a result or the exception that it is answered with."""

    def __call__(self, tx: Transaction, commands: Sequence[Any], /) -> Sequence[Any]: ...


@dataclass(eq=False, slots=True)
class Unit:
    """One waiting unit: a function of its own, or a command for a batch function."""

    work: Callable[..., Any]
    command: Any
    batched: bool
    future: asyncio.Future[Any]


@dataclass(slots=True)
class Outcome:
    """What a unit will be answered with once the group is durable."""

    unit: Unit
    result: Any = None
    error: BaseException | None = None
    signals: list[Signal] = field(default_factory=list)
    deferred: list[tuple[Deferred, Any]] = field(default_factory=list)


class MustRetry(Exception):
    """The transaction lost a race; run all of it again."""


class MustRunApart(Exception):
    """What ran without savepoints failed; run the units again, each in one of its own."""


def deliver(outcomes: Sequence[Outcome], bus: Bus | None) -> None:
    """Answer every caller of a group, on the event loop, and wake those who listen."""
    for outcome in outcomes:
        if outcome.unit.future.done():
            continue
        if outcome.error is not None:
            outcome.unit.future.set_exception(outcome.error)
        else:
            outcome.unit.future.set_result(outcome.result)
    if bus is not None:
        bus.publish([signal for outcome in outcomes for signal in outcome.signals])


def unavailable(error: BaseException) -> Unavailable:
    """What callers are told when the database itself fails; the cause stays for the log."""
    if isinstance(error, DBAPIError) and "locked" in str(error.orig).lower():
        told: Unavailable = Busy("another process is writing to the database")
    else:
        told = Unavailable("the database does not take writes")
    told.__cause__ = error
    return told


def run_group(connection: Connection, units: Sequence[Unit], now: datetime, *, apart: bool = False) -> list[Outcome]:
    """Run units in order inside the open transaction; raises only what fails the whole group.

    Where all are one batch they need no savepoint: MustRunApart is raised where they fail, and `apart` runs them so
    that each may.
    """
    batches = [list(each) for _, each in groupby(units, key=lambda unit: unit.work if unit.batched else unit)]
    if len(batches) == 1 and units[0].batched and not apart:
        outcomes = _run_whole(connection, units, now)
    else:
        outcomes = [outcome for batch in batches for outcome in _run_batch(connection, batch, now)]
    _finish(connection, outcomes, now)
    if connection.dialect.name == "postgresql":
        _notify(connection, outcomes)
    return outcomes


def _finish(connection: Connection, outcomes: Sequence[Outcome], now: datetime) -> None:
    """Write what the units left to the end, each kind once for the whole group."""
    kinds: dict[Deferred, list[Any]] = {}
    for outcome in outcomes:
        for work, item in outcome.deferred:
            kinds.setdefault(work, []).append(item)
    if not kinds:
        return
    tx = Transaction(connection, now)
    for work, items in sorted(kinds.items(), key=lambda kind: kind[0].__qualname__):
        work(tx, items)
    tx.flush()
    tx.close()
    outcomes[-1].signals = [*outcomes[-1].signals, *tx.signals]


def _run_one(connection: Connection, unit: Unit, now: datetime) -> Outcome:
    """One unit in a savepoint. Where another server took a unique key first, again: the unit then sees its row."""
    outcome = _attempt(connection, unit, now)
    return _attempt(connection, unit, now) if _sqlstate(outcome.error) == _UNIQUE else outcome


def _attempt(connection: Connection, unit: Unit, now: datetime) -> Outcome:
    tx = Transaction(connection, now)
    savepoint = connection.begin_nested()
    try:
        arguments = ([unit.command],) if unit.batched else ()
        result = unit.work(tx, *arguments)
        tx.flush()
        savepoint.commit()
    except Exception as error:
        if fatal(error):
            raise
        savepoint.rollback()
        return Outcome(unit, error=error)
    finally:
        tx.close()
    if unit.batched:
        (result,) = result
    if isinstance(result, Exception):
        return Outcome(unit, error=result, signals=tx.signals, deferred=tx.deferred)
    return Outcome(unit, result=result, signals=tx.signals, deferred=tx.deferred)


def _run_batch(connection: Connection, units: Sequence[Unit], now: datetime) -> list[Outcome]:
    """All commands at once; where that fails, each alone, so that one bad command takes no other with it."""
    if len(units) == 1:
        return [_run_one(connection, units[0], now)]
    savepoint = connection.begin_nested()
    try:
        outcomes = _run_commands(connection, units, now)
        savepoint.commit()
    except Exception as error:
        if fatal(error):
            raise
        savepoint.rollback()
        return [_run_one(connection, unit, now) for unit in units]
    return outcomes


def _run_whole(connection: Connection, units: Sequence[Unit], now: datetime) -> list[Outcome]:
    """A batch that is all of its transaction: two statements fewer."""
    try:
        return _run_commands(connection, units, now)
    except Exception as error:
        if fatal(error):
            raise
        raise MustRunApart from error


def _run_commands(connection: Connection, units: Sequence[Unit], now: datetime) -> list[Outcome]:
    tx = Transaction(connection, now)
    try:
        results = units[0].work(tx, [unit.command for unit in units])
        tx.flush()
    finally:
        tx.close()
    outcomes = [
        Outcome(unit, error=result) if isinstance(result, Exception) else Outcome(unit, result=result)
        for unit, result in zip(units, results, strict=True)
    ]
    outcomes[-1].signals, outcomes[-1].deferred = tx.signals, tx.deferred
    return outcomes


def runs_again(error: BaseException) -> bool:
    """Whether running the transaction again, apart, is the cure."""
    return isinstance(error, MustRunApart) or lost_race(error)


def _notify(connection: Connection, outcomes: Sequence[Outcome]) -> None:
    signals = [signal for outcome in outcomes for signal in outcome.signals]
    if signals:
        connection.execute(text("SELECT pg_notify('tollgate', :payload)"), {"payload": encode(signals)})


def lost_race(error: BaseException) -> bool:
    """Whether running the transaction again is the cure."""
    return isinstance(error, MustRetry) or _sqlstate(error) in _SERIALIZATION


def _sqlstate(error: BaseException | None) -> str:
    """PostgreSQL's code of an error; SQLite has none."""
    return str(getattr(error.orig, "sqlstate", "") or "") if isinstance(error, DBAPIError) else ""


def fatal(error: BaseException) -> bool:
    """Whether the whole group is lost: a race to run again, or a database that can't write."""
    return lost_race(error) or unwritable(error)


_SIGNS = (
    "locked",
    "is full",
    "readonly",
    "read-only",
    "disk i/o",
    "unable to open",
    "malformed",
    "not a database",
    "closed",
)
"""SQLite's words for a file that it can't work on."""


def unwritable(error: BaseException) -> bool:
    """Whether the database itself fails: lost, locked, full or read-only; not what was asked of it."""
    if not isinstance(error, DBAPIError):
        return isinstance(error, OSError)
    if error.connection_invalidated:
        return True
    state = _sqlstate(error)
    if state:
        return state[:2] in {"08", "53", "57", "58", "25"}
    message = str(error.orig).lower()
    return any(sign in message for sign in _SIGNS)
