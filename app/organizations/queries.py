"""Root fields that read organizations and accounts."""

import strawberry

from app.kernel.graphql.perform import Info
from app.kernel.graphql.scalars import AccountId
from app.kernel.reads import listing
from app.organizations.schema import Account, AccountInvitation, Organization
from app.organizations.sight import organization_key_of


@strawberry.type
class OrganizationsQuery:
    @strawberry.field(description="The organization of the viewer's account; null where it is in none.")
    async def organization(self, info: Info) -> Organization | None:
        found: list[Organization] = await listing(
            info, Organization, lambda row, scope: [row.c.id == organization_key_of(scope.viewer_account)]
        )
        return found[0] if found else None

    @strawberry.field(description="The viewer's own account, or one of its organization.")
    async def account(self, info: Info, account_id: AccountId) -> Account | None:
        found: list[Account] = await listing(
            info, Account, lambda row, scope: [row.c.account_id == scope.argument("accountId")]
        )
        return found[0] if found else None

    @strawberry.field(
        description="Those that the viewer's account received, and those that it sent as the master account."
    )
    async def account_invitations(self, info: Info) -> list[AccountInvitation]:
        found: list[AccountInvitation] = await listing(info, AccountInvitation, lambda row, scope: [])
        return found
