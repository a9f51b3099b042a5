"""What is sent to one client: little is held for a slow one, whose sources wait, and one that is stuck is cut off."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

Write = Callable[[Sequence[bytes]], bool]
"""Writes all of some messages where there is room for them now; else nothing, and False."""


class TooSlow(Exception):
    """The client does not take what is sent to it."""


class Outbox:
    """Sends through one connection, for any number of tasks.

    `put` sends at once where nothing waits, so that a message costs no other task; `failed` is told of an error that
    comes later. `close` ends what still goes on. Thousands are quiet: what only a busy one needs is made when needed.
    """

    __slots__ = (
        "_busy",
        "_busy_since",
        "_capacity",
        "_draining",
        "_failed",
        "_room",
        "_send",
        "_stall",
        "_waiting",
        "_write",
    )

    def __init__(
        self,
        send: Callable[[bytes], Awaitable[None]],
        failed: Callable[[Exception], object],
        *,
        capacity: int,
        stall: float,
        write: Write | None = None,
    ) -> None:
        """`write`, where the server lends one, is the cheaper way."""
        self._send = send
        self._write = write
        self._failed = failed
        self._capacity = capacity
        self._stall = stall
        self._waiting: deque[bytes] | None = None
        self._busy = False
        self._busy_since = 0.0
        self._draining: asyncio.Task[None] | None = None
        self._room: asyncio.Event | None = None

    def offer(self, items: Sequence[bytes]) -> bool:
        """Send at once what has to wait for nothing; else nothing is sent, and it is False."""
        return self._write is not None and not self._busy and self._write(items)

    async def put(self, item: bytes) -> None:
        """Send after all that waits. Where that is `capacity`, wait for room: TooSlow if `stall` seconds bring none."""
        if self.offer((item,)):
            return
        if self._full():
            await self._until_room()
        if self._busy:
            if self._waiting is None:
                self._waiting = deque()
            self._waiting.append(item)
            return
        self._busy = True
        try:
            self._busy_since = _now()
            await self._send(item)
        finally:
            if self._waiting:
                self._draining = asyncio.create_task(self._drain(self._waiting))
            else:
                self._busy = False

    async def drained(self) -> None:
        """Wait until nothing waits any more."""
        if self._draining is not None:
            await asyncio.wait({self._draining})

    def check(self) -> None:
        """TooSlow if the client has taken nothing for `stall` seconds."""
        if self._busy and _now() - self._busy_since > self._stall:
            raise TooSlow

    def close(self) -> None:
        """Send nothing more."""
        if self._waiting is not None:
            self._waiting.clear()
        if self._draining is not None:
            self._draining.cancel()

    def _full(self) -> bool:
        return self._busy and self._waiting is not None and len(self._waiting) >= self._capacity

    async def _until_room(self) -> None:
        room = self._room = self._room or asyncio.Event()
        try:
            async with asyncio.timeout(self._stall):
                while self._full():
                    room.clear()
                    await room.wait()
        except TimeoutError:
            raise TooSlow from None

    async def _drain(self, waiting: deque[bytes]) -> None:
        try:
            while waiting:
                self._busy_since = _now()
                await self._send(waiting.popleft())
                if self._room is not None:
                    self._room.set()
        except Exception as error:
            self._failed(error)
        finally:
            self._busy = False


def _now() -> float:
    return asyncio.get_running_loop().time()
