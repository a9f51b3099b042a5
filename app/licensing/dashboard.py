"""What the dashboard shows beside a configuration's own figures: hosts by tenancy, use over time (DB-1)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import case, func, or_, select

from app.compute.figures import figures
from app.compute.rules import ResourceType, Tenancy
from app.kernel.reads import Reading
from app.licensing.history import states_between
from app.licensing.loaders import associations, configurations
from app.licensing.steps import Point, UsageStep, points, steps

Inputs = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Hosts:
    """How many hosts of one tenancy run something that is tracked."""

    tenancy: Tenancy
    hosts: int


def hosts_by_tenancy(inputs: Inputs, arguments: Mapping[str, Any], reading: Reading) -> list[list[Hosts]]:
    """Distinct Dedicated Hosts for their tenancy, instances for the others, of what runs; every tenancy each time.

    A host counts that is associated itself or runs a tracked instance. A sharee sees its own account's (SH-3).
    """
    del arguments
    resource = figures()
    on_host = or_(resource.c.type == ResourceType.DEDICATED_HOST, resource.c.tenancy == Tenancy.DEDICATED_HOST)
    running = (
        select(
            associations.c.configuration_id,
            case((on_host, Tenancy.DEDICATED_HOST.value), else_=resource.c.tenancy).label("kind"),
            case((on_host, func.coalesce(resource.c.host_key, resource.c.key)), else_=resource.c.key).label("machine"),
        )
        .join(resource, resource.c.key == associations.c.resource_id)
        .join(configurations, configurations.c.id == associations.c.configuration_id)
        .where(
            associations.c.configuration_id.in_([each["id"] for each in inputs]),
            resource.c.consuming,
            or_(
                configurations.c.owner_account_id == reading.viewer.account_id,
                associations.c.account_id == reading.viewer.account_id,
            ),
        )
        .subquery()
    )
    key, kind = running.c.configuration_id, running.c.kind
    statement = select(key, kind, func.count(running.c.machine.distinct())).group_by(key, kind)
    found = {(each, tenancy): number for each, tenancy, number in reading.connection.execute(statement)}
    return [[Hosts(each, found.get((row["id"], each.value), 0)) for each in Tenancy] for row in inputs]


def usage_history(inputs: Inputs, arguments: Mapping[str, Any], reading: Reading) -> list[list[Point]]:
    """A point for each step, in one statement for all configurations; of the whole pool, as `consumedLicenses` is.

    Steps before a configuration was there are left out, and so are those that have not begun.
    """
    step = arguments["step"]
    starts = steps(arguments["from"], arguments["to"], step, reading.now, len(inputs))
    if not starts:
        return [[] for _ in inputs]
    keys = [each["id"] for each in inputs]
    states = states_between(reading.connection, keys, starts[0], starts[-1] + step.length)
    return [points(states.get(key, ()), starts, step) for key in keys]


__all__ = ["Hosts", "Point", "UsageStep", "hosts_by_tenancy", "usage_history"]
