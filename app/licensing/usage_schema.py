"""The live feed of license configurations whose use changes."""

from collections.abc import AsyncGenerator

import strawberry

from app.kernel import reads
from app.kernel.errors import invalid
from app.kernel.graphql.perform import Info
from app.kernel.ids import parse_node_id
from app.licensing.loaders import keys_seen
from app.licensing.schema import LicenseConfiguration

MOST_IDS = 100


@strawberry.type
class UsageSubscription:
    @strawberry.subscription(
        description="The configuration again, each time its consumption or its count changes. Without ids: every one "
        "that the viewer may see at that moment."
    )
    async def license_configuration_usage(
        self, info: Info, ids: list[strawberry.ID] | None = None
    ) -> AsyncGenerator[LicenseConfiguration, None]:
        if ids is not None and len(ids) > MOST_IDS:
            raise invalid(f"Name at most {MOST_IDS} license configurations.", "ids", rule="API-3")
        return _changes(info, ids)


async def _changes(info: Info, ids: list[strawberry.ID] | None) -> AsyncGenerator[LicenseConfiguration, None]:
    """Many changes between two looks are one event: what stands then."""
    database, viewer = info.context.database, info.context.viewer
    wanted = (
        None if ids is None else {each.key for given in ids if (each := parse_node_id(given)) and each.prefix == "lc"}
    )
    listener = database.bus.listen("usage")
    try:
        while True:
            signals = await listener.wait()
            changed = {key for signal in signals for key in signal.keys}
            if any(not signal.keys for signal in signals):
                changed = (
                    wanted
                    if wanted is not None
                    else await database.read(lambda connection: keys_seen(connection, viewer.account_id))
                )
            for key in sorted(changed if wanted is None else changed & wanted):
                found = await reads.node(info, LicenseConfiguration, key)
                if found is not None:
                    yield found
    finally:
        database.bus.forget(listener)
