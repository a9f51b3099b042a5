"""GraphQL over HTTP: what is answered with which status, to whom, and within which bounds."""

import asyncio
from collections.abc import AsyncIterator

import httpx2
import pytest
import structlog
from starlette.responses import HTMLResponse
from starlette.types import Message
from structlog.testing import capture_logs

from app.api.limits import Limits
from tests.api.toy import TOKEN, Toy

GRAPHQL = "application/graphql-response+json"
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
URQL = (
    "application/graphql-response+json, application/graphql+json, application/json, text/event-stream, multipart/mixed"
)


def code(response: httpx2.Response) -> str:
    (error,) = response.json()["errors"]
    found: str = error["extensions"]["code"]
    return found


@pytest.mark.parametrize("headers", [{"authorization": ""}, {"authorization": "Bearer tg_wrong"}])
async def test_without_a_valid_token_nothing_is_read(headers: dict[str, str]) -> None:
    """The refusal comes before the body is looked at, and says nothing of why."""
    async with Toy().client(**headers) as client:
        response = await client.post("/graphql", content=b"{", headers={"content-type": "application/json"})
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"
    assert response.json() == {
        "errors": [{"message": "Send a valid token.", "extensions": {"code": "UNAUTHENTICATED"}}]
    }


async def test_while_the_database_is_away_the_answer_is_a_503() -> None:
    async with Toy(down=True).client() as client:
        response = await client.post("/graphql", json={"query": "{ greeting }"})
    assert (response.status_code, code(response)) == (503, "UNAVAILABLE")
    assert response.headers["retry-after"] == "1"


@pytest.mark.parametrize("accept", ["application/json", GRAPHQL])
async def test_an_operation_that_fails_for_want_of_the_database_is_a_503(accept: str) -> None:
    async with Toy().client(accept=accept) as client:
        response = await client.post("/graphql", json={"query": "{ unavailable }"})
    assert (response.status_code, code(response)) == (503, "UNAVAILABLE")


async def test_field_errors_are_a_200_with_what_could_be_answered() -> None:
    async with Toy().client(accept=GRAPHQL) as client:
        response = await client.post("/graphql", json={"query": "{ refused greeting }"})
    assert response.status_code == 200
    assert response.json()["data"] == {"refused": None, "greeting": "Hello world"}


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"])
async def test_other_methods_are_refused(method: str) -> None:
    async with Toy().client() as client:
        response = await client.request(method, "/graphql")
    assert (response.status_code, response.headers["allow"]) == (405, "GET, POST")


async def test_a_mutation_by_get_changes_nothing() -> None:
    toy = Toy()
    async with toy.client() as client:
        response = await client.get("/graphql", params={"query": 'mutation { rename(name: "x") }'})
    assert (response.status_code, response.headers["allow"]) == (405, "POST")
    assert toy.renamed == []
    assert toy.finished == []


@pytest.mark.parametrize(
    "accept", ["image/png", "application/json;q=0", "text/html", "*/*;q=0", "application/json;q=x"]
)
async def test_a_media_type_that_is_not_served_is_a_406(accept: str) -> None:
    async with Toy().client(accept=accept) as client:
        assert (await client.post("/graphql", json={"query": "{ greeting }"})).status_code == 406


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        (URQL, GRAPHQL),
        ("application/json, application/graphql-response+json", "application/json"),
        ("application/json;q=0.5, application/graphql-response+json", GRAPHQL),
        ("*/*, text/event-stream", "application/json"),
        ("application/*;q=0.9, application/json;q=0.1", GRAPHQL),
        ("APPLICATION/JSON ; Q=1", "application/json"),
        ("text/html, application/json", "application/json"),
    ],
)
async def test_the_preferred_media_type_is_served(accept: str, media: str) -> None:
    """urql lists event streams with every request: listed is not preferred."""
    async with Toy().client(accept=accept) as client:
        response = await client.post("/graphql", json={"query": "{ greeting }"})
    assert response.headers["content-type"] == f"{media}; charset=utf-8"
    assert response.json()["data"] == {"greeting": "Hello world"}


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "text/plain"},
        {"content-type": "application/json; charset=latin-1"},
        {"content-type": "multipart/form-data; boundary=x"},
        {"content-type": "application/json", "content-encoding": "gzip"},
    ],
)
async def test_a_body_of_another_kind_is_a_415(headers: dict[str, str]) -> None:
    async with Toy().client() as client:
        response = await client.post("/graphql", content=b'{"query": "{ greeting }"}', headers=headers)
    assert (response.status_code, code(response)) == (415, "INVALID_INPUT")


async def test_a_subscription_without_a_stream_says_how_to_get_one() -> None:
    async with Toy().client(accept="application/json") as client:
        response = await client.post("/graphql", json={"query": "subscription { count(to: 1) }"})
    assert response.status_code == 406
    assert "text/event-stream" in response.json()["errors"][0]["message"]


async def test_a_browser_gets_the_page_and_a_client_an_answer() -> None:
    toy = Toy(page=lambda: HTMLResponse("<p>GraphiQL</p>"))
    async with toy.client(authorization="") as client:
        page = await client.get("/graphql", headers={"accept": BROWSER})
        answer = await client.get("/graphql", headers={"accept": "*/*"})
    assert (page.status_code, page.text) == (200, "<p>GraphiQL</p>")
    assert answer.status_code == 401


async def test_the_page_is_no_answer_to_a_post() -> None:
    async with Toy(page=lambda: HTMLResponse("<p>GraphiQL</p>")).client(accept="text/html") as client:
        assert (await client.post("/graphql", json={"query": "{ greeting }"})).status_code == 406


async def test_a_browser_without_a_page_is_told_what_is_missing() -> None:
    async with Toy().client(accept=BROWSER) as client:
        response = await client.get("/graphql")
    assert response.status_code == 400
    assert response.json()["errors"][0]["message"] == "query is missing: send the document in it, as a string."


async def test_answers_are_not_kept_by_caches() -> None:
    async with Toy().client() as client:
        response = await client.get("/graphql", params={"query": "{ greeting }"})
    assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("declared", [True, False])
async def test_a_body_over_the_limit_is_a_413(declared: bool) -> None:
    """Also where no length was declared, and before all of it was read."""

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(11):
            yield b" " * 10

    toy = Toy(limits=Limits(body=100))
    async with toy.client() as client:
        body = b" " * 101 if declared else chunks()
        response = await client.post("/graphql", content=body, headers={"content-type": "application/json"})
    assert response.status_code == 413
    assert response.json()["errors"][0]["message"] == "The body is larger than 100 bytes."


async def test_a_body_that_does_not_come_is_a_408() -> None:
    async def trickle() -> AsyncIterator[bytes]:
        yield b'{"query": '
        await asyncio.Event().wait()

    async with Toy(limits=Limits(body_seconds=0.02)).client() as client:
        response = await client.post("/graphql", content=trickle(), headers={"content-type": "application/json"})
    assert response.status_code == 408
    assert response.json()["errors"][0]["message"] == "The body did not come within 0.02 s."


async def test_a_slow_body_does_not_hold_a_connection_of_a_real_server() -> None:
    head = f"POST /graphql HTTP/1.1\r\nHost: x\r\nAuthorization: {TOKEN}\r\nContent-Type: application/json\r\n"
    async with Toy(limits=Limits(body_seconds=0.05)).served() as address:
        host, port = address.split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(f"{head}Content-Length: 100\r\n\r\n{{".encode())
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"\r\nconnection: close\r\n" in answer.lower()


async def test_a_client_that_leaves_midway_is_no_fault() -> None:
    async def receive() -> Message:
        return {"type": "http.disconnect"}

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [(b"authorization", TOKEN.encode()), (b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": "/graphql", "query_string": b"", "headers": headers}
    structlog.reset_defaults()
    with capture_logs() as logs:
        await Toy().app(scope, receive, send)
    assert logs == []
    assert sent[0]["status"] == 400


async def test_the_context_knows_who_asks_from_where() -> None:
    toy = Toy()
    async with toy.client(**{"user-agent": "tester/1"}) as client:
        await client.post("/graphql", json={"query": "{ greeting }"})
    (context,) = toy.contexts
    info = context.info
    assert (info.remote_address, info.user_agent, info.transport) == ("127.0.0.1", "tester/1", "http")
    assert info.authorization == TOKEN
