"""A load of HTTP requests over kept connections, from one process, cheap enough not to be what is measured."""

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Measured:
    """What a load came to."""

    requests: int
    seconds: float
    latencies: list[float]
    failures: int

    @property
    def per_second(self) -> float:
        return self.requests / self.seconds

    def percentile(self, part: float) -> float:
        """Milliseconds within which that part of the requests were answered."""
        return sorted(self.latencies)[int(part * (len(self.latencies) - 1))] * 1000


def request_bytes(url: str, body: bytes, headers: dict[str, str], method: str = "POST") -> bytes:
    """One HTTP/1.1 request, ready to be sent."""
    parts = urlsplit(url)
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    lines = [f"{method} {path or '/'} HTTP/1.1", f"Host: {parts.netloc}", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def run(
    url: str,
    requests: Iterator[bytes],
    *,
    clients: int,
    total: int,
    accept: Callable[[bytes], bool] = lambda body: True,
) -> Measured:
    """Send `total` requests over `clients` connections, each sending its next once its last is answered."""
    parts = urlsplit(url)
    latencies: list[float] = []
    failures = 0
    left = total

    async def client() -> None:
        nonlocal left, failures
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port, limit=2**22)
        try:
            while left > 0:
                left -= 1
                began = time.perf_counter()
                writer.write(next(requests))
                status, body, kept = await _response(reader)
                latencies.append(time.perf_counter() - began)
                if status != 200 or not accept(body):
                    failures += 1
                if not kept:
                    writer.close()
                    reader, writer = await asyncio.open_connection(parts.hostname, parts.port, limit=2**22)
        finally:
            writer.close()

    began = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(clients)))
    return Measured(len(latencies), time.perf_counter() - began, latencies, failures)


async def _response(reader: asyncio.StreamReader) -> tuple[int, bytes, bool]:
    """Status, body, and whether the connection may be used again."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    status, kept = int(head[9:12]), b"connection: close" not in head
    at = head.find(b"content-length:")
    if at >= 0:
        return status, await reader.readexactly(int(head[at + 15 : head.index(b"\r\n", at)])), kept
    body = b""
    while size := int(await reader.readuntil(b"\r\n"), 16):
        body += (await reader.readexactly(size + 2))[:-2]
    await reader.readexactly(2)
    return status, body, kept
