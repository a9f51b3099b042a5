"""When tokens were last used: written apart from the request, and at most once a minute for each."""

import asyncio
import contextlib
from datetime import datetime

from app.identity.rules import USE_KEPT_EVERY
from app.identity.service import keep_last_use
from app.kernel.database import Database
from app.kernel.errors import Unavailable

_REMEMBERED = 10_000


class LastUse:
    """Writes uses behind the callers' backs; a use that can't be written is written with a later one."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._noted: dict[int, datetime] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def note(self, key: int, last: datetime | None, now: datetime) -> None:
        """A token was used now; `last` is the use that its row holds."""
        known = max((each for each in (last, self._noted.get(key)) if each is not None), default=None)
        if known is not None and now - known < USE_KEPT_EVERY:
            return
        if len(self._noted) >= _REMEMBERED:
            self._noted.clear()
        self._noted[key] = now
        task = asyncio.create_task(self._write(key))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def settle(self) -> None:
        """Wait until what was noted is written."""
        await asyncio.gather(*self._tasks)

    async def _write(self, key: int) -> None:
        with contextlib.suppress(Unavailable):
            await self._database.write_batched(keep_last_use, key)
            return
        self._noted.pop(key, None)
