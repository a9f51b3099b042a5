"""What inventory tells of a server, whoever told it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from app.compute.managed import ReportedApplication
from app.inventory.rules import FIGURES

UNREPORTED: Mapping[str, object] = {"name": None, "platform": None, **dict.fromkeys(FIGURES)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What inventory tells of a server.

    `facts` are those that were given of name, platform, vcpus, cores and sockets: what is left out stays as it was, and
    None is not reported any more. `applications` None: they stay as they were. `captured_at` None: now. `ended`: the
    server is not there any more, as if it was deregistered then.
    """

    region: str
    resource_id: str
    captured_at: datetime | None = None
    facts: Mapping[str, object] = field(default_factory=dict)
    applications: Sequence[ReportedApplication] | None = None
    ended: bool = False

    def followed_by(self, later: "Report") -> "Report":
        """Two reports of one server as one: what the later one tells, and of the rest what the earlier one told."""
        return Report(
            region=later.region,
            resource_id=later.resource_id,
            captured_at=later.captured_at,
            facts={**self.facts, **later.facts},
            applications=self.applications if later.applications is None else later.applications,
            ended=self.ended or later.ended,
        )
