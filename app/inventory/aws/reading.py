"""One server's files of a resource data sync, read into a report; whatever can't be taken is named by file and line.

A file that is broken or some other server's is left out whole, as what is left of it says nothing of the rest; an entry
that is whole but out of bounds is left out alone.
"""

from dataclasses import dataclass, field

from app.inventory.aws.layout import ServerFiles, shown
from app.inventory.aws.shapes import Unexpected
from app.inventory.aws.ssm import Parts
from app.inventory.reported import Report
from app.inventory.sources import Target
from app.kernel.stores import Listed, Store

MOST_BYTES = 16 * 1024 * 1024
MOST_LINES = 20_000
MOST_IN_LINE = 64 * 1024
_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a file, or some lines of it, were left out; the first line at fault is named."""

    key: str
    message: str
    line: int | None = None
    more: int = 0

    def __str__(self) -> str:
        place = shown(self.key) + (f", line {self.line}" if self.line else "")
        return f"{place}: {self.message}" + (f" (and {self.more:,} more lines)" if self.more else "")


@dataclass(slots=True)
class ServerRead:
    """What a server's files told; no report where none of them could be taken."""

    server: ServerFiles
    report: Report | None = None
    faults: list[Fault] = field(default_factory=list)


class BrokenFile(Exception):
    """A file is none that a data sync writes for the server."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.message, self.line = message, line


def read_server(store: Store, target: Target, server: ServerFiles) -> ServerRead:
    """Read all files of a server. Raises what the store raises where it can't be asked."""
    result = ServerRead(server)
    reports: list[Report] = []
    for type_name, listed in server.files:
        try:
            lines = _lines(store, listed)
            report, fault = _report(target, server, type_name, listed.key, lines)
        except BrokenFile as broken:
            result.faults.append(Fault(listed.key, f"{broken.message}; the file is left out", broken.line))
            continue
        reports.append(report)
        result.faults += [fault] if fault else []
    for each in sorted(reports, key=lambda report: str(report.captured_at)):
        result.report = each if result.report is None else result.report.followed_by(each)
    return result


def _lines(store: Store, listed: Listed) -> list[bytes]:
    """The lines of a file within bounds, empty ones included."""
    if not listed.regular:
        raise BrokenFile("is no plain file")
    if listed.size > MOST_BYTES:
        raise BrokenFile(f"has {listed.size:,} bytes, more than {MOST_BYTES:,}")
    found = store.get(listed.key, MOST_BYTES + 1) if listed.size else None
    if found is None or not found.body:
        raise BrokenFile("is empty")
    if len(found.body) > MOST_BYTES:
        raise BrokenFile(f"has more than {MOST_BYTES:,} bytes")
    lines = found.body.removeprefix(_MARK).split(b"\n", MOST_LINES + 1)
    if len(lines) > MOST_LINES + 1:
        raise BrokenFile(f"has more than {MOST_LINES:,} lines")
    return lines


def _report(
    target: Target, server: ServerFiles, type_name: str, key: str, lines: list[bytes]
) -> tuple[Report, Fault | None]:
    parts = Parts(target.region, server.resource_id, target.account_id)
    first: tuple[int, Unexpected] | None = None
    more = -1
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        if len(line) > MOST_IN_LINE:
            raise BrokenFile(f"has more than {MOST_IN_LINE:,} bytes", number)
        try:
            parts.add(type_name, line)
        except Unexpected as fault:
            if not fault.path:  # it is no entry at all, not one with a bad field
                raise BrokenFile(fault.message, number) from None
            first = first or (number, fault)
            more += 1
    report = parts.report()
    if report.captured_at is None:
        raise BrokenFile("has no captureTime")
    return report, Fault(key, str(first[1]), first[0], more) if first else None
