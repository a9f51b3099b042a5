"""Counting anew what already runs: it can't be stopped, so it counts past a limit too, and alerts (EN-10, LC-10)."""

from collections.abc import Collection

from app.alerts.rules import AlertKind
from app.alerts.service import raise_alert
from app.compute.resources import Resource, load
from app.compute.subjects import is_consuming, subject_of
from app.kernel.database import Transaction
from app.licensing.association_checks import host_keys
from app.licensing.associations import Association, on_resources, resources_of, set_consumed
from app.licensing.counting import broken_rules, measure
from app.licensing.gate import Gate, draft
from app.licensing.rules import CountingType


def recount_configuration(tx: Transaction, configuration_key: int) -> None:
    """Count everything that a configuration is on: it was activated again, and counts from the present (LC-10)."""
    tx.flush()
    _recount(tx, resources_of(tx.connection, configuration_key))


def recount_resources(tx: Transaction, resource_keys: Collection[int]) -> None:
    """Count some resources anew: their figures changed, or they are active again (EN-10, IN-4)."""
    tx.flush()
    _recount(tx, on_resources(tx.connection, resource_keys))


def _recount(tx: Transaction, associations: list[Association]) -> None:
    if not associations:
        return
    resources = load(tx.connection, {each.resource_key for each in associations}, gone=True)
    hosts = load(tx.connection, {each.host_key for each in resources.values() if each.host_key})
    gate = Gate.open(
        tx.connection,
        {each.configuration_key for each in associations},
        lock=True,
        host_keys=host_keys(resources.values()),
    )
    for association in associations:
        resource = resources[association.resource_key]
        host = hosts.get(resource.host_key) if resource.host_key else None
        _one(tx, gate, association, resource, host)
    gate.close(tx)


def _one(tx: Transaction, gate: Gate, association: Association, resource: Resource, host: Resource | None) -> None:
    book = gate.books[association.configuration_key]
    wanted = 0
    broken = []
    if book.active and is_consuming(resource):
        subject = subject_of(resource, host)
        broken = broken_rules(book.terms, subject)
        wanted = measure(book.terms, subject) or 0
        if book.terms.counting_type is CountingType.SOCKET and host is not None:
            wanted = _sockets(gate, (book.key, host.key), resource.key, wanted)
    if wanted != association.consumed:
        set_consumed(tx, book.key, resource.key, wanted)
        change = wanted - association.consumed
        gate.take(tx, book.key, change, association.account_id, resource.key, forced=True)
    if broken:
        text = f"{resource.resource_id} breaks the rules of “{book.name}”. {' '.join(each.message for each in broken)}"
        raise_alert(tx, draft(book, AlertKind.RULE_VIOLATED, text[:2000], association.account_id, resource.key))


def _sockets(gate: Gate, pair: tuple[int, int], instance_key: int, sockets: int) -> int:
    """The sockets that fall to an instance: all where it is the first on its host, else none."""
    carrier = gate.hosts.carrier.get(pair)
    if pair in gate.hosts.associated or carrier not in (None, instance_key):
        return 0
    gate.hosts.add(pair, instance_key, sockets)
    return sockets
