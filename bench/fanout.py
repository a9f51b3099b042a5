"""The fan-out of one alert to open subscriptions until the last has it, against the npm server graphql-ws."""

import asyncio
import base64
import contextlib
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import psutil
import uvloop

from app.alerts.rules import AlertKind
from app.alerts.service import AlertDraft, raise_alert
from app.identity.service import create_token
from app.kernel.database import Transaction
from app.kernel.ids import service_arn
from app.kernel.viewer import Permission
from app.organizations.accounts import create_standalone
from bench.servers import free_port, opened, wait_for

ACCOUNT, REGION = "111122223333", "us-east-1"
SIZES = (1_000, 5_000)
ROUNDS = 7
TEXT, PING, PONG = 1, 9, 10
DOCUMENT = "subscription { limitAlerts { cursor node { id message raisedAt } } }"
PACKAGES = ("graphql-ws@6", "ws@8", "graphql@16")


@dataclass(frozen=True, slots=True)
class Measured:
    """Milliseconds until the last had it, the median of the rounds; kilobytes of memory for each connection."""

    milliseconds: float
    slowest: float
    kilobytes: float


class Subscription(asyncio.Protocol):
    """A WebSocket client that only counts what comes, so that the server is what is measured."""

    def __init__(self, crowd: "Crowd", key: str) -> None:
        self._crowd = crowd
        self._key = key
        self._buffer = b""
        self._stage = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own is no subclass
        self._transport.write(
            b"GET /graphql HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\nSec-WebSocket-Key: "
            + self._key.encode()
            + b"\r\n\r\n"
        )

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if self._stage == 0:
            head, found, rest = self._buffer.partition(b"\r\n\r\n")
            if not found:
                return
            assert b" 101 " in head.split(b"\r\n")[0], head
            self._buffer, self._stage = rest, 1
            self._transport.write(_frame(self._crowd.init))
        while (message := self._message()) is not None:
            self._took(message)

    def _took(self, message: bytes) -> None:
        if b'"connection_ack"' in message:
            self._transport.write(_frame(self._crowd.subscribe))
            self._crowd.ready()
        else:
            assert b'"next"' in message, message
            self._crowd.took()

    def _message(self) -> bytes | None:
        if len(self._buffer) < 2:
            return None
        length, start = self._buffer[1] & 127, 2
        if length == 126:
            length, start = int.from_bytes(self._buffer[2:4], "big"), 4
        if len(self._buffer) < start + length:
            return None
        opcode, message = self._buffer[0] & 15, self._buffer[start : start + length]
        self._buffer = self._buffer[start + length :]
        if opcode == PING:
            self._transport.write(_frame(message, PONG))
            return self._message()
        return message

    def close(self) -> None:
        self._transport.abort()


class Crowd:
    """All subscriptions of a size."""

    def __init__(self, token: str) -> None:
        self.init = json.dumps({"type": "connection_init", "payload": {"Authorization": f"Bearer {token}"}}).encode()
        self.subscribe = json.dumps({"id": "1", "type": "subscribe", "payload": {"query": DOCUMENT}}).encode()
        self._waiting = 0
        self._done = asyncio.Event()
        self.last = 0.0

    def expect(self, count: int) -> asyncio.Event:
        self._waiting, self._done = count, asyncio.Event()
        return self._done

    def ready(self) -> None:
        self.took()

    def took(self) -> None:
        self._waiting -= 1
        if self._waiting == 0:
            self.last = time.perf_counter()
            self._done.set()


def _frame(text: bytes, opcode: int = TEXT) -> bytes:
    """A masked frame; the mask is zero, which is one like another."""
    head = bytes([0x80 | opcode])
    head += bytes([0x80 | len(text)]) if len(text) < 126 else bytes([0x80 | 126]) + len(text).to_bytes(2, "big")
    return head + bytes(4) + text


@dataclass(frozen=True, slots=True)
class Server:
    """A server under measurement: its address, its process, and how one alert is raised in it."""

    port: int
    process: psutil.Process
    token: str

    async def publish(self) -> None:
        await asyncio.to_thread(_get, f"http://127.0.0.1:{self.port}/publish")

    def memory(self) -> int:
        return int(self.process.memory_info().rss)


def _get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=30) as answer:
        return bytes(answer.read())


def _raise(tx: Transaction) -> None:
    draft = AlertDraft(
        kind=AlertKind.LIMIT_EXCEEDED,
        configuration_key=7,
        configuration_arn=service_arn(REGION, ACCOUNT, "license-configuration:lic-" + "0" * 32),
        owner_account_id=ACCOUNT,
        region=REGION,
        account_id=ACCOUNT,
        resource_key=None,
        message="one alert",
        consumed=11,
        license_count=10,
    )
    raise_alert(tx, draft)


async def _measure(server: Server, size: int) -> Measured:
    crowd = Crowd(server.token)
    loop = asyncio.get_running_loop()
    before = server.memory()
    there = crowd.expect(size)
    clients: list[Subscription] = []
    for start in range(0, size, 100):
        made = await asyncio.gather(
            *(
                loop.create_connection(
                    lambda: Subscription(crowd, base64.b64encode(os.urandom(16)).decode()), "127.0.0.1", server.port
                )
                for _ in range(start, min(start + 100, size))
            )
        )
        clients += [client for _, client in made]
    await asyncio.wait_for(there.wait(), 120)
    await asyncio.sleep(2 + size / 1_000)
    held = (server.memory() - before) / size / 1_000
    times = []
    for _ in range(ROUNDS):
        done = crowd.expect(size)
        start_at = time.perf_counter()
        await server.publish()
        await asyncio.wait_for(done.wait(), 60)
        times.append((crowd.last - start_at) * 1_000)
        await asyncio.sleep(0.3)
    for client in clients:
        client.close()
    await asyncio.sleep(1)
    return Measured(statistics.median(times), max(times), held)


@contextlib.asynccontextmanager
async def _tollgate(folder: Path) -> AsyncIterator[Server]:
    """Tollgate as it is served, on SQLite; alerts are raised inside it, by a request."""
    url = f"sqlite+aiosqlite:///{folder / 'fanout.db'}"
    async with opened(url) as database:
        await database.write(lambda tx: create_standalone(tx, ACCOUNT, "Bench"))
        made = await database.write(lambda tx: create_token(tx, ACCOUNT, Permission.ADMINISTRATOR, "bench"))
    port = free_port()
    process = _begin(port, url)
    try:
        wait_for(f"http://127.0.0.1:{port}/health/live", process)
        yield Server(port, psutil.Process(process.pid), made.secret)
    finally:
        process.terminate()
        process.wait(20)


def _begin(port: int, url: str) -> subprocess.Popen[bytes]:
    env = {**os.environ, "TOLLGATE_DATABASE_URL": url}
    return subprocess.Popen([sys.executable, "-m", "bench.fanout", str(port)], env=env)


def _install(folder: Path) -> bool:
    """Fetch the npm server; False where there is no node."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return False
    subprocess.run(
        [npm, "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder), *PACKAGES], check=True
    )
    shutil.copy(Path(__file__).with_suffix(".js"), folder / "server.js")
    return True


@contextlib.contextmanager
def _node(folder: Path) -> Iterator[Server]:
    """The npm server, begun anew as Tollgate is: memory that a process once had is not a connection's any more."""
    port = free_port()
    process = subprocess.Popen(["node", "server.js", str(port)], cwd=folder)
    try:
        wait_for(f"http://127.0.0.1:{port}/", process)
        yield Server(port, psutil.Process(process.pid), "none")
    finally:
        process.terminate()
        process.wait(20)


def serve(port: int) -> None:
    """Tollgate as `tollgate serve` runs it, with one more path that raises an alert in it."""
    from starlette.requests import Request
    from starlette.responses import PlainTextResponse
    from starlette.routing import Route

    from app.cli.server import Server as Serving
    from app.cli.server import configuration
    from app.logging import configure
    from app.main import build
    from app.settings import load

    configure(level="warning", format="console")
    settings = load().model_copy(update={"port": port})
    built = build(settings)

    async def publish(_: Request) -> PlainTextResponse:
        await built.database.write(_raise)
        return PlainTextResponse("raised")

    built.application.router.routes.insert(0, Route("/publish", publish))
    Serving(configuration(settings, built.application), built, None).run()


async def _run(scale: float) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        compared = _install(folder)
        for full in SIZES:
            size = max(int(full * scale), 1)
            async with _tollgate(folder) as server:
                ours = await _measure(server, size)
            _print("Tollgate", size, ours)
            (folder / "fanout.db").unlink()
            if not compared:
                print("graphql-ws: there is no node on this machine")
                continue
            with _node(folder) as node:
                theirs = await _measure(node, size)
            _print("graphql-ws", size, theirs)
            print(f"Tollgate takes {ours.milliseconds / theirs.milliseconds:.2f} of graphql-ws's time")


def _print(name: str, size: int, measured: Measured) -> None:
    print(
        f"{name}, one alert to {size:,} subscriptions: {measured.milliseconds:.0f} ms until the last has it "
        f"(slowest of {ROUNDS}: {measured.slowest:.0f} ms), {measured.kilobytes:.0f} kB a connection",
        flush=True,
    )


def run(scale: float = 1.0) -> None:
    """Print the figures."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    uvloop.run(_run(scale))


if __name__ == "__main__":
    serve(int(sys.argv[1])) if len(sys.argv) > 1 else run()
