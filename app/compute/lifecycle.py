"""Starting, stopping and terminating instances (EN-5); each of several stands or falls alone."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy import update

from app.alerts.rules import AlertKind
from app.alerts.service import raise_alert
from app.compute.models import ResourceRow
from app.compute.resources import Resource, load
from app.compute.rules import InstanceState, ResourceType
from app.compute.subjects import subject_of
from app.kernel.database import Transaction
from app.kernel.errors import ErrorCode, Refusal, RuleViolated, invalid, not_found
from app.kernel.ids import node_id
from app.kernel.tables import table_of
from app.kernel.viewer import Viewer
from app.licensing.associations import configurations_on, set_consumed
from app.licensing.gate import Finding, Gate, draft
from app.licensing.release import release
from app.licensing.rules import CountingType
from app.roles.rules import ServiceLinkedRoleKind
from app.roles.service import present_in, role_missing
from app.sharing.sight import configurations_seen

RESOURCE = table_of(ResourceRow)
MOST_AT_ONCE = 1_000


@dataclass(slots=True)
class InstancesResult:
    """The instances that are now as asked, and a refusal for each that is not."""

    done: list[int] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)


Changes = Callable[[Resource, int], Sequence[Refusal]]


def stop(tx: Transaction, viewer: Viewer, keys: Sequence[int | None]) -> InstancesResult:
    """Stop instances; their associations stay and consume nothing."""
    return _end(tx, viewer, keys, InstanceState.STOPPED)


def terminate(tx: Transaction, viewer: Viewer, keys: Sequence[int | None]) -> InstancesResult:
    """End instances for good; their associations go."""
    return _end(tx, viewer, keys, InstanceState.TERMINATED)


def _end(tx: Transaction, viewer: Viewer, keys: Sequence[int | None], state: InstanceState) -> InstancesResult:
    instances = _own_instances(tx, viewer, keys)
    result = InstancesResult()
    changing: list[int] = []
    for position, key in enumerate(keys):
        instance = _found(instances, key, position, result)
        if instance is None:
            continue
        if instance.state == InstanceState.TERMINATED and state is not InstanceState.TERMINATED:
            result.refusals.append(_terminated(instance, position))
            continue
        if instance.state != state and instance.key not in changing:
            changing.append(instance.key)
        if instance.key not in result.done:
            result.done.append(instance.key)
    release(tx, changing, forget=state is InstanceState.TERMINATED)
    _set_state(tx, changing, state)
    return result


def start(tx: Transaction, viewer: Viewer, keys: Sequence[int | None]) -> InstancesResult:
    """Start stopped instances, each judged like a launch by the configurations that it carries."""
    instances = _own_instances(tx, viewer, keys)
    stopped = {key: each for key, each in instances.items() if each.state == InstanceState.STOPPED}
    hosts = load(tx.connection, {each.host_key for each in stopped.values() if each.host_key})
    carried = configurations_on(tx.connection, list(stopped))
    gate = Gate.open(
        tx.connection, {key for keys_ in carried.values() for key in keys_}, lock=True, host_keys=list(hosts)
    )
    may = bool(present_in(tx.connection, [viewer.account_id], ServiceLinkedRoleKind.CORE)) if gate.books else True
    result = InstancesResult()
    for position, key in enumerate(keys):
        instance = _found(instances, key, position, result)
        if instance is None:
            continue
        if instance.state == InstanceState.TERMINATED:
            result.refusals.append(_terminated(instance, position))
        elif instance.state == InstanceState.RUNNING or instance.key in result.done:
            _once(result.done, instance.key)
        elif carried.get(instance.key) and not may:
            result.refusals.append(_at(role_missing(viewer.account_id, ServiceLinkedRoleKind.CORE), instance, position))
        else:
            host = hosts.get(instance.host_key) if instance.host_key else None
            _start(tx, gate, instance, host, carried.get(instance.key, ()), position, result)
    gate.close(tx)
    return result


def _start(
    tx: Transaction,
    gate: Gate,
    instance: Resource,
    host: Resource | None,
    configuration_keys: Sequence[int],
    position: int,
    result: InstancesResult,
) -> None:
    judgement = gate.judge(configuration_keys, subject_of(instance, host))
    if judgement.blocked:
        hard = [finding for finding in judgement.findings if finding.hard]
        _alert(tx, gate, instance, hard, AlertKind.LAUNCH_BLOCKED, "Starting {} was blocked by “{}”.")
        seen = configurations_seen(
            tx.connection, [finding.configuration_key for finding in hard], [instance.account_id]
        )
        result.refusals += [_at(_named(finding, instance, seen), instance, position) for finding in hard]
        return
    for key, (licenses,) in judgement.licenses.items():
        gate.take(tx, key, licenses, instance.account_id, instance.key)
        if licenses:
            set_consumed(tx, key, instance.key, licenses)
        if host is not None and gate.books[key].terms.counting_type is CountingType.SOCKET:
            gate.hosts.add((key, host.key), instance.key, licenses)
    broken = [finding for finding in judgement.findings if isinstance(finding.refusal, RuleViolated)]
    _alert(tx, gate, instance, broken, AlertKind.RULE_VIOLATED, "Starting {} broke the rules of “{}”.")
    _set_state(tx, [instance.key], InstanceState.RUNNING)
    tx.concern(instance.arn, instance.account_id)
    result.done.append(instance.key)


def _named(finding: Finding, instance: Resource, seen: Collection[tuple[int, str]]) -> Refusal:
    """A violation as the start's refusal: it says which configuration refuses, unless the account sees it no more."""
    key = finding.configuration_key
    ids = (node_id("lc", key),) if (key, instance.account_id) in seen else ()
    return replace(finding.refusal, node_ids=ids)


def _alert(
    tx: Transaction, gate: Gate, instance: Resource, findings: Sequence[Finding], kind: AlertKind, text: str
) -> None:
    """One alert for each configuration, with all that was found of the kind (EN-3)."""
    for key in dict.fromkeys(finding.configuration_key for finding in findings):
        book = gate.books[key]
        tx.concern(book.arn, book.owner_account_id)
        told = " ".join(finding.refusal.message for finding in findings if finding.configuration_key == key)
        message = f"{text.format(instance.resource_id, book.name)} {told}"
        raise_alert(tx, draft(book, kind, message[:2000], instance.account_id, instance.key))


def _own_instances(tx: Transaction, viewer: Viewer, keys: Sequence[int | None]) -> dict[int, Resource]:
    if not 1 <= len(keys) <= MOST_AT_ONCE:
        raise invalid(f"One call takes 1 to {MOST_AT_ONCE} instances.", "ids", rule="API-3")
    # Locked, so that two servers do not both act on the state that they read.
    wanted = sorted({key for key in keys if key is not None})
    tx.execute(RESOURCE.select().where(RESOURCE.c.id.in_(wanted)).order_by(RESOURCE.c.id).with_for_update())
    return {
        key: each
        for key, each in load(tx.connection, wanted).items()
        if each.account_id == viewer.account_id and each.type == ResourceType.INSTANCE
    }


def _found(instances: dict[int, Resource], key: int | None, position: int, result: InstancesResult) -> Resource | None:
    instance = instances.get(key) if key is not None else None
    if instance is None:
        result.refusals += not_found("The instance", "ids", str(position)).refusals
    return instance


def _once(keys: list[int], key: int) -> None:
    if key not in keys:
        keys.append(key)


def _terminated(instance: Resource, position: int) -> Refusal:
    return _at(
        Refusal(
            code=ErrorCode.INVALID_INPUT,
            message=f"{instance.resource_id} is terminated: it can neither be started nor stopped.",
            rule="EN-5",
        ),
        instance,
        position,
    )


def _at(refusal: Refusal, instance: Resource, position: int) -> Refusal:
    return replace(refusal, field=("ids", str(position)), node_ids=(node_id("res", instance.key), *refusal.node_ids))


def _set_state(tx: Transaction, keys: Sequence[int], state: InstanceState) -> None:
    if keys:
        tx.execute(update(RESOURCE).where(RESOURCE.c.id.in_(keys)).values(state=state.value))
