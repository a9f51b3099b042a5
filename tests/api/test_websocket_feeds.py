"""Subscriptions to a shared feed over WebSocket: told without a task where the server lends a way, the same without."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import orjson
import pytest
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from app.api.socket import SocketLimits
from app.cli.websockets import LightProtocol
from tests.api.test_websocket import Client, connected
from tests.api.toy import TOKEN, Toy

SHARED = "subscription { shared { id } }"
BIG = 100_000


@pytest.fixture(params=[LightProtocol, WebSocketsSansIOProtocol], ids=["lent", "plain"])
def protocol(request: pytest.FixtureRequest) -> type[asyncio.Protocol]:
    """A server that lends its way to write, and one that does not."""
    given: type[asyncio.Protocol] = request.param
    return given


@asynccontextmanager
async def following(toy: Toy, *identifiers: str) -> AsyncIterator[Client]:
    async with toy.served() as address, connected(address) as client:
        for identifier in identifiers or ("1",):
            await client.subscribe(SHARED, identifier)
        await asleep(toy, len(identifiers) or 1)
        yield client


async def asleep(toy: Toy, count: int) -> None:
    """Wait until as many have had everything."""
    async with asyncio.timeout(20):
        while sum(len(group.asleep) for group in toy.shelf.hub._groups.values()) != count:  # noqa: ASYNC110
            await asyncio.sleep(0)


async def left(toy: Toy) -> None:
    """Wait until nobody follows."""
    async with asyncio.timeout(20):
        while any(toy.shelf.bus._listeners.values()):  # noqa: ASYNC110 - the server is on this very loop
            await asyncio.sleep(0)


async def test_each_subscription_of_a_connection_is_told_under_its_own_id(protocol: type[asyncio.Protocol]) -> None:
    toy = Toy(protocol=protocol)
    async with following(toy, "a", 'quote " and ü') as client:
        for number in range(3):
            toy.shelf.put_values({"id": number})
            messages = [await client.receive() for _ in range(2)]
            payload = {"data": {"shared": {"id": number}}, "extensions": {"cost": 2}}
            assert sorted(messages, key=lambda message: message["id"]) == [
                {"id": "a", "type": "next", "payload": payload},
                {"id": 'quote " and ü', "type": "next", "payload": payload},
            ]
    assert toy.shelf.reads == 3


async def test_a_subscription_that_sleeps_is_no_task() -> None:
    toy = Toy()
    async with following(toy) as client:
        before = len(asyncio.all_tasks())
        for number in range(50):
            await client.subscribe(SHARED, f"more {number}")
        await asleep(toy, 51)
        await asyncio.sleep(0)
        assert len(asyncio.all_tasks()) <= before


@pytest.mark.parametrize("length", [1, 40, 60, 100, 65_400, 65_480, 65_536, 70_000, 500_000])
async def test_a_message_of_any_length_arrives(length: int) -> None:
    """RFC 6455, 5.2: lengths are told in one, three or nine bytes."""
    toy = Toy()
    async with following(toy) as client:
        for more in range(90):
            toy.shelf.put_values("x" * (length + more if length < 200 or 65_300 < length < 65_600 else length))
            await client.receive()
            if length >= 70_000:
                break


async def test_a_revoked_token_ends_the_connection_before_the_next_event(protocol: type[asyncio.Protocol]) -> None:
    toy = Toy(protocol=protocol)
    async with following(toy, "a", "b") as client:
        toy.shelf.put_values({"id": 1})
        assert [(await client.receive())["type"] for _ in range(2)] == ["next", "next"]
        toy.revoked.add(TOKEN)
        toy.shelf.put_values({"id": 2})
        assert "next" not in [message["type"] async for message in _rest(client)]
        assert await client.closed() == (4403, "Forbidden")
    await left(toy)


async def _rest(client: Client) -> AsyncIterator[dict[str, object]]:
    while client.connection.close_code is None and client.connection.recv_messages.frames:
        yield await client.receive()


async def test_who_completes_is_told_nothing_more_and_may_use_the_id_again(protocol: type[asyncio.Protocol]) -> None:
    toy = Toy(protocol=protocol)
    async with following(toy) as client:
        await client.send({"id": "1", "type": "complete"})
        await left(toy)
        toy.shelf.put_values({"id": 1})
        await client.subscribe(SHARED)
        await asleep(toy, 1)
        toy.shelf.put_values({"id": 2})
        assert (await client.receive())["payload"]["data"] == {"shared": {"id": 2}}


async def test_one_who_leaves_is_unsubscribed(protocol: type[asyncio.Protocol]) -> None:
    toy = Toy(protocol=protocol)
    async with following(toy, "a", "b"):
        pass
    await left(toy)


async def test_operations_that_sleep_count_against_the_bound() -> None:
    toy = Toy(sockets=SocketLimits(operations=2))
    async with following(toy, "a", "b") as client:
        await client.subscribe(SHARED, "c")
        assert (await client.receive())["payload"][0]["message"] == "A connection runs 2 operations at once, no more."
        await client.send({"id": "a", "type": "complete"})
        await asleep(toy, 1)
        await client.subscribe(SHARED, "c")
        await asleep(toy, 2)


async def test_an_event_that_can_not_be_told_as_it_is_ends_in_an_error() -> None:
    toy = Toy()
    async with following(toy) as client:
        toy.shelf.put_values(None, {"id": 2**70}, {"id": 3})
        first = await client.receive()
        assert (first["type"], first["payload"]["data"]) == ("next", None)
        second = await client.receive()
        assert (second["type"], second["payload"][0]["extensions"]["code"]) == ("error", "INTERNAL")
        await left(toy)
        await client.subscribe("{ greeting }")
        assert (await client.receive())["type"] == "next"


async def test_a_client_that_is_slow_gets_everything_in_order(protocol: type[asyncio.Protocol]) -> None:
    toy = Toy(protocol=protocol, sockets=SocketLimits(waiting=2))
    async with following(toy) as client:
        client.connection.transport.pause_reading()
        for number in range(150):
            toy.shelf.put_values(orjson.Fragment(orjson.dumps({"id": number, "text": "x" * BIG})))
            await asyncio.sleep(0)
        client.connection.transport.resume_reading()
        told = [(await client.receive())["payload"]["data"]["shared"]["id"] for _ in range(150)]
    assert told == list(range(150))


async def test_a_client_that_takes_nothing_is_cut_off(protocol: type[asyncio.Protocol]) -> None:
    """Beside what the network holds, nothing waits for it."""
    toy = Toy(protocol=protocol, sockets=SocketLimits(tick=0.02, stall=0.05, farewell=0.01))
    async with following(toy) as client:
        client.connection.transport.pause_reading()
        while not toy.left._value:
            toy.shelf.put_values(orjson.Fragment(orjson.dumps({"id": "x" * BIG})))
            await asyncio.sleep(0)
            assert toy.shelf.last < 20_000
        await left(toy)
        client.connection.transport.abort()
