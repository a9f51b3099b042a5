"""What waits to be sent to one client: bounded, so that a slow one is cut off in place of filling the memory."""

import asyncio
from collections.abc import Awaitable, Callable


class TooSlow(Exception):
    """The client does not take what is sent to it as fast as it comes."""


class Outbox:
    """A queue with one sender. Run `run()` as a task: it sends, in order, until it is cancelled or sending fails."""

    def __init__(self, send: Callable[[bytes], Awaitable[None]], capacity: int) -> None:
        self._send = send
        self._waiting: asyncio.Queue[bytes] = asyncio.Queue(capacity)
        self._sending_since: float | None = None

    def put(self, item: bytes) -> None:
        """Have it sent after all that waits; TooSlow where as much waits as may."""
        try:
            self._waiting.put_nowait(item)
        except asyncio.QueueFull:
            raise TooSlow from None

    async def run(self) -> None:
        """Send what is put."""
        clock = asyncio.get_running_loop().time
        while True:
            item = await self._waiting.get()
            self._sending_since = clock()
            await self._send(item)
            self._sending_since = None
            self._waiting.task_done()

    async def drained(self) -> None:
        """Wait until all that was put has been sent."""
        await self._waiting.join()

    def stalled(self, seconds: float) -> bool:
        """Whether the client has taken nothing for as long."""
        since = self._sending_since
        return since is not None and asyncio.get_running_loop().time() - since > seconds
