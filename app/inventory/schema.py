"""Root fields that report managed instances and take them out of the inventory."""

from datetime import datetime

import strawberry

from app.compute.managed import ReportedApplication
from app.compute.schema import ManagedInstance
from app.inventory import managed
from app.inventory.reported import UNREPORTED, Report
from app.kernel.graphql.payloads import DeletePayload, ObjectPayload, made
from app.kernel.graphql.perform import Info, perform
from app.kernel.graphql.scalars import RegionCode
from app.kernel.viewer import Permission


@strawberry.input
class ApplicationInput:
    name: str
    version: str | None = None
    publisher: str | None = None


@strawberry.input(description="What is left out stays as it was reported before; null is not reported any more.")
class PutInventoryInput:
    region: RegionCode
    resource_id: str = strawberry.field(description="The server's own name for itself, such as mi-0abc.")
    name: str | None = strawberry.UNSET
    platform: str | None = strawberry.UNSET
    vcpus: int | None = strawberry.UNSET
    cores: int | None = strawberry.UNSET
    sockets: int | None = strawberry.UNSET
    captured_at: datetime | None = strawberry.field(
        default=None, description="Now, unless given. A report older than the present one changes nothing."
    )
    applications: list[ApplicationInput] | None = strawberry.field(
        default=None, description="All of them; left out, they stay as they were."
    )

    def report(self) -> Report:
        """The report as the service takes it."""
        given = {name: getattr(self, name) for name in UNREPORTED}
        applications = self.applications
        return Report(
            region=self.region,
            resource_id=self.resource_id,
            captured_at=self.captured_at,
            facts={name: value for name, value in given.items() if value is not strawberry.UNSET},
            applications=None
            if applications is None
            else [ReportedApplication(each.name, each.version, each.publisher) for each in applications],
        )


@strawberry.type
class ManagedInstancePayload(ObjectPayload):
    managed_instance: ManagedInstance | None = made(ManagedInstance)


@strawberry.type
class InventoryMutation:
    @strawberry.mutation(description="Reports a server of the viewer's account; what it consumes follows at once.")
    async def put_inventory(self, info: Info, input: PutInventoryInput) -> ManagedInstancePayload:
        return await perform(
            info,
            ManagedInstancePayload,
            lambda tx, viewer: managed.put(tx, viewer, input.report()),
            needs=Permission.USER,
        )

    @strawberry.mutation(
        description="Takes a managed instance out of the inventory; its licenses are released at once."
    )
    async def deregister_managed_instance(self, info: Info, id: strawberry.ID) -> DeletePayload:
        return await perform(
            info,
            DeletePayload,
            lambda tx, viewer: managed.deregister(tx, viewer, id),
            result="deleted_id",
        )
