"""WebSockets as uvicorn serves them, held lightly: thousands are open at once, and most of the time they are quiet."""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

from app.api.websocket import WRITE

TEXT = 0x81
SHORT, MIDDLE = 126, 1 << 16


class LightProtocol(WebSocketsSansIOProtocol):
    """It forgets the handshake, and lends its application a way to write without a task."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.queue = _Inbox()  # type: ignore[assignment]
        self.writable = _Gate()  # type: ignore[assignment]

    def handle_connect(self, event: Request) -> None:
        """Offer the extension to the application, whose task has not begun yet."""
        super().handle_connect(event)
        if self.response.status_code == 101:
            extensions: dict[str, Any] = {**(self.scope["extensions"] or {}), WRITE: self.write_texts}
            self.scope["extensions"] = extensions

    async def send(self, message: Any) -> None:
        """As uvicorn; what was said in the handshake is of no use once the connection is accepted."""
        await super().send(message)
        if message["type"] == "websocket.accept":
            self.request.headers.clear()
            self.response.headers.clear()

    def write_texts(self, texts: Sequence[bytes]) -> bool:
        """Write text messages at once, if the client takes what it is sent; else none, and False."""
        if not self.writable.is_set() or self.disconnected or self.close_sent or self.transport.is_closing():
            return False
        self.transport.write(b"".join([part for text in texts for part in (_head(len(text)), text)]))
        return True


def _head(length: int) -> bytes:
    """The head of a frame that is not masked, as servers send them (RFC 6455, 5.2)."""
    if length < SHORT:
        return bytes((TEXT, length))
    if length < MIDDLE:
        return bytes((TEXT, SHORT)) + length.to_bytes(2, "big")
    return bytes((TEXT, SHORT + 1)) + length.to_bytes(8, "big")


class _Inbox:
    """An asyncio.Queue for one reader, in a tenth of its memory."""

    __slots__ = ("_items", "_waiter")

    def __init__(self) -> None:
        self._items: deque[Any] | tuple[()] = ()
        self._waiter: asyncio.Future[None] | None = None

    def put_nowait(self, item: Any) -> None:
        if not isinstance(self._items, deque):
            self._items = deque()
        self._items.append(item)
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def get(self) -> Any:
        while not self._items:
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        assert isinstance(self._items, deque)
        item = self._items.popleft()
        if not self._items:
            self._items = ()
        return item

    def empty(self) -> bool:
        return not self._items


class _Gate:
    """An asyncio.Event, which is set most of the time and so needs no room for who waits."""

    __slots__ = ("_shut",)

    def __init__(self) -> None:
        self._shut: asyncio.Event | None = None

    def is_set(self) -> bool:
        return self._shut is None

    def set(self) -> None:
        if self._shut is not None:
            self._shut.set()
            self._shut = None

    def clear(self) -> None:
        if self._shut is None:
            self._shut = asyncio.Event()

    async def wait(self) -> bool:
        return True if self._shut is None else await self._shut.wait()
