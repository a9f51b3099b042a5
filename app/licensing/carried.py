"""Which license configurations resources carry, as SQL that other slices put in their own statements."""

from typing import Any

from sqlalchemy import ColumnElement, exists, select

from app.kernel.tables import table_of
from app.licensing.models import AssociationRow, LicenseConfigurationRow

associations = table_of(AssociationRow)
configurations = table_of(LicenseConfigurationRow)


def carries_configuration_of(
    resource_key: ColumnElement[int], resource_account: ColumnElement[str], owner: ColumnElement[str]
) -> ColumnElement[bool]:
    """Whether a resource carries a license configuration that an account owns, put there by the resource's account.

    What another account puts on an image that was shared with it shows no one the image.
    """
    association, configuration = associations.alias(), configurations.alias()
    return exists(
        select(association.c.id)
        .join(configuration, configuration.c.id == association.c.configuration_id)
        .where(
            association.c.resource_id == resource_key,
            association.c.account_id == resource_account,
            configuration.c.owner_account_id == owner,
        )
        .correlate_except(association, configuration)
    )


def is_carried_by(configuration_key: ColumnElement[int], resource_key: ColumnElement[int]) -> ColumnElement[Any]:
    """Whether a license configuration is on a resource."""
    association = associations.alias()
    carried = select(association.c.configuration_id).where(association.c.resource_id == resource_key)
    return configuration_key.in_(carried.correlate_except(association))


def carries_any(resource_key: ColumnElement[int]) -> ColumnElement[bool]:
    """Whether a resource carries a license configuration."""
    association = associations.alias()
    return exists(
        select(association.c.id).where(association.c.resource_id == resource_key).correlate_except(association)
    )


def carries(resource_key: ColumnElement[int], configuration_key: int) -> ColumnElement[bool]:
    """Whether a resource carries one license configuration."""
    association = associations.alias()
    found = select(association.c.id).where(
        association.c.resource_id == resource_key, association.c.configuration_id == configuration_key
    )
    return exists(found.correlate_except(association))
