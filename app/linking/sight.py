"""Whose inventory an account may read as its organization's master, as SQL for predicates of sight (IN-2, PM-2).

A member's role is asked for the actions that a search takes of it, not merely whether it is there (RO-6); what the
master's grants is asked once, of the whole.
"""

from typing import Any

from sqlalchemy import ColumnElement, Select, and_, not_, select

from app.kernel.reads.json_sql import quoted
from app.kernel.regions import regions
from app.kernel.tables import table_of
from app.linking.acts import Act, needs
from app.linking.models import ServiceSettingsRow
from app.linking.rules import DataCatalog
from app.organizations.sight import discovered_by, is_discovered_by
from app.roles.rules import ServiceLinkedRoleKind as Role
from app.roles.sight import has_role

_READS = tuple(each.action for each in needs(Act.SEARCH, Role.MEMBER_ACCOUNT))


def inventory_seen_by(
    viewer: ColumnElement[Any], account_id: ColumnElement[Any], region: ColumnElement[Any]
) -> ColumnElement[bool]:
    """Whether a search of the organization by the viewer reaches an account's inventory in a Region."""
    return and_(lets_in(viewer, account_id), region.in_(searched_regions(viewer)))


def lets_in(viewer: ColumnElement[Any], account_id: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether a member lets the viewer, its master, into its inventory, in the Regions that a search covers."""
    return and_(
        is_discovered_by(viewer, account_id),
        _may_be_read(account_id),
        has_role(viewer, Role.MASTER_ACCOUNT),
    )


def inventories_seen_by(viewer: ColumnElement[Any]) -> Select[Any]:
    """The ids of the accounts whose inventory a search by the viewer reaches in its Regions."""
    discovered = discovered_by(viewer)
    (member,) = discovered.selected_columns
    return discovered.where(_may_be_read(member), has_role(viewer, Role.MASTER_ACCOUNT))


def inventories_closed_to(viewer: ColumnElement[Any]) -> Select[Any]:
    """The ids of the members whose inventory a search by the viewer does not reach, by their ids."""
    discovered = discovered_by(viewer)
    (member,) = discovered.selected_columns
    lacking = discovered.where(member != viewer, not_(_may_be_read(member)))
    return lacking.order_by(member)


def _may_be_read(account_id: ColumnElement[Any]) -> ColumnElement[bool]:
    return has_role(account_id, Role.MEMBER_ACCOUNT, granting=_READS)


def searched_regions(viewer: ColumnElement[Any]) -> Select[Any]:
    """The Regions that a search of the organization covers: with support, and the catalog upgraded (RG-2, TR-1)."""
    own = table_of(ServiceSettingsRow).alias()
    supported = [quoted(each.code) for each in regions() if each.supports_cross_account]
    return select(own.c.region).where(
        own.c.account_id == viewer, own.c.data_catalog == DataCatalog.GLUE.value, own.c.region.in_(supported)
    )
