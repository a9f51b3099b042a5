"""The feed of alerts: in the order of commits, resumed from a cursor without gap or repeat (AL-2)."""

from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from sqlalchemy import ColumnElement

from app.alerts.hub import PAGE, Event, hub_of, last_position
from app.kernel import reads
from app.kernel.errors import invalid
from app.kernel.graphql.perform import Info
from app.kernel.ids import parse_node_id
from app.kernel.reads import Scope
from app.kernel.reads.paging import parse_cursor

if TYPE_CHECKING:
    from app.alerts.schema import AlertEdge

MOST_IDS = 100
Edge = Annotated["AlertEdge", strawberry.lazy("app.alerts.schema")]


async def limit_alerts(
    info: Info, after: str | None = None, license_configuration_ids: list[strawberry.ID] | None = None
) -> AsyncGenerator[Edge, None]:
    """Refuse a cursor that is none before the stream begins; then feed what is raised.

    What the viewer may see is asked of each alert when it is read, which is when it is raised or caught up with.
    """
    if license_configuration_ids is not None and len(license_configuration_ids) > MOST_IDS:
        raise invalid(f"Name at most {MOST_IDS} license configurations.", "licenseConfigurationIds", rule="API-3")
    database = info.context.database
    position = parse_cursor(after, "after") if after is not None else await database.read(last_position)
    only = None if license_configuration_ids is None else _keys(license_configuration_ids)
    key = reads.shared_by(info, "after")
    stream: Any = hub_of(database).follow(key, _Selection(info, only).read, position, fresh=after is None)
    return stream  # type: ignore[no-any-return]


class _Selection:
    """What a subscriber asks of each alert, and of which license configurations."""

    def __init__(self, info: Info, only: list[int] | None) -> None:
        self._info = info
        self._only = only
        self._binds = {f"only{number}": key for number, key in enumerate(only or ())}

    async def read(self, after: int, upto: int) -> list[Event]:
        from app.alerts.schema import Alert

        where = self._everything if self._only is None else self._named
        return await reads.edges(
            self._info, Alert, where, after=after, upto=upto, most=PAGE, cursor="position", binds=self._binds
        )

    def _everything(self, alert: Any, scope: Scope) -> list[ColumnElement[bool]]:
        return []

    def _named(self, alert: Any, scope: Scope) -> list[ColumnElement[bool]]:
        return [alert.c.configuration_id.in_([scope.bind(name) for name in self._binds])]


def _keys(ids: list[strawberry.ID]) -> list[int]:
    parsed = [parse_node_id(each) for each in ids]
    return sorted({each.key for each in parsed if each and each.prefix == "lc"})
