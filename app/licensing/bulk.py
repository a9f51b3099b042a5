"""Associating and disassociating in bulk: each resource stands or falls alone (EN-6, IN-6, SH-4, SH-6)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from app.alerts.rules import AlertKind
from app.alerts.service import raise_alert
from app.compute.resources import Resource, load, visible
from app.compute.rules import InstanceState, ResourceType
from app.compute.subjects import is_consuming, subject_of
from app.kernel.database import Transaction
from app.kernel.errors import DomainError, ErrorCode, Refusal, RuleViolated, invalid, not_found
from app.kernel.ids import node_id
from app.kernel.viewer import Viewer
from app.licensing.associations import associate_new, on_resources, set_consumed
from app.licensing.failures import note_failures
from app.licensing.gate import Book, Finding, Gate, draft
from app.licensing.release import release
from app.licensing.rules import CountingType
from app.licensing.service import facts as facts_of
from app.licensing.service import require_seen
from app.linking.members import acts_in_members
from app.roles.service import require_core
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
    _check_number(resource_keys)
    require_core(tx.connection, viewer.account_id)
    require_seen(tx.connection, viewer.account_id, configuration_key)
    if share_with_member_accounts:
        share_with_members(tx, viewer, configuration_key)
        tx.flush()
    work = _Association(tx, viewer, configuration_key, resource_keys)
    for position, key in enumerate(resource_keys):
        work.one(position, key)
    work.gate.close(tx)
    note_failures(tx, viewer, "AssociateResources", configuration_key, work.failed)
    return work.result


class _Association:
    """The facts of one call, and what it has done so far."""

    def __init__(
        self, tx: Transaction, viewer: Viewer, configuration_key: int, resource_keys: Sequence[int | None]
    ) -> None:
        keys = {key for key in resource_keys if key is not None}
        self.tx, self.viewer = tx, viewer
        self.resources = visible(tx.connection, viewer.account_id, keys)
        self.hosts = load(tx.connection, {each.host_key for each in self.resources.values() if each.host_key})
        self.gate = Gate.open(tx.connection, [configuration_key], lock=True, host_keys=_host_keys(self.resources.values()))
        self.book = self.gate.books[configuration_key]
        self.present = {
            each.resource_key: each.key for each in on_resources(tx.connection, keys, configuration_key)
        }
        self.result = BulkResult(configuration_key)
        self.failed: list[tuple[Resource, Refusal]] = []
        foreign = {each.account_id for each in self.resources.values() if self._is_foreign(each)}
        facts = facts_of(tx.connection, [configuration_key])[configuration_key]
        self.crossing = acts_in_members(tx.connection, viewer.account_id, foreign, facts)

    def _is_foreign(self, resource: Resource) -> bool:
        """A shared image is the sharee's to use; any other resource of another account is reached across accounts."""
        return resource.account_id != self.viewer.account_id and resource.type != ResourceType.IMAGE

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
        refusals = self._refusals(resource)
        if refusals:
            self._refuse(resource, position, refusals)
        else:
            self._associate(resource, position)

    def _refusals(self, resource: Resource) -> list[Refusal]:
        if resource.region != self.book.region:
            return [
                Refusal(
                    code=ErrorCode.REGION_MISMATCH,
                    message=f"{resource.resource_id} is in {resource.region}; the license configuration is in "
                    f"{self.book.region}.",
                    remedy="Use a license configuration of the resource's own Region.",
                    rule="RG-3",
                )
            ]
        if self._is_foreign(resource):
            refused = self.crossing.refusals(resource.account_id, resource.arn, associating=True)
            if refused:
                return refused
        if resource.state == InstanceState.TERMINATED:
            return [
                Refusal(
                    code=ErrorCode.INVALID_INPUT,
                    message=f"{resource.resource_id} is terminated: it uses no licenses any more.",
                    rule="EN-5",
                )
            ]
        if not self.book.active and is_consuming(resource):
            return [inactive(self.book)]
        return []

    def _refuse(self, resource: Resource, position: int, refusals: Sequence[Refusal]) -> None:
        for refusal in refusals:
            self.result.refusals.append(_at(refusal, resource, position))
            self.failed.append((resource, refusal))

    def _associate(self, resource: Resource, position: int) -> None:
        host = self.hosts.get(resource.host_key) if resource.host_key else None
        licenses, findings = 0, tuple[Finding, ...]()
        if self.book.active and is_consuming(resource):
            judgement = self.gate.judge([self.book.key], subject_of(resource, host))
            findings = judgement.findings
            if judgement.blocked:
                self._refuse(resource, position, [each.refusal for each in findings if each.hard])
                return
            (licenses,) = judgement.licenses[self.book.key]
            self._take_over_sockets(resource)
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
        self._alert(resource, findings)

    def _take_over_sockets(self, resource: Resource) -> None:
        """A host that is associated itself counts its own sockets; the instance that carried them does no longer."""
        pair = (self.book.key, resource.key)
        if self.book.terms.counting_type is not CountingType.SOCKET or resource.type != ResourceType.DEDICATED_HOST:
            return
        carrier = self.gate.hosts.carrier.pop(pair, None)
        self.gate.hosts.associated.add(pair)
        if carrier is not None:
            (association,) = on_resources(self.tx.connection, [carrier], self.book.key)
            set_consumed(self.tx, self.book.key, carrier, 0)
            self.gate.give_back(self.tx, self.book.key, association.consumed, association.account_id, carrier)

    def _alert(self, resource: Resource, findings: Sequence[Finding]) -> None:
        """One alert where soft rules are broken; a passed limit was alerted by the gate (EN-3)."""
        messages = [each.refusal.message for each in findings if isinstance(each.refusal, RuleViolated)]
        if messages:
            text = f"{resource.resource_id} breaks the rules of “{self.book.name}”. {' '.join(messages)}"
            raise_alert(
                self.tx, draft(self.book, AlertKind.RULE_VIOLATED, text[:2000], resource.account_id, resource.key)
            )


def disassociate(
    tx: Transaction, viewer: Viewer, configuration_key: int, resource_keys: Sequence[int | None]
) -> BulkResult:
    """Take a configuration off resources and release what they consume; the result's keys are of the resources.

    An account always may for its own resources, also once a share has ended (SH-5). The owner of the configuration may
    for a member's only through the member role (SH-6, TR-2).
    """
    _check_number(resource_keys)
    require_core(tx.connection, viewer.account_id)
    keys = [key for key in resource_keys if key is not None]
    present = {each.resource_key: each for each in on_resources(tx.connection, keys, configuration_key)}
    facts = facts_of(tx.connection, [configuration_key]).get(configuration_key)
    owns = facts is not None and facts.owner_account_id == viewer.account_id
    mine = {key for key, each in present.items() if each.account_id == viewer.account_id}
    if facts is None or not (owns or mine):
        require_seen(tx.connection, viewer.account_id, configuration_key)
    assert facts is not None
    reachable = {key: each for key, each in present.items() if owns or key in mine}
    resources = load(tx.connection, reachable, gone=True)
    foreign = {each.account_id for each in reachable.values() if each.account_id != viewer.account_id}
    crossing = acts_in_members(tx.connection, viewer.account_id, foreign, facts)
    result = BulkResult(configuration_key)
    failed: list[tuple[Resource, Refusal]] = []
    for position, key in enumerate(resource_keys):
        association = reachable.get(key) if key is not None else None
        if association is None:
            result.refusals += not_found("The association", "input", "resourceIds", str(position)).refusals
            continue
        resource = resources[association.resource_key]
        tx.concern(resource.arn, association.account_id)
        tx.concern(facts.arn, facts.owner_account_id)
        refusals: Sequence[Refusal] = ()
        if association.account_id != viewer.account_id:
            refusals = crossing.refusals(association.account_id, resource.arn, associating=False)
        for refusal in refusals:
            result.refusals.append(_at(refusal, resource, position))
            failed.append((resource, refusal))
        if not refusals and resource.key not in result.done:
            result.done.append(resource.key)
    release(tx, result.done, forget=True, configuration_key=configuration_key)
    note_failures(tx, viewer, "DisassociateResources", configuration_key, failed)
    return result


def attach(tx: Transaction, viewer: Viewer, resource_key: int, configuration_keys: Sequence[int]) -> None:
    """Put configurations on a resource that was made in this very unit, such as a launch template; all or nothing."""
    for key in dict.fromkeys(configuration_keys):
        result = associate(tx, viewer, key, [resource_key])
        if result.refusals:
            raise DomainError(*result.refusals)


def inactive(book: Book) -> Refusal:
    """An inactive configuration tracks nothing, so nothing that runs can be put under it."""
    return Refusal(
        code=ErrorCode.LICENSE_CONFIGURATION_INACTIVE,
        message=f"“{book.name}” is inactive and tracks nothing.",
        remedy="Its owner can activate it again.",
        rule="LC-10",
        node_ids=(node_id("lc", book.key),),
    )


def _at(refusal: Refusal, resource: Resource, position: int) -> Refusal:
    """A resource's refusal, with its place in the input and its id."""
    return replace(
        refusal,
        field=("input", "resourceIds", str(position)),
        account_id=refusal.account_id or resource.account_id,
        node_ids=(node_id("res", resource.key), *refusal.node_ids),
    )


def _host_keys(resources: Iterable[Resource]) -> set[int]:
    return {
        key for each in resources if (key := each.key if each.type == ResourceType.DEDICATED_HOST else each.host_key)
    }


def _check_number(resource_keys: Sequence[int | None]) -> None:
    if not 1 <= len(resource_keys) <= MOST_AT_ONCE:
        raise invalid(
            f"One call takes 1 to {MOST_AT_ONCE} resources; this one has {len(resource_keys)}.",
            "input",
            "resourceIds",
            rule="IN-6",
        )
