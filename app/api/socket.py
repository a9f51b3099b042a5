"""One WebSocket connection: it reads messages, runs the operations in them, and ends with the code that says why."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, ParamSpec

from graphql import OperationType
from starlette.types import Receive, Send
from starlette.websockets import WebSocketDisconnect, WebSocketDisconnected

from app.api.answer import Answer, encode
from app.api.documents import Refused
from app.api.engine import Engine
from app.api.envelope import BadEnvelope, GraphQLRequest, from_payload
from app.api.masking import malformed, refused, unexpected
from app.api.operations import ConnectionInfo, ContextFactory, OperationContext
from app.api.outbox import Outbox, TooSlow, Write
from app.api.protocol import (
    Close,
    Message,
    authorization,
    complete_message,
    details,
    error_message,
    identifier,
    read,
)
from app.api.running import Running
from app.api.subscription import Subscription
from app.kernel.errors import Unauthenticated, Unavailable
from app.kernel.ids import new_uuid

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


class Socket:
    """An accepted connection. It is one task, whatever is subscribed; what is done beside comes and goes."""

    __slots__ = (
        "_context",
        "_context_factory",
        "_end",
        "_engine",
        "_info",
        "_initialised",
        "_limits",
        "_operations",
        "_outbox",
        "_reading",
        "_receive",
        "_send_message",
        "_stopped",
        "_tasks",
        "_timer",
    )

    def __init__(
        self,
        doors: tuple[Receive, Send, Write | None],
        info: ConnectionInfo,
        engine: Engine,
        context_factory: ContextFactory,
        limits: SocketLimits,
    ) -> None:
        """`doors` are the server's. `info` has no authorization yet; without a request id, operations get their own."""
        self._receive, self._send_message, write = doors
        self._info = info
        self._engine = engine
        self._context_factory = context_factory
        self._limits = limits
        self._outbox = Outbox(self._send, self._stop, capacity=limits.waiting, stall=limits.stall, write=write)
        self._operations: list[Running] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._reading: asyncio.Task[Any] | None = None
        self._stopped = False
        self._end: Close | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._initialised = False
        self._context: OperationContext | None = None

    async def serve(self) -> None:
        """Until the client leaves, breaks the protocol or a bound, or has its token revoked."""
        self._look_later(self._limits.init, self._late)
        try:
            await self._until_stopped()
            self._outbox.close()
            if self._end is not None:
                with suppress(Exception):
                    async with asyncio.timeout(self._limits.farewell):
                        closing = {"type": "websocket.close", "code": self._end.code, "reason": self._end.reason}
                        await self._send_message(closing)
        finally:
            self._stop(WebSocketDisconnect())
            if self._timer is not None:
                self._timer.cancel()
            self._outbox.close()
            for running in tuple(self._operations):
                running.drop()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _until_stopped(self) -> None:
        reading = self._reading = asyncio.current_task()
        assert reading is not None
        try:
            await self._read()
        except asyncio.CancelledError:
            # `_stop` ends the reading so; that of others is not to be held up.
            if not self._stopped or reading.uncancel() > 0:
                raise
        except Exception as error:
            self._reading = None
            self._stop(error)
        finally:
            self._reading = None

    def _stop(self, error: Exception) -> None:
        if not self._stopped:
            self._stopped = True
            self._end = _close(error)
            if self._reading is not None:
                self._reading.cancel()

    def _late(self) -> None:
        self._stop(Close(4408, LATE))

    def _begin(
        self, work: Callable[Work, Awaitable[None]], *args: Work.args, **named: Work.kwargs
    ) -> asyncio.Task[None]:
        """Do something beside; an error in it ends the connection."""
        task = asyncio.create_task(self._guard(work, *args, **named))
        self._tasks.append(task)
        task.add_done_callback(self._tasks.remove)
        return task

    async def _guard(self, work: Callable[Work, Awaitable[None]], *args: Work.args, **named: Work.kwargs) -> None:
        try:
            await work(*args, **named)
        except Exception as error:
            self._stop(error)

    async def _read(self) -> None:
        while True:
            received = await self._receive()
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
                self._complete(identifier(message))
            case _:
                raise Close(4400, "Unknown message type")

    async def _initialise(self, payload: Message) -> None:
        if self._initialised:
            raise Close(4429, "Too many initialisation requests")
        self._initialised = True
        self._look_later(self._limits.tick, self._look_now)
        self._info = replace(self._info, authorization=authorization(payload))
        try:
            self._context = await self._new_context()
        except Unavailable:
            raise Close(1013, "Try again later") from None
        await self._tell({"type": "connection_ack"})

    async def _new_context(self) -> OperationContext:
        info = self._info
        return await self._context_factory(info if info.request_id else replace(info, request_id=new_uuid()))

    # ------------------------------------------------------------ operations

    async def _subscribe(self, operation: str, payload: object) -> None:
        if self._context is None:
            raise Close(4401, "Unauthorized")
        if self._wanted(operation) is not None:
            raise Close(4409, f"Subscriber for {operation} already exists")
        try:
            request = from_payload(payload, self._engine.limits, "The payload")
        except BadEnvelope as error:
            raise Close(4400, str(error)) from None
        if len(self._operations) >= self._limits.operations:
            bound = f"A connection runs {self._limits.operations} operations at once, no more."
            await self._tell(error_message(operation, [malformed(bound)]))
            return
        running = Running(self, operation)
        self._operations.append(running)
        running.task = self._begin(self._operate, running, request)

    def _wanted(self, operation: str) -> Running | None:
        return next((each for each in self._operations if each.wanted and each.id == operation), None)

    def _complete(self, operation: str) -> None:
        running = self._wanted(operation)
        if running is not None:
            slept = running.asleep
            running.drop()
            if slept:
                self._operations.remove(running)

    def offer(self, messages: list[bytes]) -> bool:
        """Send at once what an operation that is asleep tells, if nothing is in the way."""
        return self._outbox.offer(messages)

    def resume(self, running: Running) -> None:
        """Go on with a subscription at the pace of the client."""
        running.task = self._begin(self._operate, running, None)

    async def _operate(self, running: Running, request: GraphQLRequest | None) -> None:
        try:
            last = await self._answer(running, request)
            if last is not None and running.wanted:
                # The client may use the id again as soon as it has this message.
                running.wanted = False
                await self._tell(last)
        finally:
            running.task = None
            if not running.asleep:
                self._operations.remove(running)

    async def _answer(self, running: Running, request: GraphQLRequest | None) -> Message | None:
        """Tell the answers of an operation, and return the message that ends it; None if it sleeps now."""
        operation = running.id
        try:
            ending = None if request is None else await self._start(running, request)
            if ending is None and running.subscription is not None:
                ending = await self._follow(running, running.subscription)
        except Refused as error:
            return error_message(operation, error.errors)
        except Unavailable as error:
            return error_message(operation, [refused(error)])
        except (Unauthenticated, TooSlow):
            raise
        except Exception as error:
            return error_message(operation, [unexpected(error)])
        if ending is not None:
            return error_message(operation, ending.errors)
        return None if running.asleep else complete_message(operation)

    async def _start(self, running: Running, request: GraphQLRequest) -> Answer | None:
        """Begin a subscription, or run all of another operation; the answer that ends it at once."""
        prepared = self._engine.prepare(request)
        running.stoppable = prepared.type is OperationType.SUBSCRIPTION
        context = await self._new_context()
        if prepared.type is OperationType.SUBSCRIPTION:
            begun = await self._engine.subscribe(prepared, context)
            if isinstance(begun, Answer):
                return begun
            running.subscription = begun
            return None
        return await self._pass_on(running, await self._engine.execute(prepared, context))

    async def _follow(self, running: Running, subscription: Subscription) -> Answer | None:
        """Tell what there is, until it sleeps or is over; the answer that ends it."""
        try:
            while True:
                running.asleep = await subscription.rest(running)
                answer = None if running.asleep else await anext(subscription, None)
                if answer is None:
                    return None
                if (ending := await self._pass_on(running, answer)) is not None:
                    return ending
        finally:
            if not running.asleep:
                await subscription.aclose()

    async def _pass_on(self, running: Running, answer: Answer) -> Answer | None:
        # What is left to do is to tell it, which may wait for ever on a client that is stuck.
        running.stoppable = True
        if answer.refused:
            return answer
        if running.wanted:
            await self._outbox.put(running.message(answer))
        return None

    # ------------------------------------------------------------ the connection

    def _look_later(self, seconds: float, look: Callable[[], object]) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if not self._stopped:
            self._timer = asyncio.get_running_loop().call_later(seconds, look)

    def _look_now(self) -> None:
        self._begin(self._look)

    async def _look(self) -> None:
        """Whether the client still takes what it is sent, and its token is still good."""
        self._outbox.check()
        if self._context is not None:
            with suppress(Unavailable):
                await self._context.revalidate()
        self._look_later(self._limits.tick, self._look_now)

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
