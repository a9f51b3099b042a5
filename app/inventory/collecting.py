"""One synchronisation: every source is asked, what it left out is kept, and rules of discovery are evaluated."""

from collections.abc import Callable, Mapping, Sequence

import structlog

from app.inventory import syncs
from app.inventory.automated.running import run_concerned
from app.inventory.sources import Run, Source, Target, registered
from app.kernel.database import Database
from app.kernel.errors import ErrorCode, Refusal

log = structlog.get_logger(__name__)


async def collect(
    database: Database,
    targets: Sequence[Target],
    by: str,
    *,
    sources: Mapping[str, Source] | None = None,
    told: Callable[[int, int], None] = lambda done, total: None,
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
    await run_concerned(database, targets, lambda: progress(*reached))
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
