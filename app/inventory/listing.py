"""Resources of the inventory that an expression of the search language holds of, for doors other than GraphQL."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, literal

from app.compute.resources import Resource, found, resources, select_resources
from app.inventory.search.conditions import holds
from app.inventory.search.ground import Ground, names_of, parameters
from app.inventory.search.groups import grouped
from app.inventory.search.terms import Expression


def list_resources(
    connection: Connection,
    viewer_account: str,
    expression: Expression | None,
    *,
    region: str,
    account_ids: Collection[str],
    types: Collection[str],
    after: int = 0,
    limit: int,
) -> list[Resource]:
    """Resources of some accounts and types in a Region, in the order in which they came; those that are gone are not.

    Whether the viewer may read those accounts is the caller's to ask (IN-2).
    """
    conditions: list[Any] = [
        resources.c.id > after,
        resources.c.region == region,
        resources.c.account_id.in_(account_ids),
        resources.c.type.in_(types),
        resources.c.gone_at.is_(None),
    ]
    if expression is not None:
        names = names_of(expression)
        values = parameters(names, {})
        ground = Ground(connection.dialect.name, literal(viewer_account), names, lambda name: literal(values[name]))
        conditions.append(holds(grouped(expression), resources, ground))
    statement = select_resources().where(*conditions).order_by(resources.c.id).limit(limit)
    return list(found(connection, statement).values())
