"""Launches: waiting ones are judged and counted one after the other, all in one transaction (EN-1 to EN-12)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from sqlalchemy import Connection

from app.alerts.rules import AlertKind
from app.alerts.service import raise_alert
from app.compute.launch_command import LaunchCommand
from app.compute.launch_facts import REQUEST, LaunchFacts, Remembered, gather, token_key
from app.compute.launch_plan import LaunchPlan, plan
from app.compute.models import ResourceRow, ResourceTagRow
from app.compute.rules import InstanceState, ResourceType
from app.compute.words import Word, note, note_tags
from app.kernel.database import Transaction
from app.kernel.errors import DomainError, ErrorCode, LimitExceeded, Refusal, RuleViolated
from app.kernel.findings import Findings
from app.kernel.ids import arn, new_hex, new_key
from app.kernel.tables import table_of
from app.kernel.viewer import Permission, Viewer
from app.licensing.associations import associate_new
from app.licensing.gate import Book, Finding, Gate, Judgement, draft

RESOURCE = table_of(ResourceRow)
TAG = table_of(ResourceTagRow)
Record = Callable[[Transaction, Sequence[Refusal]], None]


@dataclass(frozen=True, slots=True)
class LaunchRequest:
    """One waiting launch: what is asked, who asks, and how its audit record is written."""

    command: LaunchCommand
    viewer: Viewer
    record: Record


@dataclass(frozen=True, slots=True)
class LaunchResult:
    """What a launch came to: the instances that run, or none and why. `findings` are violations, soft ones included."""

    instance_keys: tuple[int, ...] = ()
    findings: tuple[Finding, ...] = ()
    refusals: tuple[Refusal, ...] = ()


@dataclass(frozen=True, slots=True)
class Preview:
    """What a launch would do. `books` are the configurations that would judge it."""

    judgement: Judgement | None = None
    books: Mapping[int, Book] = field(default_factory=dict)
    refusals: tuple[Refusal, ...] = ()

    @property
    def allowed(self) -> bool:
        return not self.refusals and self.judgement is not None and not self.judgement.blocked


def launch_batch(tx: Transaction, requests: Sequence[LaunchRequest]) -> list[LaunchResult]:
    """Judge and count launches in the order in which they came; each stands or falls alone, each is recorded.

    A refused launch writes nothing but its alerts and its audit record.
    """
    refused = [_refused(request) for request in requests]
    taken = [request.command for request, refusal in zip(requests, refused, strict=True) if refusal is None]
    facts = gather(tx.connection, taken, lock=True)
    results = []
    for request, refusal in zip(requests, refused, strict=True):
        tx.begin_action()
        result = refusal or _one(tx, request, facts)
        facts.gate.settle(tx)
        request.record(tx, result.refusals)
        results.append(result)
    facts.gate.close(tx)
    return results


def preview(connection: Connection, viewer: Viewer, command: LaunchCommand) -> Preview:
    """What the launch would do, by the very checks that it runs, without doing it.

    Who may not launch (PM-1) is told so, and what the launch would come to all the same.
    """
    findings = Findings()
    findings.of(viewer.require, Permission.USER)
    try:
        command.check()
        facts = gather(connection, [command], lock=False)
        if _repeated(command, facts) is not None:
            return Preview(Judgement((), {}), refusals=tuple(findings.refusals))
        planned = plan(command, facts)
    except DomainError as error:
        return Preview(refusals=(*findings.refusals, *error.refusals))
    judgement = facts.gate.judge(planned.configuration_keys, planned.subject, command.count)
    return Preview(judgement, facts.gate.books, tuple(findings.refusals))


def _refused(request: LaunchRequest) -> LaunchResult | None:
    """What is refused unseen; the database is never asked about it, for the sake of those who wait with it."""
    try:
        request.viewer.require(Permission.USER)
        request.command.check()
    except DomainError as error:
        return LaunchResult(refusals=tuple(error.refusals))
    return None


def _one(tx: Transaction, request: LaunchRequest, facts: LaunchFacts) -> LaunchResult:
    command = request.command
    try:
        repeated = _repeated(command, facts)
        if repeated is not None:
            return repeated
        planned = plan(command, facts)
    except DomainError as error:
        return LaunchResult(refusals=tuple(error.refusals))
    tx.concern(planned.image.arn, planned.image.account_id)
    judgement = facts.gate.judge(planned.configuration_keys, planned.subject, command.count)
    if judgement.blocked:
        return _blocked(tx, command, planned, judgement, facts.gate)
    return _start(tx, request, planned, judgement, facts)


def _repeated(command: LaunchCommand, facts: LaunchFacts) -> LaunchResult | None:
    """The first answer to a client token; None where the token is new (EN-12)."""
    key = token_key(command)
    first = facts.remembered.get(key) if key else None
    if first is None:
        return None
    if first.fingerprint != command.fingerprint():
        raise DomainError(
            Refusal(
                code=ErrorCode.IDEMPOTENT_PARAMETER_MISMATCH,
                message="This client token was used for a launch with other parameters.",
                remedy="Repeat the first launch's parameters, or use a new token.",
                rule="EN-12",
                field=("input", "clientToken"),
            )
        )
    return _restore(first.result)


def _blocked(
    tx: Transaction, command: LaunchCommand, planned: LaunchPlan, judgement: Judgement, gate: Gate
) -> LaunchResult:
    hard = [finding for finding in judgement.findings if finding.hard]
    for key in dict.fromkeys(finding.configuration_key for finding in hard):
        book = gate.books[key]
        reasons = " ".join(finding.refusal.message for finding in hard if finding.configuration_key == key)
        tx.concern(book.arn, book.owner_account_id)
        message = f"A launch of {command.count} × {planned.type.name} was blocked by “{book.name}”. {reasons}"
        raise_alert(tx, draft(book, AlertKind.LAUNCH_BLOCKED, message[:2000], command.account_id, planned.image.key))
    return LaunchResult(
        findings=judgement.findings,
        refusals=tuple(_named(finding, gate.books[finding.configuration_key]) for finding in hard),
    )


def _named(finding: Finding, book: Book) -> Refusal:
    """A violation as the launch's refusal: it says which configuration refuses."""
    return replace(finding.refusal, node_ids=(f"lc_{book.key}",))


def _start(
    tx: Transaction, request: LaunchRequest, planned: LaunchPlan, judgement: Judgement, facts: LaunchFacts
) -> LaunchResult:
    command, gate = request.command, facts.gate
    keys = tuple(new_key() for _ in range(command.count))
    for key in keys:
        row = _row(tx, command, planned, key)
        tx.add(RESOURCE, row)
        tx.concern(row["arn"], command.account_id)
        for name, value in command.tags:
            tx.add(TAG, {"resource_id": key, "key": name, "value": value})
    note_tags(tx, command.tags)
    note(tx, Word.NAME, *(value for name, value in command.tags if name == "Name"))
    for configuration_key in planned.configuration_keys:
        for key, licenses in zip(keys, judgement.licenses[configuration_key], strict=True):
            associate_new(
                tx,
                gate,
                configuration_key,
                resource_key=key,
                resource_type=ResourceType.INSTANCE,
                account_id=command.account_id,
                host_key=planned.subject.host_key,
                licenses=licenses,
                by=request.viewer.principal_arn,
            )
    _alert_soft(tx, command, judgement, gate, keys[0])
    result = LaunchResult(keys, judgement.findings)
    _remember(tx, command, result, facts)
    return result


def _row(tx: Transaction, command: LaunchCommand, planned: LaunchPlan, key: int) -> dict[str, Any]:
    resource_id = f"i-{new_hex(17)}"
    return {
        "id": key,
        "type": ResourceType.INSTANCE.value,
        "arn": arn("ec2", command.region, command.account_id, f"instance/{resource_id}"),
        "resource_id": resource_id,
        "account_id": command.account_id,
        "region": command.region,
        "name": next((value for name, value in command.tags if name == "Name"), None),
        "platform": planned.image.platform,
        "product_code": planned.image.product_code,
        "instance_type": planned.type.name,
        "instance_family": None,
        "image_id": planned.image.key,
        "launch_template_id": planned.template.key if planned.template else None,
        "host_id": planned.host.key if planned.host else None,
        "tenancy": planned.tenancy.value,
        "state": InstanceState.RUNNING.value,
        "mechanism": planned.mechanism.value,
        "vcpus": planned.cores * planned.threads_per_core,
        "cores": planned.cores,
        "threads_per_core": planned.threads_per_core,
        "sockets": None,
        "active": True,
        "launched_at": tx.now,
        "captured_at": None,
        "seen_at": None,
        "gone_at": None,
        "created_at": tx.now,
    }


def _alert_soft(tx: Transaction, command: LaunchCommand, judgement: Judgement, gate: Gate, instance_key: int) -> None:
    """One alert for each configuration whose rules are broken; a passed limit was alerted by the gate (EN-3)."""
    broken: dict[int, list[str]] = {}
    for finding in judgement.findings:
        if isinstance(finding.refusal, RuleViolated):
            broken.setdefault(finding.configuration_key, []).append(finding.refusal.message)
    for key, messages in broken.items():
        book = gate.books[key]
        tx.concern(book.arn, book.owner_account_id)
        text = f"A launch broke the rules of “{book.name}”. {' '.join(messages)}"
        raise_alert(tx, draft(book, AlertKind.RULE_VIOLATED, text[:2000], command.account_id, instance_key))


# ------------------------------------------------------------ client tokens


def _remember(tx: Transaction, command: LaunchCommand, result: LaunchResult, facts: LaunchFacts) -> None:
    key = token_key(command)
    if key is None:
        return
    stored = _store(result)
    account_id, region, client_token = key
    facts.remembered[key] = Remembered(command.fingerprint(), stored)
    tx.add(
        REQUEST,
        {
            "account_id": account_id,
            "region": region,
            "client_token": client_token,
            "fingerprint": command.fingerprint(),
            "result": stored,
            "created_at": tx.now,
        },
    )


_KINDS: dict[str, type[Refusal]] = {"limit": LimitExceeded, "rule": RuleViolated}


def _store(result: LaunchResult) -> dict[str, object]:
    return {
        "instances": [str(key) for key in result.instance_keys],
        "findings": [
            {
                "configuration": str(finding.configuration_key),
                "hard": finding.hard,
                "kind": "limit" if isinstance(finding.refusal, LimitExceeded) else "rule",
                "refusal": asdict(finding.refusal),
            }
            for finding in result.findings
        ],
    }


def _restore(stored: Mapping[str, Any]) -> LaunchResult:
    findings = []
    for each in stored["findings"]:
        facts = {
            **each["refusal"],
            "code": ErrorCode(each["refusal"]["code"]),
            "field": tuple(each["refusal"]["field"]) if each["refusal"]["field"] else None,
            "node_ids": tuple(each["refusal"]["node_ids"]),
        }
        findings.append(Finding(int(each["configuration"]), each["hard"], _KINDS[each["kind"]](**facts)))
    return LaunchResult(tuple(int(key) for key in stored["instances"]), tuple(findings))
