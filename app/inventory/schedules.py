"""What is done to the inventory at times: stale associations go, old data ends, synchronisations run (IN-3 to IN-5).

Of several servers on one database each task is done by one; what a server left when it ended, another takes up.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import structlog

from app.compute.words import forget_unused
from app.inventory import leases, syncs
from app.inventory.collecting import collect
from app.inventory.retention import expire, purge_stale
from app.inventory.sources import Target
from app.kernel.database import Database, Transaction
from app.settings import Settings

log = structlog.get_logger(__name__)
LOOK_SECONDS = 20.0
AT_ONCE = 500
FORGET_CRON = "40 3 * * *"
Part = Callable[[Transaction], bool]


@dataclass(frozen=True, slots=True)
class Scheduled:
    """A task and its times. `part` does a part of it, in a unit of work of its own, and says whether there is more."""

    name: str
    cron: str
    part: Callable[[], Part]


class Scheduler:
    """One server's share of the work; `run_due` does what is due by now, `run_forever` looks again and again."""

    def __init__(self, database: Database, settings: Settings, more: Sequence[Scheduled] = ()) -> None:
        days = settings.inventory_retention_days
        self._database = database
        self._by = secrets.token_hex(16)
        self._tasks = {
            each.name: each
            for each in (
                Scheduled("purge", settings.purge_schedule, lambda: lambda tx: purge_stale(tx, AT_ONCE) > 0),
                Scheduled(
                    "retention", settings.retention_schedule, lambda: lambda tx: expire(tx, tx.now, days, AT_ONCE) > 0
                ),
                Scheduled("words", FORGET_CRON, _forgetting),
                *more,
            )
        }
        self._planned = False

    async def run_forever(self) -> None:
        """Look again and again whether something is due."""
        while True:
            await self.run_due()
            await asyncio.sleep(LOOK_SECONDS)

    async def run_due(self) -> None:
        """Do what is due by now; a task that fails is tried again when its lease has ended, and stops no other."""
        if not self._planned:
            await self._database.write(self._plan)
            self._planned = True
        now = self._database.clock.now()
        for name in await self._database.read(lambda connection: leases.due(connection, now)):
            if name in self._tasks:
                await self._alone(name, self._run(self._tasks[name]))
        await self._alone("synchronisation", self._synchronise())

    async def _alone(self, name: str, work: Awaitable[None]) -> None:
        try:
            await work
        except Exception:
            log.exception("a scheduled task failed", task=name)

    def _plan(self, tx: Transaction) -> None:
        for each in self._tasks.values():
            leases.plan(tx, each.name, each.cron)

    async def _run(self, task: Scheduled) -> None:
        """Part after part, each with the lease renewed in the same unit of work, so that none is done without it."""
        if not await self._database.write(lambda tx: leases.take(tx, task.name, self._by)):
            return
        part = task.part()

        def step(tx: Transaction) -> bool:
            return leases.renew(tx, task.name, self._by) and part(tx)

        while await self._database.write(step):
            pass
        await self._database.write(lambda tx: leases.finish(tx, task.name, self._by, task.cron))

    async def _synchronise(self) -> None:
        while targets := await self._database.write(self._begin):
            await collect(self._database, targets, self._by)

    def _begin(self, tx: Transaction) -> list[Target]:
        """Those that are due, then those that a server has left."""
        return syncs.scheduled(tx, self._by) or syncs.abandoned(tx, self._by)


def _forgetting() -> Part:
    """Words that no row has any more, in the order of their ids."""
    reached = 0

    def part(tx: Transaction) -> bool:
        nonlocal reached
        following = forget_unused(tx, reached)
        reached = following or 0
        return following is not None

    return part
