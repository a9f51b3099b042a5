"""Which accounts have a role, as SQL that other slices put in their own predicates."""

from typing import Any

from sqlalchemy import ColumnElement, exists, select

from app.kernel.tables import table_of
from app.roles.models import ServiceLinkedRoleRow
from app.roles.rules import ServiceLinkedRoleKind

roles = table_of(ServiceLinkedRoleRow)


def has_role(account_id: ColumnElement[Any], kind: ServiceLinkedRoleKind) -> ColumnElement[bool]:
    """Whether an account has a role."""
    role = roles.alias()
    held = select(role.c.id).where(role.c.account_id == account_id, role.c.kind == kind.value)
    return exists(held.correlate_except(role))
