"""Which accounts have a role, as SQL that other slices put in their own predicates."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, Text, cast, exists, select

from app.kernel.tables import table_of
from app.roles.models import ServiceLinkedRoleRow
from app.roles.rules import ServiceLinkedRoleKind

roles = table_of(ServiceLinkedRoleRow)


def has_role(
    account_id: ColumnElement[Any], kind: ServiceLinkedRoleKind, *, granting: Collection[str] = ()
) -> ColumnElement[bool]:
    """Whether an account has a role, and one whose policy grants these actions by their names.

    On what and on which condition a policy grants them, SQL does not read: the policies of the service grant reads on
    everything (RO-1).
    """
    role = roles.alias()
    policy = cast(role.c.policy, Text)
    held = select(role.c.id).where(
        role.c.account_id == account_id,
        role.c.kind == kind.value,
        *(policy.contains(f'"{action}"') for action in granting),
    )
    return exists(held.correlate_except(role))
