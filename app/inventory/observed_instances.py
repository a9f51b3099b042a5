"""Instances as AWS told of them: what ended is released, what changed is counted anew, what is new is discovered."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

from app.compute import observed as rows
from app.compute.observed import Found, Known, Pair
from app.compute.rules import InstanceState, ResourceType
from app.inventory.discovery import Arrival, discover
from app.inventory.observation import ObservedInstance
from app.kernel.changes import Change, Changes
from app.kernel.database import Transaction
from app.licensing.recount import recount_resources
from app.licensing.release import purge, release

RUNNING, STOPPED, TERMINATED = InstanceState.RUNNING, InstanceState.STOPPED, InstanceState.TERMINATED
SIZE = ("instance_type", "vcpus", "cores", "tenancy")
_AT_ONCE = 1_000


def take_instances(
    tx: Transaction, account_id: str, region: str, seen: Sequence[ObservedInstance], changes: Changes
) -> None:
    """Make an account's instances in a Region those that were seen, all of which were asked for."""
    known = rows.known(tx.connection, account_id, region, ResourceType.INSTANCE)
    living = [each for each in seen if each.state is not TERMINATED]
    compared = rows.compare(known, _found(tx, region, known, living), complete=False)
    transitions = _Transitions(known, compared.changed, {each.resource_id: each.state for each in seen})
    rows.hold(tx, transitions.touched)
    purge(tx, transitions.ended)
    release(tx, [*transitions.stopped, *transitions.moved], forget=False)
    rows.terminate(tx, transitions.ended)
    rows.leave(tx, transitions.gone)
    rows.change(tx, [*compared.returned, *compared.changed])
    keys = rows.add(tx, account_id, region, ResourceType.INSTANCE, compared.new)
    recount(tx, [*transitions.started, *transitions.moved, *transitions.resized])
    again = [*compared.returned, *transitions.revived]
    arrivals = [Arrival(key, each.facts) for key, each in zip(keys, compared.new, strict=True)]
    discover(tx, account_id, region, [*arrivals, *(Arrival(present.key, each.facts) for present, each in again)])
    changes.note("instances", Change.ADDED, len(arrivals) + len(compared.returned))
    changes.note("instances", Change.CHANGED, len(compared.changed))
    changes.note("instances", Change.GONE, len({*transitions.ended, *transitions.gone}))


class _Transitions:
    """What became of the instances that were known, by key; each in as many lists as it has to be dealt with."""

    def __init__(self, known: Mapping[str, Known], changed: Sequence[Pair], seen: Mapping[str, InstanceState]) -> None:
        there = [each for each in known.values() if not each.gone]
        vanished = [each for each in there if each.seen and each.resource_id not in seen]
        terminated = [each for each in there if seen.get(each.resource_id) is TERMINATED]
        self.gone = [each.key for each in vanished]
        self.ended = [each.key for each in (*vanished, *terminated) if each.state != TERMINATED]
        self.stopped: list[int] = []
        self.started: list[int] = []
        self.moved: list[int] = []
        self.resized: list[int] = []
        self.revived: list[Pair] = []
        for present, found in changed:
            self._sort(present, found)
        self.touched = [*self.gone, *self.ended, *(present.key for present, _ in changed)]

    def _sort(self, present: Known, found: Found) -> None:
        match present.state, found.facts["state"]:
            case InstanceState.TERMINATED, _:
                self.revived.append((present, found))
            case InstanceState.RUNNING, InstanceState.STOPPED:
                self.stopped.append(present.key)
            case InstanceState.STOPPED, InstanceState.RUNNING:
                self.started.append(present.key)
            case InstanceState.RUNNING, _ if present.differs(found.facts, "host_id"):
                self.moved.append(present.key)
            case InstanceState.RUNNING, _ if present.differs(found.facts, *SIZE):
                self.resized.append(present.key)


def _found(
    tx: Transaction, region: str, known: Mapping[str, Known], seen: Sequence[ObservedInstance]
) -> Iterable[Found]:
    """The instances as rows, with the keys of what they refer to."""
    images = rows.keys_by_id(tx.connection, region, ResourceType.IMAGE, _ids(each.image_id for each in seen))
    templates = rows.keys_by_id(
        tx.connection, region, ResourceType.LAUNCH_TEMPLATE, _ids(each.template_id for each in seen)
    )
    hosts = rows.keys_by_id(tx.connection, region, ResourceType.DEDICATED_HOST, _ids(each.host_id for each in seen))
    for each in seen:
        facts: dict[str, Any] = {
            "name": each.tags["Name"][:255] if "Name" in each.tags else None,
            "platform": each.platform,
            "product_code": each.product_code,
            "instance_type": each.instance_type,
            "image_id": images.get(each.image_id or ""),
            "launch_template_id": templates.get(each.template_id or ""),
            "host_id": hosts.get(each.host_id or ""),
            "tenancy": each.tenancy.value,
            "state": each.state.value,
            "vcpus": each.vcpus,
            "cores": each.cores,
            "threads_per_core": each.threads_per_core,
            "launched_at": each.launched_at,
        }
        present = known.get(each.resource_id)
        if present is not None:
            _keep_origin(facts, present)
        yield Found(each.resource_id, facts, each.tags)


def _keep_origin(facts: dict[str, Any], present: Known) -> None:
    """What an instance was launched from does not change; its image may only be unknown by now."""
    for name in ("image_id", "launch_template_id"):
        if facts[name] is None:
            facts[name] = present.values[name]


def _ids(ids: Iterable[str | None]) -> set[str]:
    return {id_ for id_ in ids if id_}


def recount(tx: Transaction, keys: Iterable[int]) -> None:
    """Count many resources anew, as many at once as a statement can name."""
    remaining = iter(keys)
    while some := list(islice(remaining, _AT_ONCE)):
        recount_resources(tx, some)
