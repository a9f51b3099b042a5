"""The server process: uvicorn, with the application's life around it and streams that end when it is to stop."""

import asyncio
import gc
import socket
from contextlib import AsyncExitStack
from types import FrameType

import structlog
import typer
import uvicorn
from starlette.applications import Starlette

from app.cli.requests import DecliningProtocol
from app.cli.websockets import LightProtocol
from app.main import Server as Built
from app.settings import Settings

log = structlog.get_logger(__name__)


def configuration(chosen: Settings, application: Starlette) -> uvicorn.Config:
    """uvicorn as Tollgate runs it. The application's own start and end are the server's to call."""
    return uvicorn.Config(
        application,
        host=chosen.host,
        port=chosen.port,
        loop="uvloop",
        http=DecliningProtocol,
        ws=LightProtocol,
        ws_max_size=chosen.max_body_bytes,
        ws_per_message_deflate=False,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(chosen.trusted_proxies),
        forwarded_allow_ips=list(chosen.trusted_proxies),
        timeout_graceful_shutdown=chosen.shutdown_seconds,
    )


class Server(uvicorn.Server):
    """Starts the application before it listens, and lets it end after the last request."""

    def __init__(self, config: uvicorn.Config, built: Built, token: str | None) -> None:
        super().__init__(config)
        self._built = built
        self._token = token
        self._life = AsyncExitStack()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start the application, then listen; what fails is raised, and leaves nothing running."""
        self._loop = asyncio.get_running_loop()
        application = self._built.application
        await self._life.enter_async_context(application.router.lifespan_context(application))
        try:
            await super().startup(sockets)
        except BaseException:
            await self._life.aclose()
            raise
        collect_rarely()
        log.info("serving", url=self.url, database=self._built.database.describe())
        if self._token is not None:
            typer.echo(f"{self.url}/graphql\n{self._token}")

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop listening, wait for open requests, then end the application."""
        try:
            await super().shutdown(sockets)
        finally:
            await self._life.aclose()
            log.info("stopped")

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal came: streams, which would never end, end now."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._built.streams.close)
        super().handle_exit(sig, frame)

    @property
    def url(self) -> str:
        """Where it listens, for people: the port that it was given."""
        host = self.config.host
        port = self.servers[0].sockets[0].getsockname()[1]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def collect_rarely() -> None:
    """Thousands of open connections are millions of objects that live on: looking at them often is most of the work.

    What the start has made stays for good, so it is never looked at, not even now: the first answer would wait for it.
    """
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    gc.enable()
