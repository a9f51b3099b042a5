"""Associating in bulk: each resource stands or falls alone (EN-6, IN-6, SH-4)."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from app.alerts.rules import AlertKind
from app.alerts.service import raise_alert
from app.compute.resources import Resource, visible
from app.compute.rules import InstanceState, ResourceType
from app.kernel.checks import require
from app.kernel.database import Transaction
from app.kernel.errors import DomainError, Refusal, RuleViolated, invalid, not_found
from app.kernel.ids import node_id
from app.kernel.viewer import Viewer
from app.licensing.association_checks import AssociationFacts, caller_checks
from app.licensing.associations import associate_new, on_resources, take_over_sockets
from app.licensing.failures import note_failures
from app.licensing.gate import Finding, draft
from app.licensing.taken_off import lift
from app.linking.usage import reasons
from app.sharing.managed import share_with_members

MOST_AT_ONCE = 1_000


@dataclass(slots=True)
class BulkResult:
    """What became of each resource: the associations (or resources) done, a refusal for each that was not."""

    configuration_key: int
    done: list[int] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)


def associate(
    tx: Transaction,
    viewer: Viewer,
    configuration_key: int,
    resource_keys: Sequence[int | None],
    *,
    share_with_member_accounts: bool = False,
) -> BulkResult:
    """Put a configuration on resources; what runs consumes at once, and is refused where a hard limit would be passed.

    A key of None stands for an id that names nothing. The result's keys are of the associations, those that were
    there before included.
    """
    check_number(resource_keys)
    require(caller_checks(tx.connection, viewer.account_id, configuration_key))
    if share_with_member_accounts:
        share_with_members(tx, viewer, configuration_key)
        tx.flush()
    work = _Association(tx, viewer, configuration_key, resource_keys)
    for position, key in enumerate(resource_keys):
        work.one(position, key)
    work.gate.close(tx)
    lift(tx, configuration_key, work.added)
    note_failures(tx, viewer, "AssociateResources", configuration_key, work.failed)
    return work.result


class _Association:
    """One call: its facts, and what it has done so far."""

    def __init__(
        self, tx: Transaction, viewer: Viewer, configuration_key: int, resource_keys: Sequence[int | None]
    ) -> None:
        keys = {key for key in resource_keys if key is not None}
        self.tx, self.viewer = tx, viewer
        self.resources = visible(tx.connection, viewer.account_id, keys, hold=True)
        self.facts = AssociationFacts(
            tx.connection, viewer.account_id, configuration_key, self.resources.values(), lock=True
        )
        self.gate, self.book = self.facts.gate, self.facts.book
        self.present = {each.resource_key: each.key for each in on_resources(tx.connection, keys, configuration_key)}
        self.result = BulkResult(configuration_key)
        self.failed: list[tuple[Resource, Refusal]] = []
        self.added: list[int] = []

    def one(self, position: int, key: int | None) -> None:
        resource = self.resources.get(key) if key is not None else None
        if resource is None:
            self.result.refusals += not_found("The resource", "input", "resourceIds", str(position)).refusals
            return
        self.tx.concern(resource.arn, resource.account_id)
        self.tx.concern(self.book.arn, self.book.owner_account_id)
        if resource.key in self.present:
            self.result.done.append(self.present[resource.key])
            return
        refusals = reasons(self.facts.checks(resource))
        if refusals:
            self._refuse(resource, position, refusals)
        else:
            self._associate(resource)

    def _refuse(self, resource: Resource, position: int, refusals: Sequence[Refusal]) -> None:
        for refusal in refusals:
            self.result.refusals.append(at(refusal, resource, position))
            self.failed.append((resource, refusal))

    def _associate(self, resource: Resource) -> None:
        licenses, findings = 0, tuple[Finding, ...]()
        if self.facts.counts(resource):
            judgement = self.facts.judge(resource)
            (licenses,), findings = judgement.licenses[self.book.key], judgement.findings
            if resource.type == ResourceType.DEDICATED_HOST:
                take_over_sockets(self.tx, self.gate, self.book.key, resource.key)
        account_id = self.viewer.account_id if resource.type == ResourceType.IMAGE else resource.account_id
        key = associate_new(
            self.tx,
            self.gate,
            self.book.key,
            resource_key=resource.key,
            resource_type=ResourceType(resource.type),
            account_id=account_id,
            host_key=resource.host_key if resource.state == InstanceState.RUNNING else None,
            licenses=licenses,
            by=self.viewer.principal_arn,
        )
        self.present[resource.key] = key
        self.result.done.append(key)
        self.added.append(resource.key)
        self._alert(resource, findings)

    def _alert(self, resource: Resource, findings: Sequence[Finding]) -> None:
        """One alert where soft rules are broken; a passed limit was alerted by the gate (EN-3)."""
        messages = [each.refusal.message for each in findings if isinstance(each.refusal, RuleViolated)]
        if messages:
            text = f"{resource.resource_id} breaks the rules of “{self.book.name}”. {' '.join(messages)}"
            raise_alert(
                self.tx, draft(self.book, AlertKind.RULE_VIOLATED, text[:2000], resource.account_id, resource.key)
            )


def attach(tx: Transaction, viewer: Viewer, resource_key: int, configuration_keys: Sequence[int]) -> None:
    """Put configurations on a resource that was made in this very unit, such as a launch template; all or nothing."""
    for key in dict.fromkeys(configuration_keys):
        result = associate(tx, viewer, key, [resource_key])
        if result.refusals:
            raise DomainError(*result.refusals)


def at(refusal: Refusal, resource: Resource, position: int) -> Refusal:
    """A resource's refusal, with its place in the input and its id."""
    return replace(
        refusal,
        field=("input", "resourceIds", str(position)),
        account_id=refusal.account_id or resource.account_id,
        node_ids=(node_id("res", resource.key), *refusal.node_ids),
    )


def check_number(resource_keys: Sequence[int | None]) -> None:
    if not 1 <= len(resource_keys) <= MOST_AT_ONCE:
        raise invalid(
            f"One call takes 1 to {MOST_AT_ONCE} resources; this one has {len(resource_keys)}.",
            "input",
            "resourceIds",
            rule="IN-6",
        )
