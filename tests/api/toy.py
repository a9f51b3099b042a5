"""A small schema behind the whole GraphQL edge, to hold the edge's rules against."""

import asyncio
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, cast

import httpx2
import orjson
import strawberry
import uvicorn
from graphql import OperationType
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import Receive, Scope, Send
from strawberry.scalars import JSON

from app.api.engine import Engine
from app.api.http import GraphQLOverHTTP
from app.api.limits import Limits
from app.api.operations import ConnectionInfo, RootField
from app.api.socket import SocketLimits
from app.api.sse import EventStreams, StreamLimits
from app.api.websocket import GraphQLOverWebSocket
from app.cli.websockets import LightProtocol
from app.kernel.completed import Completed
from app.kernel.errors import DomainError, ErrorCode, Refusal, Unauthenticated, Unavailable
from tests.support.feeds import Shelf

TOKEN = "Bearer tg_valid"
SECRET = "the database password is hunter2"
ITEM = {"id": "i1", "name": "complete"}


@dataclass
class ToyContext:
    """Remembers what the edge told it."""

    toy: "Toy"
    info: ConnectionInfo

    async def finished(self, operation_type: OperationType, root_fields: list[RootField]) -> None:
        self.toy.finished.append((operation_type, root_fields))
        self.toy.recorded.set()
        if self.toy.unrecorded is not None:
            raise self.toy.unrecorded

    @property
    def caller(self) -> str | None:
        return self.info.authorization

    async def revalidate(self) -> None:
        self.toy.revalidated += 1
        if self.info.authorization in self.toy.revoked:
            raise Unauthenticated("This token is not valid any more.")


class Feed:
    """Events for whoever is subscribed."""

    def __init__(self) -> None:
        self._subscribers: list[asyncio.Queue[Any]] = []
        self._changed = asyncio.Condition()

    def publish(self, event: object) -> None:
        for events in self._subscribers:
            events.put_nowait(event)

    @asynccontextmanager
    async def subscribed(self) -> AsyncIterator[asyncio.Queue[Any]]:
        events: asyncio.Queue[Any] = asyncio.Queue()
        async with self._changed:
            self._subscribers.append(events)
            self._changed.notify_all()
        try:
            yield events
        finally:
            async with self._changed:
                self._subscribers.remove(events)
                self._changed.notify_all()

    def __len__(self) -> int:
        return len(self._subscribers)

    async def followed_by(self, count: int) -> None:
        """Wait until there are as many subscribers."""
        async with self._changed:
            await self._changed.wait_for(lambda: len(self._subscribers) == count)


ToyInfo = strawberry.Info[ToyContext, None]


@strawberry.type
class Item:
    id: strawberry.ID
    name: str

    @strawberry.field
    def parts(self) -> list["Item"]:
        return [Item(id=strawberry.ID(f"{self.id}.1"), name="part")]

    @strawberry.field
    def broken(self) -> str:
        raise RuntimeError(SECRET)


@strawberry.type
class Edge:
    cursor: str
    node: Item


@strawberry.type
class PageInfo:
    has_next_page: bool


@strawberry.type
class Connection:
    edges: list[Edge]
    page_info: PageInfo
    total_count: int


@strawberry.input
class Parcel:
    weight: int
    label: str | None = None


@strawberry.enum
class Shape(Enum):
    OBJECT = "object"
    FRAGMENT = "fragment"
    NULL = "null"


VALUES = {Shape.OBJECT: ITEM, Shape.FRAGMENT: orjson.Fragment(b'{"id":"i1","name":"complete"}'), Shape.NULL: None}


def whole(value: object) -> Item:
    """An item that is complete already."""
    return cast("Item", Completed(value))


@strawberry.type
class Query:
    @strawberry.field
    def greeting(self, name: str = "world") -> str:
        return f"Hello {name}"

    @strawberry.field
    def required(self, count: int = 3) -> int:
        return count

    @strawberry.field
    def weigh(self, parcel: Parcel) -> int:
        return parcel.weight

    @strawberry.field
    def items(self, first: int | None = None, last: int | None = None) -> Connection:
        edges = [Edge(cursor=str(n), node=Item(id=strawberry.ID(str(n)), name="item")) for n in range(first or 2)]
        return Connection(edges=edges, page_info=PageInfo(has_next_page=False), total_count=len(edges))

    @strawberry.field
    def item_list(self, first: int = 20) -> list[Item]:
        return []

    @strawberry.field
    def nodes(self, ids: list[strawberry.ID]) -> list[Item | None]:
        return [None for _ in ids]

    @strawberry.field
    def item(self) -> Item | None:
        return Item(id=strawberry.ID("i1"), name="item")

    @strawberry.field
    def broken(self) -> str:
        raise RuntimeError(SECRET)

    @strawberry.field
    async def refused(self) -> str | None:
        raise DomainError(
            Refusal(
                code=ErrorCode.ROLE_MISSING,
                message="The member role is gone.",
                remedy="Restore it.",
                rule="TR-2",
                account_id="111122223333",
                node_ids=("n1",),
            ),
            Refusal(code=ErrorCode.INVALID_INPUT, message="The Region is unknown.", field=("input", "region")),
        )

    @strawberry.field
    async def unavailable(self) -> str:
        raise Unavailable

    @strawberry.field
    async def stuck(self) -> str:
        await asyncio.Event().wait()
        return "never"

    @strawberry.field
    def huge(self) -> str:
        return "x" * 20_000_000

    @strawberry.field
    def unencodable(self) -> JSON:
        return cast("JSON", {"value": 2**70})

    @strawberry.field
    def completed(self, shape: Shape) -> Item:
        return whole(VALUES[shape])

    @strawberry.field
    async def completed_later(self, shape: Shape) -> Item | None:
        return whole(VALUES[shape])

    @strawberry.field
    def completed_list(self) -> list[Item]:
        return cast("list[Item]", Completed([ITEM, ITEM]))

    @strawberry.field
    def completed_items(self) -> list[Item]:
        return [whole(ITEM), Item(id=strawberry.ID("i2"), name="resolved")]


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def rename(self, info: ToyInfo, name: str) -> str:
        info.context.toy.renamed.append(name)
        return name

    @strawberry.mutation
    async def break_down(self) -> str:
        raise RuntimeError(SECRET)

    @strawberry.mutation
    async def wait_for(self, info: ToyInfo) -> str:
        info.context.toy.waiting.set()
        await info.context.toy.go_on.wait()
        return "done"

    @strawberry.mutation
    async def make(self) -> Item:
        return whole(ITEM)


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def count(self, to: int) -> AsyncGenerator[int, None]:
        for number in range(to):
            yield number

    @strawberry.subscription
    async def feed(self, info: ToyInfo) -> AsyncGenerator[Item, None]:
        """What the test publishes; an exception is raised."""
        async with info.context.toy.feed.subscribed() as events:
            while True:
                event = await events.get()
                if isinstance(event, Exception):
                    raise event
                yield event

    @strawberry.subscription
    async def flood(self, info: ToyInfo, events: int = 1_000_000) -> AsyncGenerator[Item, None]:
        """More than the network takes at once."""
        event = whole(orjson.Fragment(orjson.dumps({"id": "x" * 100_000})))
        async with info.context.toy.feed.subscribed():
            for _ in range(events):
                info.context.toy.flooded += 1
                yield event
                await asyncio.sleep(0)

    @strawberry.subscription
    async def shared(self, info: ToyInfo) -> AsyncGenerator[Item, None]:
        """What the test puts on the shelf, handed to who sleeps."""
        toy = info.context.toy
        follower: Any = toy.shelf.follow(await toy.shelf.head())
        return follower  # type: ignore[no-any-return]

    @strawberry.subscription
    async def forbidden(self) -> AsyncGenerator[int, None]:
        raise DomainError(Refusal(code=ErrorCode.ACCESS_DENIED, message="Not for you.", rule="PM-1"))


SCHEMA = strawberry.Schema(Query, Mutation, Subscription)


@dataclass
class Toy:
    """One server, and all that its resolvers and contexts did."""

    limits: Limits = field(default_factory=Limits)
    sockets: SocketLimits = field(default_factory=SocketLimits)
    streams: StreamLimits = field(default_factory=StreamLimits)
    suggestions: bool = False
    page: Callable[[], Response] | None = None
    unrecorded: Exception | None = None
    down: bool = False
    revoked: set[str | None] = field(default_factory=set)
    contexts: list[ToyContext] = field(default_factory=list)
    finished: list[tuple[OperationType, list[RootField]]] = field(default_factory=list)
    renamed: list[str] = field(default_factory=list)
    revalidated: int = 0
    flooded: int = 0
    feed: Feed = field(default_factory=Feed)
    shelf: Shelf = field(default_factory=Shelf)
    protocol: type[asyncio.Protocol] = LightProtocol
    waiting: asyncio.Event = field(default_factory=asyncio.Event)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)
    left: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))
    recorded: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.engine = Engine(SCHEMA, self.limits, suggestions=self.suggestions)
        self.event_streams = EventStreams(self.streams)
        self.websocket = GraphQLOverWebSocket(self.engine, self.context, self.sockets)
        http = GraphQLOverHTTP(self.engine, self.context, self.event_streams, self.page)
        self.app = Starlette(routes=[Route("/graphql", http), WebSocketRoute("/graphql", Sockets(self))])

    async def context(self, info: ConnectionInfo) -> ToyContext:
        if self.down:
            raise Unavailable
        if info.authorization != TOKEN or info.authorization in self.revoked:
            raise Unauthenticated
        context = ToyContext(self, info)
        self.contexts.append(context)
        return context

    def client(self, **headers: str) -> httpx2.AsyncClient:
        """Speaks to the application in process."""
        return httpx2.AsyncClient(
            transport=httpx2.ASGITransport(self.app),
            base_url="http://toy",
            headers={"authorization": TOKEN, **headers},
        )

    async def run(self, query: str, variables: dict[str, Any] | None = None, **headers: str) -> dict[str, Any]:
        """The JSON of one answer over HTTP."""
        async with self.client(**headers) as client:
            response = await client.post("/graphql", json={"query": query, "variables": variables})
        answer: dict[str, Any] = response.json()
        return answer

    @asynccontextmanager
    async def served(self) -> AsyncIterator[str]:
        """A real server on a free port of this machine; yields its host and port."""
        listener = socket.create_server(("127.0.0.1", 0))
        config = uvicorn.Config(
            self.app,
            ws=self.protocol,
            log_level="critical",
            lifespan="off",
            ws_per_message_deflate=False,
            timeout_graceful_shutdown=5,
        )
        server = Server(config, self.event_streams)
        serving = asyncio.create_task(server.serve([listener]))
        try:
            async with asyncio.timeout(20):
                yield f"127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await serving


class Sockets:
    """Tells when a connection has ended on the server's side."""

    def __init__(self, toy: Toy) -> None:
        self.toy = toy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self.toy.websocket(scope, receive, send)
        finally:
            self.toy.left.release()


class Server(uvicorn.Server):
    """Ends open streams before it waits for open requests, as a server has to."""

    def __init__(self, config: uvicorn.Config, streams: EventStreams) -> None:
        super().__init__(config)
        self.streams = streams

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.streams.close()
        await super().shutdown(sockets)
