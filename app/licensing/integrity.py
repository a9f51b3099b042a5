"""Counts every consumption anew and holds it against what is kept (EN-11): three figures that must be one.

The kept consumption of each configuration, the sum of its associations, and what the counting rules say of the
resources as they are. Associations of equal resources are counted as one, so that a million cost three statements.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, case, func, select, true

from app.compute.catalogue import instance_type
from app.compute.figures import figures
from app.compute.rules import ResourceType
from app.compute.subjects import instance_subject
from app.licensing.counting import Subject, Terms, measure
from app.licensing.loaders import associations, configurations
from app.licensing.rules import CountingType, Status


@dataclass(frozen=True, slots=True)
class Integrity:
    """How many configurations were checked, and a line for each whose figures are not one."""

    checked: int
    discrepancies: tuple[str, ...]

    @property
    def consistent(self) -> bool:
        return not self.discrepancies


@dataclass(slots=True)
class _Count:
    """The figures of one configuration. `wrong`: associations, or hosts, that do not consume what the rules say."""

    terms: Terms
    active: bool
    kept: int
    associated: int = 0
    counted: int = 0
    wrong: int = 0

    def line(self) -> str | None:
        """What is not one, in plain words; None where all is."""
        if self.kept == self.associated and not self.wrong:
            return None
        return (
            f"{self.terms.arn}: {self.kept} licenses are kept as consumed, its associations consume {self.associated}, "
            f"and by the counting rules they should consume {self.counted}."
        )

    def add(self, number: int, consumed: int, counted: int) -> None:
        """Some equal associations, each consuming and to be counted as many licenses."""
        self.associated += number * consumed
        self.counted += number * counted
        self.wrong += number if consumed != counted else 0


def check(connection: Connection, account_id: str | None = None) -> Integrity:
    """Check the configurations that an account owns, or with None all of the database.

    Give it a connection that reads one snapshot: the figures are those of one moment.
    """
    mine = true() if account_id is None else configurations.c.owner_account_id == account_id
    counts = _kept(connection, mine)
    for row in connection.execute(_alike(mine)):
        count = counts[row.configuration_id]
        count.add(row.number, row.consumed, _counted(count, row))
    for row in connection.execute(_by_host(mine)):
        _add_host(counts[row.configuration_id], row)
    lines = (count.line() for _, count in sorted(counts.items()))
    return Integrity(len(counts), tuple(line for line in lines if line is not None))


def _kept(connection: Connection, mine: ColumnElement[bool]) -> dict[int, _Count]:
    rows = connection.execute(select(configurations).where(mine))
    return {
        row.id: _Count(
            Terms(
                arn=row.arn,
                counting_type=CountingType(row.counting_type),
                minimum=row.minimum,
                maximum=row.maximum,
                honor_vcpu_optimization=row.honor_vcpu_optimization,
                allowed_tenancy=tuple(row.allowed_tenancy),
            ),
            active=row.status == Status.ACTIVE,
            kept=row.consumed,
        )
        for row in rows
    }


def _socket_of_instance(resource: Any) -> ColumnElement[bool]:
    """What is counted once a host, not by itself."""
    return and_(configurations.c.counting_type == CountingType.SOCKET, resource.c.type == ResourceType.INSTANCE)


def _alike(mine: ColumnElement[bool]) -> Select[Any]:
    """Associations that are counted by themselves, equal ones as one row; also those of resources that are absent."""
    resource = figures()
    shape = (
        associations.c.configuration_id,
        associations.c.consumed,
        resource.c.type,
        resource.c.consuming,
        resource.c.instance_type,
        resource.c.vcpus,
        resource.c.cores,
        resource.c.sockets,
        resource.c.tenancy,
    )
    return (
        select(*shape, func.count().label("number"))
        .join(configurations, configurations.c.id == associations.c.configuration_id)
        .outerjoin(resource, resource.c.key == associations.c.resource_id)
        .where(mine, func.coalesce(~_socket_of_instance(resource), true()))
        .group_by(*shape)
    )


def _counted(count: _Count, row: Any) -> int:
    """What the counting rules say that such a resource consumes (EN-4)."""
    if not count.active or not row.consuming:
        return 0
    kind = ResourceType(row.type)
    if kind is ResourceType.INSTANCE:
        subject = instance_subject(row.vcpus, row.cores, instance_type(row.instance_type or ""), row.tenancy, None)
    else:
        subject = Subject(kind, row.vcpus, row.cores, row.sockets)
    return measure(count.terms, subject) or 0


def _by_host(mine: ColumnElement[bool]) -> Select[Any]:
    """The instances of socket configurations by the host they are on; None off a host."""
    resource, host = figures(), figures()
    itself = associations.alias()
    carries = associations.c.consumed > 0
    return (
        select(
            associations.c.configuration_id,
            resource.c.host_key,
            func.max(host.c.sockets).label("sockets"),
            func.count(itself.c.id).label("itself"),
            func.sum(case((resource.c.consuming, 1), else_=0)).label("running"),
            func.sum(case((and_(carries, resource.c.consuming), 1), else_=0)).label("carriers"),
            func.sum(case((and_(carries, ~resource.c.consuming), 1), else_=0)).label("idle_carriers"),
            func.sum(associations.c.consumed).label("consumed"),
        )
        .join(configurations, configurations.c.id == associations.c.configuration_id)
        .join(resource, resource.c.key == associations.c.resource_id)
        .outerjoin(host, host.c.key == resource.c.host_key)
        .outerjoin(
            itself,
            and_(
                itself.c.configuration_id == associations.c.configuration_id,
                itself.c.resource_id == resource.c.host_key,
            ),
        )
        .where(mine, _socket_of_instance(resource))
        .group_by(associations.c.configuration_id, resource.c.host_key)
    )


def _add_host(count: _Count, row: Any) -> None:
    """One host's sockets, carried by one of the instances that run on it, or by the host itself (EN-4)."""
    carried = count.active and row.running and not row.itself and row.host_key is not None
    counted = (row.sockets or 0) if carried else 0
    consumed = int(row.consumed)
    count.associated += consumed
    count.counted += counted
    if consumed != counted or row.carriers > 1 or row.idle_carriers:
        count.wrong += 1
