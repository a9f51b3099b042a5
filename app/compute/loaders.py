"""Who sees a resource, as one predicate for nodes, lists, search and associations (PM-2)."""

from typing import Any

from sqlalchemy import ColumnElement, and_, exists, or_, select

from app.compute.models import ImageShareRow, ResourceRow
from app.kernel.reads import Scope
from app.kernel.tables import table_of
from app.licensing.carried import carries_configuration_of
from app.linking.sight import inventory_seen_by

images = table_of(ResourceRow)
shares = table_of(ImageShareRow)
Predicate = ColumnElement[bool]


def sees_resource(resource: Any, scope: Scope) -> Predicate:
    """Sight of a resource that is there; one that is gone is reached only from what refers to it."""
    return and_(resource.c.gone_at.is_(None), sees(resource, scope.viewer_account))


def sees(resource: Any, viewer: ColumnElement[str]) -> Predicate:
    """Whether an account sees a resource, gone or not.

    It sees its own, what it may search across accounts as their master, the images shared with it, and what carries a
    license configuration that it owns.
    """
    return or_(
        resource.c.account_id == viewer,
        inventory_seen_by(viewer, resource.c.account_id, resource.c.region),
        is_shared_with(resource.c.id, viewer),
        carries_configuration_of(resource.c.id, resource.c.account_id, viewer),
    )


def is_shared_with(image_key: ColumnElement[int], viewer: ColumnElement[str]) -> Predicate:
    """Whether an image was given to an account by its owner (EN-8)."""
    share = shares.alias()
    given = select(share.c.image_id).where(share.c.image_id == image_key, share.c.account_id == viewer)
    return exists(given.correlate_except(share))
