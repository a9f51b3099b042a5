"""What runs beside the requests of a server: each task by itself, none of them able to take the server down."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING

import structlog

from app.alerts.delivery.deliverer import Deliverer
from app.alerts.delivery.setup import set_up
from app.audit.retention import purge
from app.audit.trail.delivery import TrailDeliverer
from app.inventory import sources
from app.inventory.schedules import Scheduler
from app.kernel.database import Database
from app.kernel.errors import Unavailable
from app.settings import Settings

if TYPE_CHECKING:
    from app.inventory.aws.buckets import BucketSource
    from app.inventory.aws.collector import AwsCollector

log = structlog.get_logger(__name__)
Task = Callable[[], Awaitable[None]]
AGAIN_SECONDS = 5.0
PURGE_SECONDS = 900.0


class Background:
    """The tasks of one server; each runs until the server stops, and starts again where it fails."""

    def __init__(self, database: Database, settings: Settings) -> None:
        set_up(database, settings)
        self._tasks: dict[str, Task] = {
            "deliver alerts": Deliverer(database, settings).run_forever,
            "keep the inventory": Scheduler(database, settings).run_forever,
            "purge old records": partial(_purge_records, database, settings),
        }
        trail = TrailDeliverer.of(settings, database)
        if trail is not None:
            self._tasks["deliver the trail"] = trail.run
        self._collector = _collector(settings)
        self._buckets = _buckets(settings)
        self._running: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        if self._collector is not None:
            sources.register(sources.AWS, self._collector)
        for name, source in self._buckets.items():
            sources.register(name, source)
        self._running = [asyncio.create_task(self._keep(name, task), name=name) for name, task in self._tasks.items()]

    async def stop(self) -> None:
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        for name in self._buckets:
            sources.forget(name)
        if self._collector is not None:
            sources.forget(sources.AWS)
            self._collector.close()

    async def _keep(self, name: str, task: Task) -> None:
        while True:
            try:
                await task()
            except Unavailable:
                log.warning("the database does not answer", task=name)
            except Exception:
                log.exception("a task failed", task=name)
            await asyncio.sleep(AGAIN_SECONDS)


def _collector(settings: Settings) -> "AwsCollector | None":
    """What asks AWS; not loaded by a server that asks nothing."""
    if not settings.aws_collection:
        return None
    from app.inventory.aws.collector import AwsCollector

    return AwsCollector(settings)


def _buckets(settings: Settings) -> "dict[str, BucketSource]":
    """What reads resource data syncs; not loaded by a server that reads none."""
    if not settings.inventory_sources:
        return {}
    from app.inventory.aws.buckets import sources_of

    return sources_of(settings)


async def _purge_records(database: Database, settings: Settings) -> None:
    """Let audit records go that are past their time; what a trail has not yet is kept (AU-3)."""
    while True:
        await purge(database, settings)
        await asyncio.sleep(PURGE_SECONDS)
