"""Which records a viewer sees, and the condition that leaves of the history what a page can hold (AU-2, PM-2)."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement, Connection, literal

from app.audit.history import Given, Way, newest, shortest_way
from app.kernel.reads import Scope
from app.kernel.reads.paging import DEFAULT_PAGE, page_of
from app.organizations.sight import overseen_by


def sees_event(event: Any, scope: Scope) -> ColumnElement[bool]:
    """An account sees its own records, the master of an organization those of every account in it."""
    owner: ColumnElement[str] = event.c.account_id
    return owner.in_(overseen_by(scope.viewer_account))


def way_for(connection: Connection, viewer_account: str, given: Given) -> Way:
    """By which of several filters the page is found soonest; the answer is the same by each."""
    return shortest_way(connection, _accounts(literal(viewer_account), given.get("accountId")), given)


def on_page(way: Way) -> Callable[[Any, Scope], list[ColumnElement[bool]]]:
    """The condition on records, for `connection_of`: the newest of each account, one more than the page has."""

    def where(event: Any, scope: Scope) -> list[ColumnElement[bool]]:
        page_of(scope.arguments)
        given = scope.arguments.get("filter") or {}
        only = given.get("accountId") and scope.argument("filter", "accountId")
        after = scope.arguments.get("after") and scope.argument("after", convert=lambda cursor: int(cursor[1:]))
        limit = DEFAULT_PAGE if scope.arguments.get("first") is None else scope.argument("first")
        accounts = _accounts(scope.viewer_account, only)

        def bind(name: str, convert: Callable[[Any], Any] | None) -> Any:
            return scope.argument("filter", name, convert=convert)

        found = newest(accounts, way, given, bind, after, limit + 1, scope.dialect)
        key = found.selected_columns[1]
        return [event.c.id.in_(found.with_only_columns(key).order_by(key.desc()).limit(limit + 1))]

    return where


def _accounts(viewer: ColumnElement[Any], only: Any) -> Any:
    """The accounts whose records are looked at: all that the viewer sees, or the one asked for where it is of them."""
    watched = overseen_by(viewer)
    if only is not None:
        watched = watched.where(watched.selected_columns[0] == only)
    return watched.subquery("watched")
