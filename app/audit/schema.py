"""The schema's event history."""

from datetime import datetime
from typing import Any

import strawberry
from sqlalchemy import ColumnElement, cast, type_coerce

from app.audit.history import Way, ways
from app.audit.loaders import on_page, sees_event, way_for
from app.audit.models import AuditEventRow
from app.kernel import reads
from app.kernel.graphql.node import Node, PageInfo
from app.kernel.graphql.perform import Info
from app.kernel.graphql.scalars import JSON, AccountId, RegionCode
from app.kernel.ids import check_text
from app.kernel.reads import Scope, column, entity, value
from app.kernel.tables import Json, table_of


def _record(event: Any, scope: Scope) -> ColumnElement[Any]:
    """The record as it was written: it is JSON already."""
    text = event.c.record
    return cast(text, Json()) if scope.dialect == "postgresql" else type_coerce(text, Json())


@entity(table_of(AuditEventRow), prefix="event", sight=sees_event)
@strawberry.type(description="One action, read or write, allowed or refused, as one account's record of it.")
class AuditEvent(Node):
    event_time: datetime = column()
    event_name: str = column(description="AWS's name where AWS has the operation, such as RunInstances.")
    event_source: str = column()
    principal_arn: str = column(description="Who acted.")
    account_id: AccountId = column(description="The account whose record it is.")
    region: RegionCode = column(description="The Region of the action; us-east-1 for one that has none.")
    source_ip_address: str | None = column()
    user_agent: str | None = column()
    error_code: str | None = column(description="Why the action was refused, or null.")
    error_message: str | None = column()
    read_only: bool = column()
    record: JSON = value(_record, description="The whole record, in CloudTrail's format.")


@strawberry.type
class AuditEventEdge:
    cursor: str
    node: AuditEvent


@strawberry.type
class AuditEventConnection:
    edges: list[AuditEventEdge]
    page_info: PageInfo


@strawberry.input(description="Which records; those that meet all that is given.")
class AuditEventFilter:
    account_id: AccountId | None = None
    event_name: str | None = None
    principal_arn: str | None = None
    resource_arn: str | None = strawberry.field(default=None, description="A resource that the action concerned.")
    from_: datetime | None = strawberry.field(default=None, name="from", description="At this instant or later.")
    to: datetime | None = strawberry.field(default=None, description="Before this instant.")
    refused_only: bool | None = None


@strawberry.type
class AuditQuery:
    @strawberry.field(
        description="Records of what was done, the newest first: of the viewer's account and, for the master account, "
        "of every account in its organization."
    )
    async def audit_events(
        self, info: Info, filter: AuditEventFilter | None = None, first: int | None = None, after: str | None = None
    ) -> AuditEventConnection:
        way = await _way(info, filter)
        found: AuditEventConnection = await reads.connection_of(
            info, AuditEvent, on_page(way), newest_first=True, plan=way
        )
        return found


_LONGEST = {"event_name": 128, "principal_arn": 256, "resource_arn": 512}


async def _way(info: Info, filter: AuditEventFilter | None) -> Way:
    """A single filter offers one way; of several the database is asked."""
    for name, maximum in _LONGEST.items():
        check_text(getattr(filter, name, None) or "", "The text", maximum, "filter", _argument(name), minimum=0)
    given = {_argument(name): getattr(filter, name) for name in AuditEventFilter.__annotations__} if filter else {}
    offered = ways(given)
    if len(offered) == 1:
        return offered[0]
    account_id = info.context.viewer.account_id
    return await info.context.database.read(lambda connection: way_for(connection, account_id, given))


def _argument(name: str) -> str:
    first, *rest = name.rstrip("_").split("_")
    return first + "".join(word.capitalize() for word in rest)
