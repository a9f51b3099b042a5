"""Keeps the inventory true by schedule: data past its time ends, what is gone carries nothing (IN-4, IN-5).

What is done twice changes nothing, so that several servers on one database need no agreement on who does it.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime

from croniter import croniter

from app.inventory.retention import expire, purge_stale
from app.kernel.database import Database, Transaction
from app.linking.settings import note_synced, take_due
from app.settings import Settings

MOST = 500
LOOK_SECONDS = 30.0
Step = Callable[[Transaction], int]


class Upkeep:
    """The scheduled work on one server's database."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._days = settings.inventory_retention_days
        self._work = {
            "purge": (settings.purge_schedule, self._purge),
            "expire": (settings.retention_schedule, self._expire),
        }
        self._next: dict[str, datetime] = {}

    async def run_forever(self) -> None:
        """Look again and again whether something is due."""
        while True:
            await self.run_due()
            await asyncio.sleep(LOOK_SECONDS)

    async def run_due(self) -> None:
        """Do what is due by now: the purge and the retention by their schedules, the accounts' own synchronisations."""
        now = self._database.clock.now()
        for name, (cron, work) in self._work.items():
            if now >= self._next.get(name, now):
                await work()
                self._next[name] = croniter(cron, now).get_next(datetime)
        await self._until_none(_synchronise)

    async def _purge(self) -> None:
        await self._until_none(lambda tx: purge_stale(tx, MOST))

    async def _expire(self) -> None:
        await self._until_none(lambda tx: expire(tx, tx.now, self._days, MOST))

    async def _until_none(self, step: Step) -> None:
        """Take step after step, each a unit of its own, until nothing is left."""
        while await self._database.write(step):
            pass


def _synchronise(tx: Transaction) -> int:
    """Take the synchronisations that are due; how many. What is reported here is up to date already (IN-3)."""
    due = take_due(tx, MOST)
    note_synced(tx, [(each.account_id, each.region) for each in due])
    return len(due)
