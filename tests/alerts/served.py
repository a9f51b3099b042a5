"""A real server of Tollgate in this process, and subscribers to it by WebSocket and by event stream."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
from pydantic import SecretStr
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from app.cli.server import Server, configuration
from app.kernel.clock import Clock
from app.kernel.database import Database
from app.main import build
from app.settings import Settings
from tests.support.api import Api, Client

FEED = """
subscription($after: String, $ids: [ID!]) {
  limitAlerts(after: $after, licenseConfigurationIds: $ids) { cursor node { id message } }
}"""


@dataclass(frozen=True, slots=True)
class Served:
    """A running server: its address, its database, and clients of it."""

    address: str
    database: Database
    api: Api


@asynccontextmanager
async def serving(database_url: str, clock: Clock, **settings: Any) -> AsyncIterator[Served]:
    """A server on a free port of this machine."""
    chosen = Settings(database_url=SecretStr(database_url), _env_file=None, **settings)
    built = build(chosen, clock=clock)
    listener = socket.create_server(("127.0.0.1", 0))
    server = Server(configuration(chosen, built.application), built, None)
    running = asyncio.create_task(server.serve([listener]))
    address = f"127.0.0.1:{listener.getsockname()[1]}"
    try:
        while not server.started:
            await asyncio.sleep(0)
            if running.done():
                running.result()
        async with httpx2.AsyncClient(base_url=f"http://{address}", timeout=30) as http:
            yield Served(address, built.database, Api(http, built.database))
    finally:
        built.streams.close()
        server.should_exit = True
        await running


class Subscriber:
    """One subscription to the feed over a WebSocket."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.cursor: str | None = None

    async def next(self) -> str:
        """The message of the next alert."""
        message = json.loads(await self.connection.recv())
        assert message["type"] == "next", message
        edge = message["payload"]["data"]["limitAlerts"]
        self.cursor = edge["cursor"]
        text: str = edge["node"]["message"]
        return text

    async def take(self, count: int) -> list[str]:
        return [await self.next() for _ in range(count)]


@asynccontextmanager
async def subscribed(address: str, client: Client, after: str = "k0", **variables: Any) -> AsyncIterator[Subscriber]:
    """A subscription from a cursor, by default from before the first alert."""
    async with connect(
        f"ws://{address}/graphql", subprotocols=[Subprotocol("graphql-transport-ws")], compression=None
    ) as connection:
        begin = {"type": "connection_init", "payload": {"Authorization": f"Bearer {client.token}"}}
        await connection.send(json.dumps(begin))
        assert json.loads(await connection.recv())["type"] == "connection_ack"
        payload = {"query": FEED, "variables": {"after": after, **variables}}
        await connection.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))
        yield Subscriber(connection)
