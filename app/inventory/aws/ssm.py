"""What SSM's inventory tells of a server, entry by entry: the same from GetInventory and from a data sync's files."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, StringConstraints

from app.compute.managed import ReportedApplication
from app.inventory.aws.shapes import Shape, Unexpected, plain, read
from app.inventory.reported import Report
from app.inventory.rules import LARGEST_FIGURE, MOST_APPLICATIONS

APPLICATION = "AWS:Application"
INFORMATION = "AWS:InstanceInformation"
DETAILS = "AWS:InstanceDetailedInformation"
TYPES = (APPLICATION, INFORMATION, DETAILS)
"""The types of inventory that are read; GetInventory has many more."""

ENDED = "Terminated"


def _given(value: Any) -> Any:
    """What an agent could not find out, it tells as an empty text."""
    return None if isinstance(value, str) and not value.strip() else value


def _counted(value: Any) -> Any:
    """A figure, which agents tell as a text; lscpu could not find it where it is 0, - or nothing."""
    return None if value == 0 or (isinstance(value, str) and value.strip() in ("", "0", "-")) else value


def _utc(instant: datetime) -> datetime:
    try:
        return instant.astimezone(UTC)
    except OverflowError:
        raise ValueError("is no time that can be") from None


Given = BeforeValidator(_given)
Text128 = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=128), AfterValidator(plain)]
Text256 = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=256), AfterValidator(plain)]
Text255 = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255), AfterValidator(plain)]
Count = Annotated[Annotated[int, Field(ge=1, le=LARGEST_FIGURE)] | None, BeforeValidator(_counted)]
Instant = Annotated[Annotated[AwareDatetime, AfterValidator(_utc)] | None, Given]


class Entry(Shape):
    """An entry of any type. A file's line also tells when it was captured, and of which server."""

    capture_time: Instant = Field(None, alias="captureTime")
    resource_id: str | None = Field(None, alias="resourceId")
    account_id: str | None = Field(None, alias="accountId")
    region: str | None = Field(None, alias="region")


class Application(Entry):
    """An entry of AWS:Application."""

    name: Text256
    version: Annotated[Text128 | None, Given] = None
    publisher: Annotated[Text256 | None, Given] = None


class Information(Entry):
    """The entry of AWS:InstanceInformation; also one of DescribeInstanceInformation, which has no InstanceStatus."""

    computer_name: Annotated[Text255 | None, Given] = None
    platform_name: Annotated[Text128 | None, Given] = None
    platform_type: Annotated[Text128 | None, Given] = None
    instance_status: Annotated[str | None, Given] = None


class Details(Entry):
    """The entry of AWS:InstanceDetailedInformation: logical processors, physical cores and sockets."""

    cpus: Count = Field(None, alias="CPUs")
    cores: Count = Field(None, alias="CPUCores")
    sockets: Count = Field(None, alias="CPUSockets")


SHAPES: Mapping[str, type[Entry]] = {APPLICATION: Application, INFORMATION: Information, DETAILS: Details}
"""The shape of each type's entries."""


class Section(Shape):
    """One type's part of what GetInventory answers of a server."""

    capture_time: Instant = None
    content: list[dict[str, Any]] = []


class Entity(Shape):
    """A server in GetInventory's answer."""

    id: Annotated[str, Field(min_length=1, max_length=128)]
    data: dict[str, Section] = {}


class Parts:
    """What the types tell of one server, put together; it was captured when the latest of them was."""

    def __init__(self, region: str, resource_id: str, account_id: str | None = None) -> None:
        self.region, self.resource_id, self.account_id = region, resource_id, account_id
        self._captured_at: datetime | None = None
        self._facts: dict[str, object] = {}
        self._applications: list[ReportedApplication] | None = None
        self._ended = False

    def begin(self, type_name: str, captured_at: datetime | None = None) -> None:
        """Note that a type is told, were it only to say that there is nothing of it."""
        if type_name == APPLICATION and self._applications is None:
            self._applications = []
        self._captured(captured_at)

    def add(self, type_name: str, entry: bytes | dict[str, Any]) -> None:
        """Take one entry of a type; raises Unexpected for what it can't be, with the parts as they were."""
        shape = SHAPES.get(type_name)
        if shape is None:
            raise Unexpected((), f"“{type_name[:40]}” is no type that is read")
        taken = read(shape, entry)
        self._check_whose(taken)
        match taken:
            case Application():
                self._application(taken)
            case Information():
                self._information(taken)
            case Details():
                self._details(taken)
        self._captured(taken.capture_time)

    def _check_whose(self, entry: Entry) -> None:
        for told, own in (
            (entry.resource_id, self.resource_id),
            (entry.account_id, self.account_id),
            (entry.region, self.region),
        ):
            if told is not None and own is not None and told != own:
                raise Unexpected((), f"tells of “{told[:40]}”, not of {own}")

    def report(self) -> Report:
        """What it comes to."""
        return Report(
            region=self.region,
            resource_id=self.resource_id,
            captured_at=self._captured_at,
            facts=self._facts,
            applications=self._applications,
            ended=self._ended,
        )

    def _captured(self, captured_at: datetime | None) -> None:
        if captured_at is not None:
            self._captured_at = max(captured_at, self._captured_at or captured_at)

    def _application(self, entry: Application) -> None:
        taken = self._applications = self._applications or []
        if len(taken) >= MOST_APPLICATIONS:
            raise Unexpected(
                (APPLICATION,), f"is the application after the first {MOST_APPLICATIONS:,}, which are taken"
            )
        taken.append(ReportedApplication(entry.name, entry.version, entry.publisher))

    def _information(self, entry: Information) -> None:
        self._facts |= {"name": entry.computer_name, "platform": entry.platform_name or entry.platform_type}
        self._ended = entry.instance_status == ENDED

    def _details(self, entry: Details) -> None:
        self._facts |= {"vcpus": entry.cpus, "cores": entry.cores, "sockets": entry.sockets}


def report_of(entity: Mapping[str, Any], region: str) -> tuple[Report, list[Unexpected]]:
    """One of GetInventory's Entities as a report, and the entries that can't be taken, which are left out of it.

    Raises Unexpected where it is no entity at all.
    """
    found = read(Entity, dict(entity))
    parts = Parts(region, found.id)
    faults: list[Unexpected] = []
    for type_name in TYPES:
        section = found.data.get(type_name)
        if section is None:
            continue
        parts.begin(type_name, section.capture_time)
        faults += _entries(parts, type_name, section.content)
    return parts.report(), faults


def _entries(parts: Parts, type_name: str, content: Iterable[dict[str, Any]]) -> Iterable[Unexpected]:
    for number, entry in enumerate(content):
        try:
            parts.add(type_name, entry)
        except Unexpected as fault:
            yield Unexpected(("Data", type_name, "Content", number, *fault.path), fault.message)
