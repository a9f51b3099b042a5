"""Tokens looked up together: whoever asks before a look-up begins is answered by it; nothing is remembered after.

A revoked token is refused at once, whoever revoked it, since every answer was read after its question.
"""

import asyncio
import itertools
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Select, String, bindparam, select

from app.identity.models import ApiTokenRow
from app.kernel.database import Database
from app.kernel.tables import table_of

tokens = table_of(ApiTokenRow)
_COLUMNS = (
    tokens.c.digest,
    tokens.c.id,
    tokens.c.account_id,
    tokens.c.permission,
    tokens.c.name,
    tokens.c.expires_at,
    tokens.c.revoked_at,
    tokens.c.last_used_at,
)


@dataclass(frozen=True, slots=True)
class Found:
    """A token as it is in the database now."""

    key: int
    account_id: str
    permission: str
    name: str
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None

    def valid_at(self, now: datetime) -> bool:
        """Whether it opens anything at an instant."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


@dataclass(eq=False, slots=True)
class _Batch:
    """Digests that one statement will look up; open until it begins to run."""

    digests: set[str] = field(default_factory=set)
    answer: asyncio.Task[Mapping[str, Found]] | None = None


class Lookups:
    """Finds tokens by digest. Statements begin in readers' threads, so joining a batch is guarded by a lock."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._open: _Batch | None = None
        self._lock = threading.Lock()

    async def find(self, digest: str) -> Found | None:
        """The token with a digest, read after this call; raises Unavailable."""
        found = await asyncio.shield(self._join(digest))
        return found.get(digest)

    def _join(self, digest: str) -> asyncio.Task[Mapping[str, Found]]:
        with self._lock:
            batch = self._open
            if batch is None:
                batch = self._open = _Batch()
                batch.answer = asyncio.create_task(self._run(batch))
            batch.digests.add(digest)
        assert batch.answer is not None
        return batch.answer

    async def _run(self, batch: _Batch) -> Mapping[str, Found]:
        try:
            return await self._database.read(lambda connection: self._read(connection, self._close(batch)))
        finally:
            self._close(batch)

    def _close(self, batch: _Batch) -> set[str]:
        """Let no one join any more."""
        with self._lock:
            if self._open is batch:
                self._open = None
            return batch.digests

    @staticmethod
    def _read(connection: Connection, digests: set[str]) -> Mapping[str, Found]:
        size = 1 << (len(digests) - 1).bit_length()
        filled = itertools.islice(itertools.cycle(digests), size)
        rows = connection.execute(_statement(size), {f"digest{n}": digest for n, digest in enumerate(filled)})
        return {row[0]: Found(*row[1:]) for row in rows}


@lru_cache(maxsize=32)
def _statement(size: int) -> Select[Any]:
    """Finds as many digests; made once for each power of two, so that a look-up costs no compilation."""
    return select(*_COLUMNS).where(tokens.c.digest.in_([bindparam(f"digest{n}", type_=String()) for n in range(size)]))
