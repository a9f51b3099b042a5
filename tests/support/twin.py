"""A second server on the same database, for races that one server alone decides in its own queue."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
from pydantic import SecretStr

from app.kernel.clock import Clock
from app.main import build
from app.settings import Settings
from tests.support.api import Client


@asynccontextmanager
async def twin(database_url: str, client: Client, clock: Clock) -> AsyncIterator[Client]:
    """The same caller, at another server."""
    other = build(Settings(database_url=SecretStr(database_url), _env_file=None), clock=clock)
    async with (
        other.application.router.lifespan_context(other.application),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(other.application), base_url="http://other.test") as http,
    ):
        yield Client(http, client.account_id, client.token)
