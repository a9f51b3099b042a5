"""Opens a database by its URL and runs reads and writes on it.

A unit of work is a plain function of a Transaction. On SQLite it runs in the one thread that writes, on PostgreSQL on
asyncpg under SQLAlchemy's greenlet bridge: the same function on both, and no hop for each statement on SQLite.
"""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast

from sqlalchemy import URL, Connection, make_url
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import ArgumentError

from app.kernel.clock import Clock, SystemClock
from app.kernel.database.groups import unavailable, unwritable
from app.kernel.database.transaction import Transaction
from app.kernel.errors import Unavailable
from app.kernel.events import Bus

T = TypeVar("T")


class UnusableUrl(ValueError):
    """What is given as the URL of a database is none of one that Tollgate keeps its data in; never says a password."""


class Backend(Protocol):
    """What a kind of database does for `Database`."""

    dialect: Dialect

    async def start(self) -> None: ...
    async def stop(self) -> None: ...
    async def read(self, work: Callable[[Connection], T], snapshot: bool) -> T: ...
    def submit(self, work: Callable[..., T], command: Any, batched: bool) -> asyncio.Future[T]: ...
    async def migrate(self, work: Callable[[Connection], None]) -> None: ...
    def describe(self) -> str: ...


class Database:
    """Reads, and writes in groups. Start it on the event loop that uses it; raises UnusableUrl."""

    def __init__(self, url: str, *, clock: Clock | None = None) -> None:
        self.url: URL = _parsed(url)
        self.clock: Clock = clock or SystemClock()
        self.bus = Bus()
        self._backend: Backend = self._open()

    def _open(self) -> Backend:
        kind = self.url.get_backend_name()
        if kind == "sqlite":
            from app.kernel.database.sqlite import SqliteBackend

            return SqliteBackend(self.url, self.clock, self.bus)
        if kind == "postgresql":
            from app.kernel.database.postgresql import PostgresqlBackend

            return PostgresqlBackend(self.url, self.clock, self.bus)
        raise UnusableUrl(f"TOLLGATE_DATABASE_URL names {kind}; Tollgate keeps its data in SQLite or PostgreSQL")

    @property
    def dialect(self) -> Dialect:
        """What statements are compiled for."""
        return self._backend.dialect

    async def start(self) -> None:
        """Connect; raises Unavailable where that fails."""
        await self._backend.start()

    async def stop(self) -> None:
        """Finish what is waiting, then disconnect."""
        await self._backend.stop()

    async def read(self, work: Callable[[Connection], T], *, snapshot: bool = False) -> T:
        """Run a function on a connection that only reads; with `snapshot`, all its statements see one state."""
        return await self._backend.read(work, snapshot)

    async def write(self, work: Callable[[Transaction], T]) -> T:
        """Run a unit of work and return its result once it is durable; raises Unavailable where it can't be."""
        return await self._backend.submit(work, None, False)

    async def write_batched(self, batch: Callable[[Transaction, Sequence[Any]], Sequence[T]], command: Any) -> T:
        """Like `write`, for work that takes many commands at once; waiting commands of one batch function run together.

        The batch function returns an outcome for each command; an exception among them is raised to its caller.
        """
        run = cast("Callable[..., T]", batch)  # of a batch, each command's own outcome is handed out
        return await self._backend.submit(run, command, True)

    async def migrate(self, work: Callable[[Connection], None]) -> None:
        """Run migrations on a connection of their own, one server at a time; Unavailable as by `write`."""
        try:
            await self._backend.migrate(work)
        except Exception as error:
            if not unwritable(error):
                raise
            raise unavailable(error) from error

    async def writable(self) -> bool:
        """Whether a write is taken right now: a real one, of no effect."""
        from app.kernel.database.probe import probe

        try:
            await asyncio.wait_for(self.write(probe), timeout=5)
        except (Unavailable, TimeoutError):
            return False
        return True

    def describe(self) -> str:
        """The database and its version, for the log at start; never with a password."""
        return self._backend.describe()


def _parsed(url: str) -> URL:
    try:
        return make_url(url)
    except (ArgumentError, ValueError):
        raise UnusableUrl("TOLLGATE_DATABASE_URL: not the URL of a database") from None


def sqlite_path(url: URL) -> Path:
    """The file of an SQLite URL; a database in memory can't be shared by a writer and readers."""
    if not url.database or url.database == ":memory:":
        raise UnusableUrl("TOLLGATE_DATABASE_URL must name a file: sqlite+aiosqlite:///tollgate.db")
    return Path(url.database)
