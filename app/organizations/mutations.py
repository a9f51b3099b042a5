"""Root fields that change organizations; all need an administrator (PM-1)."""

import strawberry

from app.kernel import reads
from app.kernel.graphql.perform import Info, Payload, perform
from app.kernel.graphql.scalars import AccountId
from app.kernel.viewer import Permission
from app.organizations import accounts, founding, invitations, units
from app.organizations.rules import FeatureSet
from app.organizations.schema import Account, AccountInvitation, Organization, OrganizationalUnit

ADMINISTRATOR = Permission.ADMINISTRATOR


@strawberry.input
class CreateOrganizationInput:
    feature_set: FeatureSet = FeatureSet.ALL


@strawberry.input
class CreateOrganizationalUnitInput:
    name: str
    parent_id: strawberry.ID | None = strawberry.field(default=None, description="The root, unless given.")


@strawberry.input
class CreateAccountInput:
    name: str
    email: str | None = None
    organizational_unit_id: strawberry.ID | None = strawberry.field(default=None, description="The root, unless given.")


@strawberry.input
class MoveAccountInput:
    account_id: AccountId
    organizational_unit_id: strawberry.ID


@strawberry.type
class OrganizationPayload(Payload):
    key: strawberry.Private[int | None] = None

    @strawberry.field
    async def organization(self, info: Info) -> Organization | None:
        found: Organization | None = await reads.node(info, Organization, self.key, seen=True)
        return found


@strawberry.type
class OrganizationalUnitPayload(Payload):
    key: strawberry.Private[int | None] = None

    @strawberry.field
    async def organizational_unit(self, info: Info) -> OrganizationalUnit | None:
        found: OrganizationalUnit | None = await reads.node(info, OrganizationalUnit, self.key, seen=True)
        return found


@strawberry.type
class AccountPayload(Payload):
    key: strawberry.Private[int | None] = None

    @strawberry.field
    async def account(self, info: Info) -> Account | None:
        found: Account | None = await reads.node(info, Account, self.key, seen=True)
        return found


@strawberry.type
class AccountInvitationPayload(Payload):
    key: strawberry.Private[int | None] = None

    @strawberry.field
    async def invitation(self, info: Info) -> AccountInvitation | None:
        found: AccountInvitation | None = await reads.node(info, AccountInvitation, self.key, seen=True)
        return found


@strawberry.type
class OrganizationsMutation:
    @strawberry.mutation(description="The viewer's account founds an organization and becomes its master account.")
    async def create_organization(self, info: Info, input: CreateOrganizationInput) -> OrganizationPayload:
        return await perform(
            info,
            OrganizationPayload,
            lambda tx, viewer: founding.create_organization(tx, viewer, input.feature_set),
            needs=ADMINISTRATOR,
        )

    @strawberry.mutation(description="Goes from consolidated billing to all features. There is no way back.")
    async def enable_all_features(self, info: Info) -> OrganizationPayload:
        return await perform(info, OrganizationPayload, founding.enable_all_features, needs=ADMINISTRATOR)

    @strawberry.mutation(description="Turns on License Manager's trusted access.")
    async def enable_service_access(self, info: Info) -> OrganizationPayload:
        return await perform(
            info,
            OrganizationPayload,
            lambda tx, viewer: founding.set_service_access(tx, viewer, enabled=True),
            needs=ADMINISTRATOR,
        )

    @strawberry.mutation(description="Turns off trusted access: everything across accounts stops.")
    async def disable_service_access(self, info: Info) -> OrganizationPayload:
        return await perform(
            info,
            OrganizationPayload,
            lambda tx, viewer: founding.set_service_access(tx, viewer, enabled=False),
            needs=ADMINISTRATOR,
        )

    @strawberry.mutation(description="Makes a unit, five levels under the root at most.")
    async def create_organizational_unit(
        self, info: Info, input: CreateOrganizationalUnitInput
    ) -> OrganizationalUnitPayload:
        return await perform(
            info,
            OrganizationalUnitPayload,
            lambda tx, viewer: units.create(tx, viewer, input.name, input.parent_id),
            needs=ADMINISTRATOR,
        )

    @strawberry.mutation(description="Makes an account in the organization.")
    async def create_account(self, info: Info, input: CreateAccountInput) -> AccountPayload:
        return await perform(
            info,
            AccountPayload,
            lambda tx, viewer: accounts.create_in_organization(
                tx, viewer, input.name, input.email, input.organizational_unit_id
            ),
            needs=ADMINISTRATOR,
        )

    @strawberry.mutation(description="Puts an account of the organization in another unit.")
    async def move_account(self, info: Info, input: MoveAccountInput) -> AccountPayload:
        return await perform(
            info,
            AccountPayload,
            lambda tx, viewer: accounts.move(tx, viewer, input.account_id, input.organizational_unit_id),
            needs=ADMINISTRATOR,
        )

    @strawberry.mutation(description="Takes a member out; its resources and associations stay and go on consuming.")
    async def remove_account(self, info: Info, account_id: AccountId) -> AccountPayload:
        return await perform(
            info,
            AccountPayload,
            lambda tx, viewer: accounts.remove(tx, viewer, account_id),
            needs=ADMINISTRATOR,
        )

    @strawberry.mutation(description="The viewer's account, a member, leaves its organization.")
    async def leave_organization(self, info: Info) -> AccountPayload:
        return await perform(info, AccountPayload, accounts.leave, needs=ADMINISTRATOR)

    @strawberry.mutation(description="Asks an account to join; it has fifteen days to answer.")
    async def invite_account(self, info: Info, account_id: AccountId) -> AccountInvitationPayload:
        return await perform(
            info,
            AccountInvitationPayload,
            lambda tx, viewer: invitations.invite(tx, viewer, account_id),
            needs=ADMINISTRATOR,
        )

    @strawberry.mutation(description="The viewer's account joins the organization that invited it.")
    async def accept_account_invitation(self, info: Info, id: strawberry.ID) -> AccountInvitationPayload:
        return await perform(
            info,
            AccountInvitationPayload,
            lambda tx, viewer: invitations.accept(tx, viewer, id),
            needs=ADMINISTRATOR,
        )

    @strawberry.mutation(description="The viewer's account declines an invitation.")
    async def reject_account_invitation(self, info: Info, id: strawberry.ID) -> AccountInvitationPayload:
        return await perform(
            info,
            AccountInvitationPayload,
            lambda tx, viewer: invitations.reject(tx, viewer, id),
            needs=ADMINISTRATOR,
        )
