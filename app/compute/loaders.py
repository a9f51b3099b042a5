"""Who sees a resource, as one predicate for nodes, lists, search and associations (PM-2)."""

from typing import Any

from sqlalchemy import ColumnElement, and_, exists, false, or_, select

from app.compute.models import ImageShareRow, ResourceRow
from app.kernel.reads import Scope
from app.kernel.tables import table_of
from app.licensing.carried import carries_configuration_of

images = table_of(ResourceRow)
shares = table_of(ImageShareRow)
Predicate = ColumnElement[bool]


def sees_resource(resource: Any, scope: Scope) -> Predicate:
    """Sight of a resource that is there; one that is gone is reached only from what refers to it."""
    return and_(resource.c.gone_at.is_(None), sees(resource, scope.viewer_account))


def sees(resource: Any, viewer: ColumnElement[str]) -> Predicate:
    """Whether an account sees a resource, gone or not.

    It sees its own, the images shared with it, whatever carries a license configuration that it owns, and what it
    may search across accounts.
    """
    return or_(
        resource.c.account_id == viewer,
        is_shared_with(resource.c.id, viewer),
        carries_configuration_of(resource.c.id, viewer),
        across(resource, viewer),
    )


def is_shared_with(image_key: ColumnElement[int], viewer: ColumnElement[str]) -> Predicate:
    """Whether an image was given to an account by its owner (EN-8)."""
    share = shares.alias()
    given = select(share.c.image_id).where(share.c.image_id == image_key, share.c.account_id == viewer)
    return exists(given.correlate_except(share))


def across(resource: Any, viewer: ColumnElement[str]) -> Predicate:
    """Whether a resource is a member's whose inventory the viewer may read as its master (IN-2)."""
    del resource, viewer
    return false()
