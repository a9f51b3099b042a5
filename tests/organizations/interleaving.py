"""Two units of work on two servers in the order that hurts: the second runs while the first has not committed."""

import asyncio
from collections.abc import Callable
from typing import Any

import asyncpg
from sqlalchemy import make_url, text

from app.kernel.clock import ManualClock
from app.kernel.database import Database, Transaction

HELD = 77
WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted"
Work = Callable[[Transaction], Any]


async def interleaved(url: str, clock: ManualClock, first: Work, second: Work) -> list[Any]:
    """The outcomes of both, exceptions among them; the first commits once the second waits for it or is done.

    For PostgreSQL; on SQLite a unit of work never begins before the one ahead of it has committed.
    """
    servers = Database(url, clock=clock), Database(url, clock=clock)
    control = await asyncpg.connect(make_url(url).set(drivername="postgresql").render_as_string(hide_password=False))
    for server in servers:
        await server.start()
    try:
        await control.execute(f"SELECT pg_advisory_lock({HELD})")
        ahead = asyncio.create_task(servers[0].write(lambda tx: _hold(tx, first)))
        await _until_waiting(control, 1, ahead)
        behind = asyncio.create_task(servers[1].write(second))
        await _until_waiting(control, 2, behind)
        await control.execute(f"SELECT pg_advisory_unlock({HELD})")
        return list(await asyncio.gather(ahead, behind, return_exceptions=True))
    finally:
        for server in servers:
            await server.stop()
        await control.close()


def _hold(tx: Transaction, work: Work) -> Any:
    outcome = work(tx)
    tx.execute(text(f"SELECT pg_advisory_xact_lock({HELD})"))
    return outcome


async def _until_waiting(control: Any, number: int, task: "asyncio.Task[Any]") -> None:
    while not task.done():
        if await control.fetchval(WAITING) >= number:
            return
