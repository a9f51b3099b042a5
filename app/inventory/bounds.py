"""The bounds of a report: everything that is out of them is refused, all at once (IN-4, API-3)."""

from collections.abc import Sequence
from datetime import datetime

from app.compute.managed import ReportedApplication
from app.inventory.reported import Report
from app.inventory.rules import CLOCK_SKEW, FIGURES, LARGEST_FIGURE, MOST_APPLICATIONS, is_resource_id
from app.kernel.errors import invalid
from app.kernel.findings import Findings
from app.kernel.ids import check_text
from app.kernel.regions import region as known_region


def findings(report: Report, now: datetime) -> Findings:
    """Everything in a report that is out of bounds."""
    found = Findings()
    found.of(known_region, report.region, "input", "region")
    found.of(_resource_id, report.resource_id)
    found.of(_captured_at, report.captured_at, now)
    found.of(_text, report.facts.get("name"), "The name", 255, "input", "name")
    found.of(_text, report.facts.get("platform"), "The platform", 128, "input", "platform")
    for name in FIGURES:
        found.of(_figure, report.facts.get(name), name)
    found.of(_applications, report.applications or ())
    return found


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
