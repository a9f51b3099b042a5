"""The live feed of use: a configuration again each time its consumption or count changes, to those who see it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from app.kernel.clock import ManualClock
from app.kernel.database.sqlite import SqliteBackend
from app.kernel.events import Signal
from app.kernel.feeds import hub_of
from app.licensing.usage_feed import REMEMBERED, UsageFeed
from tests.alerts.served import Served, serving
from tests.support import licenses as made
from tests.support.api import Client
from tests.support.statements import reads_of

OWNER = "111122223333"
USAGE = "subscription($ids: [ID!]) { licenseConfigurationUsage(ids: $ids) { id consumedLicenses licenseCount } }"
UPDATE = """
mutation($input: UpdateLicenseConfigurationInput!) {
  updateLicenseConfiguration(input: $input) { errors { code } }
}"""


@asynccontextmanager
async def _following(served: Served, client: Client, **variables: Any) -> AsyncIterator[ClientConnection]:
    address = f"ws://{served.address}/graphql"
    async with connect(address, subprotocols=[Subprotocol("graphql-transport-ws")]) as connection:
        begin = {"type": "connection_init", "payload": {"Authorization": f"Bearer {client.token}"}}
        await connection.send(json.dumps(begin))
        assert json.loads(await connection.recv())["type"] == "connection_ack"
        payload = {"query": USAGE, "variables": variables}
        groups = hub_of(served.database, UsageFeed)._groups
        before = sum(len(group.asleep) for group in groups.values())
        await connection.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))
        while sum(len(group.asleep) for group in groups.values()) == before:  # noqa: ASYNC110 - it is on this very loop
            await asyncio.sleep(0)
        yield connection


async def _next(connection: ClientConnection) -> dict[str, Any]:
    async with asyncio.timeout(30):
        told: dict[str, Any] = json.loads(await connection.recv())["payload"]["data"]["licenseConfigurationUsage"]
        return told


async def _until(connection: ClientConnection, wanted: dict[str, Any]) -> None:
    """Read events until one tells what is wanted: changes between two looks may come as one."""
    async with asyncio.timeout(30):
        while True:
            message = json.loads(await connection.recv())
            assert message["type"] == "next", message
            if message["payload"]["data"]["licenseConfigurationUsage"] == wanted:
                return


async def test_a_subscriber_sees_each_change_of_consumption_and_of_the_count(
    database_url: str, clock: ManualClock
) -> None:
    async with serving(database_url, clock) as served:
        owner = await served.api.account(OWNER)
        counted = await made.configuration(owner, licenseCount=10)
        image_id = await made.image(owner, counted)
        async with _following(served, owner, ids=[counted]) as connection:
            (instance,) = await made.launched(owner, image_id)
            await _until(connection, {"id": counted, "consumedLicenses": 1, "licenseCount": 10})
            await made.change(owner, "stopInstances", instance)
            await _until(connection, {"id": counted, "consumedLicenses": 0, "licenseCount": 10})
            await owner.done(UPDATE, input={"id": counted, "licenseCount": 20})
            await _until(connection, {"id": counted, "consumedLicenses": 0, "licenseCount": 20})


async def test_what_changes_neither_use_nor_count_tells_nothing(database_url: str, clock: ManualClock) -> None:
    """A new name, a launch that is blocked, a read that leaves an audit record: the next event is the next change."""
    async with serving(database_url, clock) as served:
        owner = await served.api.account(OWNER)
        counted = await made.configuration(owner, licenseCount=1, hardLimit=True)
        image_id = await made.image(owner, counted)
        async with _following(served, owner, ids=[counted]) as connection:
            await owner.done(UPDATE, input={"id": counted, "name": "Renamed", "alertThresholds": [50]})
            assert (await made.launch(owner, image_id, count=2))["errors"]
            await owner("{ viewer { permission } }")
            if isinstance(served.database._backend, SqliteBackend):
                await served.database._backend.look()
            await made.launched(owner, image_id)
            assert await _next(connection) == {"id": counted, "consumedLicenses": 1, "licenseCount": 1}
            await owner.done(UPDATE, input={"id": counted, "licenseCount": 2})
            assert await _next(connection) == {"id": counted, "consumedLicenses": 1, "licenseCount": 2}


async def test_pm_2_a_foreign_configuration_is_never_fed(database_url: str, clock: ManualClock) -> None:
    async with serving(database_url, clock) as served:
        owner, other = await served.api.account(OWNER), await served.api.account("222233334444")
        private = await made.configuration(owner, licenseCount=10)
        own = await made.configuration(other, licenseCount=10)
        private_image, own_image = await made.image(owner, private), await made.image(other, own)
        async with _following(served, other) as connection:
            await made.launched(owner, private_image)
            await made.launched(other, own_image)
            message = json.loads(await connection.recv())
            assert message["payload"]["data"]["licenseConfigurationUsage"]["id"] == own


async def test_subscribers_who_ask_the_same_share_one_read(database_url: str, clock: ManualClock) -> None:
    """However many they are, a change is read once for all of one account and document."""
    async with serving(database_url, clock) as served:
        owner = await served.api.account(OWNER)
        counted = await made.configuration(owner, licenseCount=10)
        reads = []
        for count in (1, 21):
            async with AsyncExitStack() as stack:
                following = [await stack.enter_async_context(_following(served, owner)) for _ in range(count)]
                with reads_of("license_configuration") as made_then:
                    await owner.done(UPDATE, input={"id": counted, "licenseCount": 10 + count})
                    for connection in following:
                        await _until(connection, {"id": counted, "consumedLicenses": 0, "licenseCount": 10 + count})
                reads.append(len(made_then))
        # Signals of one change that another look comes between: a read more, not one for each.
        assert 0 < reads[1] < reads[0] + 10


async def test_a_signal_without_keys_feeds_what_is_seen_at_that_moment(database_url: str, clock: ManualClock) -> None:
    """Where no one could say what changed; and of what is asked for by id, just that."""
    async with serving(database_url, clock) as served:
        owner, other = await served.api.account(OWNER), await served.api.account("222233334444")
        one, two = [await made.configuration(owner, name=str(count), licenseCount=count) for count in (1, 2)]
        await made.configuration(other, licenseCount=3)
        async with _following(served, owner) as every, _following(served, owner, ids=[two]) as named:
            served.database.bus.publish([Signal("usage")])
            assert {(await _next(every))["id"] for _ in range(2)} == {one, two}
            assert (await _next(named))["id"] == two
            for key, count in ((one, 8), (two, 9)):
                await owner.done(UPDATE, input={"id": key, "licenseCount": count})
            assert await _next(named) == {"id": two, "consumedLicenses": 0, "licenseCount": 9}


def _signal(*keys: int) -> Signal:
    return Signal("usage", frozenset(keys))


async def test_what_changed_is_told_between_any_two_looks() -> None:
    """And where that is not known any more, that anything may have."""
    feed = UsageFeed()
    feed.heard([])
    assert await feed.head() == 0
    feed.heard([_signal(1, 2), _signal(3)])
    feed.heard([_signal(4)])
    assert [feed.between(after, upto) for after, upto in [(0, 2), (0, 1), (1, 2), (2, 2)]] == [
        {1, 2, 3, 4},
        {1, 2, 3},
        {4},
        set(),
    ]
    feed.heard([_signal(5), _signal()])
    feed.heard([_signal(6)])
    assert [feed.between(after, 4) for after in (0, 2, 3)] == [None, None, {6}]
    for key in range(REMEMBERED):
        feed.heard([_signal(key)])
    assert feed.between(3, await feed.head()) is None
    assert feed.between(4, await feed.head()) == set(range(REMEMBERED))
