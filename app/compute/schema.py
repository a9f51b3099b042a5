"""The schema's resources: images, launch templates, Dedicated Hosts, instances and managed instances."""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from sqlalchemy import ColumnElement, and_, func, or_, select

from app.compute.loaders import sees, sees_resource
from app.compute.models import ApplicationRow, ImageShareRow, ResourceRow, ResourceTagRow
from app.compute.rules import InstanceState, LaunchMechanism, ResourceType, Tenancy
from app.kernel.graphql.node import Node, Tag
from app.kernel.graphql.regions import Region
from app.kernel.graphql.scalars import AccountId
from app.kernel.reads import Scope, column, entity, many, one, value
from app.kernel.reads.json_sql import json_array_of
from app.kernel.tables import Json, table_of
from app.licensing.carried import is_carried_by
from app.organizations.schema import Account

if TYPE_CHECKING:
    from app.licensing.schema import LicenseConfiguration

resources = table_of(ResourceRow)
tags = table_of(ResourceTagRow)
applications = table_of(ApplicationRow)
shares = table_of(ImageShareRow)

strawberry.enum(ResourceType, description="What can carry license configurations.")
strawberry.enum(InstanceState, description="Whether an instance runs.")
strawberry.enum(Tenancy, description="On whose hardware an instance runs.")
strawberry.enum(LaunchMechanism, description="How an instance came to run; every one goes through the same gate.")


def _license_configuration() -> type:
    from app.licensing.schema import LicenseConfiguration

    return LicenseConfiguration


def _referred(column_name: str) -> Callable[[Any, Any, Scope], ColumnElement[bool]]:
    """What a column refers to, also once it is gone, where the viewer sees it or did."""

    def on(row: Any, referred: Any, scope: Scope) -> ColumnElement[bool]:
        return and_(referred.c.id == row.c[column_name], sees(referred, scope.viewer_account))

    return on


@entity(
    resources,
    prefix="res",
    sight=sees_resource,
    discriminator="type",
    types={
        ResourceType.IMAGE.value: "MachineImage",
        ResourceType.LAUNCH_TEMPLATE.value: "LaunchTemplate",
        ResourceType.DEDICATED_HOST.value: "DedicatedHost",
        ResourceType.INSTANCE.value: "Instance",
        ResourceType.MANAGED_INSTANCE.value: "ManagedInstance",
    },
)
@strawberry.interface(description="What can carry license configurations.")
class LicensableResource(Node):
    arn: str = column()
    resource_id: str = column(description="The name its platform gives it, such as i-0abc or ami-0abc.")
    resource_type: ResourceType = value(lambda resource, scope: resource.c.type)
    account: Account = one(
        lambda: Account, on=lambda resource, account, scope: account.c.account_id == resource.c.account_id
    )
    region: Region = one(lambda: Region, on=lambda resource, region, scope: region.c.code == resource.c.region)
    tags: list[Tag] = many(
        lambda: Tag,
        on=lambda resource, tag, scope: tag.c.resource_id == resource.c.id,
        order="key",
        source=lambda resource, scope: tags,
    )
    license_configurations: list[Annotated["LicenseConfiguration", strawberry.lazy("app.licensing.schema")]] = many(
        _license_configuration,
        on=lambda resource, configuration, scope: is_carried_by(configuration.c.id, resource.c.id),
        sighted=True,
        description="Those that the viewer may see.",
    )


def _shared_with(image: Any, scope: Scope) -> ColumnElement[Any]:
    """The accounts as a JSON array; one that does not own the image is told of itself alone."""
    share, viewer = shares.alias(), scope.viewer_account
    text = func.json_quote(share.c.account_id) if scope.dialect == "sqlite" else share.c.account_id
    listed = json_array_of(text, share.c.account_id)
    told = or_(image.c.account_id == viewer, share.c.account_id == viewer)
    found = select(listed).where(share.c.image_id == image.c.id, told).correlate_except(share).scalar_subquery()
    found.type = Json()
    return found


@strawberry.type(description="An image (AMI) that instances are launched from.")
class MachineImage(LicensableResource):
    name: str = column()
    platform: str | None = column()
    product_code: str | None = column(description="The Marketplace product that it was made from.")
    shared_with_account_ids: list[AccountId] = value(
        _shared_with, description="To an account that does not own the image: itself alone."
    )


@strawberry.type(description="A prepared launch.")
class LaunchTemplate(LicensableResource):
    name: str = column()
    image: MachineImage | None = one(
        lambda: MachineImage, on=_referred("image_id"), description="Null also where the viewer may not see it."
    )
    instance_type: str | None = column()


@strawberry.type(description="A physical server of one instance family, for one account's use.")
class DedicatedHost(LicensableResource):
    instance_family: str = column()
    sockets: int = column()
    cores: int = column(description="Physical ones.")
    vcpus: int = column()
    instances: list["Instance"] = many(
        lambda: Instance,
        on=lambda host, instance, scope: and_(
            instance.c.host_id == host.c.id, instance.c.state != InstanceState.TERMINATED.value
        ),
        sighted=True,
        description="Those that run or are stopped on it.",
    )


@strawberry.type(description="A virtual server.")
class Instance(LicensableResource):
    instance_type: str = column()
    image: MachineImage | None = one(
        lambda: MachineImage, on=_referred("image_id"), description="Null also where the viewer may not see it."
    )
    launch_template: LaunchTemplate | None = one(lambda: LaunchTemplate, on=_referred("launch_template_id"))
    host: DedicatedHost | None = one(lambda: DedicatedHost, on=_referred("host_id"))
    tenancy: Tenancy = column()
    state: InstanceState = column()
    vcpus: int = column(description="As customised, or the type's default.")
    cores: int = column()
    threads_per_core: int = column()
    mechanism: LaunchMechanism = column()
    launched_at: datetime = column()


@entity(applications)
@strawberry.type(description="Software found on a managed instance.")
class Application:
    name: str = column()
    version: str | None = column()
    publisher: str | None = column()


@strawberry.type(
    description="A server known from inventory: on premises, in another cloud, or an instance with an agent."
)
class ManagedInstance(LicensableResource):
    name: str | None = column()
    platform: str | None = column()
    vcpus: int | None = column()
    cores: int | None = column()
    sockets: int | None = column()
    active: bool = column(description="False once its inventory data is older than 30 days.")
    applications: list[Application] = many(
        lambda: Application, on=lambda instance, application, scope: application.c.resource_id == instance.c.id
    )
    captured_at: datetime = column()
