"""License configurations on resources: the rows, and what other slices ask of them."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, exists, func, select, update

from app.compute.rules import ResourceType
from app.kernel.database import Transaction
from app.kernel.ids import new_key
from app.kernel.tables import table_of
from app.licensing.gate import Gate
from app.licensing.models import AssociationRow
from app.licensing.rules import CountingType

ASSOCIATION = table_of(AssociationRow)


@dataclass(frozen=True, slots=True)
class Association:
    """One row: a license configuration on a resource, and the licenses that it consumes there."""

    key: int
    configuration_key: int
    resource_key: int
    account_id: str
    consumed: int


def on_resources(
    connection: Connection, resource_keys: Collection[int], configuration_key: int | None = None
) -> list[Association]:
    """The associations of some resources, of one configuration or of all, in the order in which they were made."""
    if not resource_keys:
        return []
    statement = select(
        ASSOCIATION.c.id,
        ASSOCIATION.c.configuration_id,
        ASSOCIATION.c.resource_id,
        ASSOCIATION.c.account_id,
        ASSOCIATION.c.consumed,
    ).where(ASSOCIATION.c.resource_id.in_(resource_keys))
    if configuration_key is not None:
        statement = statement.where(ASSOCIATION.c.configuration_id == configuration_key)
    return [Association(*row) for row in connection.execute(statement.order_by(ASSOCIATION.c.id))]


def configurations_on(connection: Connection, resource_keys: Collection[int]) -> Mapping[int, Sequence[int]]:
    """The keys of the configurations on each resource."""
    found: dict[int, list[int]] = defaultdict(list)
    for association in on_resources(connection, resource_keys):
        found[association.resource_key].append(association.configuration_key)
    return found


def resources_of(connection: Connection, configuration_key: int) -> list[Association]:
    """All associations of a configuration."""
    keys = connection.execute(
        select(
            ASSOCIATION.c.id,
            ASSOCIATION.c.configuration_id,
            ASSOCIATION.c.resource_id,
            ASSOCIATION.c.account_id,
            ASSOCIATION.c.consumed,
        )
        .where(ASSOCIATION.c.configuration_id == configuration_key)
        .order_by(ASSOCIATION.c.id)
    )
    return [Association(*row) for row in keys]


def owns_association(connection: Connection, account_id: str) -> bool:
    """Whether any resource of the account carries a configuration (RO-3)."""
    return bool(connection.execute(select(exists().where(ASSOCIATION.c.account_id == account_id))).scalar())


def count_of_account(connection: Connection, account_id: str) -> int:
    """How many associations the account's resources have."""
    counted = select(func.count()).select_from(ASSOCIATION).where(ASSOCIATION.c.account_id == account_id)
    return int(connection.execute(counted).scalar_one())


def associate_new(
    tx: Transaction,
    gate: Gate,
    configuration_key: int,
    *,
    resource_key: int,
    resource_type: ResourceType,
    account_id: str,
    host_key: int | None,
    licenses: int,
    by: str,
    forced: bool = False,
) -> int:
    """Write an association and count its licenses; the gate has judged it. The association's key."""
    key = new_key()
    tx.add(
        ASSOCIATION,
        {
            "id": key,
            "configuration_id": configuration_key,
            "resource_id": resource_key,
            "resource_type": resource_type.value,
            "account_id": account_id,
            "consumed": licenses,
            "associated_at": tx.now,
            "associated_by": by,
        },
    )
    gate.take(tx, configuration_key, licenses, account_id, resource_key, forced=forced)
    if host_key is not None and gate.books[configuration_key].terms.counting_type is CountingType.SOCKET:
        gate.hosts.add((configuration_key, host_key), resource_key, licenses)
    return key


def take_over_sockets(tx: Transaction, gate: Gate, configuration_key: int, host_key: int) -> None:
    """A Dedicated Host that is associated itself counts its own sockets; the instance that carried them does no longer.

    Call it before the host's own association is written.
    """
    if gate.books[configuration_key].terms.counting_type is not CountingType.SOCKET:
        return
    pair = (configuration_key, host_key)
    carrier = gate.hosts.carrier.pop(pair, None)
    gate.hosts.associated.add(pair)
    if carrier is not None:
        tx.flush()
        (association,) = on_resources(tx.connection, [carrier], configuration_key)
        set_consumed(tx, configuration_key, carrier, 0)
        gate.give_back(tx, configuration_key, association.consumed, association.account_id, carrier)


def set_consumed(tx: Transaction, configuration_key: int, resource_key: int, consumed: int) -> None:
    """Keep what an association consumes; the gate counts the difference."""
    tx.execute(
        update(ASSOCIATION)
        .where(ASSOCIATION.c.configuration_id == configuration_key, ASSOCIATION.c.resource_id == resource_key)
        .values(consumed=consumed)
    )


def remove(tx: Transaction, keys: Collection[int]) -> None:
    """Delete associations that consume nothing any more."""
    if keys:
        tx.execute(delete(ASSOCIATION).where(ASSOCIATION.c.id.in_(keys)))
