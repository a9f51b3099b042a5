"""The gate: the one place that judges and counts every use of a license (EN-1 to EN-12).

Open it on the license configurations concerned: their rows are locked in the order of their keys, so that what is
judged is what is written. Judge, take or give back in memory, then `close` writes each configuration once, by a
conditional statement that no race can pass. A preview opens it on a reading connection and never closes it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, bindparam, false, or_, select, update

from app.alerts.rules import AlertKind
from app.alerts.service import AlertDraft, raise_alert
from app.compute.rules import ResourceType
from app.kernel.database import Transaction
from app.kernel.database.groups import MustRetry
from app.kernel.errors import LimitExceeded, Refusal
from app.kernel.events import Signal
from app.kernel.tables import table_of
from app.licensing.counting import EXCEEDED, Subject, Terms, broken_rules, level, measure
from app.licensing.history import UsageChange, record_usage
from app.licensing.hosts import HostUse
from app.licensing.models import LicenseConfigurationRow
from app.licensing.rules import CountingType, Status

CONFIGURATION = table_of(LicenseConfigurationRow)
_COUNT = (
    update(CONFIGURATION)
    .where(
        CONFIGURATION.c.id == bindparam("key"),
        or_(
            CONFIGURATION.c.hard_limit == false(),
            CONFIGURATION.c.license_count.is_(None),
            bindparam("delta") <= 0,
            bindparam("forced") == 1,
            CONFIGURATION.c.consumed + bindparam("delta") <= CONFIGURATION.c.license_count,
        ),
    )
    .values(consumed=CONFIGURATION.c.consumed + bindparam("delta"), alerted=bindparam("alerted_level"))
)


@dataclass(slots=True)
class Book:
    """What the gate knows of one license configuration, kept up as licenses are taken and given back."""

    key: int
    terms: Terms
    name: str
    owner_account_id: str
    region: str
    hard: bool
    license_count: int | None
    active: bool
    consumed: int
    alerted: int
    thresholds: Sequence[int]
    delta: int = 0
    forced: bool = False
    unsettled: dict[str, int] = field(default_factory=dict)
    touched: int | None = None
    changes: list[UsageChange] = field(default_factory=list)

    @property
    def arn(self) -> str:
        return self.terms.arn

    def remaining_after(self, licenses: int) -> int | None:
        """Licenses left once some more are taken; negative over the count, None without one."""
        return None if self.license_count is None else self.license_count - self.consumed - licenses


@dataclass(frozen=True, slots=True)
class Finding:
    """A violation of one configuration: `hard` blocks, soft lets through and alerts."""

    configuration_key: int
    hard: bool
    refusal: Refusal


@dataclass(frozen=True, slots=True)
class Judgement:
    """What some equal resources would break and take: for each configuration, the licenses of each resource."""

    findings: tuple[Finding, ...]
    licenses: Mapping[int, tuple[int, ...]]

    @property
    def blocked(self) -> bool:
        """One hard violation blocks the whole (EN-2)."""
        return any(finding.hard for finding in self.findings)


class Gate:
    """The license configurations of one decision, or of many that are taken one after another."""

    def __init__(self, books: dict[int, Book], hosts: HostUse) -> None:
        self.books = books
        self.hosts = hosts

    @classmethod
    def open(cls, connection: Connection, keys: Iterable[int], *, lock: bool, host_keys: Iterable[int] = ()) -> "Gate":
        """Load configurations; with `lock` nothing else changes them until the transaction ends."""
        wanted = sorted(set(keys))
        if not wanted:
            return cls({}, HostUse())
        statement = select(CONFIGURATION).where(CONFIGURATION.c.id.in_(wanted)).order_by(CONFIGURATION.c.id)
        if lock:
            statement = statement.with_for_update()
        books = {row["id"]: _book(row) for row in connection.execute(statement).mappings()}
        sockets = [book.key for book in books.values() if book.terms.counting_type is CountingType.SOCKET]
        return cls(books, HostUse.load(connection, sockets, host_keys))

    def judge(self, keys: Iterable[int], subject: Subject, count: int = 1) -> Judgement:
        """What `count` such resources would break and take now. Inactive configurations judge and count nothing."""
        findings: list[Finding] = []
        licenses: dict[int, tuple[int, ...]] = {}
        for key in sorted(set(keys)):
            book = self.books[key]
            if not book.active:
                licenses[key] = (0,) * count
                continue
            findings += [Finding(key, book.hard, refusal) for refusal in broken_rules(book.terms, subject)]
            each = self._licenses(book, subject, count)
            licenses[key] = each
            total = sum(each) - self._relieved(book, subject)
            left = book.remaining_after(0)
            if total > 0 and left is not None and total > left:
                findings.append(Finding(key, book.hard, limit_exceeded(book, total, left)))
        return Judgement(tuple(findings), licenses)

    def _relieved(self, book: Book, subject: Subject) -> int:
        """What an instance on a host stops carrying once the host itself counts its sockets."""
        if subject.type is not ResourceType.DEDICATED_HOST or subject.host_key is None:
            return 0
        return (subject.sockets or 0) if (book.key, subject.host_key) in self.hosts.carrier else 0

    def _licenses(self, book: Book, subject: Subject, count: int) -> tuple[int, ...]:
        size = measure(book.terms, subject) or 0
        on_host = subject.type is ResourceType.INSTANCE and subject.host_key is not None
        if book.terms.counting_type is not CountingType.SOCKET or not on_host or subject.host_key is None:
            return (size,) * count
        if self.hosts.is_counted(book.key, subject.host_key):
            return (0,) * count
        return (size, *(0,) * (count - 1))

    def take(
        self, tx: Transaction, key: int, licenses: int, account_id: str, resource_key: int, *, forced: bool = False
    ) -> None:
        """Count licenses to a configuration; `forced` where what runs already must be counted, limit or not (EN-10)."""
        book = self.books[key]
        if forced:
            book.forced = True
        self._change(tx, book, licenses, account_id, resource_key)

    def give_back(self, tx: Transaction, key: int, licenses: int, account_id: str, resource_key: int) -> None:
        """Return licenses to a configuration's pool (EN-5)."""
        self._change(tx, self.books[key], -licenses, account_id, resource_key)

    def _change(self, tx: Transaction, book: Book, delta: int, account_id: str, resource_key: int) -> None:
        if delta == 0:
            return
        tx.concern(book.arn, book.owner_account_id)
        book.consumed += delta
        book.delta += delta
        book.unsettled[account_id] = book.unsettled.get(account_id, 0) + delta
        book.touched = resource_key

    def settle(self, tx: Transaction) -> None:
        """End an action: one entry in the ledger for each account's change, one alert for the gravest level (EN-3)."""
        for book in self.books.values():
            if not book.unsettled:
                continue
            consumed = book.consumed - sum(book.unsettled.values())
            for account_id, delta in book.unsettled.items():
                consumed += delta
                book.changes.append(UsageChange(book.key, tx.now, account_id, delta, consumed, book.license_count))
            reached = level(book.consumed, book.license_count, book.thresholds)
            if reached > book.alerted:
                raise_alert(tx, limit_alert(book, reached, account_id, book.touched))
            book.alerted = reached
            book.unsettled.clear()

    def close(self, tx: Transaction) -> None:
        """Write what was taken and given back, each configuration in one conditional statement, in order of keys."""
        self.settle(tx)
        changed = [book for _, book in sorted(self.books.items()) if book.changes]
        for book in changed:
            written = tx.connection.execute(
                _COUNT,
                {"key": book.key, "delta": book.delta, "forced": int(book.forced), "alerted_level": book.alerted},
            )
            if written.rowcount != 1:
                raise MustRetry(f"license configuration {book.key} changed under the gate")
            for change in book.changes:
                tx.defer(record_usage, change)
        if changed:
            tx.announce(Signal("usage", frozenset(book.key for book in changed)))
        for book in changed:
            book.delta, book.forced = 0, False
            book.changes.clear()


def limit_exceeded(book: Book, requested: int, left: int) -> LimitExceeded:
    """The refusal of what would pass a configuration's count."""
    unit = {"VCPU": "vCPUs", "CORE": "cores", "SOCKET": "sockets", "INSTANCE": "instances"}[book.terms.counting_type]
    available = max(left, 0)
    return LimitExceeded(
        message=f"“{book.name}” has {available} of {book.license_count} licenses left ({unit}); "
        f"{requested} are needed.",
        remedy="Stop or terminate what uses it, or ask its owner to raise the license count.",
        rule="LC-6",
        requested=requested,
        available=available,
    )


def limit_alert(book: Book, reached: int, account_id: str, resource_key: int | None) -> AlertDraft:
    """The alert of use that has reached a threshold, or passed the count."""
    if reached == EXCEEDED:
        kind, told = AlertKind.LIMIT_EXCEEDED, "is over its license count"
    else:
        kind, told = AlertKind.LIMIT_APPROACHING, f"has reached {reached} % of its license count"
    return draft(
        book, kind, f"“{book.name}” {told}: {book.consumed} of {book.license_count}.", account_id, resource_key
    )


def draft(book: Book, kind: AlertKind, message: str, account_id: str, resource_key: int | None) -> AlertDraft:
    """An alert about a configuration, as it stands now."""
    return AlertDraft(
        kind=kind,
        configuration_key=book.key,
        configuration_arn=book.arn,
        owner_account_id=book.owner_account_id,
        region=book.region,
        account_id=account_id,
        resource_key=resource_key,
        message=message,
        consumed=book.consumed,
        license_count=book.license_count,
    )


def _book(row: Mapping[Any, Any]) -> Book:
    terms = Terms(
        arn=row["arn"],
        counting_type=CountingType(row["counting_type"]),
        minimum=row["minimum"],
        maximum=row["maximum"],
        honor_vcpu_optimization=row["honor_vcpu_optimization"],
        allowed_tenancy=tuple(row["allowed_tenancy"]),
    )
    return Book(
        key=row["id"],
        terms=terms,
        name=row["name"],
        owner_account_id=row["owner_account_id"],
        region=row["region"],
        hard=row["hard_limit"],
        license_count=row["license_count"],
        active=row["status"] == Status.ACTIVE,
        consumed=row["consumed"],
        alerted=row["alerted"],
        thresholds=row["alert_thresholds"],
    )
