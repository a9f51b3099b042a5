"""License configurations found by name, and the resources that carry them, for the inventory's search (IN-1, PM-2)."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, exists, literal, select

from app.kernel.tables import table_of
from app.licensing.models import AssociationRow, LicenseConfigurationRow
from app.sharing.sight import sees

configurations = table_of(LicenseConfigurationRow)
associations = table_of(AssociationRow)


def keys_where(
    connection: Connection,
    account_id: str,
    condition: Callable[[ColumnElement[str], ColumnElement[str]], ColumnElement[bool]],
) -> list[int]:
    """The keys of the configurations that an account sees whose folded name and ARN satisfy a condition."""
    seen = sees(configurations.c.id, configurations.c.owner_account_id, literal(account_id))
    wanted = condition(configurations.c.name_folded, configurations.c.arn)
    statement = select(configurations.c.id).where(seen, wanted).order_by(configurations.c.id)
    return list(connection.execute(statement).scalars())


def carriers_of(keys: Select[Any]) -> Select[Any]:
    """The keys of the resources that carry one of some configurations; a resource may come more than once."""
    association = associations.alias()
    return select(association.c.resource_id).where(association.c.configuration_id.in_(keys))


def carries_one_of(resource_key: ColumnElement[int], keys: Select[Any]) -> ColumnElement[bool]:
    """Whether a resource carries one of some configurations."""
    association = associations.alias()
    carried = select(association.c.id).where(
        association.c.resource_id == resource_key, association.c.configuration_id.in_(keys)
    )
    return exists(carried.correlate_except(association))


def carries_seen(resource_key: ColumnElement[int], viewer: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether a resource carries a configuration that an account sees."""
    association, configuration = associations.alias(), configurations.alias()
    carried = (
        select(association.c.id)
        .join(configuration, configuration.c.id == association.c.configuration_id)
        .where(
            association.c.resource_id == resource_key,
            sees(configuration.c.id, configuration.c.owner_account_id, viewer),
        )
    )
    return exists(carried.correlate_except(association, configuration))
