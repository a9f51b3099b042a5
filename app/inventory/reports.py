"""Reports of servers, many at once: written, counted as they are reported, and ended (EN-10, IN-4, RO-2)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from app.compute import managed
from app.compute.departure import depart
from app.compute.managed import ReportedApplication
from app.compute.resources import Resource
from app.inventory.bounds import findings
from app.inventory.observed_instances import recount
from app.inventory.reported import UNREPORTED, Report
from app.inventory.rules import FIGURES, lives
from app.kernel.changes import Change, Changes
from app.kernel.database import Transaction
from app.kernel.errors import ErrorCode, Refusal, not_found
from app.organizations.service import account_exists
from app.roles.service import require_core

WHAT = "managed instances"


@dataclass(slots=True)
class Written:
    """What reports came to: the keys of the managed instances by their own names, and what changed."""

    keys: dict[str, int] = field(default_factory=dict)
    changes: Changes = field(default_factory=Changes)


@dataclass(frozen=True, slots=True)
class Taken:
    """What reports of many servers changed, and why some of them were not taken, each named.

    `left_out`: the servers' own names for themselves.
    """

    changes: Changes
    refused: list[Refusal]
    left_out: frozenset[str] = frozenset()


def take(tx: Transaction, account_id: str, region: str, reports: Sequence[Report]) -> Taken:
    """Take reports of many servers of an account in a Region, as a source of inventory found them.

    A report that is out of bounds is refused alone; one that was captured before what is known, or before the server
    was deregistered, changes nothing, and what is known already is not written. Raises DomainError where the service
    does not know the account, or the account has not granted its core role (RO-2).
    """
    tx.flush()
    if not account_exists(tx.connection, account_id):
        raise not_found(f"Account {account_id}", "accountId")
    require_core(tx.connection, account_id)
    good: list[Report] = []
    refused: list[Refusal] = []
    left_out: set[str] = set()
    for each in reports:
        why = [*_elsewhere(each, region), *findings(each, tx.now).refusals]
        refused += [_named(each, account_id, refusal) for refusal in why]
        if why:
            left_out.add(each.resource_id)
        else:
            good.append(each)
    return Taken(write(tx, account_id, region, good).changes, refused, frozenset(left_out))


def write(tx: Transaction, account_id: str, region: str, reports: Sequence[Report]) -> Written:
    """Write reports that are within bounds; what the servers consume follows at once."""
    wanted = _one_each(reports, tx.now)
    work = _Work(tx, Written())
    present = managed.held(tx, account_id, region, wanted)
    for report in wanted.values():
        known = present.get(report.resource_id)
        if known is not None:
            work.known(known, report)
        elif not report.ended:
            work.new(account_id, report)
    work.finish()
    return work.written


class _Work:
    """Reports of servers that are known or new; what they change is gathered, and written at the end."""

    def __init__(self, tx: Transaction, written: Written) -> None:
        self.tx, self.written = tx, written
        self.changed: dict[int, tuple[Resource, Mapping[str, object]]] = {}
        self.applications: dict[int, Sequence[ReportedApplication]] = {}
        self.returned: set[int] = set()
        self.resized: list[int] = []
        self.ended: list[Resource] = []

    def new(self, account_id: str, report: Report) -> None:
        facts = {**UNREPORTED, **report.facts, **self._state(report)}
        key = managed.add(self.tx, account_id, report.region, report.resource_id, facts)
        self.written.keys[report.resource_id] = key
        self.written.changes.note(WHAT, Change.ADDED)
        if report.applications:
            self.applications[key] = report.applications
            self.returned.add(key)

    def known(self, present: Resource, report: Report) -> None:
        self.written.keys[report.resource_id] = present.key
        self.tx.concern(present.arn, present.account_id)
        captured_at = report.captured_at or self.tx.now
        if present.gone_at is not None:
            if captured_at >= present.gone_at and not report.ended:
                self._return(present, report)
        elif present.captured_at is None or captured_at >= present.captured_at:
            self._renew(present, report)

    def _return(self, present: Resource, report: Report) -> None:
        self.changed[present.key] = present, {**UNREPORTED, **report.facts, **self._state(report)}
        self.applications[present.key] = report.applications or ()
        self.returned.add(present.key)
        self.written.changes.note(WHAT, Change.ADDED)

    def _renew(self, present: Resource, report: Report) -> None:
        if report.ended:
            self.ended.append(present)
            return
        told = {**report.facts, **self._state(report)}
        facts = {name: value for name, value in told.items() if getattr(present, name) != value}
        if facts:
            self.changed[present.key] = present, facts
        if any(name in facts for name in (*FIGURES, "active")):
            self.resized.append(present.key)
        if report.applications is not None:
            self.applications[present.key] = report.applications

    def _state(self, report: Report) -> dict[str, object]:
        captured_at = report.captured_at or self.tx.now
        return {"captured_at": captured_at, "active": lives(captured_at, self.tx.now)}

    def finish(self) -> None:
        managed.change(self.tx, list(self.changed.values()))
        others = managed.set_applications(self.tx, self.applications)
        recount(self.tx, self.resized)
        if self.ended:
            depart(self.tx, self.ended)
        changes = self.written.changes
        changes.note(WHAT, Change.CHANGED, len((others | self.changed.keys()) - self.returned))
        changes.note(WHAT, Change.GONE, len(self.ended))


def _one_each(reports: Iterable[Report], now: datetime) -> dict[str, Report]:
    """One report for each server, in the order of their names: what several tell of one follows in time."""
    merged: dict[str, Report] = {}
    for each in sorted(reports, key=lambda report: (report.resource_id, report.captured_at or now)):
        earlier = merged.get(each.resource_id)
        merged[each.resource_id] = each if earlier is None else earlier.followed_by(each)
    return merged


def _elsewhere(report: Report, region: str) -> list[Refusal]:
    if report.region == region:
        return []
    return [
        Refusal(code=ErrorCode.INVALID_INPUT, message=f"The report is of a server in another Region than {region}.")
    ]


def _named(report: Report, account_id: str, refusal: Refusal) -> Refusal:
    """What stands in the way of one report of many: the server is named, and there is no input to point at."""
    message = f"{report.resource_id[:128]}: {refusal.message}"
    return replace(refusal, message=message, field=None, account_id=account_id)
