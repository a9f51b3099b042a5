"""Instances that were found running: judged like launches, counted past any limit, never stopped (EN-10, IN-3)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from app.alerts.rules import AlertKind
from app.alerts.service import raise_alert
from app.compute import managed
from app.compute.catalogue import instance_type
from app.compute.resources import Resource, in_parts, load
from app.compute.rules import InstanceState, ResourceType
from app.compute.subjects import instance_subject
from app.kernel.database import Transaction
from app.kernel.errors import DomainError, RuleViolated
from app.licensing.associations import Association, associate_new, configurations_on, on_resources, remove
from app.licensing.counting import Subject
from app.licensing.gate import Gate, draft
from app.roles.rules import ServiceLinkedRoleKind, definitions
from app.roles.service import require_core
from app.sharing.service import configurations_seen

_AT_ONCE = 10_000
_NAMED = 5


@dataclass(frozen=True, slots=True)
class Arrival:
    """An instance that is there now and was not before, by its key and the columns that say what it is."""

    key: int
    facts: Mapping[str, Any]

    @property
    def runs(self) -> bool:
        return bool(self.facts["state"] == InstanceState.RUNNING)


@dataclass(slots=True)
class _Broken:
    """The instances that break one configuration's rules, and how."""

    keys: list[int] = field(default_factory=list)
    messages: dict[str, None] = field(default_factory=dict)


def discover(tx: Transaction, account_id: str, region: str, arrivals: Sequence[Arrival]) -> None:
    """Put what arrived under the license configurations of its image and launch template that its account sees (EN-8).

    What is stopped carries them and consumes nothing until it starts (EN-5). What an agent had reported before, and
    was counted as that, is the same machine: its licenses go over to the instance. An account that has not granted its
    core role has nothing counted (RO-2). One alert for each configuration and kind (EN-3).
    """
    carried = _carried(tx, arrivals)
    keys = {key for found in carried.values() for key in found}
    seen = {key for key, _ in configurations_seen(tx.connection, keys, [account_id])} if keys else set()
    if not seen or not _granted(tx, account_id):
        return
    hosts = load(tx.connection, {each.facts["host_id"] for each in arrivals if each.facts["host_id"]})
    gate = Gate.open(tx.connection, seen, lock=True, host_keys=hosts)
    counted = {key for key, book in gate.books.items() if book.active and book.region == region}
    work = _Discovery(tx, gate, account_id, hosts, _reported(tx, arrivals))
    for arrival in arrivals:
        work.one(arrival, [key for key in _of(arrival, carried) if key in counted])
    work.alert(region)
    gate.close(tx)


class _Discovery:
    """One account's Region."""

    def __init__(
        self,
        tx: Transaction,
        gate: Gate,
        account_id: str,
        hosts: Mapping[int, Resource],
        reported: Mapping[tuple[int, int], Association],
    ) -> None:
        self.tx, self.gate, self.account_id, self.hosts, self.reported = tx, gate, account_id, hosts, reported
        self.by = definitions()[ServiceLinkedRoleKind.CORE].arn(account_id)
        self.broken: dict[int, _Broken] = {}

    def one(self, arrival: Arrival, configurations: Sequence[int]) -> None:
        """Associate one instance, and count it if it runs."""
        if not configurations:
            return
        subject = self._subject(arrival)
        licenses: Mapping[int, tuple[int, ...]] = {}
        if arrival.runs:
            judgement = self.gate.judge(configurations, subject)
            licenses = judgement.licenses
            for finding in judgement.findings:
                if isinstance(finding.refusal, RuleViolated):
                    self._note(finding.configuration_key, arrival.key, finding.refusal.message)
        for key in configurations:
            self._hand_over(arrival, key)
            associate_new(
                self.tx,
                self.gate,
                key,
                resource_key=arrival.key,
                resource_type=ResourceType.INSTANCE,
                account_id=self.account_id,
                host_key=subject.host_key if arrival.runs else None,
                licenses=licenses[key][0] if licenses else 0,
                by=self.by,
                forced=True,
            )

    def _hand_over(self, arrival: Arrival, configuration_key: int) -> None:
        """Take a configuration off the managed instance that is the same machine; in one settlement nothing alerts."""
        counted = self.reported.get((arrival.key, configuration_key))
        if counted is not None:
            self.gate.give_back(self.tx, configuration_key, counted.consumed, counted.account_id, counted.resource_key)
            remove(self.tx, [counted.key])

    def _subject(self, arrival: Arrival) -> Subject:
        facts = arrival.facts
        host = self.hosts.get(facts["host_id"] or 0)
        return instance_subject(
            facts["vcpus"], facts["cores"], instance_type(facts["instance_type"]), facts["tenancy"], host
        )

    def _note(self, configuration_key: int, key: int, message: str) -> None:
        broken = self.broken.setdefault(configuration_key, _Broken())
        broken.messages.setdefault(message)
        if broken.keys[-1:] != [key]:
            broken.keys.append(key)

    def alert(self, region: str) -> None:
        """One alert for each configuration whose rules are broken; a passed limit is alerted by the gate."""
        for configuration_key, broken in self.broken.items():
            book = self.gate.books[configuration_key]
            number = len(broken.keys)
            found = "An instance that was found running" if number == 1 else f"{number} instances found running"
            text = f"{found} in {region} break{'s' if number == 1 else ''} the rules of “{book.name}”."
            reasons = " ".join(islice(broken.messages, _NAMED))
            alert = draft(book, AlertKind.RULE_VIOLATED, f"{text} {reasons}"[:2000], self.account_id, broken.keys[0])
            raise_alert(self.tx, alert)


def _reported(tx: Transaction, arrivals: Sequence[Arrival]) -> dict[tuple[int, int], Association]:
    """What agents' managed instances carry that are the same machines as arrivals, by arrival and configuration."""
    tx.flush()
    twins = managed.same_machines(tx.connection, [each.key for each in arrivals])
    arrived = {twin: key for key, twin in twins.items()}
    return {
        (arrived[each.resource_key], each.configuration_key): each
        for some in in_parts(arrived)
        for each in on_resources(tx.connection, some)
    }


def _carried(tx: Transaction, arrivals: Sequence[Arrival]) -> dict[int, Sequence[int]]:
    """The configurations on the images and launch templates that instances came from."""
    origins = sorted({key for each in arrivals for key in _origins(each)})
    carried: dict[int, Sequence[int]] = {}
    for start in range(0, len(origins), _AT_ONCE):
        carried.update(configurations_on(tx.connection, origins[start : start + _AT_ONCE]))
    return carried


def _of(arrival: Arrival, carried: Mapping[int, Sequence[int]]) -> list[int]:
    """The configurations that an instance comes under, each once."""
    return list(dict.fromkeys(key for origin in _origins(arrival) for key in carried.get(origin, ())))


def _origins(arrival: Arrival) -> Iterable[int]:
    return filter(None, (arrival.facts["image_id"], arrival.facts["launch_template_id"]))


def _granted(tx: Transaction, account_id: str) -> bool:
    """Whether the account has its core role, which it keeps until the unit of work ends."""
    try:
        require_core(tx.connection, account_id, hold=True)
    except DomainError:
        return False
    return True
