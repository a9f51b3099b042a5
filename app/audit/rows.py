"""Writes records' rows: the driver gets them as they are, three statements for a whole commit group."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import Table, insert
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import IntegrityError

from app.audit.models import UNDELIVERED, AuditEventRow, AuditResourceRow, TrailQueueRow
from app.kernel.clock import iso
from app.kernel.database import Transaction
from app.kernel.database.groups import MustRetry
from app.kernel.tables import table_of

EVENT = table_of(AuditEventRow)
RESOURCE = table_of(AuditResourceRow)
QUEUE = table_of(TrailQueueRow)


class EventRow(NamedTuple):
    """A row of audit_event, its columns in the table's order; the time as the driver takes it."""

    id: int
    account_id: str
    event_time: Any
    event_name: str
    event_source: str
    principal_arn: str
    region: str
    source_ip_address: str | None
    user_agent: str | None
    error_code: str | None
    error_message: str | None
    read_only: bool
    record: str


class Rows:
    """The rows of one commit group, to be written once it is complete."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        self._dialect = tx.connection.dialect
        self._events: list[EventRow] = []
        self._resources: list[tuple[str, str, int]] = []
        self.time: Any = iso(tx.now) if self._dialect.name == "sqlite" else tx.now

    def add(self, event: EventRow, arns: Iterable[str]) -> None:
        """Take a record and the ARNs that it is found by."""
        self._events.append(event)
        self._resources += [(arn, event.account_id, event.id) for arn in dict.fromkeys(arns)]

    def write(self) -> None:
        """Write all of them. Where another server took a key in the same millisecond, the group runs again."""
        self._tx.flush()
        try:
            self._insert(EVENT, self._events)
            self._insert(RESOURCE, self._resources)
            self._insert(QUEUE, [(UNDELIVERED, event.id) for event in self._events])
        except IntegrityError as error:
            raise MustRetry from error

    def _insert(self, table: Table, rows: list[Any]) -> None:
        if rows:
            self._tx.connection.exec_driver_sql(_statement(self._dialect, table), rows)


@lru_cache(maxsize=16)
def _statement(dialect: Dialect, table: Table) -> str:
    """The INSERT of one row, its parameters in the order of the table's columns."""
    compiled = insert(table).compile(dialect=dialect)
    assert list(compiled.positiontup or ()) == table.columns.keys()
    return str(compiled)
