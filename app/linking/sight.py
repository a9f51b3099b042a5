"""Whose inventory an account may read as its organization's master, as SQL for predicates of sight (IN-2, PM-2)."""

from typing import Any

from sqlalchemy import ColumnElement, and_, select

from app.kernel.reads.json_sql import quoted
from app.kernel.regions import regions
from app.kernel.tables import table_of
from app.linking.models import ServiceSettingsRow
from app.linking.rules import DataCatalog
from app.organizations.sight import discovered_by
from app.roles.rules import ServiceLinkedRoleKind as Role
from app.roles.sight import has_role

settings = table_of(ServiceSettingsRow)


def inventory_seen_by(
    viewer: ColumnElement[Any], account_id: ColumnElement[Any], region: ColumnElement[Any]
) -> ColumnElement[bool]:
    """Whether a search of the organization by the viewer reaches an account's inventory in a Region.

    The roles' policies are fixed, so that a role which is there grants what it is for; a search asks them still.
    """
    discovered = discovered_by(viewer)
    (member,) = discovered.selected_columns
    members = discovered.where(has_role(member, Role.MEMBER_ACCOUNT))
    upgraded = select(settings.c.region).where(
        settings.c.account_id == viewer, settings.c.data_catalog == DataCatalog.GLUE.value
    )
    supported = [quoted(each.code) for each in regions() if each.supports_cross_account]
    return and_(
        account_id.in_(members.correlate(None)),
        region.in_(supported),
        region.in_(upgraded.correlate(None)),
        has_role(viewer, Role.MASTER_ACCOUNT),
    )
