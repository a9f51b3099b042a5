"""What a rule of discovery finds is put under its configuration: counted past any limit, never stopped (EN-10, IN-3).

`Finds` does it, `Forecast` tells beforehand what it would come to; both ask the same checks and the same gate.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice

from sqlalchemy import Connection

from app.alerts.rules import AlertKind
from app.alerts.service import raise_alert
from app.compute.resources import Resource
from app.compute.rules import InstanceState, ResourceType
from app.kernel.database import Transaction
from app.kernel.errors import Refusal, RuleViolated
from app.licensing.association_checks import AssociationFacts
from app.licensing.associations import associate_new, take_over_sockets
from app.licensing.gate import Judgement, draft
from app.licensing.rules import CountingType
from app.linking.usage import reasons

_NAMED = 5


@dataclass(slots=True)
class _Broken:
    """An account's resources that break the configuration's rules, and how."""

    keys: list[int] = field(default_factory=list)
    messages: dict[str, None] = field(default_factory=dict)


class Finds:
    """Puts one configuration on resources that were found; nothing else changes it until the unit of work ends.

    Hold the resources before. Of what is asked after this, nothing changes any more.
    """

    def __init__(
        self, tx: Transaction, account_id: str, configuration_key: int, resources: Collection[Resource], *, by: str
    ) -> None:
        self._tx, self._by = tx, by
        self._facts = AssociationFacts(tx.connection, account_id, configuration_key, resources, lock=True)
        self._broken: dict[str, _Broken] = {}

    def refusals(self, resource: Resource) -> list[Refusal]:
        """Why a resource can't be put under the configuration; its limit and rules are no reasons."""
        return reasons(self._facts.checks_of_found(resource))

    def add(self, resource: Resource) -> None:
        """Associate a resource that carries nothing of the configuration yet; what runs is counted."""
        licenses, book, gate = 0, self._facts.book, self._facts.gate
        self._tx.concern(resource.arn, resource.account_id)
        self._tx.concern(book.arn, book.owner_account_id)
        if self._facts.counts(resource):
            judgement = self._facts.judge(resource)
            (licenses,) = judgement.licenses[book.key]
            self._note(resource, judgement)
            if resource.type == ResourceType.DEDICATED_HOST:
                take_over_sockets(self._tx, gate, book.key, resource.key)
        associate_new(
            self._tx,
            gate,
            book.key,
            resource_key=resource.key,
            resource_type=ResourceType(resource.type),
            account_id=resource.account_id,
            host_key=resource.host_key if resource.state == InstanceState.RUNNING else None,
            licenses=licenses,
            by=self._by,
            forced=True,
        )

    def close(self) -> None:
        """Write what was counted, and raise one alert for each account whose resources break the rules (EN-3)."""
        book = self._facts.book
        for account_id, broken in self._broken.items():
            number = len(broken.keys)
            found = "A resource that discovery found" if number == 1 else f"{number} resources that discovery found"
            text = f"{found} in account {account_id} break{'s' if number == 1 else ''} the rules of “{book.name}”."
            text += " " + " ".join(islice(broken.messages, _NAMED))
            raise_alert(self._tx, draft(book, AlertKind.RULE_VIOLATED, text[:2000], account_id, broken.keys[0]))
        self._facts.gate.close(self._tx)

    def _note(self, resource: Resource, judgement: Judgement) -> None:
        for violated in violations(judgement):
            broken = self._broken.setdefault(resource.account_id, _Broken())
            broken.messages.setdefault(violated.message)
            if broken.keys[-1:] != [resource.key]:
                broken.keys.append(resource.key)


class Forecast:
    """What putting a configuration on some resources would consume, and which rules they break; nothing is written."""

    def __init__(
        self, connection: Connection, account_id: str, configuration_key: int, resources: Collection[Resource]
    ) -> None:
        self._facts = AssociationFacts(connection, account_id, configuration_key, resources, lock=False)
        self.consumed_before = self._facts.book.consumed
        self.license_count = self._facts.book.license_count

    @property
    def consumed_after(self) -> int:
        """Licenses in use once all is associated that `add` was given."""
        return self._facts.book.consumed

    def refusals(self, resource: Resource) -> list[Refusal]:
        """As `Finds` says."""
        return reasons(self._facts.checks_of_found(resource))

    def add(self, resource: Resource) -> Sequence[RuleViolated]:
        """Reckon with one more resource; the rules that it breaks."""
        facts = self._facts
        if not facts.counts(resource):
            return ()
        judgement = facts.judge(resource)
        (licenses,) = judgement.licenses[facts.book.key]
        facts.book.consumed += licenses
        if facts.book.terms.counting_type is CountingType.SOCKET:
            self._sockets(resource, licenses)
        return list(violations(judgement))

    def _sockets(self, resource: Resource, licenses: int) -> None:
        """What is counted once a Dedicated Host (EN-4): a host relieves the instance that carried its sockets."""
        hosts, key = self._facts.gate.hosts, self._facts.book.key
        if resource.type == ResourceType.DEDICATED_HOST:
            pair = (key, resource.key)
            if hosts.carrier.pop(pair, None) is not None:
                self._facts.book.consumed -= resource.sockets or 0
            hosts.associated.add(pair)
        elif resource.host_key is not None:
            hosts.add((key, resource.host_key), resource.key, licenses)


def violations(judgement: Judgement) -> Iterable[RuleViolated]:
    """The rules that are broken, hard ones or soft; a limit that would be passed is told by the consumption."""
    return (each.refusal for each in judgement.findings if isinstance(each.refusal, RuleViolated))
