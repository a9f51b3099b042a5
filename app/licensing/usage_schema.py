"""The live feed of license configurations whose use changes."""

from collections.abc import AsyncGenerator
from typing import Any

import strawberry

from app.kernel import reads
from app.kernel.context import Context
from app.kernel.errors import invalid
from app.kernel.feeds import Event, hub_of
from app.kernel.graphql.perform import Info
from app.kernel.ids import parse_node_id
from app.licensing.loaders import keys_seen
from app.licensing.schema import LicenseConfiguration
from app.licensing.usage_feed import UsageFeed

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
        hub = hub_of(info.context.database, UsageFeed)
        read = _Selection(reads.lasting(info), hub.feed, ids).read
        stream: Any = hub.follow(reads.shared_by(info), read, await hub.feed.head(), fresh=True)
        return stream  # type: ignore[no-any-return]


class _Selection:
    """What a subscriber asks of each change, and of which license configurations."""

    def __init__(self, info: Any, feed: UsageFeed, ids: list[strawberry.ID] | None) -> None:
        self._info = info
        self._feed = feed
        parsed = None if ids is None else [parse_node_id(each) for each in ids]
        self._wanted = None if parsed is None else {each.key for each in parsed if each and each.prefix == "lc"}

    async def read(self, after: int, upto: int) -> list[Event]:
        """What stands now of all that changed in between."""
        keys = await self._changed(after, upto)
        found: list[Any] = await reads.nodes(self._info, LicenseConfiguration, sorted(keys))
        return [(upto, each) for each in found if each is not None]

    async def _changed(self, after: int, upto: int) -> set[int]:
        changed = self._feed.between(after, upto)
        if self._wanted is not None:
            return self._wanted if changed is None else self._wanted & changed
        if changed is not None:
            return changed
        context: Context = self._info.context
        return await context.database.read(lambda connection: keys_seen(connection, context.viewer.account_id))
