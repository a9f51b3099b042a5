"""SQLite: WAL, synchronous=FULL, one thread that writes and checkpoints, readers apart.

The driver is pysqlite3, which brings a current SQLite: the system's may lack the fix of the WAL-reset bug (3.51.3).
"""

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import pysqlite3.dbapi2
from sqlalchemy import URL, Connection, Engine, create_engine, event, text
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import PoolProxiedConnection, QueuePool

from app.kernel.clock import Clock
from app.kernel.database.core import sqlite_path
from app.kernel.database.groups import RETRIES, Outcome, Unit, deliver, run_group, runs_again, unavailable, unwritable
from app.kernel.errors import Unavailable
from app.kernel.events import Bus

T = TypeVar("T")
READERS = 4
READS_AT_ONCE = 16
MAX_GROUP = 512
LOOK_EVERY = 100_000
"""Of the steps of SQLite's machine, of which it does millions in a second."""

BUSY_SECONDS = 5.0
WATCH_SECONDS = 0.5
VERSION_SEEN = "data_version"
"""Of the writer's connection: what SQLite counts up for the commits of others, never for its own."""


class SqliteBackend:
    """One writer thread with group commit, a few reader threads."""

    def __init__(self, url: URL, clock: Clock, bus: Bus) -> None:
        self._path = sqlite_path(url)
        self._clock = clock
        self._bus = bus
        self._writer = _engine(self._path.as_posix(), writes=True)
        self._readers = _engine(self._path.as_posix(), writes=False)
        self._pool = ThreadPoolExecutor(READERS, thread_name_prefix="tollgate-read")
        self._reading: list[_Read] = []
        self._waiting: deque[Unit] = deque()
        self._looking: list[asyncio.Future[None]] = []
        self._wake = threading.Condition()
        self._stopping = False
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._watcher: asyncio.Task[None] | None = None
        self.dialect: Dialect = self._writer.dialect

    async def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = False
        self._thread = threading.Thread(target=self._write_forever, name="tollgate-write", daemon=True)
        self._thread.start()
        await self.read(lambda connection: connection.execute(text("SELECT 1")).scalar(), False)
        self._watcher = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        if self._watcher:
            self._watcher.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watcher
        with self._wake:
            self._stopping = True
            self._wake.notify()
        if self._thread:
            await asyncio.to_thread(self._thread.join)
        self._pool.shutdown()
        self._readers.dispose()
        self._writer.dispose()

    async def read(self, work: Callable[[Connection], T], snapshot: bool) -> T:
        assert self._loop is not None, "the database was not started"
        if not self._reading:
            self._loop.call_soon(self._hand_out)
        future: asyncio.Future[T] = self._loop.create_future()
        read = _Read(work, snapshot, future)
        self._reading.append(read)
        try:
            return await future
        except asyncio.CancelledError:
            read.given_up = True
            raise

    def _hand_out(self) -> None:
        """Give the reads of one turn of the loop to the readers, some to each: crossing threads costs more."""
        reading, self._reading = self._reading, []
        for start in range(0, len(reading), READS_AT_ONCE):
            self._pool.submit(self._read_all, reading[start : start + READS_AT_ONCE])

    def _read_all(self, reads: Sequence["_Read"]) -> None:
        answers: list[tuple[_Read, Any, BaseException | None]] = []
        for read in reads:
            if read.given_up:
                continue
            try:
                answers.append((read, self._read(read), None))
            except BaseException as error:
                answers.append((read, None, error))
        assert self._loop is not None
        with contextlib.suppress(RuntimeError):  # the loop closed while a read was under way
            self._loop.call_soon_threadsafe(_deliver, answers)

    def _read(self, read: "_Read") -> Any:
        try:
            with self._readers.connect() as connection, _watched(connection, read):
                if read.snapshot:
                    connection.exec_driver_sql("BEGIN")
                try:
                    return read.work(connection)
                finally:
                    if read.snapshot:
                        connection.exec_driver_sql("ROLLBACK")
        except DBAPIError as error:
            if unwritable(error):
                raise Unavailable("the database does not answer") from error
            raise

    def submit(self, work: Callable[..., T], command: Any, batched: bool) -> asyncio.Future[T]:
        """What the unit will be answered with; it runs whether or not someone still waits for that."""
        assert self._loop is not None, "the database was not started"
        unit = Unit(work, command, batched, self._loop.create_future())
        with self._wake:
            if self._stopping:
                raise Unavailable("the server is stopping")
            self._waiting.append(unit)
            self._wake.notify()
        return unit.future

    async def migrate(self, work: Callable[[Connection], None]) -> None:
        def run() -> None:
            with self._writer.connect() as connection:
                work(connection)

        await asyncio.to_thread(run)

    def describe(self) -> str:
        return f"SQLite {pysqlite3.dbapi2.sqlite_version}, WAL, one writer"

    # ------------------------------------------------------------ the writer's thread

    def _write_forever(self) -> None:
        self._others_wrote()
        while True:
            with self._wake:
                while not self._waiting and not self._looking and not self._stopping:
                    self._wake.wait()
                if self._stopping and not self._waiting:
                    return
                looking, self._looking = self._looking, []
                units = [self._waiting.popleft() for _ in range(min(len(self._waiting), MAX_GROUP))]
            if looking:
                self._tell(looking, wrote=self._others_wrote())
            if units:
                self._answer(self._commit(units))

    def _commit(self, units: Sequence[Unit]) -> list[Outcome]:
        error: BaseException | None = None
        for _ in range(RETRIES):
            try:
                with self._writer.begin() as connection:
                    return run_group(connection, units, self._clock.now(), apart=error is not None)
            except Exception as raised:
                error = raised
                if not runs_again(raised):
                    break
        if error is not None and unwritable(error):
            self._writer.dispose()
            error = unavailable(error)
        return [Outcome(unit, error=error) for unit in units]

    def _answer(self, outcomes: Sequence[Outcome]) -> None:
        assert self._loop is not None
        with contextlib.suppress(RuntimeError):  # the loop closed while a commit was under way
            self._loop.call_soon_threadsafe(deliver, outcomes, self._bus)

    def _others_wrote(self) -> bool:
        """Whether anyone but this thread committed since the last look, or may have while it was not connected."""
        with contextlib.suppress(pysqlite3.dbapi2.Error, DBAPIError), _borrowed(self._writer) as connection:
            driver: Any = connection.driver_connection
            (version,) = driver.execute("PRAGMA data_version").fetchone()
            before = connection.info.get(VERSION_SEEN)
            connection.info[VERSION_SEEN] = version
            return bool(version != before)
        return False

    def _tell(self, looking: Sequence[asyncio.Future[None]], *, wrote: bool) -> None:
        assert self._loop is not None
        with contextlib.suppress(RuntimeError):  # the loop closed while it was looked
            self._loop.call_soon_threadsafe(_looked, looking, self._bus if wrote else None)

    async def look(self) -> None:
        """Wake all who listen where another process wrote, such as the command line while the server runs."""
        assert self._loop is not None, "the database was not started"
        looked: asyncio.Future[None] = self._loop.create_future()
        with self._wake:
            self._looking.append(looked)
            self._wake.notify()
        await looked

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            await self.look()


@contextlib.contextmanager
def _borrowed(engine: Engine) -> Iterator[PoolProxiedConnection]:
    """A connection without a transaction: the writer's would lock the database."""
    connection = engine.raw_connection()
    try:
        yield connection
    finally:
        connection.close()


def _looked(looking: Sequence[asyncio.Future[None]], bus: Bus | None) -> None:
    if bus is not None:
        bus.wake_all()
    for looked in looking:
        if not looked.done():
            looked.set_result(None)


@dataclass(slots=True)
class _Read:
    """A read that waits for a reader, or has one. `given_up`: nobody waits for its answer any more."""

    work: Callable[[Connection], Any]
    snapshot: bool
    future: asyncio.Future[Any]
    given_up: bool = False


@contextlib.contextmanager
def _watched(connection: Connection, read: _Read) -> Iterator[None]:
    """End a read's statement soon after the read is given up, so that its reader is free for others."""
    driver: Any = connection.connection.driver_connection
    driver.set_progress_handler(lambda: read.given_up, LOOK_EVERY)
    try:
        yield
    finally:
        driver.set_progress_handler(None, 0)


def _deliver(answers: Sequence[tuple[_Read, Any, BaseException | None]]) -> None:
    for read, result, error in answers:
        if read.future.done():
            continue
        if error is not None:
            read.future.set_exception(error)
        else:
            read.future.set_result(result)


def _engine(path: str, *, writes: bool) -> Engine:
    engine = create_engine(
        URL.create("sqlite+pysqlite", database=path),
        module=pysqlite3.dbapi2,
        poolclass=QueuePool,
        pool_size=1 if writes else READERS + 1,
        max_overflow=0,
        connect_args={"check_same_thread": False, "isolation_level": None, "timeout": BUSY_SECONDS},
    )
    event.listen(engine, "connect", _prepare_writer if writes else _prepare_reader)
    if writes:
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    return engine


def _prepare_writer(connection: Any, _record: Any) -> None:
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "cache_size=-65536"):
        connection.execute(f"PRAGMA {pragma}")


def _prepare_reader(connection: Any, _record: Any) -> None:
    for pragma in ("query_only=ON", "foreign_keys=ON", "cache_size=-65536", "mmap_size=1073741824"):
        connection.execute(f"PRAGMA {pragma}")
