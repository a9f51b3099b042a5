"""The root field that brings an account's inventory up to date at once."""

import strawberry

from app.inventory.retention import expire, purge_stale
from app.kernel.database import Transaction
from app.kernel.graphql.perform import Info, perform
from app.kernel.graphql.scalars import RegionCode
from app.kernel.regions import region as region_of
from app.kernel.regions import regions
from app.kernel.viewer import Permission, Viewer
from app.linking.schema import ServiceSettingsPayload
from app.linking.settings import note_synced, own
from app.roles.service import require_core

FIRST = "us-east-1"


def synchronise(tx: Transaction, viewer: Viewer, region: str | None) -> int:
    """End what is past its time, purge what is gone, and note it in the settings of a Region, or of all.

    Refused without the core role (RO-2). Returns the key of the settings to show: the Region's, or the first's.
    """
    require_core(tx.connection, viewer.account_id)
    if region is not None:
        region_of(region, "region")
    expire(tx, tx.now)
    purge_stale(tx)
    codes = [region] if region is not None else [each.code for each in regions()]
    shown = own(tx, viewer.account_id, region or FIRST)
    note_synced(tx, [(viewer.account_id, code) for code in codes])
    return shown.key


@strawberry.type
class InventorySyncMutation:
    @strawberry.mutation(
        description="Bring the account's inventory up to date now, in a Region or in all, and not at its next time."
    )
    async def start_inventory_sync(self, info: Info, region: RegionCode | None = None) -> ServiceSettingsPayload:
        return await perform(
            info,
            ServiceSettingsPayload,
            lambda tx, viewer: synchronise(tx, viewer, region),
            needs=Permission.ADMINISTRATOR,
        )
