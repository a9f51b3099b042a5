"""Managed instances: reported by inventory, counted as they are reported, and deregistered (EN-10, IN-4, RO-2)."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from app.compute import managed
from app.compute.departure import depart
from app.compute.managed import ReportedApplication
from app.compute.owned import own
from app.compute.resources import Resource
from app.compute.rules import ResourceType
from app.inventory.rules import CLOCK_SKEW, FIGURES, LARGEST_FIGURE, MOST_APPLICATIONS, is_resource_id, lives
from app.kernel.database import Transaction
from app.kernel.errors import DomainError, Refusal, invalid, refuse
from app.kernel.ids import check_text, node_id
from app.kernel.regions import region as known_region
from app.kernel.viewer import Viewer
from app.licensing.recount import recount_resources
from app.roles.service import require_core

UNREPORTED: Mapping[str, object] = {"name": None, "platform": None, **dict.fromkeys(FIGURES)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What inventory tells of a server.

    `facts` are those that were given of name, platform, vcpus, cores and sockets: what is left out stays as it was, and
    None is not reported any more. `applications` None: they stay as they were. `captured_at` None: now.
    """

    region: str
    resource_id: str
    captured_at: datetime | None = None
    facts: Mapping[str, object] = field(default_factory=dict)
    applications: Sequence[ReportedApplication] | None = None


def put(tx: Transaction, viewer: Viewer, report: Report) -> int:
    """Take a report of a server of the viewer's account; the managed instance's key.

    What it consumes follows at once. A report that was captured before the one that is known changes nothing.
    """
    require_core(tx.connection, viewer.account_id)
    _check(report, tx.now)
    captured_at = report.captured_at or tx.now
    state: dict[str, object] = {"captured_at": captured_at, "active": lives(captured_at, tx.now)}
    present = managed.held(tx, viewer.account_id, report.region, report.resource_id)
    if present is None:
        facts = {**UNREPORTED, **report.facts, **state}
        key = managed.add(tx, viewer.account_id, report.region, report.resource_id, facts)
        managed.set_applications(tx, key, report.applications or ())
        return key
    tx.concern(present.arn, present.account_id)
    if present.gone_at is not None:
        managed.change(tx, present, {**UNREPORTED, **report.facts, **state})
        managed.set_applications(tx, present.key, report.applications or ())
    elif present.captured_at is None or captured_at >= present.captured_at:
        _renew(tx, present, {**report.facts, **state}, report.applications)
    return present.key


def _renew(
    tx: Transaction,
    present: Resource,
    facts: dict[str, object],
    applications: Sequence[ReportedApplication] | None,
) -> None:
    managed.change(tx, present, facts)
    if applications is not None:
        managed.set_applications(tx, present.key, applications)
    if any(name in facts and facts[name] != getattr(present, name) for name in (*FIGURES, "active")):
        recount_resources(tx, [present.key])


def deregister(tx: Transaction, viewer: Viewer, instance_id: str) -> str:
    """Take a managed instance out of the inventory, and at once its licenses back; its global id (IN-4)."""
    require_core(tx.connection, viewer.account_id)
    instance = own(tx, viewer, instance_id, ResourceType.MANAGED_INSTANCE, "The managed instance")
    depart(tx, [instance])
    return node_id("res", instance.key)


# ------------------------------------------------------------ bounds


def _check(report: Report, now: datetime) -> None:
    """Refuse what is out of bounds, with everything that is."""
    refusals: list[Refusal] = []
    for each in _checks(report, now):
        try:
            each()
        except DomainError as error:
            refusals += error.refusals
    refuse(refusals)


def _checks(report: Report, now: datetime) -> Iterator[Callable[[], object]]:
    yield partial(known_region, report.region, "input", "region")
    yield partial(_resource_id, report.resource_id)
    yield partial(_captured_at, report.captured_at, now)
    yield partial(_text, report.facts.get("name"), "The name", 255, "input", "name")
    yield partial(_text, report.facts.get("platform"), "The platform", 128, "input", "platform")
    for name in FIGURES:
        yield partial(_figure, report.facts.get(name), name)
    yield partial(_applications, report.applications or ())


def _resource_id(text: str) -> None:
    if not is_resource_id(text):
        raise invalid(
            f"“{text[:40]}” can't be a server's name for itself.",
            "input",
            "resourceId",
            remedy="It has 1 to 128 letters, digits, dots, hyphens and underscores, such as mi-0abc, and begins and "
            "ends with a letter or digit.",
        )


def _captured_at(captured_at: datetime | None, now: datetime) -> None:
    if captured_at is not None and captured_at > now + CLOCK_SKEW:
        raise invalid(
            "The inventory can't have been captured in the future.",
            "input",
            "capturedAt",
            remedy="Set the server's clock.",
            rule="IN-4",
        )


def _figure(figure: object, name: str) -> None:
    if figure is not None and not (isinstance(figure, int) and 1 <= figure <= LARGEST_FIGURE):
        raise invalid(f"The number of {name} is 1 to {LARGEST_FIGURE:,}.", "input", name)


def _applications(applications: Sequence[ReportedApplication]) -> None:
    if len(applications) > MOST_APPLICATIONS:
        raise invalid(
            f"A report names at most {MOST_APPLICATIONS:,} applications.", "input", "applications", rule="API-3"
        )
    for position, each in enumerate(applications):
        at = ("input", "applications", str(position))
        check_text(each.name, "An application's name", 256, *at, "name")
        _text(each.version, "A version", 128, *at, "version")
        _text(each.publisher, "A publisher", 256, *at, "publisher")


def _text(text: object, what: str, maximum: int, *at: str) -> None:
    if text is not None:
        check_text(str(text), what, maximum, *at)
