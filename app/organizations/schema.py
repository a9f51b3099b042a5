"""The schema's organizations, units, accounts and invitations, and who sees what of them."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, cast

import strawberry
from sqlalchemy import ColumnElement, and_, case, exists, or_, select

from app.kernel.graphql.node import Connection, Node
from app.kernel.graphql.scalars import AccountId, RegionCode
from app.kernel.reads import Scope, Seen, column, connection, entity, many, one, page_arguments, value
from app.kernel.regions import region as region_of
from app.kernel.tables import table_of
from app.organizations.inviting import state_at
from app.organizations.models import AccountInvitationRow, AccountRow, OrganizationalUnitRow, OrganizationRow
from app.organizations.rules import AccountRole, FeatureSet, InvitationState
from app.organizations.sight import organization_key_of, self_or_master_of

if TYPE_CHECKING:
    from app.linking.schema import ServiceSettings
    from app.roles.schema import ServiceLinkedRole

accounts = table_of(AccountRow)
organizations = table_of(OrganizationRow)
units = table_of(OrganizationalUnitRow)
invitation_rows = table_of(AccountInvitationRow)

strawberry.enum(FeatureSet, description="What the master account may do with its members.")
strawberry.enum(AccountRole, description="An account's place in its organization.")
strawberry.enum(InvitationState, description="What became of an invitation.")


Predicate = ColumnElement[bool]


def sees_account(account: Any, scope: Scope) -> Predicate:
    """An account is seen by itself and by the accounts of its organization (PM-2)."""
    together = account.c.organization_id == organization_key_of(scope.viewer_account)
    return or_(account.c.account_id == scope.viewer_account, together)


def sees_organization(organization: Any, scope: Scope) -> Predicate:
    """An organization is seen by its accounts."""
    return cast("Predicate", organization.c.id == organization_key_of(scope.viewer_account))


def sees_unit(unit: Any, scope: Scope) -> Predicate:
    """A unit is seen by the accounts of its organization."""
    return cast("Predicate", unit.c.organization_id == organization_key_of(scope.viewer_account))


def sees_invitation(invitation: Any, scope: Scope) -> Predicate:
    """An invitation is seen by the invited account and by the master that sent it."""
    viewer = scope.viewer_account
    sent = select(organizations.c.id).where(organizations.c.master_account_id == viewer)
    return or_(invitation.c.account_id == viewer, invitation.c.organization_id.in_(sent))


def _private(account: Any, scope: Scope) -> Predicate:
    return self_or_master_of(scope.viewer_account, account.c.account_id)


def _role(account: Any, scope: Scope) -> ColumnElement[str]:
    """An account's role; an organization that the viewer does not see does not exist for it."""
    organization = organizations.alias()
    master = exists(select(organization.c.id).where(organization.c.master_account_id == account.c.account_id))
    together = and_(account.c.organization_id.is_not(None), sees_account(account, scope))
    return case(
        (and_(together, master), AccountRole.MASTER.value),
        (together, AccountRole.MEMBER.value),
        else_=AccountRole.STANDALONE.value,
    )


def _roles_type() -> type:
    from app.roles.schema import ServiceLinkedRole

    return ServiceLinkedRole


def _settings_type() -> type:
    from app.linking.schema import ServiceSettings

    return ServiceSettings


def _of_region(region: RegionCode) -> None:
    """The settings of one Region."""


def _in_region(account: Any, settings: Any, scope: Scope) -> Predicate:
    code = scope.argument("region", convert=lambda given: region_of(given, "region").code)
    return and_(settings.c.account_id == account.c.account_id, settings.c.region == code)


WITHIN = Seen("the account itself and the accounts of its organization", sees_account)
ITSELF_OR_MASTER = Seen("the account itself and the master account of its organization", _private)


@entity(accounts, prefix="acct", sight=sees_account)
@strawberry.type(description="An account, known by its twelve digits.")
class Account(Node):
    account_id: AccountId = column()
    name: str = column()
    email: str | None = column(seen=WITHIN)
    role: AccountRole = value(_role)
    organization: "Organization | None" = one(
        lambda: Organization,
        on=lambda account, organization, scope: organization.c.id == account.c.organization_id,
        seen=WITHIN,
    )
    organizational_unit: "OrganizationalUnit | None" = one(
        lambda: OrganizationalUnit, on=lambda account, unit, scope: unit.c.id == account.c.unit_id, seen=WITHIN
    )
    joined_at: datetime | None = column(seen=WITHIN)
    service_linked_roles: list[Annotated["ServiceLinkedRole", strawberry.lazy("app.roles.schema")]] | None = many(
        _roles_type,
        on=lambda account, role, scope: role.c.account_id == account.c.account_id,
        seen=ITSELF_OR_MASTER,
        description="Null where the viewer may not see them: only the account itself and its organization's master "
        "may.",
    )
    service_settings: Annotated["ServiceSettings", strawberry.lazy("app.linking.schema")] | None = one(
        _settings_type,
        on=_in_region,
        arguments=_of_region,
        seen=ITSELF_OR_MASTER,
        description="Null where the viewer may not see them.",
    )


@entity(organizations, prefix="org", sight=sees_organization)
@strawberry.type(description="Accounts under one master account, in a tree of units.")
class Organization(Node):
    organization_id: str = column()
    master_account: Account = one(
        lambda: Account,
        on=lambda organization, account, scope: account.c.account_id == organization.c.master_account_id,
    )
    feature_set: FeatureSet = column()
    service_access_enabled: bool = column(description="License Manager's trusted access.")
    root: "OrganizationalUnit" = one(
        lambda: OrganizationalUnit,
        on=lambda organization, unit, scope: (unit.c.organization_id == organization.c.id) & unit.c.parent_id.is_(None),
    )
    accounts: Connection[Account] = connection(
        lambda: Account,
        on=lambda organization, account, scope: account.c.organization_id == organization.c.id,
        arguments=page_arguments,
        sighted=True,
        description="Its accounts; none to an account that is only invited.",
    )
    created_at: datetime = column()


@entity(units, prefix="ou", sight=sees_unit)
@strawberry.type(description="A unit of an organization's tree; the root has no parent.")
class OrganizationalUnit(Node):
    name: str = column()
    parent: "OrganizationalUnit | None" = one(
        lambda: OrganizationalUnit, on=lambda unit, parent, scope: parent.c.id == unit.c.parent_id
    )
    children: list["OrganizationalUnit"] = many(
        lambda: OrganizationalUnit, on=lambda unit, child, scope: child.c.parent_id == unit.c.id, sighted=True
    )
    accounts: Connection[Account] = connection(
        lambda: Account,
        on=lambda unit, account, scope: account.c.unit_id == unit.c.id,
        arguments=page_arguments,
        sighted=True,
        description="The accounts that are in this very unit.",
    )


@entity(invitation_rows, prefix="ainv", sight=sees_invitation)
@strawberry.type(description="An account asked to join an organization; it expires after fifteen days.")
class AccountInvitation(Node):
    organization: Organization = one(
        lambda: Organization,
        on=lambda invitation, organization, scope: organization.c.id == invitation.c.organization_id,
    )
    account_id: AccountId = column()
    state: InvitationState = value(lambda invitation, scope: state_at(invitation, scope.now))
    created_at: datetime = column()
