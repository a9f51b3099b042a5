"""Delivers alerts from the outbox, at least once each, until they are taken or have failed as often as they may."""

import asyncio
import json
import random
from collections import Counter
from contextlib import suppress
from datetime import datetime, timedelta

import structlog

from app.alerts.delivery import queue
from app.alerts.delivery.addresses import Resolve, resolve
from app.alerts.delivery.failures import Undelivered
from app.alerts.delivery.mail import Mail
from app.alerts.delivery.queue import Claimed, Receiver, Settled, Slots
from app.alerts.delivery.topics import Topics
from app.alerts.delivery.webhooks import Webhooks
from app.alerts.rules import ChannelKind, pause, share_of_one
from app.kernel.database import Database
from app.kernel.ids import node_id
from app.kernel.sealing import Sealer, Unreadable
from app.settings import Settings

log = structlog.get_logger(__name__)
LONGEST_WAIT = 30.0
PURGED_EVERY = timedelta(hours=1)


class Deliverer:
    """The deliveries of one server; several on one database share them, each attempt is one server's alone."""

    def __init__(self, database: Database, settings: Settings, *, resolver: Resolve = resolve) -> None:
        self._database = database
        self._settings = settings
        self._sealer = Sealer.of(settings)
        self._webhooks = Webhooks(
            allow_private=settings.webhook_allow_private_addresses,
            seconds=settings.delivery_seconds,
            resolver=resolver,
        )
        self._mail = Mail(settings)
        self._topics = Topics(database, settings)
        self._lease = timedelta(seconds=2 * settings.delivery_seconds + 30)
        self._purged: datetime | None = None

    async def run_forever(self) -> None:
        """Deliver what is due, and again once something is, until cancelled."""
        listener = self._database.bus.listen("alerts", "deliveries")
        try:
            while True:
                await self.run_due()
                wait = await self._until_due()
                with suppress(TimeoutError):
                    async with asyncio.timeout(wait):
                        await listener.wait()
        finally:
            self._database.bus.forget(listener)

    async def run_due(self) -> int:
        """Attempt everything that is due now; how many attempts it were."""
        await self._purge()
        attempts = 0
        running: dict[asyncio.Task[None], Receiver] = {}
        try:
            while True:
                moved, claimed = await self._take(Counter(running.values()))
                attempts += len(claimed)
                running |= {asyncio.create_task(self._attempt(each)): each.receiver for each in claimed}
                if running:
                    # What is raised meanwhile does not wait for a receiver that is slow.
                    done, _ = await asyncio.wait(running, timeout=1, return_when=asyncio.FIRST_COMPLETED)
                    for task in done:
                        del running[task]
                        task.result()
                elif not moved:
                    return attempts
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    async def _take(self, under_way: Counter[Receiver]) -> tuple[int, list[Claimed]]:
        now = self._database.clock.now()
        if not await self._database.read(lambda connection: queue.waits(connection, now)):
            return 0, []
        most = self._settings.delivery_concurrency
        slots = Slots(most - under_way.total(), share_of_one(most), under_way)
        return await self._database.write(lambda tx: queue.take(tx, slots, self._lease))

    async def _attempt(self, delivery: Claimed) -> None:
        end = Settled(delivery)
        try:
            async with asyncio.timeout(self._settings.delivery_seconds):
                await self._send(delivery)
        except Undelivered as error:
            end = self._failed(delivery, str(error), gone=error.gone)
        except TimeoutError:
            end = self._failed(delivery, f"The receiver took longer than {self._settings.delivery_seconds:g} s.")
        except Exception:
            log.exception("a delivery failed", delivery=node_id("delivery", delivery.key))
            end = self._failed(delivery, "The service could not send it; its log says why.")
        await self._database.write_batched(queue.settle, end)

    async def _send(self, delivery: Claimed) -> None:
        id_, payload = node_id("delivery", delivery.key), delivery.payload
        match delivery.kind:
            case ChannelKind.WEBHOOK:
                body = json.dumps(payload, separators=(",", ":"))
                now = self._database.clock.now()
                await self._webhooks.send(delivery.target, self._secret(delivery), id_, body, now)
            case ChannelKind.EMAIL:
                await self._mail.send(delivery.target, id_, payload)
            case ChannelKind.SNS_TOPIC:
                await self._topics.send(delivery.account_id, delivery.region, delivery.target, id_, payload)

    def _secret(self, delivery: Claimed) -> str:
        try:
            return self._sealer.open(delivery.encrypted_secret or "")
        except Unreadable:
            raise Undelivered("The channel's secret can't be read: its key is gone. Make the channel anew.") from None

    def _failed(self, delivery: Claimed, error: str, *, gone: bool = False) -> Settled:
        if gone or delivery.attempts >= self._settings.delivery_attempts:
            log.warning("a delivery is a dead letter", delivery=node_id("delivery", delivery.key), error=error)
            return Settled(delivery, error, gone=gone)
        jitter = random.random()  # noqa: S311 - it spreads retries, and keeps nothing secret
        return Settled(delivery, error, self._database.clock.now() + pause(delivery.attempts, jitter))

    async def _until_due(self) -> float:
        """Seconds until something is due; something may be that another server makes due, so never long."""
        due = await self._database.read(queue.next_due)
        if due is None:
            return LONGEST_WAIT
        return min(max((due - self._database.clock.now()).total_seconds(), 0.1), LONGEST_WAIT)

    async def _purge(self) -> None:
        now = self._database.clock.now()
        if self._purged is None or now - self._purged >= PURGED_EVERY:
            await self._database.write(queue.purge)
            self._purged = now
