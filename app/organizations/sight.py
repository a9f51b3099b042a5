"""Who sees whom, as SQL: expressions that other slices put in their own predicates."""

from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, Select, case, exists, or_, select

from app.kernel.tables import table_of
from app.organizations.models import AccountRow, OrganizationRow
from app.organizations.rules import AccountRole

accounts = table_of(AccountRow)
organizations = table_of(OrganizationRow)


def organization_key_of(account_id: ColumnElement[Any]) -> ScalarSelect[Any]:
    """The key of the organization that an account is in, or NULL; of the viewer it is worked out once a statement."""
    account = accounts.alias()
    found = select(account.c.organization_id).where(account.c.account_id == account_id)
    return found.correlate_except(account).scalar_subquery()


def same_organization(account_id: ColumnElement[Any], viewer: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether an account is the viewer's own or in the viewer's organization."""
    account = accounts.alias()
    together = exists(
        select(account.c.id)
        .where(account.c.account_id == account_id, account.c.organization_id == organization_key_of(viewer))
        .correlate_except(account)
    )
    return or_(account_id == viewer, together)


def is_master_of(viewer: ColumnElement[Any], account_id: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether the viewer is the master account of the organization that an account is in; true of the master itself."""
    account, organization = accounts.alias(), organizations.alias()
    return exists(
        select(account.c.id)
        .join(organization, organization.c.id == account.c.organization_id)
        .where(account.c.account_id == account_id, organization.c.master_account_id == viewer)
        .correlate_except(account, organization)
    )


def self_or_master_of(viewer: ColumnElement[Any], account_id: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether the viewer is an account itself or the master of its organization: who sees its roles and settings."""
    return or_(account_id == viewer, is_master_of(viewer, account_id))


def overseen_by(viewer: ColumnElement[Any]) -> Select[Any]:
    """The ids of the viewer's own account and, of a master, of all accounts in its organization: one column (AU-2)."""
    account, organization = accounts.alias(), organizations.alias()
    led = select(organization.c.id).where(organization.c.master_account_id == viewer)
    key = led.correlate_except(organization).scalar_subquery()
    return select(account.c.account_id).where(or_(account.c.account_id == viewer, account.c.organization_id == key))


def discovered_by(viewer: ColumnElement[Any]) -> Select[Any]:
    """The ids of the accounts whose inventory the viewer may be let into as their master, by a select of one column.

    The organization is linked, discovery across accounts is on, and so is trusted access (IN-2, OR-3).
    """
    account, organization = accounts.alias(), organizations.alias()
    return (
        select(account.c.account_id)
        .join(organization, organization.c.id == account.c.organization_id)
        .where(*_discovers(organization, viewer))
    )


def is_discovered_by(viewer: ColumnElement[Any], account_id: ColumnElement[Any]) -> ColumnElement[bool]:
    """The same of one account, at a cost that does not grow with their number."""
    account, organization = accounts.alias(), organizations.alias()
    own = select(organization.c.id).where(*_discovers(organization, viewer)).scalar_subquery()
    found = select(account.c.id).where(account.c.account_id == account_id, account.c.organization_id == own)
    return exists(found.correlate_except(account))


def _discovers(organization: Any, viewer: ColumnElement[Any]) -> list[ColumnElement[bool]]:
    return [
        organization.c.master_account_id == viewer,
        organization.c.service_access_enabled,
        organization.c.linked_at.is_not(None),
        organization.c.discovery_enabled_at.is_not(None),
    ]


def role_of(account_id: ColumnElement[Any]) -> ColumnElement[str]:
    """An account's role in the organization that it is in."""
    return case(
        (organization_key_of(account_id).is_(None), AccountRole.STANDALONE.value),
        (is_master_of(account_id, account_id), AccountRole.MASTER.value),
        else_=AccountRole.MEMBER.value,
    )


def is_linked(account_id: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether the organization that an account is in is linked (ST-4)."""
    organization = organizations.alias()
    linked = select(organization.c.id).where(
        organization.c.id == organization_key_of(account_id), organization.c.linked_at.is_not(None)
    )
    return exists(linked.correlate_except(organization))


def has_discovery(account_id: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether discovery across accounts is on in the organization that an account is in (ST-4)."""
    organization = organizations.alias()
    discovered = select(organization.c.id).where(
        organization.c.id == organization_key_of(account_id), organization.c.discovery_enabled_at.is_not(None)
    )
    return exists(discovered.correlate_except(organization))
