"""Resources by the names that their accounts gave them."""

from collections.abc import Sequence

from sqlalchemy import Connection, select

from app.compute.models import ImageShareRow, ResourceRow, ResourceTagRow
from app.compute.rules import ResourceType
from app.kernel.tables import table_of

resources = table_of(ResourceRow)
tags = table_of(ResourceTagRow)
shares = table_of(ImageShareRow)


def resource_named(connection: Connection, account_id: str, region: str, kind: ResourceType, name: str) -> int | None:
    """The key of an account's image or launch template of a name, which is unique; a host's is its tag `Name`."""
    mine = (
        resources.c.account_id == account_id,
        resources.c.region == region,
        resources.c.type == kind,
        resources.c.gone_at.is_(None),
    )
    if kind is ResourceType.DEDICATED_HOST:
        joined = resources.join(tags, tags.c.resource_id == resources.c.id)
        found = select(resources.c.id).select_from(joined).where(*mine, tags.c.key == "Name", tags.c.value == name)
    else:
        found = select(resources.c.id).where(*mine, resources.c.name == name)
    key: int | None = connection.execute(found.order_by(resources.c.id).limit(1)).scalar()
    return key


def accounts_of_image(connection: Connection, image_key: int) -> Sequence[str]:
    """The accounts that an image was given to."""
    given = select(shares.c.account_id).where(shares.c.image_id == image_key).order_by(shares.c.account_id)
    return list(connection.execute(given).scalars())
