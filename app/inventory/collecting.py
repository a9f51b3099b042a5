"""One synchronisation, from its beginning to its end: every source is asked, and what it left out is kept."""

from collections.abc import Callable, Mapping, Sequence

import structlog

from app.inventory import syncs
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

    async def progress(done: int, total: int) -> None:
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
