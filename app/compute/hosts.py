"""Dedicated Hosts: allocated, found for a launch, and released."""

from collections.abc import Collection

from sqlalchemy import Connection, func, select, tuple_

from app.compute.loaders import images as resources
from app.compute.resources import Resource, found, select_resources
from app.compute.rules import InstanceState, ResourceType

Place = tuple[str, str, str]
"""An account, a Region and an instance family."""


def hosts_for(connection: Connection, places: Collection[tuple[str, str]]) -> dict[Place, Resource]:
    """A Dedicated Host of each family that accounts have in Regions: the one on which the fewest vCPUs run."""
    if not places:
        return {}
    instance = resources.alias()
    used = (
        select(func.coalesce(func.sum(instance.c.vcpus), 0))
        .where(instance.c.host_id == resources.c.id, instance.c.state == InstanceState.RUNNING)
        .correlate_except(instance)
        .scalar_subquery()
    )
    statement = (
        select_resources()
        .where(
            resources.c.type == ResourceType.DEDICATED_HOST,
            resources.c.gone_at.is_(None),
            tuple_(resources.c.account_id, resources.c.region).in_(sorted(set(places))),
        )
        .order_by(used.desc(), resources.c.id.desc())
    )
    return {
        (host.account_id, host.region, host.instance_family or ""): host
        for host in found(connection, statement).values()
    }
