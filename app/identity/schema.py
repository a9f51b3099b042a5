"""The schema's caller and API tokens; tokens are seen by administrators of their own account."""

from datetime import datetime
from typing import Any

import strawberry
from sqlalchemy import Boolean, ColumnElement, String, and_, bindparam

from app.identity import service
from app.identity.models import ApiTokenRow
from app.kernel import reads
from app.kernel.graphql.node import Connection, Node
from app.kernel.graphql.payloads import ObjectPayload, made
from app.kernel.graphql.perform import Info, Payload, perform
from app.kernel.reads import Scope, column, entity, entity_of, one, value
from app.kernel.tables import table_of
from app.kernel.viewer import Permission
from app.organizations.schema import Account

MEANINGS = {
    Permission.AUDITOR: "Reads.",
    Permission.USER: "Launches, stops and terminates; reports inventory.",
    Permission.ADMINISTRATOR: "Everything.",
}
strawberry.enum(Permission, description="What a caller may do in its account, each including the ones before it.")
for _each in Permission.__strawberry_definition__.values:  # type: ignore[attr-defined]
    _each.description = MEANINGS[Permission(_each.value)]


def _principal(_row: Any, scope: Scope) -> ColumnElement[str]:
    scope.parameters["viewer_principal"] = lambda values: values.viewer.principal_arn
    return bindparam("viewer_principal", type_=String(), unique=False)


def _permission(_row: Any, scope: Scope) -> ColumnElement[str]:
    scope.parameters["viewer_permission"] = lambda values: values.viewer.permission.value
    return bindparam("viewer_permission", type_=String(), unique=False)


def sees_token(token: Any, scope: Scope) -> ColumnElement[bool]:
    """A token is seen by the administrators of its account."""
    scope.parameters["viewer_administers"] = lambda values: values.viewer.permission is Permission.ADMINISTRATOR
    administers: ColumnElement[bool] = bindparam("viewer_administers", type_=Boolean(), unique=False)
    return and_(token.c.account_id == scope.viewer_account, administers)


@entity(entity_of(Account).table)
@strawberry.type(description="The caller.")
class Viewer:
    account: Account = one(lambda: Account, on=lambda viewer, account, scope: account.c.id == viewer.c.id)
    principal_arn: str = value(_principal, description="The caller's ARN.")
    permission: Permission = value(_permission)


@entity(table_of(ApiTokenRow), prefix="token", sight=sees_token)
@strawberry.type(description="An API token of the viewer's account. Its secret is told once, when it is made.")
class ApiToken(Node):
    name: str = column(description="The user name in its caller's ARN.")
    prefix: str = column(description="The first characters of its secret, to recognise it by.")
    permission: Permission = column()
    created_at: datetime = column()
    expires_at: datetime | None = column()
    last_used_at: datetime | None = column(description="To the minute.")
    revoked_at: datetime | None = column()


@strawberry.type
class IdentityQuery:
    @strawberry.field(description="The caller.")
    async def viewer(self, info: Info) -> Viewer:
        found: list[Viewer] = await reads.listing(
            info, Viewer, lambda row, scope: [row.c.account_id == scope.viewer_account]
        )
        return found[0]

    @strawberry.field(description="The API tokens of the viewer's account, the newest first; for administrators.")
    async def api_tokens(
        self,
        info: Info,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[ApiToken]:
        info.context.viewer.require(Permission.ADMINISTRATOR)
        found: Connection[ApiToken] = await reads.connection_of(
            info, ApiToken, lambda row, scope: [], newest_first=True
        )
        return found


@strawberry.input
class CreateApiTokenInput:
    name: str = strawberry.field(description="1 to 64 letters, digits and _+=,.@-.")
    permission: Permission
    expires_at: datetime | None = strawberry.field(default=None, description="Never, unless given.")


@strawberry.type
class CreateApiTokenPayload(Payload):
    made: strawberry.Private[service.NewToken | None] = None

    @strawberry.field
    async def api_token(self, info: Info) -> ApiToken | None:
        key = self.made.key if self.made else None
        return await reads.node(info, ApiToken, key, seen=True)

    @strawberry.field(description="The token itself. It is told this once; keep it.")
    def secret(self) -> str | None:
        return self.made.secret if self.made else None


@strawberry.type
class ApiTokenPayload(ObjectPayload):
    api_token: ApiToken | None = made(ApiToken)


@strawberry.type
class IdentityMutation:
    @strawberry.mutation(description="Makes an API token of the viewer's account.")
    async def create_api_token(self, info: Info, input: CreateApiTokenInput) -> CreateApiTokenPayload:
        return await perform(
            info,
            CreateApiTokenPayload,
            lambda tx, viewer: service.create_own_token(tx, viewer, input.permission, input.name, input.expires_at),
            result="made",
        )

    @strawberry.mutation(description="Revokes an API token of the viewer's account, at once and for good.")
    async def revoke_api_token(self, info: Info, id: strawberry.ID) -> ApiTokenPayload:
        return await perform(
            info,
            ApiTokenPayload,
            lambda tx, viewer: service.revoke_own_token(tx, viewer, id),
        )
