"""Where a synchronisation gets the inventory from: sources that are registered, each asked in turn."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from app.inventory.automated.outcome import Outcome
from app.kernel.changes import Changes
from app.kernel.database import Database
from app.kernel.errors import Refusal

MOST_FAILURES = 100
AWS = "aws"
"""The source that asks AWS."""


@dataclass(frozen=True, slots=True, order=True)
class Target:
    """An account's inventory in a Region."""

    account_id: str
    region: str


@dataclass(slots=True)
class Run:
    """One synchronisation of some targets, for a source to work through.

    A source writes what it finds and counts it in `changes`, calls `progress` as it goes on (at least every minute: a
    run that is silent for five is taken for ended), `fail` for a target that it must leave out, and `leave_out` for a
    part of one; neither stops the rest. `rules` are those of discovery that were evaluated at its end.
    """

    database: Database
    targets: Sequence[Target]
    progress: Callable[[int, int], Awaitable[None]]
    failures: dict[Target, list[Refusal]] = field(default_factory=dict)
    left_out: dict[Target, list[Refusal]] = field(default_factory=dict)
    changes: Changes = field(default_factory=Changes)
    rules: list[Outcome] = field(default_factory=list)

    def fail(self, target: Target, refusal: Refusal) -> None:
        """Leave a target out, and say why. It counts as not synchronised."""
        self.failures.setdefault(target, []).append(refusal)

    def leave_out(self, target: Target, refusal: Refusal) -> None:
        """Leave a part of a target out, such as a file that can't be read, and say why. The rest is synchronised."""
        self.left_out.setdefault(target, []).append(refusal)


class Source(Protocol):
    """Something that has inventory."""

    async def collect(self, run: Run) -> None:
        """Bring the inventory of the run's targets up to date. Steps done and steps in all go to `run.progress`."""
        ...


_sources: dict[str, Source] = {}


def register(name: str, source: Source) -> None:
    """Have a source asked by every synchronisation from now on; another of the same name is replaced."""
    _sources[name] = source


def forget(name: str) -> None:
    """Ask a source no more."""
    _sources.pop(name, None)


def registered() -> dict[str, Source]:
    """The sources by name, in the order in which they are asked."""
    return dict(_sources)
