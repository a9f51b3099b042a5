"""What administrators do with notification channels and dead letters."""

import strawberry

from app.alerts import channels
from app.alerts.channels import Created, NewChannel
from app.alerts.delivery.setup import setup_of
from app.alerts.queries import NotificationChannel
from app.alerts.rules import ChannelKind
from app.kernel import reads
from app.kernel.graphql.payloads import DeletePayload, ObjectPayload, made
from app.kernel.graphql.perform import Info, Payload, perform
from app.kernel.graphql.scalars import RegionCode


@strawberry.input
class CreateNotificationChannelInput:
    kind: ChannelKind = strawberry.field(description="WEBHOOK or EMAIL; an account's topics are in its settings.")
    target: str = strawberry.field(description="An https URL, or an e-mail address.")
    region: RegionCode | None = strawberry.field(default=None, description="Alerts of this Region alone.")


@strawberry.type
class CreateNotificationChannelPayload(Payload):
    made: strawberry.Private[Created | None] = None

    @strawberry.field
    async def notification_channel(self, info: Info) -> NotificationChannel | None:
        key = self.made.key if self.made else None
        return await reads.node(info, NotificationChannel, key, seen=True)

    @strawberry.field(
        description="What a webhook's signatures are verified with, by the Standard Webhooks specification. It is told "
        "this once; keep it."
    )
    def secret(self) -> str | None:
        return self.made.secret if self.made else None


@strawberry.type
class NotificationChannelPayload(ObjectPayload):
    notification_channel: NotificationChannel | None = made(NotificationChannel)


@strawberry.type
class ReplayDeadLetterPayload(Payload):
    replayed_id: strawberry.ID | None = None


@strawberry.type
class DeliveryMutation:
    @strawberry.mutation(description="Has the alerts of the viewer's account sent to a URL or an e-mail address.")
    async def create_notification_channel(
        self, info: Info, input: CreateNotificationChannelInput
    ) -> CreateNotificationChannelPayload:
        setup = setup_of(info.context.database)
        new = NewChannel(input.kind, input.target, input.region)
        return await perform(
            info,
            CreateNotificationChannelPayload,
            lambda tx, viewer: channels.create(tx, viewer, setup, new),
            result="made",
        )

    @strawberry.mutation(
        description="Sends a test by a channel. The channel's lastDeliveredAt or lastError tells how it ended."
    )
    async def test_notification_channel(self, info: Info, id: strawberry.ID) -> NotificationChannelPayload:
        return await _perform(info, lambda tx, viewer: channels.test(tx, viewer, id))

    @strawberry.mutation(description="Sends alerts by a channel again, with those that waited meanwhile.")
    async def enable_notification_channel(self, info: Info, id: strawberry.ID) -> NotificationChannelPayload:
        return await _perform(info, lambda tx, viewer: channels.enable(tx, viewer, id, True))

    @strawberry.mutation(description="Sends nothing by a channel any more; alerts raised meanwhile pass it by.")
    async def disable_notification_channel(self, info: Info, id: strawberry.ID) -> NotificationChannelPayload:
        return await _perform(info, lambda tx, viewer: channels.enable(tx, viewer, id, False))

    @strawberry.mutation(description="Deletes a channel, with what waits for it and its dead letters.")
    async def delete_notification_channel(self, info: Info, id: strawberry.ID) -> DeletePayload:
        return await perform(
            info,
            DeletePayload,
            lambda tx, viewer: channels.remove(tx, viewer, id),
            result="deleted_id",
        )

    @strawberry.mutation(description="Delivers a dead letter again, under the id that it had.")
    async def replay_dead_letter(self, info: Info, id: strawberry.ID) -> ReplayDeadLetterPayload:
        return await perform(
            info,
            ReplayDeadLetterPayload,
            lambda tx, viewer: channels.replay(tx, viewer, id),
            result="replayed_id",
        )


async def _perform(info: Info, work: channels.Work) -> NotificationChannelPayload:
    return await perform(info, NotificationChannelPayload, work)
