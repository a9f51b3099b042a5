"""graphql-transport-ws through a real server: the protocol to the letter, bounded, for callers that are known."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest
from graphql import OperationType
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from app.api.limits import Limits
from app.api.protocol import Close, Message, authorization, details, identifier, read
from app.api.socket import SocketLimits
from app.kernel.completed import Completed
from app.kernel.errors import DomainError, ErrorCode, Refusal
from tests.api.toy import ITEM, SECRET, TOKEN, Toy

INIT = {"type": "connection_init", "payload": {"Authorization": TOKEN}}
FEED = "subscription { feed { id } }"
KEYS = st.sampled_from(["type", "id", "payload", "Authorization"])
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner)
)
TEXTS = st.text() | VALUES.map(json.dumps)


class Client:
    """A socket that speaks JSON."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def send(self, message: object) -> None:
        await self.connection.send(message if isinstance(message, str | bytes) else json.dumps(message))

    async def receive(self) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(await self.connection.recv())
        return message

    async def subscribe(self, query: str, identifier: str = "1", **variables: Any) -> None:
        await self.send({"id": identifier, "type": "subscribe", "payload": {"query": query, "variables": variables}})

    async def drain(self) -> None:
        while True:
            await self.connection.recv()

    async def closed(self) -> tuple[int, str]:
        """The code and the reason of the server's closing message, whatever comes before it."""
        with pytest.raises(ConnectionClosed) as closing:
            await self.drain()
        assert closing.value.rcvd is not None
        return closing.value.rcvd.code, closing.value.rcvd.reason


@asynccontextmanager
async def connected(address: str, *, init: bool = True) -> AsyncIterator[Client]:
    async with connect(f"ws://{address}/graphql", subprotocols=[Subprotocol("graphql-transport-ws")]) as connection:
        client = Client(connection)
        if init:
            await client.send(INIT)
            assert await client.receive() == {"type": "connection_ack"}
        yield client


async def test_a_subscription_tells_each_event_and_then_that_it_is_complete() -> None:
    toy = Toy()
    async with toy.served() as address, connected(address) as client:
        await client.subscribe("subscription ($n: Int!) { count(to: $n) }", n=2)
        messages = [await client.receive() for _ in range(3)]
    assert messages == [
        {"id": "1", "type": "next", "payload": {"data": {"count": 0}, "extensions": {"cost": 1}}},
        {"id": "1", "type": "next", "payload": {"data": {"count": 1}, "extensions": {"cost": 1}}},
        {"id": "1", "type": "complete"},
    ]
    ((operation_type, (field,)),) = toy.finished
    assert (operation_type, field.name, field.arguments) == (OperationType.SUBSCRIPTION, "count", {"to": 2})


async def test_queries_and_mutations_are_answered_once_with_their_errors_masked() -> None:
    async with Toy().served() as address, connected(address) as client:
        await client.subscribe('mutation { rename(name: "x") }', "a")
        assert [(await client.receive())["type"] for _ in range(2)] == ["next", "complete"]
        await client.subscribe("{ item { broken } }", "a")
        answer = await client.receive()
        assert (answer["type"], answer["payload"]["data"]) == ("next", {"item": None})
        assert answer["payload"]["errors"][0]["extensions"]["code"] == "INTERNAL"
        assert SECRET not in str(answer)
        assert await client.receive() == {"id": "a", "type": "complete"}


async def test_an_event_encoded_once_reaches_every_subscriber() -> None:
    toy = Toy()
    async with toy.served() as address, connected(address) as one, connected(address) as two:
        for client in (one, two):
            await client.subscribe("subscription { mine: feed { id } }")
        await toy.feed.followed_by(2)
        fragment = Completed(orjson.Fragment(b'{"shared":true}'))
        toy.feed.publish(fragment)
        toy.feed.publish(fragment)
        for client in (one, two):
            assert (await client.receive())["payload"]["data"] == {"mine": {"shared": True}}


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("subscription {", "GRAPHQL_PARSE_FAILED"),
        ("subscription { nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription ($n: Int!) { count(to: $n) }", "INVALID_INPUT"),
        ("subscription { forbidden }", "ACCESS_DENIED"),
    ],
)
async def test_an_operation_that_is_refused_ends_with_an_error_message(query: str, code: str) -> None:
    async with Toy().served() as address, connected(address) as client:
        await client.subscribe(query)
        answer = await client.receive()
        assert (answer["id"], answer["type"]) == ("1", "error")
        assert answer["payload"][0]["extensions"]["code"] == code
        await client.subscribe("{ greeting }")
        assert (await client.receive())["payload"]["data"] == {"greeting": "Hello world"}


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (DomainError(Refusal(code=ErrorCode.NOT_SHARED, message="The share has ended.")), "NOT_SHARED"),
        (RuntimeError(SECRET), "INTERNAL"),
    ],
)
async def test_a_subscription_that_fails_midway_ends_with_its_error_masked(failure: Exception, code: str) -> None:
    toy = Toy()
    async with toy.served() as address, connected(address) as client:
        await client.subscribe(FEED)
        await toy.feed.followed_by(1)
        toy.feed.publish(Completed(ITEM))
        toy.feed.publish(failure)
        assert (await client.receive())["type"] == "next"
        answer = await client.receive()
        assert (answer["type"], answer["payload"][0]["path"]) == ("error", ["feed"])
        assert answer["payload"][0]["extensions"]["code"] == code
        assert SECRET not in str(answer)
        await toy.feed.followed_by(0)


async def test_an_event_that_must_be_executed_is_bounded_and_masked_like_a_query() -> None:
    toy = Toy()
    async with toy.served() as address, connected(address) as client:
        await client.subscribe(FEED)
        await toy.feed.followed_by(1)
        toy.feed.publish(Completed(None))
        answer = await client.receive()
        assert (answer["type"], answer["payload"]["data"]) == ("next", None)
        assert answer["payload"]["errors"][0]["extensions"]["code"] == "INTERNAL"


async def test_a_client_that_completes_is_told_nothing_more_and_may_use_the_id_again() -> None:
    toy = Toy()
    async with toy.served() as address, connected(address) as client:
        await client.subscribe(FEED)
        await toy.feed.followed_by(1)
        await client.send({"id": "1", "type": "complete"})
        await toy.feed.followed_by(0)
        await client.subscribe("{ greeting }")
        assert [(await client.receive())["type"] for _ in range(2)] == ["next", "complete"]


@pytest.mark.parametrize("leaves", [True, False])
async def test_a_mutation_goes_on_to_its_end_though_its_client_does_not_wait(leaves: bool) -> None:
    """What has begun is finished and recorded (AU-1)."""
    toy = Toy()
    async with toy.served() as address, connected(address) as client:
        await client.subscribe("mutation { waitFor }")
        await toy.waiting.wait()
        if leaves:
            await client.connection.close()
        else:
            await client.send({"id": "1", "type": "complete"})
            await client.send({"type": "ping"})
            assert await client.receive() == {"type": "pong", "payload": {}}
        toy.go_on.set()
        await toy.recorded.wait()
    ((_, (field,)),) = toy.finished
    assert (field.name, field.errors) == ("waitFor", ())


async def test_a_client_that_leaves_is_unsubscribed() -> None:
    toy = Toy()
    async with toy.served() as address:
        async with connected(address) as client:
            await client.subscribe(FEED)
            await toy.feed.followed_by(1)
        await toy.feed.followed_by(0)


async def test_a_ping_is_answered_also_before_the_connection_is_initialised() -> None:
    async with Toy().served() as address, connected(address, init=False) as client:
        await client.send({"type": "ping", "payload": {"n": 1}})
        assert await client.receive() == {"type": "pong", "payload": {"n": 1}}
        await client.send({"type": "pong"})
        await client.send(INIT)
        assert await client.receive() == {"type": "connection_ack"}


async def test_a_client_that_does_not_say_who_it_is_in_time_is_closed() -> None:
    assert SocketLimits().init == 3
    async with Toy(sockets=SocketLimits(init=0.02)).served() as address, connected(address, init=False) as client:
        assert await client.closed() == (4408, "Connection initialisation timeout")


@pytest.mark.parametrize("payload", [None, {}, {"Authorization": "Bearer tg_wrong"}, {"Authorization": ""}])
async def test_without_a_valid_token_the_connection_is_forbidden(payload: object) -> None:
    async with Toy().served() as address, connected(address, init=False) as client:
        await client.send({"type": "connection_init", "payload": payload})
        assert await client.closed() == (4403, "Forbidden")


async def test_while_the_database_is_away_clients_are_told_to_try_again() -> None:
    async with Toy(down=True).served() as address, connected(address, init=False) as client:
        await client.send(INIT)
        assert await client.closed() == (1013, "Try again later")


async def test_nothing_runs_before_the_connection_is_acknowledged() -> None:
    toy = Toy()
    async with toy.served() as address, connected(address, init=False) as client:
        await client.subscribe("{ greeting }")
        assert await client.closed() == (4401, "Unauthorized")
    assert toy.finished == []


async def test_a_connection_is_initialised_once() -> None:
    async with Toy().served() as address, connected(address) as client:
        await client.send(INIT)
        assert await client.closed() == (4429, "Too many initialisation requests")


async def test_an_id_in_use_is_not_used_again() -> None:
    async with Toy().served() as address, connected(address) as client:
        await client.subscribe(FEED, "x" * 100)
        await client.subscribe(FEED, "x" * 100)
        code, reason = await client.closed()
    assert (code, reason) == (4409, f"Subscriber for {'x' * 100} already exists"[:120])


@pytest.mark.parametrize(
    "message",
    [
        "",
        "{",
        "[]",
        "null",
        "42",
        '"x"',
        "{}",
        '{"type": null}',
        '{"type": "start"}',
        '{"type": ["ping"]}',
        b"{}",
        '{"type": "ping", "payload": 1}',
        '{"type": "pong", "payload": []}',
        '{"type": "complete"}',
        "[" * 5000,
        '{"type": "subscribe"}',
        '{"type": "subscribe", "id": 1}',
        '{"type": "subscribe", "id": "", "payload": {}}',
        '{"type": "subscribe", "id": "1"}',
        '{"type": "subscribe", "id": "1", "payload": [{"query": "{a}"}]}',
        '{"type": "subscribe", "id": "1", "payload": {"query": 1}}',
        '{"type": "complete", "id": {}}',
        '{"type": "subscribe", "id": "1", "payload": {"query": "{a}", "variables": 1}}',
        '{"type": "\\ud800"}',
    ],
)
async def test_what_is_not_a_message_of_the_protocol_closes_as_a_bad_request(message: str | bytes) -> None:
    async with Toy().served() as address, connected(address) as client:
        await client.send(message)
        code, reason = await client.closed()
    assert code == 4400
    assert reason


@pytest.mark.parametrize("take", [details, identifier, lambda message: authorization(details(message))])
@settings(deadline=None)
@given(TEXTS)
def test_no_text_is_a_fault(take: Callable[[Message], object], text: str) -> None:
    """It is a message, or it closes the connection."""
    codes = []
    try:
        take(read(text, 1000))
    except Close as close:
        codes.append(close.code)
    assert set(codes) <= {4400, 1009}


async def test_a_message_over_the_limit_closes_as_too_big() -> None:
    async with Toy(sockets=SocketLimits(message=200)).served() as address, connected(address) as client:
        await client.send(json.dumps({"type": "ping", "payload": {"x": "y" * 200}}))
        assert await client.closed() == (1009, "Messages have to be of 200 characters or fewer")


@pytest.mark.parametrize("offered", [None, ["graphql-ws"], ["mqtt"]])
async def test_other_protocols_are_not_spoken(offered: list[str] | None) -> None:
    subprotocols = None if offered is None else [Subprotocol(name) for name in offered]
    toy = Toy()
    async with toy.served() as address, connect(f"ws://{address}/graphql", subprotocols=subprotocols) as connection:
        assert await Client(connection).closed() == (4406, "Subprotocol not acceptable")
    assert toy.contexts == []


async def test_connections_are_bounded() -> None:
    toy = Toy(sockets=SocketLimits(connections=1))
    async with toy.served() as address:
        async with connected(address):
            with pytest.raises(InvalidStatus) as refusal:
                async with connected(address):
                    pass
        assert refusal.value.response.status_code == 503
        await toy.left.acquire()
        await toy.left.acquire()
        async with connected(address):
            pass


async def test_operations_of_a_connection_are_bounded() -> None:
    async with Toy(sockets=SocketLimits(operations=2)).served() as address, connected(address) as client:
        for identifier in ("a", "b", "c"):
            await client.subscribe(FEED, identifier)
        answer = await client.receive()
        assert (answer["id"], answer["type"]) == ("c", "error")
        assert answer["payload"][0]["message"] == "A connection runs 2 operations at once, no more."
        await client.send({"id": "a", "type": "complete"})
        await client.send({"type": "ping"})
        await client.receive()
        await client.subscribe("{ greeting }", "c")
        assert (await client.receive())["type"] == "next"


@pytest.mark.parametrize(
    ("limits", "identifiers"),
    [
        pytest.param(SocketLimits(waiting=1, tick=3600, stall=0.05, farewell=0.01), "abc", id="there is no room"),
        pytest.param(SocketLimits(tick=0.02, stall=0.05, farewell=0.01), "a", id="it takes nothing"),
    ],
)
async def test_a_stuck_client_is_cut_off_and_its_sources_stopped(limits: SocketLimits, identifiers: str) -> None:
    """Beside what the network holds little waits for it, as its sources wait with it."""
    toy = Toy(sockets=limits)
    async with toy.served() as address, connected(address) as client:
        client.connection.transport.pause_reading()
        for identifier in identifiers:
            await client.subscribe("subscription { flood { id } }", identifier)
        await toy.feed.followed_by(len(identifiers))
        await toy.left.acquire()
        assert len(toy.feed) == 0
        assert toy.flooded < 1000
        client.connection.transport.abort()


async def test_an_answer_that_a_stuck_client_does_not_take_holds_up_nothing() -> None:
    toy = Toy(sockets=SocketLimits(tick=0.02, stall=0.05, farewell=0.01))
    async with toy.served() as address, connected(address) as client:
        client.connection.transport.pause_reading()
        await client.subscribe("{ huge }")
        await toy.left.acquire()
        client.connection.transport.abort()


async def test_a_client_that_is_slow_gets_everything() -> None:
    toy = Toy(sockets=SocketLimits(waiting=2))
    async with toy.served() as address, connected(address) as client:
        client.connection.transport.pause_reading()
        for identifier in ("a", "b"):
            await client.subscribe("subscription { flood(events: 100) { id } }", identifier)
        await toy.feed.followed_by(2)
        client.connection.transport.resume_reading()
        types = [(await client.receive())["type"] for _ in range(202)]
    assert (types.count("next"), types.count("complete")) == (200, 2)


async def test_a_revoked_token_ends_the_connection_before_the_next_event() -> None:
    toy = Toy()
    async with toy.served() as address, connected(address) as client:
        await client.subscribe(FEED)
        await toy.feed.followed_by(1)
        toy.feed.publish(Completed(ITEM))
        assert (await client.receive())["type"] == "next"
        toy.revoked.add(TOKEN)
        toy.feed.publish(Completed(ITEM))
        with pytest.raises(ConnectionClosed) as closing:
            await client.receive()
        assert closing.value.rcvd is not None
        assert (closing.value.rcvd.code, closing.value.rcvd.reason) == (4403, "Forbidden")
    await toy.feed.followed_by(0)


async def test_a_revoked_token_ends_a_connection_where_nothing_happens() -> None:
    toy = Toy(sockets=SocketLimits(tick=0.02))
    async with toy.served() as address, connected(address) as client:
        toy.revoked.add(TOKEN)
        assert await client.closed() == (4403, "Forbidden")


async def test_a_revoked_token_starts_no_operation() -> None:
    toy = Toy()
    async with toy.served() as address, connected(address) as client:
        toy.revoked.add(TOKEN)
        await client.subscribe('mutation { rename(name: "x") }')
        assert await client.closed() == (4403, "Forbidden")
    assert toy.renamed == []


async def test_each_operation_has_a_context_of_its_own() -> None:
    toy = Toy()
    async with toy.served() as address, connected(address) as client:
        for identifier in ("a", "b"):
            await client.subscribe("{ greeting }", identifier)
        for _ in range(4):
            await client.receive()
    assert len({context.info.request_id for context in toy.contexts}) == 3
    assert {context.info.transport for context in toy.contexts} == {"websocket"}
    assert {context.info.remote_address for context in toy.contexts} == {"127.0.0.1"}


async def test_an_operation_over_its_time_is_told_so() -> None:
    async with Toy(limits=Limits(execution_seconds=0.02)).served() as address, connected(address) as client:
        await client.subscribe("{ stuck }")
        answer = await client.receive()
        assert (answer["type"], answer["payload"][0]["extensions"]["code"]) == ("error", "TIMEOUT")


async def test_a_server_that_stops_says_so_to_open_sockets() -> None:
    toy = Toy()
    async with connected_to_a_stopping(toy) as client:
        assert (await client.closed())[0] == 1012
    await toy.feed.followed_by(0)


@asynccontextmanager
async def connected_to_a_stopping(toy: Toy) -> AsyncIterator[Client]:
    serving = toy.served()
    address = await serving.__aenter__()
    async with connected(address) as client:
        await client.subscribe(FEED)
        await toy.feed.followed_by(1)
        await serving.__aexit__(None, None, None)
        yield client
