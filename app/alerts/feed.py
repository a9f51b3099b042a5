"""The feed of alerts: in the order of commits, resumed from a cursor without gap or repeat (AL-2)."""

from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Annotated

import strawberry
from sqlalchemy import Connection, select

from app.alerts.models import AlertRow, FeedRow
from app.alerts.service import ALERTS_FEED
from app.kernel import reads
from app.kernel.errors import invalid
from app.kernel.graphql.perform import Info
from app.kernel.ids import parse_node_id
from app.kernel.reads.paging import parse_cursor
from app.kernel.tables import table_of

if TYPE_CHECKING:
    from app.alerts.schema import AlertEdge

ALERT = table_of(AlertRow)
FEED = table_of(FeedRow)
MOST_IDS = 100
AT_ONCE = 100
Edge = Annotated["AlertEdge", strawberry.lazy("app.alerts.schema")]


async def limit_alerts(
    info: Info, after: str | None = None, license_configuration_ids: list[strawberry.ID] | None = None
) -> AsyncGenerator[Edge, None]:
    """Refuse a cursor that is none before the stream begins; then feed what is raised."""
    if license_configuration_ids is not None and len(license_configuration_ids) > MOST_IDS:
        raise invalid(f"Name at most {MOST_IDS} license configurations.", "licenseConfigurationIds", rule="API-3")
    position = parse_cursor(after, "after") if after is not None else await info.context.database.read(last_position)
    parsed = [parse_node_id(each) for each in license_configuration_ids or ()]
    only = (
        {each.key for each in parsed if each and each.prefix == "lc"} if license_configuration_ids is not None else None
    )
    return _feed(info, position, only)


def last_position(connection: Connection) -> int:
    """The position of the newest alert; 0 before the first."""
    return connection.execute(select(FEED.c.last).where(FEED.c.name == ALERTS_FEED)).scalar() or 0


async def _feed(info: Info, position: int, only: set[int] | None) -> AsyncGenerator[Edge, None]:
    """What the viewer may see is asked for each alert, when it is sent."""
    from app.alerts.schema import Alert

    database = info.context.database
    listener = database.bus.listen("alerts")

    def following(connection: Connection) -> list[tuple[int, int]]:
        statement = select(ALERT.c.position, ALERT.c.id).where(ALERT.c.position > position)
        if only is not None:
            statement = statement.where(ALERT.c.configuration_id.in_(only))
        return [(row[0], row[1]) for row in connection.execute(statement.order_by(ALERT.c.position).limit(AT_ONCE))]

    try:
        while True:
            while found := await database.read(following):
                for next_position, key in found:
                    position = next_position
                    edge = await reads.edge(info, Alert, key, cursor="position")
                    if edge is not None:
                        yield edge
            await listener.wait()
    finally:
        database.bus.forget(listener)
