"""License configurations by their names, which are unique in an account and Region (LC-7)."""

from sqlalchemy import Connection, select

from app.kernel.tables import table_of
from app.licensing.models import LicenseConfigurationRow

configurations = table_of(LicenseConfigurationRow)


def configuration_named(connection: Connection, owner_account_id: str, region: str, name: str) -> int | None:
    """The key of the license configuration that an account has under a name. Sight is the caller's to ask."""
    key: int | None = connection.execute(
        select(configurations.c.id).where(
            configurations.c.owner_account_id == owner_account_id,
            configurations.c.region == region,
            configurations.c.name == name,
        )
    ).scalar()
    return key
