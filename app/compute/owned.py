"""An account's own resources, held for a change, and how new ones are written."""

from typing import Any

from sqlalchemy import literal, select

from app.compute.loaders import sees
from app.compute.models import ResourceRow
from app.compute.resources import Resource, found, select_resources
from app.compute.rules import ResourceType
from app.compute.words import Word, note
from app.kernel.database import Transaction
from app.kernel.errors import DomainError, ErrorCode, Refusal, not_found
from app.kernel.ids import arn, key_of, new_hex, new_key, node_id
from app.kernel.tables import table_of
from app.kernel.viewer import Viewer

resources = table_of(ResourceRow)
NAMES = {
    ResourceType.IMAGE: ("image", "ami"),
    ResourceType.LAUNCH_TEMPLATE: ("launch-template", "lt"),
    ResourceType.DEDICATED_HOST: ("dedicated-host", "h"),
}
"""For each kind that is made here: its name in ARNs, and the prefix of its ids."""
EMPTY: dict[str, Any] = {
    **dict.fromkeys(column.name for column in resources.c if column.nullable and column.default is None),
    "active": True,
}


def own(tx: Transaction, viewer: Viewer, global_id: str, kind: ResourceType, what: str) -> Resource:
    """The viewer's own resource of a kind, which nothing else changes until the unit of work ends.

    NOT_FOUND for what it does not see, ACCESS_DENIED for what it sees and another account owns.
    """
    return own_by_key(tx, viewer, key_of(global_id, "res", what, "id"), kind, what)


def own_by_key(tx: Transaction, viewer: Viewer, key: int, kind: ResourceType | None, what: str) -> Resource:
    """The same by its key, of any kind where none is asked."""
    statement = select_resources().where(
        resources.c.id == key, resources.c.gone_at.is_(None), sees(resources, literal(viewer.account_id))
    )
    tx.flush()
    resource = found(tx.connection, statement.with_for_update()).get(key)
    if resource is None or kind not in (None, resource.type):
        raise not_found(what, "id")
    tx.concern(resource.arn, resource.account_id)
    if resource.account_id != viewer.account_id:
        raise DomainError(
            Refusal(
                code=ErrorCode.ACCESS_DENIED,
                message=f"{what} belongs to another account, which alone can change it.",
                remedy="Ask that account.",
                rule="EN-8" if resource.type == ResourceType.IMAGE else None,
                field=("id",),
                account_id=resource.account_id,
                node_ids=(node_id("res", key),),
            )
        )
    return resource


def name_taken(tx: Transaction, viewer: Viewer, region: str, kind: ResourceType, name: str) -> int | None:
    """The key of the account's resource of a kind that has a name in a Region."""
    tx.flush()
    statement = select(resources.c.id).where(
        resources.c.account_id == viewer.account_id,
        resources.c.region == region,
        resources.c.type == kind,
        resources.c.name == name,
        resources.c.gone_at.is_(None),
    )
    return tx.connection.execute(statement).scalar()


def write(tx: Transaction, viewer: Viewer, region: str, kind: ResourceType, **given: object) -> int:
    """Write a new resource of the viewer's account with an id as AWS gives it; returns its key."""
    path, prefix = NAMES[kind]
    key, resource_id = new_key(), f"{prefix}-{new_hex(17)}"
    named = arn("ec2", region, viewer.account_id, f"{path}/{resource_id}")
    row = {
        **EMPTY,
        "id": key,
        "type": kind.value,
        "arn": named,
        "resource_id": resource_id,
        "account_id": viewer.account_id,
        "region": region,
        "created_at": tx.now,
        **given,
    }
    tx.add(resources, row)
    note(tx, Word.NAME, row["name"])
    tx.concern(named, viewer.account_id)
    return key
