"""One synchronisation: every source is asked, what it left out is kept, and rules of discovery are evaluated."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import structlog

from app.inventory import syncs
from app.inventory.automated.outcome import Outcome
from app.inventory.automated.running import run_concerned
from app.inventory.sources import Run, Source, Target, registered
from app.kernel.changes import Changes
from app.kernel.database import Database
from app.kernel.errors import ErrorCode, Refusal

log = structlog.get_logger(__name__)
Told = Callable[[int, int], None]
"""Hears of steps done and steps in all."""


@dataclass(kw_only=True)
class Synchronised:
    """What synchronisations for someone who waits came to. `failures` are of targets or parts of them.

    `in_part`: those of them whose rest is synchronised. `elsewhere`: targets that another run brings up to date now.
    `rules`: the evaluations of rules of discovery.
    """

    targets: Sequence[Target]
    changes: Changes = field(default_factory=Changes)
    failures: dict[Target, list[Refusal]] = field(default_factory=dict)
    in_part: list[Target] = field(default_factory=list)
    elsewhere: list[Target] = field(default_factory=list)
    rules: list[Outcome] = field(default_factory=list)

    def include(self, run: Run) -> None:
        """Add what one run came to."""
        self.changes.include(run.changes)
        self.rules += run.rules
        for refused in (run.failures, run.left_out):
            for target, refusals in refused.items():
                self.failures.setdefault(target, []).extend(refusals)
        self.in_part += [each for each in run.left_out if each not in run.failures]


async def collect_all(
    database: Database,
    synchronised: Synchronised,
    sources: Mapping[str, Source],
    told: Callable[[int], Told],
    after_each: Callable[[], None] = lambda: None,
) -> None:
    """Begin synchronisations of all targets, so many at once as are synchronised together, and see them to their ends.

    `told` gives who hears of the steps of the run that begins at a target.
    """
    by = secrets.token_hex(16)
    targets = synchronised.targets
    for start in range(0, len(targets), syncs.MOST):
        some = targets[start : start + syncs.MOST]
        begun = set(await database.write(partial(syncs.begin, targets=some, by=by)))
        synchronised.elsewhere += [each for each in some if each not in begun]
        if begun:
            synchronised.include(await collect(database, sorted(begun), by, sources=sources, told=told(start)))
            after_each()


async def rehearse(database: Database, synchronised: Synchronised, sources: Mapping[str, Source], told: Told) -> None:
    """Ask sources that keep nothing; no synchronisation begins, and no rule is evaluated."""

    async def progress(done: int, total: int) -> None:
        told(done, total)

    run = Run(database, synchronised.targets, progress)
    for source in sources.values():
        await source.collect(run)
    synchronised.include(run)


async def collect(
    database: Database,
    targets: Sequence[Target],
    by: str,
    *,
    sources: Mapping[str, Source] | None = None,
    told: Told = lambda done, total: None,
) -> Run:
    """Ask every source for targets whose synchronisation has begun, and finish it, whatever became of a source.

    `sources`: those alone. `told` hears of steps done and steps in all, beside what is kept of them.
    """

    reached = (0, 0)

    async def progress(done: int, total: int) -> None:
        nonlocal reached
        reached = (done, total)
        told(done, total)
        await database.write(lambda tx: syncs.go_on(tx, targets, by, done, total))

    run = Run(database, targets, progress)
    for name, source in (registered() if sources is None else sources).items():
        try:
            await source.collect(run)
        except Exception:
            log.exception("a source of inventory failed", source=name)
            for target in targets:
                run.fail(target, _failed(name, target))
    run.rules += await run_concerned(database, targets, lambda: progress(*reached))
    await database.write(lambda tx: syncs.finish(tx, targets, by, run.failures, run.left_out))
    return run


def _failed(name: str, target: Target) -> Refusal:
    return Refusal(
        code=ErrorCode.CONFLICT,
        message=f"The source {name} could not be read to its end; what it told until then is kept.",
        remedy="The server's log says why. It is tried again at the next synchronisation.",
        rule="IN-3",
        account_id=target.account_id,
    )
