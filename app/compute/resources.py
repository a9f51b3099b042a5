"""Resources as other slices read them: many at once, in a fixed number of statements."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Select, literal, select, union_all

from app.compute.loaders import images, sees, shares
from app.compute.models import ResourceRow
from app.compute.rules import InstanceState, ResourceType
from app.kernel.tables import table_of

resources = table_of(ResourceRow)
_AT_ONCE = 10_000  # databases bound the parameters of a statement


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource; which of its facts are set depends on its type, as in the table."""

    key: int
    type: str
    arn: str
    resource_id: str
    account_id: str
    region: str
    name: str | None
    platform: str | None
    product_code: str | None
    instance_type: str | None
    instance_family: str | None
    image_key: int | None
    launch_template_key: int | None
    host_key: int | None
    tenancy: str | None
    state: str | None
    mechanism: str | None
    vcpus: int | None
    cores: int | None
    threads_per_core: int | None
    sockets: int | None
    active: bool
    launched_at: datetime | None
    captured_at: datetime | None
    gone_at: datetime | None


_COLUMNS = (
    resources.c.id,
    resources.c.type,
    resources.c.arn,
    resources.c.resource_id,
    resources.c.account_id,
    resources.c.region,
    resources.c.name,
    resources.c.platform,
    resources.c.product_code,
    resources.c.instance_type,
    resources.c.instance_family,
    resources.c.image_id,
    resources.c.launch_template_id,
    resources.c.host_id,
    resources.c.tenancy,
    resources.c.state,
    resources.c.mechanism,
    resources.c.vcpus,
    resources.c.cores,
    resources.c.threads_per_core,
    resources.c.sockets,
    resources.c.active,
    resources.c.launched_at,
    resources.c.captured_at,
    resources.c.gone_at,
)


def select_resources() -> Select[*tuple[Any, ...]]:
    """A statement whose rows `found` takes; add its conditions."""
    return select(*_COLUMNS)


def found(connection: Connection, statement: Select[*tuple[Any, ...]]) -> dict[int, Resource]:
    """The resources of a statement by key, in its order."""
    return {row[0]: Resource(*row) for row in connection.execute(statement)}


def load(connection: Connection, keys: Iterable[int], *, gone: bool = False, hold: bool = False) -> dict[int, Resource]:
    """Resources by key; absent ones are left out, and those that are gone unless asked for.

    With `hold`, none of them goes or changes before the unit of work ends.
    """
    loaded: dict[int, Resource] = {}
    for some in in_parts(keys):
        statement = select_resources().where(resources.c.id.in_(some)).order_by(resources.c.id)
        if not gone:
            statement = statement.where(resources.c.gone_at.is_(None))
        loaded.update(found(connection, held(statement) if hold else statement))
    return loaded


def held(statement: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    """The same statement, after which its resources neither go nor change until the unit of work ends.

    Several units may hold a resource at once; what changes one locks its row for itself.
    """
    return statement.with_for_update(read=True, key_share=True)


def visible(
    connection: Connection, viewer_account: str, keys: Iterable[int], *, hold: bool = False
) -> dict[int, Resource]:
    """Those of some resources that an account sees, by key (PM-2); those that are gone are left out.

    With `hold`, none of them goes or changes before the unit of work ends.
    """
    seen: dict[int, Resource] = {}
    for some in in_parts(keys):
        statement = select_resources().where(
            resources.c.id.in_(some), resources.c.gone_at.is_(None), sees(resources, literal(viewer_account))
        )
        statement = statement.order_by(resources.c.id)
        seen.update(found(connection, held(statement) if hold else statement))
    return seen


def running_on(connection: Connection, host_keys: Iterable[int]) -> dict[int, list[int]]:
    """The keys of the instances that run on each Dedicated Host, oldest first; hosts without any are left out."""
    running: dict[int, list[int]] = defaultdict(list)
    for some in in_parts(host_keys):
        statement = (
            select(resources.c.host_id, resources.c.id)
            .where(resources.c.host_id.in_(some), resources.c.state == InstanceState.RUNNING)
            .order_by(resources.c.id)
        )
        for host_key, key in connection.execute(statement):
            running[host_key].append(key)
    return dict(running)


def image_visible_to(connection: Connection, pairs: Collection[tuple[int, str]]) -> set[tuple[int, str]]:
    """Those pairs of an image and an account in which the account may launch it: its own, or given to it (EN-8)."""
    may: set[tuple[int, str]] = set()
    accounts = {account for _, account in pairs}
    for some in in_parts(key for key, _ in pairs):
        present = (images.c.id.in_(some), images.c.type == ResourceType.IMAGE, images.c.gone_at.is_(None))
        own = select(images.c.id, images.c.account_id).where(*present)
        given = (
            select(shares.c.image_id, shares.c.account_id)
            .join(images, images.c.id == shares.c.image_id)
            .where(*present, shares.c.account_id.in_(accounts))
        )
        may.update((key, account) for key, account in connection.execute(union_all(own, given)))
    return may & set(pairs)


def in_parts(keys: Iterable[int]) -> Iterator[list[int]]:
    """Distinct keys in order, in parts that one statement can name."""
    remaining = iter(sorted(set(keys)))
    while part := list(islice(remaining, _AT_ONCE)):
        yield part
