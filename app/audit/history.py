"""Finds a page of event history without sorting the history: off the end of an index, for each account (AU-2).

The work depends on the page and on the number of accounts, not on how long the history is.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Select,
    String,
    exists,
    func,
    literal_column,
    select,
    true,
    type_coerce,
)

from app.audit.keys import first_key_at
from app.audit.models import AuditEventRow, AuditResourceRow
from app.kernel.tables import table_of

EVENT = table_of(AuditEventRow)
RESOURCE = table_of(AuditResourceRow)
MILLISECOND = timedelta(milliseconds=1)
SAMPLE = 50
"""Records of each account that tell how thick they lie."""

Given = Mapping[str, Any]
Bind = Callable[[str, Callable[[Any], Any] | None], Any]
"""What stands in the statement for an argument of the filter, by its GraphQL name, converted."""


class Way(StrEnum):
    """Whose index is read to its end; the other filters are asked of each record on the way."""

    RESOURCE = "resourceArn"
    PRINCIPAL = "principalArn"
    NAME = "eventName"
    REFUSED = "refusedOnly"
    ALL = "all"


def ways(given: Given) -> list[Way]:
    """The ways that a filter offers; at least one."""
    return [way for way in Way if given.get(way.value)] or [Way.ALL]


def shortest_way(connection: Connection, accounts: FromClause, given: Given) -> Way:
    """The way on which records lie thinnest, of those that a filter offers.

    A page's records reach back equally far by each way; what differs is how many others lie between them.
    """

    def value(name: str, convert: Callable[[Any], Any] | None) -> Any:
        return convert(given[name]) if convert else given[name]

    def density(way: Way) -> float:
        span = {name: given.get(name) for name in (way.value, "from", "to")}
        found = newest(accounts, way, span, value, None, SAMPLE, connection.dialect.name)
        keys: dict[str, list[int]] = {}
        for account_id, key in connection.execute(found):
            keys.setdefault(account_id, []).append(key)
        return sum(len(each) / (max(each) - min(each) + 1) for each in keys.values() if len(each) == SAMPLE)

    return min(ways(given), key=density)


def newest(
    accounts: FromClause, way: Way, given: Given, bind: Bind, before: Any, limit: Any, dialect: str
) -> Select[Any]:
    """Account ids and keys of each account's newest records that pass the filter: `limit` of each, below `before`."""
    statement = _on_way(accounts.c.account_id, way, given, bind, dialect)
    key = statement.selected_columns[0]
    if before is not None:
        statement = statement.where(key < before)
    of_each = statement.order_by(key.desc()).limit(limit).correlate(accounts)
    if dialect == "postgresql":
        found = of_each.lateral("newest")
        return select(accounts.c.account_id, found.c[0]).select_from(accounts.join(found, true()))
    # SQLite has no LATERAL, but its table-valued functions are.
    array = select(func.json_group_array(of_each.subquery("newest").c[0])).correlate(accounts).scalar_subquery()
    each = func.json_each(type_coerce(array, String())).table_valued("value")
    return select(accounts.c.account_id, each.c.value).select_from(accounts.join(each, true()))


def _on_way(account_id: ColumnElement[Any], way: Way, given: Given, bind: Bind, dialect: str) -> Select[Any]:
    """The keys of an account's records that pass the filter, in no order yet."""
    record = EVENT.alias("r")
    if way is Way.RESOURCE:
        concerned = RESOURCE.alias("c")
        key, owner = concerned.c.event_id, concerned.c.account_id
        statement = select(key.label("id")).join_from(concerned, record, record.c.id == key)
        statement = statement.where(concerned.c.arn == bind("resourceArn", None))
    else:
        key, owner = record.c.id, record.c.account_id
        statement = select(key)
    conditions = [owner == account_id, *_span(record, key, given, bind), *_others(record, way, given, bind, dialect)]
    return statement.where(*conditions)


def _span(record: FromClause, key: ColumnElement[Any], given: Given, bind: Bind) -> list[ColumnElement[bool]]:
    """A span of time is a span of keys, up to a millisecond; the exact instants decide within it."""
    conditions = []
    if given.get("from") is not None:
        conditions += [key >= bind("from", first_key_at), record.c.event_time >= bind("from", None)]
    if given.get("to") is not None:
        after = bind("to", lambda to: first_key_at(to + MILLISECOND))
        conditions += [key < after, record.c.event_time < bind("to", None)]
    return conditions


def _others(record: FromClause, way: Way, given: Given, bind: Bind, dialect: str) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    for each, column in ((Way.NAME, record.c.event_name), (Way.PRINCIPAL, record.c.principal_arn)):
        if given.get(each.value):
            # On SQLite the plus keeps the column's index out of the plan; PostgreSQL's statistics say what ours do.
            asked = literal_column(f"+r.{column.name}") if dialect == "sqlite" and each is not way else column
            conditions.append(asked == bind(each.value, None))
    if given.get("refusedOnly"):
        conditions.append(record.c.error_code.is_not(None))
    if given.get("resourceArn") and way is not Way.RESOURCE:
        named = RESOURCE.c.arn == bind("resourceArn", None)
        same = (RESOURCE.c.account_id == record.c.account_id) & (RESOURCE.c.event_id == record.c.id)
        conditions.append(exists().where(named, same))
    return conditions
