"""The schema's synchronisations of the inventory: begun on demand, and how far they are."""

import asyncio
import secrets
from datetime import datetime
from typing import Any

import strawberry
import structlog
from sqlalchemy import ColumnElement

from app.inventory import syncs
from app.inventory.collecting import collect
from app.inventory.models import InventorySyncRow
from app.inventory.sources import Run, Target
from app.kernel import reads
from app.kernel.database import Database, Transaction
from app.kernel.errors import DomainError
from app.kernel.graphql.errors import UserError, user_errors
from app.kernel.graphql.perform import Info, act
from app.kernel.graphql.regions import Region
from app.kernel.graphql.scalars import AccountId, RegionCode
from app.kernel.reads import Reading, Scope, column, computed, entity, one
from app.kernel.regions import regions
from app.kernel.tables import table_of
from app.kernel.viewer import Viewer
from app.linking.schema import ServiceSettingsPayload
from app.linking.settings import own

log = structlog.get_logger(__name__)
WAIT_SECONDS = 10.0
_running: set[asyncio.Task[Run]] = set()
rows = table_of(InventorySyncRow)


def sees_sync(sync: Any, scope: Scope) -> ColumnElement[bool]:
    """A synchronisation is seen by its own account."""
    seen: ColumnElement[bool] = sync.c.account_id == scope.viewer_account
    return seen


def _failures(given: Any, _: Any, reading: Reading) -> list[list[UserError]]:
    return [user_errors(syncs.told(each["failures"])) for each in given]


@entity(rows, sight=sees_sync)
@strawberry.type(description="The last synchronisation of the account's inventory in a Region, or the one that runs.")
class InventorySync:
    account_id: AccountId = column()
    region: Region = one(lambda: Region, on=lambda sync, region, scope: region.c.code == sync.c.region)
    started_at: datetime = column()
    finished_at: datetime | None = column(description="Null while it runs.")
    done: int = column(description="Steps that are done; how many there are in all is known as it goes on.")
    total: int = column()
    failures: list[UserError] = computed(_failures, needs=("failures",), description="What was left out, and why.")


@strawberry.type
class InventorySyncQuery:
    @strawberry.field(description="Of the viewer's account, in each Region that was ever synchronised.")
    async def inventory_syncs(self, info: Info) -> list[InventorySync]:
        return await reads.listing(info, InventorySync, lambda row, scope: [], order="region")


@strawberry.type
class InventorySyncMutation:
    @strawberry.mutation(
        description="Brings the account's inventory up to date now, in a Region or in all, and not at its next time. "
        "What takes long goes on after the answer; inventorySyncs tells how far it is. Answers with the settings of "
        "the Region, or of the first one."
    )
    async def start_inventory_sync(self, info: Info, region: RegionCode | None = None) -> ServiceSettingsPayload:
        by = secrets.token_hex(16)

        def begin(tx: Transaction, viewer: Viewer) -> tuple[int, list[Target]]:
            targets = syncs.requested(tx, viewer, region, by)
            return own(tx, viewer.account_id, region or regions()[0].code).key, targets

        try:
            key, targets = await act(info, begin)
        except DomainError as error:
            return ServiceSettingsPayload(errors=user_errors(error.refusals))
        await _collected(info.context.database, targets, by)
        return ServiceSettingsPayload(key=key)


async def _collected(database: Database, targets: list[Target], by: str) -> None:
    """Until all is collected, or for a while; it then goes on beside the requests."""
    if not targets:
        return
    task = asyncio.create_task(collect(database, targets, by))
    _running.add(task)
    task.add_done_callback(_ended)
    await asyncio.wait({task}, timeout=WAIT_SECONDS)


def _ended(task: asyncio.Task[Run]) -> None:
    """What could not be finished is taken up by the schedule once its lease has ended."""
    _running.discard(task)
    if not task.cancelled() and task.exception() is not None:
        log.warning("a synchronisation could not be finished", error=type(task.exception()).__name__)
