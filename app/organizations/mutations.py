"""Root fields that change organizations; all need an administrator (PM-1)."""

import strawberry

from app.kernel.graphql.payloads import ObjectPayload, made
from app.kernel.graphql.perform import Info, perform
from app.kernel.graphql.scalars import AccountId
from app.organizations import accounts, founding, invitations, units
from app.organizations.rules import FeatureSet
from app.organizations.schema import Account, AccountInvitation, Organization, OrganizationalUnit


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
class OrganizationPayload(ObjectPayload):
    organization: Organization | None = made(Organization)


@strawberry.type
class OrganizationalUnitPayload(ObjectPayload):
    organizational_unit: OrganizationalUnit | None = made(OrganizationalUnit)


@strawberry.type
class AccountPayload(ObjectPayload):
    account: Account | None = made(Account)


@strawberry.type
class AccountInvitationPayload(ObjectPayload):
    invitation: AccountInvitation | None = made(AccountInvitation)


@strawberry.type
class OrganizationsMutation:
    @strawberry.mutation(description="The viewer's account founds an organization and becomes its master account.")
    async def create_organization(self, info: Info, input: CreateOrganizationInput) -> OrganizationPayload:
        return await perform(
            info,
            OrganizationPayload,
            lambda tx, viewer: founding.create_organization(tx, viewer, input.feature_set),
        )

    @strawberry.mutation(description="Goes from consolidated billing to all features. There is no way back.")
    async def enable_all_features(self, info: Info) -> OrganizationPayload:
        return await perform(info, OrganizationPayload, founding.enable_all_features)

    @strawberry.mutation(description="Turns on License Manager's trusted access.")
    async def enable_service_access(self, info: Info) -> OrganizationPayload:
        return await perform(
            info,
            OrganizationPayload,
            lambda tx, viewer: founding.set_service_access(tx, viewer, enabled=True),
        )

    @strawberry.mutation(description="Turns off trusted access: everything across accounts stops.")
    async def disable_service_access(self, info: Info) -> OrganizationPayload:
        return await perform(
            info,
            OrganizationPayload,
            lambda tx, viewer: founding.set_service_access(tx, viewer, enabled=False),
        )

    @strawberry.mutation(description="Makes a unit, five levels under the root at most.")
    async def create_organizational_unit(
        self, info: Info, input: CreateOrganizationalUnitInput
    ) -> OrganizationalUnitPayload:
        return await perform(
            info,
            OrganizationalUnitPayload,
            lambda tx, viewer: units.create(tx, viewer, input.name, input.parent_id),
        )

    @strawberry.mutation(description="Makes an account in the organization.")
    async def create_account(self, info: Info, input: CreateAccountInput) -> AccountPayload:
        return await perform(
            info,
            AccountPayload,
            lambda tx, viewer: accounts.create_in_organization(
                tx, viewer, input.name, input.email, input.organizational_unit_id
            ),
        )

    @strawberry.mutation(description="Puts an account of the organization in another unit.")
    async def move_account(self, info: Info, input: MoveAccountInput) -> AccountPayload:
        return await perform(
            info,
            AccountPayload,
            lambda tx, viewer: accounts.move(tx, viewer, input.account_id, input.organizational_unit_id),
        )

    @strawberry.mutation(description="Takes a member out; its resources and associations stay and go on consuming.")
    async def remove_account(self, info: Info, account_id: AccountId) -> AccountPayload:
        return await perform(
            info,
            AccountPayload,
            lambda tx, viewer: accounts.remove(tx, viewer, account_id),
        )

    @strawberry.mutation(description="The viewer's account, a member, leaves its organization.")
    async def leave_organization(self, info: Info) -> AccountPayload:
        return await perform(info, AccountPayload, accounts.leave)

    @strawberry.mutation(description="Asks an account to join; it has fifteen days to answer.")
    async def invite_account(self, info: Info, account_id: AccountId) -> AccountInvitationPayload:
        return await perform(
            info,
            AccountInvitationPayload,
            lambda tx, viewer: invitations.invite(tx, viewer, account_id),
        )

    @strawberry.mutation(description="The viewer's account joins the organization that invited it.")
    async def accept_account_invitation(self, info: Info, id: strawberry.ID) -> AccountInvitationPayload:
        return await perform(
            info,
            AccountInvitationPayload,
            lambda tx, viewer: invitations.accept(tx, viewer, id),
        )

    @strawberry.mutation(description="The viewer's account declines an invitation.")
    async def reject_account_invitation(self, info: Info, id: strawberry.ID) -> AccountInvitationPayload:
        return await perform(
            info,
            AccountInvitationPayload,
            lambda tx, viewer: invitations.reject(tx, viewer, id),
        )
