"""What one operation carries: the caller, the database, and how its actions are recorded."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from app.kernel.clock import Clock
from app.kernel.database import Database, Transaction
from app.kernel.errors import Refusal
from app.kernel.viewer import Viewer


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request came from, as the audit trail tells it. `region`: the one that it was signed for, if any."""

    request_id: str
    source_ip_address: str | None
    user_agent: str | None
    transport: str = "HTTP"
    region: str | None = None


class Recorder(Protocol):
    """Writes one audit record for an action, in the action's own transaction (AU-1)."""

    def record(
        self,
        tx: Transaction,
        context: "Context",
        action: str,
        parameters: dict[str, Any],
        refusals: Sequence[Refusal],
        *,
        read_only: bool,
    ) -> None: ...


@dataclass(frozen=True, slots=True)
class Context:
    """One operation's surroundings. `recorded` has the actions that a transaction of their own recorded."""

    database: Database
    viewer: Viewer
    origin: Origin
    recorder: Recorder
    recorded: set[str] = field(default_factory=set, kw_only=True, compare=False)

    @property
    def clock(self) -> Clock:
        return self.database.clock
