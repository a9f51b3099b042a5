"""A unit of work: everything in it commits together or not at all, and what it announces is told after the commit."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Executable, Table, insert
from sqlalchemy.engine import CursorResult
from sqlalchemy.orm import Session

from app.kernel.events import Signal
from app.kernel.tables import metadata


@dataclass(frozen=True, slots=True)
class Concern:
    """What an action touches: an ARN, and the account whose it is. The audit trail records both (AU-2, AU-4)."""

    arn: str
    account_id: str


class Transaction:
    """What a service writes through. `now` is one instant for all that the unit records."""

    def __init__(self, connection: Connection, now: datetime) -> None:
        self.connection = connection
        self.now = now
        self.signals: list[Signal] = []
        self.concerns: list[Concern] = []
        self.deferred: list[tuple[Deferred, Any]] = []
        self._rows: dict[Table, list[Mapping[str, Any]]] = defaultdict(list)
        self._session: Session | None = None

    @property
    def session(self) -> Session:
        """An ORM session on the same connection, for units that change single objects."""
        if self._session is None:
            self._session = Session(
                bind=self.connection, join_transaction_mode="create_savepoint", expire_on_commit=False
            )
        return self._session

    def execute(self, statement: Executable, parameters: Any = None) -> CursorResult[Any]:
        """Run one statement; rows that were added before it are written first, so that it finds them."""
        self.flush()
        return self.connection.execute(statement, parameters)

    def add(self, table: Table, row: Mapping[str, Any]) -> None:
        """Write a row with the next flush: rows of one table go in one statement, parents first.

        Every row of a table in one flush has the same columns.
        """
        self._rows[table].append(row)

    def concern(self, arn: str, account_id: str) -> None:
        """Note what the action touches, for its audit record; kept also where the action is then refused."""
        self.concerns.append(Concern(arn, account_id))

    def begin_action(self) -> None:
        """Several actions in one unit, each with a record of its own: forget what the one before touched."""
        self.concerns = []

    def announce(self, signal: Signal) -> None:
        """Tell listeners once the unit has committed."""
        self.signals.append(signal)

    def defer(self, work: "Deferred", item: Any) -> None:
        """Leave something to the end of the group: all items of one function are written at once, before the commit.

        For records that nothing in the group reads back (ledger, audit, alerts): fewer statements, and locks that
        every server wants are held for the shortest time.
        """
        self.deferred.append((work, item))

    def flush(self) -> None:
        """Write what was added and what the session holds."""
        if self._session is not None:
            self._session.flush()
        if not self._rows:
            return
        rows, self._rows = self._rows, defaultdict(list)
        for table in sorted(rows, key=_depth) if len(rows) > 1 else rows:
            self.connection.execute(insert(table), list(rows[table]))

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """A part that stands or falls alone within the unit."""
        self.flush()
        signals, deferred = len(self.signals), len(self.deferred)
        nested = self.connection.begin_nested()
        try:
            yield
            self.flush()
        except BaseException:
            self._rows.clear()
            if self._session is not None:
                self._session.expunge_all()
            del self.signals[signals:]
            del self.deferred[deferred:]
            nested.rollback()
            raise
        nested.commit()

    def close(self) -> None:
        """Let go of the session; the connection stays with its owner."""
        if self._session is not None:
            self._session.close()


Deferred = Callable[[Transaction, Sequence[Any]], None]
_ORDER: dict[Table, int] = {}


def _depth(table: Table) -> int:
    """Where a table stands in the order of foreign keys."""
    if table not in _ORDER:
        _ORDER.update({each: position for position, each in enumerate(metadata.sorted_tables)})
    return _ORDER[table]
