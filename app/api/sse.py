"""Operations answered as Server-Sent Events: graphql-sse's distinct connections mode."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Any

from starlette.types import Message, Receive, Scope, Send

from app.api.answer import Answer, refusal
from app.api.masking import refused, unexpected
from app.api.operations import OperationContext
from app.api.outbox import Outbox, TooSlow
from app.kernel.errors import Unauthenticated, Unavailable

COMPLETE = b"event: complete\ndata:\n\n"
KEEP_ALIVE = b":\n\n"
HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamLimits:
    """Bounds on event streams, in seconds where not said otherwise."""

    streams: int = 10_000
    "At once, of the whole server."
    waiting: int = 256
    "Events that wait for one client; while as many do, its source waits too."
    tick: float = 15.0
    "Between keep-alive comments, at which the token is asked for again too."
    stall: float = 10.0
    "Until a client that takes nothing is cut off."
    farewell: float = 2.0
    "For the last bytes of a stream that ends."


class EventStreams:
    """All open streams of a server."""

    def __init__(self, limits: StreamLimits | None = None) -> None:
        self.limits = limits or StreamLimits()
        self.closing = asyncio.Event()
        self.open = 0

    @property
    def full(self) -> bool:
        """Whether no more may be opened."""
        return self.open >= self.limits.streams

    def close(self) -> None:
        """End every stream, without `complete`: clients connect anew. Servers call it first when they stop."""
        self.closing.set()


class EventStream:
    """The ASGI response that tells one operation's answers as they come."""

    def __init__(self, streams: EventStreams, answers: AsyncGenerator[Answer, None], context: OperationContext) -> None:
        self._streams = streams
        self._answers = answers
        self._context = context

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until the operation is complete, the client is gone or too slow, or the server stops."""
        self._streams.open += 1
        try:
            await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
            await self._tell(receive, send)
            with suppress(TimeoutError):
                async with asyncio.timeout(self._streams.limits.farewell):
                    await send({"type": "http.response.body", "body": b""})
        finally:
            self._streams.open -= 1

    async def _tell(self, receive: Receive, send: Send) -> None:
        limits = self._streams.limits
        gone = asyncio.create_task(_gone(receive))
        outbox = Outbox(
            lambda chunk: send(_chunk(chunk)), lambda _: gone.cancel(), capacity=limits.waiting, stall=limits.stall
        )
        following = asyncio.create_task(self._follow(outbox))
        ticking = asyncio.create_task(self._tick(outbox))
        closing = asyncio.create_task(self._streams.closing.wait())
        try:
            await asyncio.wait({following, ticking, gone, closing}, return_when=asyncio.FIRST_COMPLETED)
            last = _last(following) or _last(ticking)
            await _cancelled(following, ticking)
            if last:
                await self._take_leave(outbox, last)
        finally:
            outbox.close()
            await _cancelled(following, ticking, gone, closing)

    async def _take_leave(self, outbox: Outbox, last: list[bytes]) -> None:
        with suppress(TooSlow, TimeoutError):
            async with asyncio.timeout(self._streams.limits.stall):
                for chunk in last:
                    await outbox.put(chunk)
                await outbox.drained()

    async def _follow(self, outbox: Outbox) -> None:
        async with aclosing(self._answers) as answers:
            async for answer in answers:
                await outbox.put(_event(answer))

    async def _tick(self, outbox: Outbox) -> None:
        while True:
            await asyncio.sleep(self._streams.limits.tick)
            outbox.check()
            await outbox.put(KEEP_ALIVE)
            with suppress(Unavailable):
                await self._context.revalidate()


def _last(task: asyncio.Task[None]) -> list[bytes]:
    """What is still to be told once a task has ended; nothing while it runs, or to a client that is too slow."""
    if not task.done():
        return []
    match task.exception():
        case None:
            return [COMPLETE]
        case TooSlow():
            return []
        case Unauthenticated() as error:
            return [_event(refusal([refused(error)])), COMPLETE]
        case error:
            return [_event(refusal([unexpected(error)])), COMPLETE]


async def _cancelled(*tasks: asyncio.Task[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _chunk(body: bytes) -> Message:
    return {"type": "http.response.body", "body": body, "more_body": True}


def _event(answer: Answer) -> bytes:
    # JSON that was encoded elsewhere may hold line ends, which would end the event's data.
    data = answer.body.replace(b"\r", b" ").replace(b"\n", b" ")
    return b"event: next\ndata: " + data + b"\n\n"
