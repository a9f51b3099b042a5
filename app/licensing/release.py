"""Giving licenses back: what stops, ends, goes or is disassociated (EN-5, IN-4, IN-5)."""

from collections.abc import Collection
from itertools import islice

from sqlalchemy import update

from app.compute.resources import Resource, load
from app.compute.rules import ResourceType
from app.kernel.database import Transaction
from app.licensing.association_checks import host_keys
from app.licensing.associations import ASSOCIATION, Association, on_resources, remove
from app.licensing.gate import Gate
from app.licensing.rules import CountingType

_AT_ONCE = 500


def release(
    tx: Transaction, resource_keys: Collection[int], *, forget: bool, configuration_key: int | None = None
) -> list[Association]:
    """Give back what some resources consume, and with `forget` take their configurations off them.

    Call it while the resources still stand as running: what else runs on a Dedicated Host carries its sockets on.
    Returns the associations that there were.
    """
    released: list[Association] = []
    remaining = iter(resource_keys)
    while chunk := list(islice(remaining, _AT_ONCE)):
        released += _release(tx, chunk, forget, configuration_key)
    return released


def purge(tx: Transaction, resource_keys: Collection[int]) -> None:
    """Take every configuration off resources that are gone (IN-5)."""
    release(tx, resource_keys, forget=True)


def _release(
    tx: Transaction, resource_keys: Collection[int], forget: bool, configuration_key: int | None
) -> list[Association]:
    tx.flush()
    seen = on_resources(tx.connection, resource_keys, configuration_key)
    if not seen:
        return []
    resources = load(tx.connection, resource_keys, gone=True)
    gate = Gate.open(
        tx.connection, {each.configuration_key for each in seen}, lock=True, host_keys=host_keys(resources.values())
    )
    # What was read before the lock may have changed while waiting for it.
    associations = on_resources(tx.connection, resource_keys, configuration_key)
    books = _Consumption(tx, gate, associations)
    for association in associations:
        books.give_back(association, resources[association.resource_key])
    books.write()
    gate.close(tx)
    if forget:
        remove(tx, [association.key for association in associations])
    return associations


class _Consumption:
    """What associations consume while licenses move between them."""

    def __init__(self, tx: Transaction, gate: Gate, associations: Collection[Association]) -> None:
        self._tx, self._gate = tx, gate
        self._now = {(each.configuration_key, each.resource_key): each.consumed for each in associations}
        self._changed: dict[tuple[int, int], int] = {}

    def give_back(self, association: Association, resource: Resource) -> None:
        """Return one association's licenses, or hand a host's sockets to the next that is tracked on it."""
        pair = (association.configuration_key, association.resource_key)
        licenses = self._now[pair]
        heir = self._heir(association, resource)
        if licenses:
            self._set(pair, 0)
            if heir is None:
                self._gate.give_back(
                    self._tx, association.configuration_key, licenses, association.account_id, resource.key
                )
        if heir is not None:
            self._set((association.configuration_key, heir), licenses)

    def _heir(self, association: Association, resource: Resource) -> int | None:
        book = self._gate.books[association.configuration_key]
        if book.terms.counting_type is not CountingType.SOCKET:
            return None
        if resource.type == ResourceType.DEDICATED_HOST:
            pair = (book.key, resource.key)
            self._gate.hosts.associated.discard(pair)
            tracked = self._gate.hosts.tracked.get(pair)
            if not tracked:
                return None
            heir = min(tracked)
            self._gate.hosts.carrier[pair] = heir
            return heir
        if resource.host_key is None:
            return None
        return self._gate.hosts.leave((book.key, resource.host_key), resource.key)

    def _set(self, pair: tuple[int, int], consumed: int) -> None:
        self._now[pair] = consumed
        self._changed[pair] = consumed

    def write(self) -> None:
        """Keep what changed: the many that fall to nothing in one statement, an heir's sockets each in its own."""
        ended = [pair for pair, consumed in self._changed.items() if consumed == 0]
        by_configuration: dict[int, list[int]] = {}
        for configuration_key, resource_key in ended:
            by_configuration.setdefault(configuration_key, []).append(resource_key)
        for configuration_key, resource_keys in by_configuration.items():
            self._update(configuration_key, resource_keys, 0)
        for (configuration_key, resource_key), consumed in self._changed.items():
            if consumed:
                self._update(configuration_key, [resource_key], consumed)

    def _update(self, configuration_key: int, resource_keys: Collection[int], consumed: int) -> None:
        self._tx.execute(
            update(ASSOCIATION)
            .where(ASSOCIATION.c.configuration_id == configuration_key, ASSOCIATION.c.resource_id.in_(resource_keys))
            .values(consumed=consumed)
        )
