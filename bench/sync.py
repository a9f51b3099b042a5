"""`tollgate sync aws` of 1,000 accounts with 20 instances each, from moto's server; then again with nothing new."""

import asyncio
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from app import services
from app.identity.rules import principal_arn
from app.inventory.aws.collector import AwsCollector
from app.inventory.aws.syncing import Synced, synchronise
from app.kernel.database import Database, Transaction
from app.kernel.viewer import Permission, Viewer
from app.linking import service as linking
from app.roles.rules import ServiceLinkedRoleKind
from app.roles.service import ensure
from app.settings import Settings
from bench.cloud import CHECKS_OFF, REGION
from bench.servers import free_port, opened, postgresql

__all__ = ["services"]
ACCOUNTS, INSTANCES = 1_000, 20
MASTER = "123456789012"
BOOKKEEPING = ("inventory_sync", "service_settings", "schedule")
"""What notes that a synchronisation ran."""


@contextlib.contextmanager
def cloud(accounts: int, instances: int) -> Iterator[str]:
    """The URL of an AWS with an organization of accounts, in a process of its own."""
    port = free_port()
    command = [sys.executable, "-m", "bench.cloud", str(port), str(accounts), str(instances)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        if process.stdout.readline() != "ready\n":
            raise RuntimeError("the cloud ended before it was ready")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)


@contextlib.contextmanager
def rows_written() -> Iterator[Counter[str]]:
    """Rows that were written by table, while the block runs."""
    written: Counter[str] = Counter()

    def note(_connection: Any, cursor: Any, statement: str, parameters: Any, _context: Any, many: bool) -> None:
        words = statement.replace('"', " ").split(maxsplit=3)
        if words[0] not in ("INSERT", "UPDATE", "DELETE"):
            return
        table = words[2 if words[0] in ("INSERT", "DELETE") else 1]
        written[table] += len(parameters) if many else max(cursor.rowcount, 0)

    event.listen(Engine, "after_cursor_execute", note)
    try:
        yield written
    finally:
        event.remove(Engine, "after_cursor_execute", note)


def _link(tx: Transaction) -> None:
    viewer = Viewer(MASTER, principal_arn(MASTER, "bench"), Permission.ADMINISTRATOR, "bench", "token_0")
    ensure(tx, MASTER, ServiceLinkedRoleKind.CORE)
    tx.flush()
    linking.link(tx, viewer, REGION)
    linking.enable_discovery(tx, viewer, REGION)


async def measure(database_url: str, settings: Settings) -> None:
    """The first synchronisation, and one that finds nothing new; with their times and what they wrote."""
    async with opened(database_url) as database:
        collector = AwsCollector(settings)
        try:
            await collector.organization(database, await collector.caller())
            await database.write(_link)
            await _timed("first", database, collector)
            await _timed("again, nothing new", database, collector)
        finally:
            collector.close()


async def _timed(name: str, database: Database, collector: AwsCollector) -> None:
    with rows_written() as written:
        started, used = time.perf_counter(), time.process_time()
        synced: Synced = await synchronise(database, collector)
        seconds, processor = time.perf_counter() - started, time.process_time() - used
    accounts = len({each.account_id for each in synced.targets})
    inventory = sum(number for table, number in written.items() if table not in BOOKKEEPING)
    print(
        f"{name:20} {seconds:7.1f} s, {accounts / seconds:6.1f} accounts/s, of it {processor:6.1f} s of this process; "
        f"left out {len(synced.failures)}; rows written {inventory:,}, of bookkeeping {written.total() - inventory:,}",
        flush=True,
    )


def run(scale: float = 1.0) -> None:
    """Print times and accounts a second, on both databases."""
    os.environ.update(CHECKS_OFF)
    accounts = max(2, int(ACCOUNTS * scale))
    with cloud(accounts, INSTANCES) as url:
        settings = Settings(_env_file=None, aws_endpoint_url=url, aws_regions=(REGION,))
        print(f"{accounts:,} accounts of {INSTANCES} instances", flush=True)
        with tempfile.TemporaryDirectory() as name:
            print("SQLite", flush=True)
            asyncio.run(measure(f"sqlite+aiosqlite:///{name}/tollgate.db", settings))
        with tempfile.TemporaryDirectory(prefix="bench") as name, postgresql(Path(name)) as database_url:
            print("PostgreSQL", flush=True)
            asyncio.run(measure(database_url, settings))


if __name__ == "__main__":
    run()
