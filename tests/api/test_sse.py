"""Server-Sent Events through a real server: graphql-sse's distinct connections, bounded and masked as elsewhere."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
import orjson
import pytest

from app.api.sse import StreamLimits
from app.kernel.completed import Completed
from app.kernel.errors import DomainError, ErrorCode, Refusal, Unavailable
from tests.api.toy import ITEM, SECRET, TOKEN, Toy

EVENTS = "text/event-stream"
FEED = "subscription { feed { id } }"
COMPLETE = "event: complete\ndata:\n\n"


def following(data: object) -> str:
    return f"event: next\ndata: {orjson.dumps(data).decode()}\n\n"


@asynccontextmanager
async def streaming(
    address: str, query: str, accept: str = EVENTS, token: str = TOKEN
) -> AsyncIterator[tuple[httpx2.Response, AsyncIterator[str]]]:
    headers = {"accept": accept, "authorization": token}
    async with (
        httpx2.AsyncClient(base_url=f"http://{address}", headers=headers, timeout=None) as client,
        client.stream("POST", "/graphql", json={"query": query}) as response,
    ):
        yield response, response.aiter_text()


async def told(query: str, toy: Toy | None = None, accept: str = EVENTS) -> str:
    """All of a stream that ends."""
    async with (toy or Toy()).served() as address, streaming(address, query, accept) as (response, texts):
        assert (response.status_code, response.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
        return "".join([text async for text in texts])


async def test_a_subscription_tells_each_event_and_then_that_it_is_complete() -> None:
    """Lines end with LF, as clients split on two of them."""
    toy = Toy()
    events = [following({"data": {"count": n}, "extensions": {"cost": 1}}) for n in range(2)]
    assert await told("subscription { count(to: 2) }", toy) == "".join(events) + COMPLETE
    assert [field.name for _, fields in toy.finished for field in fields] == ["count"]
    assert toy.contexts[0].info.transport == "sse"


async def test_a_query_is_a_stream_where_one_is_preferred() -> None:
    expected = following({"data": {"greeting": "Hello world"}, "extensions": {"cost": 1}})
    assert await told("{ greeting }", accept="text/event-stream, application/json;q=0.9") == expected + COMPLETE


async def test_a_subscription_is_a_stream_wherever_one_is_accepted() -> None:
    assert (await told("subscription { count(to: 0) }", accept="application/json, text/event-stream")) == COMPLETE


async def test_a_get_streams_too() -> None:
    async with Toy().served() as address, httpx2.AsyncClient(headers={"authorization": TOKEN}) as client:
        parameters = {"query": "subscription { count(to: 0) }"}
        response = await client.get(f"http://{address}/graphql", params=parameters, headers={"accept": EVENTS})
    assert (response.status_code, response.text) == (200, COMPLETE)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("subscription {", "GRAPHQL_PARSE_FAILED"),
        ("subscription { nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription ($n: Int!) { count(to: $n) }", "INVALID_INPUT"),
        ("subscription { forbidden }", "ACCESS_DENIED"),
        ("{ broken }", "INTERNAL"),
    ],
)
async def test_an_operation_that_is_refused_is_told_so_in_the_stream(query: str, code: str) -> None:
    text = await told(query)
    assert text.endswith(COMPLETE)
    assert f'"code":"{code}"' in text
    assert SECRET not in text


async def test_an_event_encoded_elsewhere_stays_on_one_line() -> None:
    toy = Toy()
    async with toy.served() as address, streaming(address, FEED) as (_, texts):
        await toy.feed.followed_by(1)
        toy.feed.publish(Completed(orjson.Fragment(b'{\r\n  "id": "a"\n}')))
        event = await anext(texts)
    name, data = event.rstrip("\n").split("\n")
    assert name == "event: next"
    assert json.loads(data.removeprefix("data: "))["data"] == {"feed": {"id": "a"}}


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (DomainError(Refusal(code=ErrorCode.NOT_SHARED, message="The share has ended.")), "NOT_SHARED"),
        (RuntimeError(SECRET), "INTERNAL"),
        (Unavailable(), "UNAVAILABLE"),
    ],
)
async def test_a_subscription_that_fails_midway_ends_with_its_error_masked(failure: Exception, code: str) -> None:
    toy = Toy()
    async with toy.served() as address, streaming(address, FEED) as (_, texts):
        await toy.feed.followed_by(1)
        toy.feed.publish(failure)
        text = "".join([text async for text in texts])
    assert text.endswith(COMPLETE)
    assert f'"code":"{code}"' in text
    assert SECRET not in text


async def test_a_quiet_stream_is_kept_alive_by_comments() -> None:
    toy = Toy(streams=StreamLimits(tick=0.01))
    async with toy.served() as address, streaming(address, FEED) as (_, texts):
        assert await anext(texts) == ":\n\n"
        assert await anext(texts) == ":\n\n"


async def test_a_client_that_leaves_is_unsubscribed() -> None:
    toy = Toy()
    async with toy.served() as address:
        async with streaming(address, FEED):
            await toy.feed.followed_by(1)
        await toy.feed.followed_by(0)
    assert toy.event_streams.open == 0


@pytest.mark.parametrize("quiet", [True, False])
async def test_a_revoked_token_ends_the_stream_before_the_next_event_and_soon_without_one(quiet: bool) -> None:
    toy = Toy(streams=StreamLimits(tick=0.02 if quiet else 60))
    async with toy.served() as address, streaming(address, FEED) as (_, texts):
        await toy.feed.followed_by(1)
        toy.revoked.add(TOKEN)
        if not quiet:
            toy.feed.publish(Completed(ITEM))
        text = "".join([text async for text in texts])
    error = {"message": "This token is not valid any more.", "extensions": {"code": "UNAUTHENTICATED"}}
    assert re.sub(r"(?m)^:\n\n", "", text) == following({"errors": [error]}) + COMPLETE


async def test_without_a_valid_token_there_is_no_stream() -> None:
    async with Toy().served() as address, streaming(address, FEED, token="Bearer tg_wrong") as (response, _):
        assert response.status_code == 401


async def test_a_body_that_is_no_request_is_no_stream() -> None:
    async with Toy().client(accept=EVENTS) as client:
        response = await client.post("/graphql", json=[])
    assert (response.status_code, response.headers["content-type"]) == (400, "application/json; charset=utf-8")


async def test_streams_are_bounded() -> None:
    toy = Toy(streams=StreamLimits(streams=1))
    async with toy.served() as address, streaming(address, FEED):
        await toy.feed.followed_by(1)
        async with streaming(address, FEED) as (response, _):
            assert response.status_code == 503


@pytest.mark.parametrize(
    "limits",
    [
        pytest.param(StreamLimits(waiting=1, tick=0.03, stall=0.05, farewell=0.01), id="there is no room"),
        pytest.param(StreamLimits(tick=0.1, stall=0.05, farewell=0.01), id="it takes nothing"),
    ],
)
async def test_a_stuck_client_is_cut_off_and_its_source_stopped(limits: StreamLimits) -> None:
    toy = Toy(streams=limits)
    query = json.dumps({"query": "subscription { flood { id } }"})
    head = f"POST /graphql HTTP/1.1\r\nHost: x\r\nAuthorization: {TOKEN}\r\nAccept: {EVENTS}\r\n"
    async with toy.served() as address:
        host, port = address.split(":")
        _, writer = await asyncio.open_connection(host, int(port), limit=1)
        writer.write(f"{head}Content-Type: application/json\r\nContent-Length: {len(query)}\r\n\r\n{query}".encode())
        await toy.feed.followed_by(1)
        await toy.feed.followed_by(0)
        writer.close()


async def test_a_server_that_stops_ends_its_streams_at_once_and_without_complete() -> None:
    """So that clients connect anew; the server need not wait until its patience ends."""
    toy = Toy()
    texts: list[str] = []
    async with toy.served() as address:
        stream = streaming(address, FEED)
        _, received = await stream.__aenter__()
        await toy.feed.followed_by(1)
        reading = asyncio.ensure_future(anext(received, None))
    texts.append(await reading or "")
    await stream.__aexit__(None, None, None)
    await toy.feed.followed_by(0)
    assert texts == [""]
