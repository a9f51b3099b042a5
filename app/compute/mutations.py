"""Root fields that make images, launch templates and Dedicated Hosts, and take them away; all need an administrator."""

from collections.abc import Callable

import strawberry

from app.compute import hosts, images, tagging, templates
from app.compute.schema import DedicatedHost, LaunchTemplate, MachineImage
from app.kernel import reads
from app.kernel.database import Transaction
from app.kernel.graphql.payloads import DeletePayload, ObjectPayload, made
from app.kernel.graphql.perform import Info, Payload, perform
from app.kernel.graphql.scalars import AccountId, RegionCode
from app.kernel.tagging import Taggable, taggable
from app.kernel.viewer import Viewer


@strawberry.input
class RegisterImageInput:
    region: RegionCode
    name: str
    platform: str | None = None
    product_code: str | None = strawberry.field(
        default=None, description="The Marketplace product that it was made from."
    )


@strawberry.input
class CreateLaunchTemplateInput:
    region: RegionCode
    name: str
    image_id: strawberry.ID | None = None
    instance_type: str | None = None
    license_configuration_ids: list[strawberry.ID] | None = None


@strawberry.input
class AllocateHostsInput:
    region: RegionCode
    instance_family: str
    count: int = 1


@strawberry.type
class MachineImagePayload(ObjectPayload):
    image: MachineImage | None = made(MachineImage)


@strawberry.type
class LaunchTemplatePayload(ObjectPayload):
    launch_template: LaunchTemplate | None = made(LaunchTemplate)


@strawberry.type
class AllocateHostsPayload(Payload):
    keys: strawberry.Private[tuple[int, ...]] = ()

    @strawberry.field
    async def hosts(self, info: Info) -> list[DedicatedHost]:
        return await reads.nodes(info, DedicatedHost, self.keys, seen=True)


@strawberry.type
class ComputeMutation:
    @strawberry.mutation(description="Registers an image of the viewer's account.")
    async def register_image(self, info: Info, input: RegisterImageInput) -> MachineImagePayload:
        return await perform(
            info,
            MachineImagePayload,
            lambda tx, viewer: images.register(
                tx, viewer, input.region, input.name, platform=input.platform, product_code=input.product_code
            ),
        )

    @strawberry.mutation(description="Lets exactly these accounts see an image and launch from it.")
    async def share_image(self, info: Info, id: strawberry.ID, account_ids: list[AccountId]) -> MachineImagePayload:
        return await perform(
            info,
            MachineImagePayload,
            lambda tx, viewer: images.share(tx, viewer, id, account_ids),
        )

    @strawberry.mutation(description="Takes an image away, and its license configurations off it; what runs goes on.")
    async def deregister_image(self, info: Info, id: strawberry.ID) -> DeletePayload:
        return await _delete(info, lambda tx, viewer: images.deregister(tx, viewer, id))

    @strawberry.mutation(
        description="Creates a launch template, with the license configurations that judge its launches."
    )
    async def create_launch_template(self, info: Info, input: CreateLaunchTemplateInput) -> LaunchTemplatePayload:
        wanted = templates.NewTemplate(
            region=input.region,
            name=input.name,
            image_id=input.image_id,
            instance_type=input.instance_type,
            license_configuration_ids=input.license_configuration_ids or (),
        )
        return await perform(
            info,
            LaunchTemplatePayload,
            lambda tx, viewer: templates.create(tx, viewer, wanted),
        )

    @strawberry.mutation(description="Deletes a launch template; what was launched with it goes on.")
    async def delete_launch_template(self, info: Info, id: strawberry.ID) -> DeletePayload:
        return await _delete(info, lambda tx, viewer: templates.delete(tx, viewer, id))

    @strawberry.mutation(description="Allocates 1 to 100 Dedicated Hosts of an instance family, such as m5.")
    async def allocate_hosts(self, info: Info, input: AllocateHostsInput) -> AllocateHostsPayload:
        return await perform(
            info,
            AllocateHostsPayload,
            lambda tx, viewer: hosts.allocate(tx, viewer, input.region, input.instance_family, input.count),
            result="keys",
        )

    @strawberry.mutation(description="Gives a Dedicated Host back, on which no instance runs or is stopped.")
    async def release_host(self, info: Info, id: strawberry.ID) -> DeletePayload:
        return await _delete(info, lambda tx, viewer: hosts.release(tx, viewer, id))


async def _delete(info: Info, work: Callable[[Transaction, Viewer], str]) -> DeletePayload:
    return await perform(info, DeletePayload, work, result="deleted_id")


taggable("res", Taggable(tagging.open_tags, tagging.store_tags))
