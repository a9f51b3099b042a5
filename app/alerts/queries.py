"""The schema's notification channels and dead letters, and who sees them: their own account alone."""

from datetime import datetime
from typing import Any

import strawberry
from sqlalchemy import ColumnElement, and_

from app.alerts.models import DeliveryRow, NotificationChannelRow
from app.alerts.rules import ChannelKind, DeliveryState
from app.alerts.schema import Alert
from app.kernel import reads
from app.kernel.graphql.node import Connection, Node
from app.kernel.graphql.perform import Info
from app.kernel.graphql.regions import Region
from app.kernel.reads import Scope, column, entity, one
from app.kernel.reads.json_sql import quoted
from app.kernel.tables import table_of

strawberry.enum(ChannelKind, name="NotificationChannelKind", description="What alerts are delivered by.")


def sees_channel(channel: Any, scope: Scope) -> ColumnElement[bool]:
    own: ColumnElement[bool] = channel.c.account_id == scope.viewer_account
    return own


def sees_dead_letter(delivery: Any, scope: Scope) -> ColumnElement[bool]:
    return and_(delivery.c.account_id == scope.viewer_account, delivery.c.state == quoted(DeliveryState.DEAD.value))


@entity(table_of(NotificationChannelRow), prefix="channel", sight=sees_channel)
@strawberry.type(description="Where the account has its alerts sent.")
class NotificationChannel(Node):
    kind: ChannelKind = column()
    target: str = column(description="The URL, or the e-mail address.")
    region: Region | None = one(
        lambda: Region,
        on=lambda channel, region, scope: region.c.code == channel.c.region,
        description="Alerts of this Region alone; null: of every one.",
    )
    enabled: bool = column()
    created_at: datetime = column()
    last_delivered_at: datetime | None = column()
    last_failed_at: datetime | None = column()
    last_error: str | None = column(description="Why the last attempt failed; null once one succeeds.")


@entity(table_of(DeliveryRow), prefix="delivery", sight=sees_dead_letter)
@strawberry.type(description="A delivery that failed as often as it may.")
class DeadLetter(Node):
    kind: ChannelKind = column()
    target: str = column(description="The URL, the e-mail address or the topic's ARN.")
    channel: NotificationChannel | None = one(
        lambda: NotificationChannel,
        on=lambda delivery, channel, scope: channel.c.id == delivery.c.channel_id,
        description="Null for the account's topic.",
    )
    alert: Alert | None = one(
        lambda: Alert,
        on=lambda delivery, alert, scope: alert.c.id == delivery.c.alert_id,
        sighted=True,
        description="Null for a test of the channel.",
    )
    attempts: int = column()
    last_error: str | None = column()
    created_at: datetime = column()
    finished_at: datetime = column(description="When it was given up.")


@strawberry.type
class DeliveryQuery:
    @strawberry.field(description="Where the viewer's account has its alerts sent, beside its topics.")
    async def notification_channels(self, info: Info) -> list[NotificationChannel]:
        return await reads.listing(info, NotificationChannel, lambda row, scope: [])

    @strawberry.field(description="Deliveries of the viewer's account that failed as often as they may, newest first.")
    async def dead_letters(
        self,
        info: Info,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[DeadLetter]:
        found: Connection[DeadLetter] = await reads.connection_of(
            info, DeadLetter, lambda row, scope: [], newest_first=True
        )
        return found
