"""A source of inventory that asks AWS: the organization, and what its accounts hold in each Region (IN-2, IN-3)."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import structlog

from app.inventory.aws import tree
from app.inventory.aws.clients import Account, Caller, Cloud
from app.inventory.aws.observing import Told, observe
from app.inventory.aws.refusals import CallRefused
from app.inventory.aws.taking import take, take_organization
from app.inventory.rehearsal import written
from app.inventory.sources import Run, Target
from app.kernel.changes import Changes
from app.kernel.database import Database, Transaction
from app.kernel.errors import DomainError, ErrorCode, Refusal, Unavailable, refuse
from app.kernel.regions import partition, regions
from app.kernel.regions import region as region_of
from app.linking.crossing import collected, organization_read
from app.settings import Settings, SettingsError

log = structlog.get_logger(__name__)
TELL_SECONDS = 2.0
T = TypeVar("T")


class AwsCollector:
    """Asks AWS with the credentials that boto3 finds. `dry_run`: what would change is counted, and nothing is kept.

    Raises SettingsError where the settings name a Region that is none.
    """

    def __init__(self, settings: Settings, *, dry_run: bool = False) -> None:
        self.regions = _visited(settings)
        self._settings = settings
        self._dry_run = dry_run
        self._cloud = Cloud(settings)
        self._threads = ThreadPoolExecutor(settings.aws_concurrency, thread_name_prefix="collector")

    def close(self) -> None:
        """End; what is being asked is given up after the call that is under way."""
        self._cloud.stop()
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def caller(self) -> Caller:
        """Whose credentials are used; raises CallRefused."""
        return await self._threaded(lambda: self._cloud.caller(self.regions[0]))

    async def organization(self, database: Database, caller: Caller) -> Changes:
        """Bring the caller's organization in line, where the caller is its master; raises CallRefused, DomainError."""
        refuse(await database.read(lambda connection: organization_read(connection, caller.account_id, caller.region)))
        seen = await self._threaded(lambda: tree.organization(self._cloud.master(caller), caller.account_id))
        if seen is None:
            return Changes()
        return await self._written(database, lambda tx: take_organization(tx, seen))

    async def collect(self, run: Run) -> None:
        """As every source does. The organization is read when its master, the caller, is among the targets."""
        targets = [each for each in run.targets if each.region in self.regions]
        if not targets:
            return
        try:
            caller = await self.caller()
        except CallRefused as error:
            for target in targets:
                run.fail(target, error.refusal)
            return
        targets = [each for each in targets if partition(each.region) == caller.partition]
        own = next((each for each in targets if each.account_id == caller.account_id), None)
        if own is not None:
            await self._organization(run, caller, own)
        await self._accounts(run, caller, targets)

    async def inventories(self, run: Run, caller: Caller) -> None:
        """The same without the organization, for whoever has read it already."""
        await self._accounts(run, caller, run.targets)

    # ------------------------------------------------------------ parts

    async def _organization(self, run: Run, caller: Caller, own: Target) -> None:
        try:
            run.changes.include(await self.organization(run.database, caller))
        except CallRefused as error:
            run.fail(own, error.refusal)
        except DomainError as error:
            for refusal in error.refusals:
                run.fail(own, refusal)

    async def _accounts(self, run: Run, caller: Caller, targets: Sequence[Target]) -> None:
        pairs = [(each.account_id, each.region) for each in targets]
        why = await run.database.read(lambda connection: collected(connection, caller.account_id, pairs), snapshot=True)
        by_account: dict[str, list[Target]] = {}
        for target in targets:
            refusal = why[target.account_id, target.region]
            if refusal is None:
                by_account.setdefault(target.account_id, []).append(target)
            else:
                run.fail(target, refusal)
        steps = _Steps(sum(map(len, by_account.values())))
        slots = asyncio.Semaphore(self._settings.aws_concurrency)

        async def one(account: Account, some: Sequence[Target]) -> None:
            async with slots:
                for target in some:
                    await self._region(run, account, target)
                    steps.done += 1

        async with _telling(run, steps), asyncio.TaskGroup() as group:
            for account_id, some in by_account.items():
                group.create_task(one(self._cloud.account(caller, account_id), some))

    async def _region(self, run: Run, account: Account, target: Target) -> None:
        """One account's Region; whatever goes wrong in it stays in it, but a lost database ends the run."""
        try:
            told = await self._threaded(lambda: _observed(account, target.region))
            changes, refused = await self._written(run.database, lambda tx: take(tx, told))
        except CallRefused as error:
            run.fail(target, error.refusal)
            return
        except DomainError as error:
            for refusal in error.refusals:
                run.fail(target, refusal)
            return
        except Unavailable:
            raise
        except Exception:
            log.exception("an account's Region could not be collected", account=target.account_id, region=target.region)
            run.fail(target, _broken(target))
            return
        run.changes.include(changes)
        leave = run.leave_out if told.answered else run.fail
        for refusal in (*told.refusals, *refused):
            leave(target, refusal)

    async def _threaded(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    async def _written(self, database: Database, work: Callable[[Transaction], T]) -> T:
        return await written(database, work, dry_run=self._dry_run)


def _observed(account: Account, region: str) -> Told:
    asker = account.asker(region)
    try:
        return observe(asker, account.account_id, region)
    finally:
        asker.close()


def _visited(settings: Settings) -> tuple[str, ...]:
    if not settings.aws_regions:
        return tuple(each.code for each in regions() if each.supports_service_linked_roles)
    try:
        return tuple(dict.fromkeys(region_of(each).code for each in settings.aws_regions))
    except DomainError as error:
        raise SettingsError(f"TOLLGATE_AWS_REGIONS: {error.refusals[0].message}") from None


def _broken(target: Target) -> Refusal:
    return Refusal(
        code=ErrorCode.CONFLICT,
        message=f"What account {target.account_id} holds in {target.region} could not be taken.",
        remedy="The server's log says why. It is tried again at the next synchronisation.",
        rule="IN-3",
        account_id=target.account_id,
    )


@dataclass(slots=True)
class _Steps:
    total: int
    done: int = 0


@contextlib.asynccontextmanager
async def _telling(run: Run, steps: _Steps) -> AsyncIterator[None]:
    """Tell again and again how far a run is, also while one account takes long; and once more at its end."""

    async def tell() -> None:
        while True:
            await run.progress(steps.done, steps.total)
            await asyncio.sleep(TELL_SECONDS)

    telling = asyncio.create_task(tell())
    try:
        yield
    finally:
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)
    await run.progress(steps.done, steps.total)
