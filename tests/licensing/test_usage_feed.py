"""The live feed of use: a configuration again each time its consumption or count changes, to those who see it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from app.kernel.clock import ManualClock
from tests.alerts.served import Served, serving
from tests.support import licenses as made
from tests.support.api import Client

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
        await connection.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))
        while not served.database.bus._listeners["usage"]:  # noqa: ASYNC110 - the server is on this very loop
            await asyncio.sleep(0)
        yield connection


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
