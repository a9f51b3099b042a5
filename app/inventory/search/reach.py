"""Whose resources a search reaches: the viewer's own, or those of its organization that let it in (IN-1, IN-2)."""

from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import ColumnElement, or_, select, union_all

from app.compute.searching import resources
from app.inventory.search.drivers import Driver
from app.inventory.search.ground import Ground
from app.linking.sight import inventories_seen_by, lets_in, searched_regions

REGION = "region"
"""The name under which the Region that is asked is bound."""


class Reach(Protocol):
    """How far a search goes."""

    def holds(self, resource: Any, ground: Ground) -> list[ColumnElement[bool]]:
        """Whether it reaches a resource, as asked of each row that was found."""
        ...

    def holds_of_many(self, resource: Any, ground: Ground) -> list[ColumnElement[bool]]:
        """The same as asked of most rows there are."""
        ...

    def driver(self, ground: Ground) -> Driver | None:
        """What finds all that it reaches by an index."""
        ...


@dataclass(frozen=True, slots=True)
class OwnReach:
    """The viewer's account; with `region`, in the Region that is asked alone."""

    region: bool

    def holds(self, resource: Any, ground: Ground) -> list[ColumnElement[bool]]:
        return [resource.c.account_id == ground.viewer, *_in_region(self.region, resource, ground)]

    holds_of_many = holds

    def driver(self, ground: Ground) -> Driver | None:
        resource = resources()
        keys = select(resource.c.id).where(resource.c.gone_at.is_(None), *self.holds(resource, ground))
        return Driver(keys, resource.c.id, True, resource)


@dataclass(frozen=True, slots=True)
class OrganizationReach:
    """The accounts of the organization whose member role lets the viewer, its master, in."""

    region: bool

    def holds(self, resource: Any, ground: Ground) -> list[ColumnElement[bool]]:
        own = resource.c.account_id == ground.viewer
        return self._where(resource, ground, or_(own, lets_in(ground.viewer, resource.c.account_id)))

    def holds_of_many(self, resource: Any, ground: Ground) -> list[ColumnElement[bool]]:
        seen = union_all(inventories_seen_by(ground.viewer), select(ground.viewer))
        return self._where(resource, ground, resource.c.account_id.in_(seen))

    def driver(self, ground: Ground) -> Driver | None:
        return None

    def _where(self, resource: Any, ground: Ground, seen: ColumnElement[bool]) -> list[ColumnElement[bool]]:
        return [
            seen,
            resource.c.region.in_(searched_regions(ground.viewer)),
            *_in_region(self.region, resource, ground),
        ]


def _in_region(asked: bool, resource: Any, ground: Ground) -> list[ColumnElement[bool]]:
    return [resource.c.region == ground.bind(REGION)] if asked else []
