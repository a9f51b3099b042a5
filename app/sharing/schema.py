"""The schema's resource shares and invitations, and who sees what of them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from sqlalchemy import and_

from app.kernel import reads
from app.kernel.graphql.node import Node, Tag, TagInput
from app.kernel.graphql.payloads import DeletePayload, ObjectPayload, made
from app.kernel.graphql.perform import Info, perform
from app.kernel.graphql.regions import Region
from app.kernel.graphql.scalars import AccountId, RegionCode
from app.kernel.reads import Reading, Scope, column, computed, entity, many, one, value
from app.kernel.regions import region as region_of
from app.kernel.tables import table_of
from app.organizations.inviting import state_at
from app.organizations.rules import InvitationState
from app.organizations.schema import Account
from app.sharing import invitations, shares
from app.sharing.models import ResourceShareRow, ShareInvitationRow, ShareTagRow
from app.sharing.principals import shown
from app.sharing.rules import ResourceShareStatus
from app.sharing.shares import NewShare, ShareChange
from app.sharing.sight import holds, sees_invitation, sees_share

if TYPE_CHECKING:
    from app.licensing.schema import LicenseConfiguration

strawberry.enum(ResourceShareStatus, description="Whether a share still is.")


def _configurations() -> type:
    from app.licensing.schema import LicenseConfiguration

    return LicenseConfiguration


def _principals(rows: Sequence[Mapping[str, Any]], _: Mapping[str, Any], reading: Reading) -> list[list[str]]:
    owners = {row["id"]: row["owner_account_id"] for row in rows}
    named = shown(reading.connection, owners, reading.viewer.account_id)
    return [named[row["id"]] for row in rows]


@entity(table_of(ResourceShareRow), prefix="share", sight=sees_share)
@strawberry.type(description="License configurations of one account, for others.")
class ResourceShare(Node):
    arn: str = column()
    name: str = column()
    owner: Account = one(
        lambda: Account, on=lambda share, account, scope: account.c.account_id == share.c.owner_account_id
    )
    region: Region = one(lambda: Region, on=lambda share, region, scope: region.c.code == share.c.region)
    status: ResourceShareStatus = column()
    allow_external_principals: bool = column(
        description="Whether accounts outside the owner's organization can be invited."
    )
    license_configurations: list[Annotated["LicenseConfiguration", strawberry.lazy("app.licensing.schema")]] = many(
        _configurations,
        on=lambda share, configuration, scope: holds(share, configuration),
        sighted=True,
        description="None to an account that is invited and has not accepted.",
    )
    principals: list[str] = computed(
        _principals,
        needs=("id", "owner_account_id"),
        description="Account ids, organizational unit ids or an organization id. An account that is not the owner sees "
        "those that stand for itself.",
    )
    tags: list[Tag] = many(
        lambda: Tag,
        on=lambda share, tag, scope: and_(
            tag.c.share_id == share.c.id, share.c.owner_account_id == scope.viewer_account
        ),
        order="key",
        source=lambda share, scope: table_of(ShareTagRow),
        description="The owner's own; to others none.",
    )
    created_at: datetime = column()


@entity(table_of(ShareInvitationRow), prefix="sinv", sight=sees_invitation)
@strawberry.type(description="An account asked whether it takes a share; it expires after seven days.")
class ResourceShareInvitation(Node):
    resource_share: ResourceShare = one(
        lambda: ResourceShare, on=lambda invitation, share, scope: share.c.id == invitation.c.share_id
    )
    account_id: AccountId = column()
    state: InvitationState = value(lambda invitation, scope: state_at(invitation, scope.now))
    created_at: datetime = column()


# ------------------------------------------------------------ inputs and payloads


@strawberry.input
class CreateResourceShareInput:
    region: RegionCode
    name: str
    license_configuration_ids: list[strawberry.ID]
    principals: list[str] = strawberry.field(
        description="Account ids, organizational unit ids or an organization id. Units and the organization may be "
        "named by their global ids too."
    )
    allow_external_principals: bool = False
    tags: list[TagInput] | None = strawberry.field(
        default=None,
        description="A share tagged Service=LicenseManager can be changed on the account's behalf by the service.",
    )


@strawberry.input
class UpdateResourceShareInput:
    id: strawberry.ID
    name: str | None = None
    add_license_configuration_ids: list[strawberry.ID] | None = None
    remove_license_configuration_ids: list[strawberry.ID] | None = None
    add_principals: list[str] | None = strawberry.field(
        default=None, description="An account that declined, or whose invitation expired, is invited again."
    )
    remove_principals: list[str] | None = None


@strawberry.type
class ResourceSharePayload(ObjectPayload):
    resource_share: ResourceShare | None = made(ResourceShare)


@strawberry.type
class ResourceShareInvitationPayload(ObjectPayload):
    invitation: ResourceShareInvitation | None = made(ResourceShareInvitation)


# ------------------------------------------------------------ roots


def _active(share: Any, scope: Scope) -> list[Any]:
    conditions = [share.c.status == ResourceShareStatus.ACTIVE.value]
    if scope.arguments.get("region") is not None:
        conditions.append(share.c.region == scope.argument("region"))
    return conditions


@strawberry.type
class SharingQuery:
    @strawberry.field(description="The active shares that the viewer's account owns, and those in force for it.")
    async def resource_shares(self, info: Info, region: RegionCode | None = None) -> list[ResourceShare]:
        if region is not None:
            region_of(region, "region")
        return await reads.listing(info, ResourceShare, _active)

    @strawberry.field(description="Those that the viewer's account received, and those to its own shares.")
    async def resource_share_invitations(self, info: Info) -> list[ResourceShareInvitation]:
        return await reads.listing(info, ResourceShareInvitation, lambda row, scope: [])


@strawberry.type
class SharingMutation:
    @strawberry.mutation(
        description="Shares license configurations of the viewer's account. Inside a linked organization the share is "
        "in force at once; other accounts are invited."
    )
    async def create_resource_share(self, info: Info, input: CreateResourceShareInput) -> ResourceSharePayload:
        new = NewShare(
            region=input.region,
            name=input.name,
            configuration_ids=input.license_configuration_ids,
            principals=input.principals,
            allow_external_principals=input.allow_external_principals,
            tags=[(tag.key, tag.value) for tag in input.tags or ()],
        )
        return await perform(
            info,
            ResourceSharePayload,
            lambda tx, viewer: shares.create(tx, viewer, new),
        )

    @strawberry.mutation(
        description="Changes a share of the viewer's account. What is taken out stops new associations; those that are "
        "there go on consuming."
    )
    async def update_resource_share(self, info: Info, input: UpdateResourceShareInput) -> ResourceSharePayload:
        change = ShareChange(
            name=input.name,
            add_configuration_ids=input.add_license_configuration_ids or (),
            remove_configuration_ids=input.remove_license_configuration_ids or (),
            add_principals=input.add_principals or (),
            remove_principals=input.remove_principals or (),
        )
        return await perform(
            info,
            ResourceSharePayload,
            lambda tx, viewer: shares.update(tx, viewer, input.id, change),
        )

    @strawberry.mutation(description="Ends a share. What is associated through it goes on consuming.")
    async def delete_resource_share(self, info: Info, id: strawberry.ID) -> DeletePayload:
        return await perform(
            info,
            DeletePayload,
            lambda tx, viewer: shares.delete(tx, viewer, id),
            result="deleted_id",
        )

    @strawberry.mutation(description="Takes a share that the viewer's account is invited to.")
    async def accept_resource_share_invitation(self, info: Info, id: strawberry.ID) -> ResourceShareInvitationPayload:
        return await perform(
            info,
            ResourceShareInvitationPayload,
            lambda tx, viewer: invitations.accept(tx, viewer, id),
        )

    @strawberry.mutation(description="Declines a share that the viewer's account is invited to.")
    async def reject_resource_share_invitation(self, info: Info, id: strawberry.ID) -> ResourceShareInvitationPayload:
        return await perform(
            info,
            ResourceShareInvitationPayload,
            lambda tx, viewer: invitations.reject(tx, viewer, id),
        )
