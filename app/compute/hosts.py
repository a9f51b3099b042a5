"""Dedicated Hosts: allocated, found for a launch, and released."""

from collections.abc import Collection

from sqlalchemy import Connection, func, select, tuple_

from app.compute import owned
from app.compute.catalogue import host_family
from app.compute.departure import depart
from app.compute.models import ResourceRow
from app.compute.resources import Resource, found, held, select_resources
from app.compute.rules import InstanceState, ResourceType
from app.kernel.database import Transaction
from app.kernel.errors import DomainError, ErrorCode, Refusal, invalid
from app.kernel.ids import node_id
from app.kernel.regions import region as known_region
from app.kernel.tables import table_of
from app.kernel.viewer import Viewer

resources = table_of(ResourceRow)
MOST_AT_ONCE = 100
Place = tuple[str, str, str]
"""An account, a Region and an instance family."""


def hosts_for(
    connection: Connection, places: Collection[tuple[str, str]], *, hold: bool = False
) -> dict[Place, Resource]:
    """A Dedicated Host of each family that accounts have in Regions: the one on which the fewest vCPUs run.

    With `hold`, no host of theirs is released before the unit of work ends.
    """
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
    hosts = found(connection, held(statement) if hold else statement)
    return {(host.account_id, host.region, host.instance_family or ""): host for host in hosts.values()}


def allocate(tx: Transaction, viewer: Viewer, region: str, family: str, count: int) -> tuple[int, ...]:
    """Allocate 1 to 100 hosts of an instance family to the viewer's account; their keys."""
    known_region(region, "input", "region")
    if not 1 <= count <= MOST_AT_ONCE:
        raise invalid(f"One call allocates 1 to {MOST_AT_ONCE} hosts.", "input", "count", rule="API-3")
    kind = host_family(family)
    if kind is None:
        raise invalid(
            f"“{family[:40]}” is not an instance family of Dedicated Hosts.",
            "input",
            "instanceFamily",
            remedy="Name a family such as m5; it is what comes before the dot of its instance types.",
        )
    return tuple(
        owned.write(
            tx,
            viewer,
            region,
            ResourceType.DEDICATED_HOST,
            instance_family=kind.name,
            sockets=kind.sockets,
            cores=kind.cores,
            vcpus=kind.vcpus,
        )
        for _ in range(count)
    )


def release(tx: Transaction, viewer: Viewer, host_id: str) -> str:
    """Give a host back with its associations; its global id. Refused while an instance runs or is stopped on it."""
    host = owned.own(tx, viewer, host_id, ResourceType.DEDICATED_HOST, "The Dedicated Host")
    on_it = tx.execute(
        select(resources.c.id, resources.c.resource_id)
        .where(resources.c.host_id == host.key, resources.c.state != InstanceState.TERMINATED)
        .order_by(resources.c.id)
    ).all()
    if on_it:
        raise DomainError(_occupied([row.id for row in on_it], [row.resource_id for row in on_it]))
    depart(tx, [host])
    return node_id("res", host.key)


def _occupied(keys: list[int], names: list[str]) -> Refusal:
    listed = ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")
    return Refusal(
        code=ErrorCode.CONFLICT,
        message=f"Instances run or are stopped on the host: {listed}.",
        remedy="Terminate them first.",
        field=("id",),
        node_ids=tuple(node_id("res", key) for key in keys[:100]),
    )
