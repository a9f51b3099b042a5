"""What is sent to one client: little is held for a slow one, whose sources wait, and one that is stuck is cut off."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable


class TooSlow(Exception):
    """The client does not take what is sent to it."""


class Outbox:
    """Sends through one connection, for any number of tasks.

    `put` sends at once where nothing waits, so that a message costs no other task; `failed` is told of an error that
    comes later. `close` ends what still goes on.
    """

    def __init__(
        self,
        send: Callable[[bytes], Awaitable[None]],
        failed: Callable[[Exception], object],
        *,
        capacity: int,
        stall: float,
    ) -> None:
        self._send = send
        self._failed = failed
        self._capacity = capacity
        self._stall = stall
        self._waiting: deque[bytes] = deque()
        self._clock = asyncio.get_running_loop().time
        self._busy = False
        self._busy_since = 0.0
        self._draining: asyncio.Task[None] | None = None
        self._room = asyncio.Event()

    async def put(self, item: bytes) -> None:
        """Send after all that waits. Where that is `capacity`, wait for room: TooSlow if `stall` seconds bring none."""
        if self._full():
            await self._until_room()
        if self._busy:
            self._waiting.append(item)
            return
        self._busy = True
        try:
            self._busy_since = self._clock()
            await self._send(item)
        finally:
            if self._waiting:
                self._draining = asyncio.create_task(self._drain())
            else:
                self._busy = False

    async def drained(self) -> None:
        """Wait until nothing waits any more."""
        if self._draining is not None:
            await asyncio.wait({self._draining})

    def check(self) -> None:
        """TooSlow if the client has taken nothing for `stall` seconds."""
        if self._busy and self._clock() - self._busy_since > self._stall:
            raise TooSlow

    def close(self) -> None:
        """Send nothing more."""
        self._waiting.clear()
        if self._draining is not None:
            self._draining.cancel()

    def _full(self) -> bool:
        return self._busy and len(self._waiting) >= self._capacity

    async def _until_room(self) -> None:
        try:
            async with asyncio.timeout(self._stall):
                while self._full():
                    self._room.clear()
                    await self._room.wait()
        except TimeoutError:
            raise TooSlow from None

    async def _drain(self) -> None:
        try:
            while self._waiting:
                self._busy_since = self._clock()
                await self._send(self._waiting.popleft())
                self._room.set()
        except Exception as error:
            self._failed(error)
        finally:
            self._busy = False
