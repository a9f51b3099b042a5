"""One WebSocket connection: it reads messages, runs the operations in them, and ends with the code that says why."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import ParamSpec

from graphql import OperationType
from starlette.types import Send
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketDisconnected

from app.api.answer import encode
from app.api.connection import connection_info
from app.api.documents import Refused
from app.api.engine import Engine
from app.api.envelope import BadEnvelope, GraphQLRequest, from_payload
from app.api.masking import malformed, refused, unexpected
from app.api.operations import ContextFactory, OperationContext
from app.api.outbox import Outbox, TooSlow
from app.api.protocol import (
    Close,
    Message,
    authorization,
    complete_message,
    details,
    error_message,
    identifier,
    next_message,
    read,
)
from app.kernel.errors import Unauthenticated, Unavailable

Work = ParamSpec("Work")
LATE = "Connection initialisation timeout"


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketLimits:
    """Bounds on sockets, in seconds where not said otherwise."""

    connections: int = 10_000
    "At once, of the whole server."
    operations: int = 100
    "At once, of one connection."
    message: int = 256 * 1024
    "Characters of what a client sends."
    waiting: int = 256
    "Messages that wait for one client; while as many do, their sources wait too."
    init: float = 3.0
    "Until `connection_init` has come."
    tick: float = 15.0
    "Between looks at the token, and at whether the client takes what it is sent."
    stall: float = 10.0
    "Until a client that takes nothing is cut off."
    farewell: float = 1.0
    "For the closing message."


class Running:
    """One operation: whether the client still wants it, and whether it may be stopped midway."""

    def __init__(self) -> None:
        self.task: asyncio.Task[None] | None = None
        self.wanted = True
        self.stoppable = False

    def drop(self) -> None:
        """Send nothing more. A query or a mutation goes on to its end, so that it is recorded."""
        self.wanted = False
        if self.stoppable and self.task is not None:
            self.task.cancel()


class Socket:
    """An accepted connection."""

    def __init__(
        self, websocket: WebSocket, send: Send, engine: Engine, context_factory: ContextFactory, limits: SocketLimits
    ) -> None:
        """`send` is the ASGI callable of the websocket, which costs each message less than the websocket's own."""
        self._websocket = websocket
        self._send_message = send
        self._engine = engine
        self._context_factory = context_factory
        self._limits = limits
        self._loop = asyncio.get_running_loop()
        self._outbox = Outbox(self._send, self._stop, capacity=limits.waiting, stall=limits.stall)
        self._by_id: dict[str, Running] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._operations: set[Running] = set()
        self._end: asyncio.Future[Close | None] = self._loop.create_future()
        self._timer: asyncio.TimerHandle | None = None
        self._initialised = False
        self._authorization: str | None = None
        self._context: OperationContext | None = None

    async def serve(self) -> None:
        """Until the client leaves, breaks the protocol or a bound, or has its token revoked."""
        reading = self._begin(self._read)
        self._timer = self._loop.call_later(self._limits.init, self._stop, Close(4408, LATE))
        try:
            close = await self._end
            self._outbox.close()
            if close is not None:
                with suppress(Exception):
                    async with asyncio.timeout(self._limits.farewell):
                        await self._websocket.close(close.code, close.reason)
        finally:
            self._timer.cancel()
            self._outbox.close()
            reading.cancel()
            for running in self._operations:
                running.drop()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _begin(
        self, work: Callable[Work, Awaitable[None]], *args: Work.args, **named: Work.kwargs
    ) -> asyncio.Task[None]:
        """Do something beside; an error in it ends the connection."""
        task = asyncio.create_task(self._guard(work, *args, **named))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _guard(self, work: Callable[Work, Awaitable[None]], *args: Work.args, **named: Work.kwargs) -> None:
        try:
            await work(*args, **named)
        except Exception as error:
            self._stop(error)

    def _stop(self, error: Exception) -> None:
        if not self._end.done():
            self._end.set_result(_close(error))

    async def _read(self) -> None:
        while True:
            received = await self._websocket.receive()
            if received["type"] == "websocket.disconnect":
                raise WebSocketDisconnect
            await self._handle(read(received.get("text"), self._limits.message))

    async def _handle(self, message: Message) -> None:
        match message.get("type"):
            case "connection_init":
                await self._initialise(details(message))
            case "ping":
                await self._tell({"type": "pong", "payload": details(message)})
            case "pong":
                details(message)
            case "subscribe":
                await self._subscribe(identifier(message), message.get("payload"))
            case "complete":
                running = self._by_id.pop(identifier(message), None)
                if running is not None:
                    running.drop()
            case _:
                raise Close(4400, "Unknown message type")

    async def _initialise(self, payload: Message) -> None:
        if self._initialised:
            raise Close(4429, "Too many initialisation requests")
        self._initialised = True
        self._look_later()
        self._authorization = authorization(payload)
        try:
            self._context = await self._new_context()
        except Unavailable:
            raise Close(1013, "Try again later") from None
        await self._tell({"type": "connection_ack"})

    async def _new_context(self) -> OperationContext:
        return await self._context_factory(connection_info(self._websocket.scope, "websocket", self._authorization))

    async def _subscribe(self, operation: str, payload: object) -> None:
        if self._context is None:
            raise Close(4401, "Unauthorized")
        if operation in self._by_id:
            raise Close(4409, f"Subscriber for {operation} already exists")
        try:
            request = from_payload(payload, self._engine.limits, "The payload")
        except BadEnvelope as error:
            raise Close(4400, str(error)) from None
        if len(self._operations) >= self._limits.operations:
            bound = f"A connection runs {self._limits.operations} operations at once, no more."
            await self._tell(error_message(operation, [malformed(bound)]))
            return
        running = self._by_id[operation] = Running()
        running.task = self._begin(self._operate, operation, request, running)
        self._operations.add(running)
        running.task.add_done_callback(lambda _: self._operations.discard(running))

    async def _operate(self, operation: str, request: GraphQLRequest, running: Running) -> None:
        last = await self._answer(operation, request, running)
        if running.wanted:
            # The client may use the id again as soon as it has this message.
            del self._by_id[operation]
            await self._tell(last)

    async def _answer(self, operation: str, request: GraphQLRequest, running: Running) -> Message:
        """Tell the answers of an operation, and return the message that ends it."""
        try:
            prepared = self._engine.prepare(request)
            running.stoppable = prepared.type is OperationType.SUBSCRIPTION
            context = await self._new_context()
            async with aclosing(self._engine.stream(prepared, context)) as answers:
                async for answer in answers:
                    # What is left to do is to tell it, which may wait for ever on a client that is stuck.
                    running.stoppable = True
                    if answer.refused:
                        return error_message(operation, answer.errors)
                    if running.wanted:
                        await self._tell(next_message(operation, answer.payload))
        except Refused as error:
            return error_message(operation, error.errors)
        except Unavailable as error:
            return error_message(operation, [refused(error)])
        except (Unauthenticated, TooSlow):
            raise
        except Exception as error:
            return error_message(operation, [unexpected(error)])
        return complete_message(operation)

    def _look_later(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if not self._end.done():
            self._timer = self._loop.call_later(self._limits.tick, self._begin, self._look)

    async def _look(self) -> None:
        """Whether the client still takes what it is sent, and its token is still good."""
        self._outbox.check()
        if self._context is not None:
            with suppress(Unavailable):
                await self._context.revalidate()
        self._look_later()

    async def _tell(self, message: Message) -> None:
        await self._outbox.put(encode(message))

    async def _send(self, message: bytes) -> None:
        await self._send_message({"type": "websocket.send", "text": message.decode()})


def _close(error: Exception) -> Close | None:
    """How a connection ends for an error; None where the client is gone."""
    match error:
        case Close():
            return error
        case Unauthenticated():
            return Close(4403, "Forbidden")
        case TooSlow():
            return Close(1013, "Too slow: connect anew and resume")
        case WebSocketDisconnect() | WebSocketDisconnected() | OSError():
            return None
        case _:
            return Close(1011, unexpected(error)["message"])
