"""The schema's service-linked roles, and who sees them."""

from datetime import datetime
from typing import Any

import strawberry
from sqlalchemy import ColumnElement

from app.kernel.graphql.node import Node
from app.kernel.graphql.payloads import DeletePayload, ObjectPayload, made
from app.kernel.graphql.perform import Info, perform
from app.kernel.graphql.scalars import JSON
from app.kernel.reads import Scope, column, entity, one
from app.kernel.tables import table_of
from app.organizations.schema import Account
from app.organizations.sight import self_or_master_of
from app.roles import management
from app.roles.models import ServiceLinkedRoleRow
from app.roles.rules import ServiceLinkedRoleKind

strawberry.enum(ServiceLinkedRoleKind, description="The three roles that License Manager depends on.")


def sees_role(role: Any, scope: Scope) -> ColumnElement[bool]:
    """A role is seen by the account that has it and by the master account of its organization."""
    return self_or_master_of(scope.viewer_account, role.c.account_id)


@entity(table_of(ServiceLinkedRoleRow), prefix="role", sight=sees_role)
@strawberry.type(description="A role of fixed name and policy, through which the service acts in an account.")
class ServiceLinkedRole(Node):
    arn: str = column()
    name: str = column()
    kind: ServiceLinkedRoleKind = column()
    account: Account = one(lambda: Account, on=lambda role, account, scope: account.c.account_id == role.c.account_id)
    trusted_service: str = column()
    description: str | None = column()
    policy: JSON = column()
    created_at: datetime = column()


@strawberry.input
class CreateServiceLinkedRoleInput:
    service_name: str = strawberry.field(description="Such as license-manager.member-account.amazonaws.com.")
    description: str | None = None


@strawberry.input
class UpdateServiceLinkedRoleInput:
    id: strawberry.ID
    description: str


@strawberry.type
class ServiceLinkedRolePayload(ObjectPayload):
    service_linked_role: ServiceLinkedRole | None = made(ServiceLinkedRole)


@strawberry.type
class RolesMutation:
    @strawberry.mutation(description="Grants the service a role in the viewer's account, by the role's service name.")
    async def create_service_linked_role(
        self, info: Info, input: CreateServiceLinkedRoleInput
    ) -> ServiceLinkedRolePayload:
        return await perform(
            info,
            ServiceLinkedRolePayload,
            lambda tx, viewer: management.create(tx, viewer, input.service_name, input.description),
        )

    @strawberry.mutation(description="Edits the description of a role; all else of it is fixed.")
    async def update_service_linked_role(
        self, info: Info, input: UpdateServiceLinkedRoleInput
    ) -> ServiceLinkedRolePayload:
        return await perform(
            info,
            ServiceLinkedRolePayload,
            lambda tx, viewer: management.describe(tx, viewer, input.id, input.description),
        )

    @strawberry.mutation(description="Deletes a role of the viewer's account where nothing is in the way.")
    async def delete_service_linked_role(self, info: Info, id: strawberry.ID) -> DeletePayload:
        return await perform(
            info,
            DeletePayload,
            lambda tx, viewer: management.remove(tx, viewer, id),
            result="deleted_id",
        )
