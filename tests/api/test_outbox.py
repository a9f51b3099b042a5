"""What is sent to one client keeps its order, by whichever of two ways it goes."""

import asyncio
from collections.abc import Sequence

from app.api.outbox import Outbox


async def test_what_is_offered_never_overtakes_what_waits() -> None:
    """Also where the connection has room again before those that wait have gone."""
    sent: list[bytes] = []
    room, open_ = asyncio.Event(), False

    def write(items: Sequence[bytes]) -> bool:
        if open_:
            sent.extend(items)
        return open_

    async def send(item: bytes) -> None:
        await room.wait()
        sent.append(item)

    outbox = Outbox(send, lambda _: None, capacity=10, stall=20, write=write)
    first = asyncio.create_task(outbox.put(b"1"))
    await asyncio.sleep(0)
    await outbox.put(b"2")
    open_ = True
    assert not outbox.offer([b"4"])
    await outbox.put(b"3")
    room.set()
    await first
    await outbox.drained()
    assert outbox.offer([b"4", b"5"])
    assert sent == [b"1", b"2", b"3", b"4", b"5"]
