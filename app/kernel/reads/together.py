"""Objects that several operations ask for alike, by their keys, are read together: one statement for one turn."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

from app.kernel.database import Database

MOST = 512
Rows = Mapping[int, Any]
Read = Callable[[list[int]], Awaitable[Rows]]


@dataclass(eq=False, slots=True)
class _Batch:
    """Keys that one statement will read; open until the next turn of the loop."""

    keys: dict[int, None] = field(default_factory=dict)
    waiting: int = 0
    answer: asyncio.Task[Rows] | None = None


class Together:
    """The reads of one database that have not begun yet, by what they have in common."""

    def __init__(self) -> None:
        self._open: dict[Hashable, _Batch] = {}

    async def read(self, alike: Hashable, keys: Iterable[int], read: Read) -> Rows:
        """The rows of at least these keys, read after this call; by the read of whoever asked alike first."""
        batch = self._open.get(alike)
        if batch is None or len(batch.keys) >= MOST:
            batch = self._open[alike] = _Batch()
            batch.answer = asyncio.create_task(self._run(alike, batch, read))
        batch.keys.update(dict.fromkeys(keys))
        assert batch.answer is not None
        batch.waiting += 1
        try:
            return await asyncio.shield(batch.answer)
        finally:
            batch.waiting -= 1
            if not batch.waiting:
                batch.answer.cancel()  # of no effect on one that has answered

    async def _run(self, alike: Hashable, batch: _Batch, read: Read) -> Rows:
        if self._open.get(alike) is batch:
            del self._open[alike]
        return await read(list(batch.keys))


_of: WeakKeyDictionary[Database, Together] = WeakKeyDictionary()


def together(database: Database) -> Together:
    """The reads of a database that wait."""
    if database not in _of:
        _of[database] = Together()
    return _of[database]
