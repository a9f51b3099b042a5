"""Inventory from SSM resource data syncs: their buckets and folders are read, and only what changed in them (IN-3)."""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256
from typing import Any

import structlog
from sqlalchemy import Connection, delete, select

from app.inventory.aws.layout import PassedOver, ServerFiles, Survey, account_folder, accounts_in
from app.inventory.aws.reading import Fault, ServerRead, read_server
from app.inventory.aws.taking import take_reports
from app.inventory.models import InventoryFileRow
from app.inventory.rehearsal import written
from app.inventory.reports import Taken
from app.inventory.sources import MOST_FAILURES, Run, Target
from app.kernel.database import Transaction
from app.kernel.errors import DomainError, ErrorCode, Refusal
from app.kernel.stores import Listed, Store, open_store
from app.kernel.tables import table_of
from app.linking.catalogs import catalogs_closed
from app.organizations.service import account_keys
from app.settings import Settings, SettingsError

log = structlog.get_logger(__name__)
files = table_of(InventoryFileRow)
NAME = "bucket"
AT_ONCE = 8
BATCH_SERVERS = 200
BATCH_BYTES = 2 * 1024 * 1024
SILENT = timedelta(seconds=20)
_NAMES_AT_ONCE = 5_000
_SHOWN = 5


def sources_of(settings: Settings, given: Sequence[str] = (), *, dry_run: bool = False) -> dict[str, "BucketSource"]:
    """The sources of some folders and buckets, or of those that are set, by name; SettingsError for what is neither.

    `dry_run`: what would change is counted, and nothing is kept.
    """
    found: dict[str, BucketSource] = {}
    for number, destination in enumerate(given or settings.inventory_sources, 1):
        try:
            store = open_store(destination, endpoint_url=settings.aws_endpoint_url)
        except ValueError as error:
            raise SettingsError(f"TOLLGATE_INVENTORY_SOURCES: {error}") from None
        found[f"{NAME} {number}"] = BucketSource(destination, store, dry_run)
    return found


@dataclass(slots=True)
class _Steps:
    """How far a run is, told at least every minute however long a single step takes."""

    run: Run
    total: int = 0
    done: int = 0
    told_at: datetime | None = None

    async def step(self, number: int = 0) -> None:
        self.done += number
        now = self.run.database.clock.now()
        if number or self.told_at is None or now - self.told_at >= SILENT:
            self.told_at = now
            await self.run.progress(self.done, self.total)


@dataclass(slots=True)
class BucketSource:
    """One folder or bucket. `passed_over`: what of it was of no use in the last run."""

    destination: str
    store: Store
    dry_run: bool = False
    passed_over: PassedOver = field(default_factory=PassedOver)

    @property
    def digest(self) -> str:
        """What its files are remembered under."""
        return sha256(self.destination.encode("utf-8", "surrogatepass")).hexdigest()

    async def collect(self, run: Run) -> None:
        """Bring the targets up to date with the files that changed since they were last taken."""
        limit = asyncio.Semaphore(AT_ONCE)
        steps = _Steps(run)
        try:
            survey = await self._survey(run, limit, steps)
        except unreadable() as error:
            log.warning("a source of inventory can't be listed", source=self.destination, error=told(error))
            for target in run.targets:
                run.fail(target, _unlisted(target, error))
            return
        self._tell(survey.passed_over)
        pairs = [(each.account_id, each.region) for each in survey.targets]
        closed = await run.database.read(lambda connection: catalogs_closed(connection, pairs))
        work = {}
        for target in survey.targets:
            refusal = closed.get((target.account_id, target.region))
            if refusal is not None:
                run.fail(target, refusal)
                continue
            work[target] = await run.database.read(partial(self._changed, target=target, survey=survey))
        steps.total = sum(len(each) for each in work.values())
        for target, servers in work.items():
            await _Taking(self, run, target, limit, steps).take(servers, survey.strange.get(target, ()))

    # -------------------------------------------------------- what there is

    async def _survey(self, run: Run, limit: asyncio.Semaphore, steps: _Steps) -> Survey:
        survey = Survey()
        wanted: dict[str, set[str]] = {}
        for target in run.targets:
            wanted.setdefault(target.account_id, set()).add(target.region)
        by_type = await asyncio.to_thread(accounts_in, self.store, survey.passed_over)
        there = sorted({each for accounts in by_type.values() for each in accounts})
        known = await run.database.read(lambda connection: known_accounts(connection, there))
        survey.passed_over.accounts.update(each for each in there if each not in known)

        async def one(type_name: str, account_id: str) -> None:
            async with limit:
                listed = await asyncio.to_thread(self._listed, type_name, account_id, wanted[account_id])
            survey.include(type_name, account_id, listed, wanted[account_id])
            await steps.step()

        asked = [(name, account_id) for name, accounts in by_type.items() for account_id in accounts]
        await asyncio.gather(*(one(name, account_id) for name, account_id in asked if account_id in wanted))
        return survey

    def _listed(self, type_name: str, account_id: str, codes: set[str]) -> list[Listed]:
        """An account's files of a type; of one Region alone where no other is asked."""
        folder = account_folder(type_name, account_id)
        return list(self.store.listed(f"{folder}region={next(iter(codes))}/" if len(codes) == 1 else folder))

    def _changed(self, connection: Connection, target: Target, survey: Survey) -> list[ServerFiles]:
        """The servers whose files are not those that were taken last."""
        where = (
            files.c.source == self.digest,
            files.c.account_id == target.account_id,
            files.c.region == target.region,
        )
        rows = connection.execute(select(files.c.resource_id, files.c.version).where(*where))
        remembered = {row.resource_id: row.version for row in rows}
        servers = survey.servers.get(target, {})
        return [each for name, each in sorted(servers.items()) if remembered.get(name) != each.version]

    def _tell(self, passed_over: PassedOver) -> None:
        self.passed_over = passed_over
        unknown = {"accounts": passed_over.accounts, "regions": passed_over.regions}
        if any(unknown.values()):
            counts = {what: len(names) for what, names in unknown.items()}
            some = {f"some_{what}": sorted(names)[:_SHOWN] for what, names in unknown.items() if names}
            log.warning("a source tells of accounts or Regions not known", source=self.destination, **counts, **some)

    def remember(self, tx: Transaction, target: Target, servers: Iterable[ServerFiles]) -> None:
        """Note what was taken, so that it is not read again until it changes."""
        versions = {each.resource_id: each.version for each in servers}
        own: dict[str, Any] = {"source": self.digest, "account_id": target.account_id, "region": target.region}
        where = [files.c[name] == value for name, value in own.items()]
        tx.execute(delete(files).where(*where, files.c.resource_id.in_(versions)))
        for name, version in versions.items():
            tx.add(files, {**own, "resource_id": name, "version": version})


@dataclass(slots=True)
class _Taking:
    """The servers of one account's Region: read several at once, taken in parts that hold up no other writer for long.

    A server with a file at fault is not remembered: it is read again, and named again, until it is mended.
    """

    source: BucketSource
    run: Run
    target: Target
    limit: asyncio.Semaphore
    steps: _Steps
    faults: list[Fault] = field(default_factory=list)

    async def take(self, servers: Sequence[ServerFiles], strange: Iterable[str]) -> None:
        self.faults = [Fault(key, "is no file of a data sync; the file is left out") for key in sorted(strange)]
        try:
            for batch in batches(servers):
                await self._batch(batch)
                await self.steps.step(len(batch))
        except DomainError as error:
            for refusal in error.refusals:
                self.run.fail(self.target, refusal)
        self._tell_faults()

    async def _batch(self, batch: Sequence[ServerFiles]) -> None:
        read = await asyncio.gather(*(self._read(each) for each in batch))
        for each in read:
            self.faults += each.faults
        taken = await written(self.run.database, lambda tx: self._write(tx, read), dry_run=self.source.dry_run)
        self.run.changes.include(taken.changes)
        for refusal in taken.refused:
            self.run.leave_out(self.target, refusal)

    async def _read(self, server: ServerFiles) -> ServerRead:
        async with self.limit:
            try:
                return await asyncio.to_thread(read_server, self.source.store, self.target, server)
            except unreadable() as error:
                fault = Fault(server.files[0][1].key, f"can't be read: {told(error)}")
                return ServerRead(server, faults=[fault])

    def _write(self, tx: Transaction, read: Sequence[ServerRead]) -> Taken:
        reports = [each.report for each in read if each.report is not None]
        taken = take_reports(tx, self.target.account_id, self.target.region, reports)
        whole = [each.server for each in read if not each.faults and each.server.resource_id not in taken.left_out]
        self.source.remember(tx, self.target, whole)
        return taken

    def _tell_faults(self) -> None:
        shown = self.faults if len(self.faults) < MOST_FAILURES else self.faults[: MOST_FAILURES - 1]
        messages = [str(each) for each in shown]
        if len(shown) < len(self.faults):
            messages.append(f"{len(self.faults) - len(shown):,} more files were left out, in part or whole.")
        for message in messages:
            self.run.leave_out(self.target, _left_out(self.target, message))


def batches(servers: Sequence[ServerFiles]) -> Iterator[list[ServerFiles]]:
    """Parts that are read and written at once, bounded in servers and bytes."""
    part: list[ServerFiles] = []
    size = 0
    for each in servers:
        if part and (len(part) >= BATCH_SERVERS or size + each.size > BATCH_BYTES):
            yield part
            part, size = [], 0
        part.append(each)
        size += each.size
    if part:
        yield part


def unreadable() -> tuple[type[Exception], ...]:
    """What stores raise; boto3 is loaded only where something went wrong, or a bucket is read."""
    from botocore.exceptions import BotoCoreError, ClientError

    return OSError, BotoCoreError, ClientError


def told(error: Exception) -> str:
    """What went wrong, without addresses or credentials."""
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    response = getattr(error, "response", None)
    return str(response["Error"]["Code"])[:64] if isinstance(response, dict) else type(error).__name__


def known_accounts(connection: Connection, account_ids: Sequence[str]) -> set[str]:
    """Those of some accounts that the service knows."""
    found: set[str] = set()
    for start in range(0, len(account_ids), _NAMES_AT_ONCE):
        found.update(account_keys(connection, account_ids[start : start + _NAMES_AT_ONCE]))
    return found


def _left_out(target: Target, message: str) -> Refusal:
    return Refusal(
        code=ErrorCode.INVALID_INPUT,
        message=message,
        remedy="The rest is taken. It is read again at the next synchronisation, as the data sync writes it anew.",
        rule="IN-3",
        account_id=target.account_id,
    )


def _unlisted(target: Target, error: Exception) -> Refusal:
    return Refusal(
        code=ErrorCode.CONFLICT,
        message=f"The bucket or folder of inventory can't be listed: {told(error)}.",
        remedy="The server's operator sees that it is there and that the server may list and read it. It is tried "
        "again at the next synchronisation.",
        rule="IN-3",
        account_id=target.account_id,
    )
