"""Which records a viewer sees, and how a page of them is found without sorting a history (AU-2, PM-2)."""

from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, String, func, literal_column, select, true, type_coerce

from app.audit.keys import first_key_at
from app.audit.models import AuditEventRow, AuditResourceRow
from app.kernel.reads import Scope
from app.kernel.reads.paging import DEFAULT_PAGE, page_of
from app.kernel.tables import table_of
from app.organizations.sight import overseen_by

EVENT = table_of(AuditEventRow)
RESOURCE = table_of(AuditResourceRow)
MILLISECOND = timedelta(milliseconds=1)


def sees_event(event: Any, scope: Scope) -> ColumnElement[bool]:
    """An account sees its own records, the master of an organization those of every account in it."""
    owner: ColumnElement[str] = event.c.account_id
    return owner.in_(overseen_by(scope.viewer_account))


def on_page(event: Any, scope: Scope) -> list[ColumnElement[bool]]:
    """The condition that leaves of the history what the page can hold.

    Each account's newest records are read off the end of an index, one more than the page has, and only those are
    put in order: the work depends on the page and the number of accounts, not on the length of the history.
    """
    page_of(scope.arguments)
    watched = overseen_by(scope.viewer_account)
    if _filter(scope).get("accountId") is not None:
        watched = watched.where(literal_column("account_id") == scope.argument("filter", "accountId"))
    accounts = watched.subquery("watched")
    newest = _newest(accounts.c.account_id, scope).correlate(accounts)
    if scope.dialect == "postgresql":
        found = newest.lateral("newest")
        return [event.c.id.in_(select(found.c.id).select_from(accounts.join(found, true())))]
    # SQLite has no LATERAL, but its table-valued functions are.
    listed = select(func.json_group_array(newest.subquery("newest").c.id)).correlate(accounts).scalar_subquery()
    each = func.json_each(type_coerce(listed, String())).table_valued("value")
    return [event.c.id.in_(select(each.c.value).select_from(accounts, each))]


def _newest(account_id: ColumnElement[Any], scope: Scope) -> Select[Any]:
    """The keys of one account's newest records that pass the filters, as many as the page has and one more."""
    record, given = EVENT.alias("r"), _filter(scope)
    key, owner = record.c.id, record.c.account_id
    statement = select(record.c.id)
    if given.get("resourceArn") is not None:
        concerned = RESOURCE.alias("c")
        key, owner = concerned.c.event_id, concerned.c.account_id
        statement = (
            select(concerned.c.event_id.label("id"))
            .join_from(concerned, record, record.c.id == concerned.c.event_id)
            .where(concerned.c.arn == scope.argument("filter", "resourceArn"))
        )
    conditions = [owner == account_id, *_conditions(record, key, scope)]
    if scope.arguments.get("after") is not None:
        conditions.append(key < scope.argument("after", convert=lambda cursor: int(cursor[1:])))
    limit = DEFAULT_PAGE if scope.arguments.get("first") is None else scope.argument("first")
    return statement.where(*conditions).order_by(key.desc()).limit(limit + 1)


def _conditions(record: Any, key: ColumnElement[Any], scope: Scope) -> list[ColumnElement[bool]]:
    given, conditions = _filter(scope), []
    if given.get("eventName") is not None:
        conditions.append(record.c.event_name == scope.argument("filter", "eventName"))
    if given.get("principalArn") is not None:
        conditions.append(record.c.principal_arn == scope.argument("filter", "principalArn"))
    if given.get("refusedOnly"):
        conditions.append(record.c.error_code.is_not(None))
    # A span of time is a span of keys, up to a millisecond; the exact instants decide within it.
    if given.get("from") is not None:
        conditions.append(key >= scope.argument("filter", "from", convert=first_key_at))
        conditions.append(record.c.event_time >= scope.argument("filter", "from"))
    if given.get("to") is not None:
        conditions.append(key < scope.argument("filter", "to", convert=lambda to: first_key_at(to + MILLISECOND)))
        conditions.append(record.c.event_time < scope.argument("filter", "to"))
    return conditions


def _filter(scope: Scope) -> Any:
    return scope.arguments.get("filter") or {}
