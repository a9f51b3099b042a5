"""The feed of alerts: in the order of commits, resumed from a cursor without gap or repeat (AL-2)."""

from collections.abc import AsyncGenerator, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from sqlalchemy import ColumnElement, Connection, select

from app.alerts.models import FeedRow
from app.alerts.service import ALERTS_FEED
from app.kernel import reads
from app.kernel.database import Database
from app.kernel.errors import invalid
from app.kernel.events import Signal
from app.kernel.feeds import PAGE, Event, hub_of
from app.kernel.graphql.node import Edge
from app.kernel.graphql.perform import Info
from app.kernel.ids import parse_node_id
from app.kernel.reads import Scope
from app.kernel.reads.paging import parse_cursor
from app.kernel.tables import table_of

if TYPE_CHECKING:
    from app.alerts.schema import Alert

MOST_IDS = 100
TOPIC = "alerts"
feed_rows = table_of(FeedRow)


async def limit_alerts(
    info: Info, after: str | None = None, license_configuration_ids: list[strawberry.ID] | None = None
) -> AsyncGenerator[Edge[Annotated["Alert", strawberry.lazy("app.alerts.schema")]], None]:
    """Refuse a cursor that is none before the stream begins; then feed what is raised.

    What the viewer may see is asked of each alert when it is read, which is when it is raised or caught up with.
    """
    if license_configuration_ids is not None and len(license_configuration_ids) > MOST_IDS:
        raise invalid(f"Name at most {MOST_IDS} license configurations.", "licenseConfigurationIds", rule="API-3")
    only = None if license_configuration_ids is None else _keys(license_configuration_ids)
    hub = hub_of(info.context.database, AlertsFeed)
    head = await hub.feed.head()
    position = head if after is None else parse_cursor(after, "after")
    if position > head:
        # Followed in silence, it would pass by all that is raised until the feed has come so far.
        raise invalid(
            "The argument after is a cursor beyond the newest alert of this service.",
            "after",
            remedy="Take it from an alert's edge. After a restore from a backup, begin with the newest of alerts.",
            rule="AL-2",
        )
    key = reads.shared_by(info, "after")
    stream: Any = hub.follow(key, _Selection(reads.lasting(info), only).read, position, fresh=after is None)
    return stream  # type: ignore[no-any-return]


class AlertsFeed:
    """The positions of alerts are in the database: the order of commits, for all servers."""

    topic = TOPIC

    def __init__(self, database: Database) -> None:
        self._database = database

    def heard(self, signals: Sequence[Signal]) -> None:
        """That there is something new is all that they tell."""

    async def head(self) -> int:
        """The position of the newest alert; 0 before the first."""
        return await self._database.read(last_position)


def last_position(connection: Connection) -> int:
    """The position of the newest alert; 0 before the first."""
    return connection.execute(select(feed_rows.c.last).where(feed_rows.c.name == ALERTS_FEED)).scalar() or 0


class _Selection:
    """What a subscriber asks of each alert, and of which license configurations."""

    def __init__(self, info: Any, only: list[int] | None) -> None:
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
