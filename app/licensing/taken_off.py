"""What a person took a configuration off: remembered, so that no rule of discovery puts it there again of itself."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, delete, exists, select

from app.kernel.database import Transaction
from app.kernel.ids import new_key
from app.kernel.tables import table_of
from app.kernel.viewer import Viewer
from app.licensing.associations import Association
from app.licensing.models import TakenOffRow

taken = table_of(TakenOffRow)


def note(tx: Transaction, viewer: Viewer, released: Collection[Association]) -> None:
    """Remember what a person disassociated."""
    for configuration_key in {each.configuration_key for each in released}:
        lift(tx, configuration_key, [each.resource_key for each in released])
    for each in released:
        tx.add(
            taken,
            {
                "id": new_key(),
                "configuration_id": each.configuration_key,
                "resource_id": each.resource_key,
                "account_id": each.account_id,
                "taken_off_at": tx.now,
                "taken_off_by": viewer.principal_arn,
            },
        )


def lift(tx: Transaction, configuration_key: int, resource_keys: Collection[int]) -> None:
    """Forget that a configuration was taken off resources: a person put it on them again, or lets a rule do it."""
    if resource_keys:
        mine = (taken.c.configuration_id == configuration_key, taken.c.resource_id.in_(resource_keys))
        tx.execute(delete(taken).where(*mine))


def is_taken_off(resource_key: ColumnElement[Any], configuration_key: int) -> ColumnElement[bool]:
    """Whether a person took a configuration off a resource, and it was not lifted since."""
    row = taken.alias()
    found = select(row.c.id).where(row.c.resource_id == resource_key, row.c.configuration_id == configuration_key)
    return exists(found.correlate_except(row))
