"""PostgreSQL through asyncpg: READ COMMITTED, the same group commit, LISTEN for what other servers wrote."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import asyncpg
from sqlalchemy import URL, Connection, event, text
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from app.kernel.clock import Clock
from app.kernel.database.groups import RETRIES, Outcome, Unit, deliver, run_group, runs_again, unavailable, unwritable
from app.kernel.errors import Unavailable
from app.kernel.events import Bus, decode

T = TypeVar("T")
READERS = 12
MAX_GROUP = 512
RECONNECT_SECONDS = 1.0
MIGRATION_LOCK = 7_463_021
PID = "pid"
"""Of a writer's connection: the process of the server that serves it, which NOTIFY names."""


class PostgresqlBackend:
    """One task that writes groups, a pool of readers, one connection that listens."""

    def __init__(self, url: URL, clock: Clock, bus: Bus) -> None:
        self._url = url.set(drivername="postgresql+asyncpg")
        self._clock = clock
        self._bus = bus
        self._writer = create_async_engine(self._url, pool_size=2, max_overflow=0, pool_pre_ping=True)
        self._own: set[int] = set()
        event.listen(self._writer.sync_engine, "connect", self._opened)
        event.listen(self._writer.sync_engine, "close", self._closed)
        self._readers = create_async_engine(self._url, pool_size=READERS, max_overflow=0, pool_timeout=10)
        self._autocommit = self._readers.execution_options(isolation_level="AUTOCOMMIT")
        self._snapshot = self._readers.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        self._waiting: deque[Unit] = deque()
        self._wake = asyncio.Event()
        self._stopping = False
        self._tasks: list[asyncio.Task[None]] = []
        self._version = "PostgreSQL"
        self.dialect: Dialect = self._writer.dialect

    async def start(self) -> None:
        self._stopping = False
        self._version = "PostgreSQL " + str(
            await self.read(lambda c: c.execute(text("SHOW server_version")).scalar(), False)
        )
        self._tasks = [asyncio.create_task(self._write_forever()), asyncio.create_task(self._listen_forever())]

    async def stop(self) -> None:
        self._stopping = True
        self._wake.set()
        if self._tasks:
            writer, listener = self._tasks
            listener.cancel()
            await asyncio.gather(writer, listener, return_exceptions=True)
        await self._writer.dispose()
        await self._readers.dispose()

    async def read(self, work: Callable[[Connection], T], snapshot: bool) -> T:
        try:
            async with (self._snapshot if snapshot else self._autocommit).connect() as connection:
                return await connection.run_sync(work)
        except (DBAPIError, OSError, asyncpg.PostgresError, TimeoutError) as error:
            if unwritable(error) or not isinstance(error, DBAPIError):
                raise Unavailable("the database does not answer") from error
            raise

    def submit(self, work: Callable[..., T], command: Any, batched: bool) -> asyncio.Future[T]:
        """What the unit will be answered with; it runs whether or not someone still waits for that."""
        if self._stopping:
            raise Unavailable("the server is stopping")
        unit = Unit(work, command, batched, asyncio.get_running_loop().create_future())
        self._waiting.append(unit)
        self._wake.set()
        return unit.future

    async def migrate(self, work: Callable[[Connection], None]) -> None:
        async with self._writer.connect() as connection:
            await connection.execute(text(f"SELECT pg_advisory_lock({MIGRATION_LOCK})"))
            await connection.commit()
            try:
                await connection.run_sync(work)
            finally:
                await connection.rollback()
                await connection.execute(text(f"SELECT pg_advisory_unlock({MIGRATION_LOCK})"))
                await connection.commit()

    def describe(self) -> str:
        return self._version

    async def _write_forever(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                units = [self._waiting.popleft() for _ in range(min(len(self._waiting), MAX_GROUP))]
                deliver(await self._commit(units), self._bus)
            if self._stopping:
                return

    async def _commit(self, units: Sequence[Unit]) -> list[Outcome]:
        error: BaseException | None = None
        for _ in range(RETRIES):
            try:
                async with self._writer.begin() as connection:
                    return await connection.run_sync(run_group, units, self._clock.now(), apart=error is not None)
            except Exception as raised:
                error = raised
                if not runs_again(raised):
                    break
        assert error is not None
        if unwritable(error) or not isinstance(error, DBAPIError):
            error = unavailable(error)
            # It may have been committed all the same, and then no one here was told.
            self._bus.wake_all()
        return [Outcome(unit, error=error) for unit in units]

    async def _listen_forever(self) -> None:
        """Hear of what other servers committed; after a cut anything may have changed, so everyone looks."""
        dsn = self._url.set(drivername="postgresql").render_as_string(hide_password=False)
        while True:
            with contextlib.suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                connection = await asyncpg.connect(dsn)
                try:
                    gone = asyncio.Event()
                    connection.add_termination_listener(lambda _, gone=gone: gone.set())
                    await connection.add_listener("tollgate", self._heard)
                    self._bus.wake_all()
                    await gone.wait()
                finally:
                    connection.terminate()
            await asyncio.sleep(RECONNECT_SECONDS)

    def _heard(self, _connection: Any, pid: int, _channel: str, payload: str) -> None:
        """What this server commits is told when it is answered, not a second time."""
        if pid not in self._own:
            self._bus.publish(decode(payload))

    def _opened(self, connection: Any, record: Any) -> None:
        record.info[PID] = connection.driver_connection.get_server_pid()
        self._own.add(record.info[PID])

    def _closed(self, _connection: Any, record: Any) -> None:
        self._own.discard(record.info[PID])
