"""Fixtures of every test: a database of each kind, its clock, and the served application."""

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING

import httpx2
import pytest
from pydantic import SecretStr

from app.kernel.clock import ManualClock
from app.kernel.database import Database
from tests.support.databases import KINDS, Databases, databases

if TYPE_CHECKING:
    from tests.support.api import Api


@pytest.fixture(scope="session")
def all_databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    """Where fresh databases come from."""
    yield from databases(tmp_path_factory.mktemp("databases"))


@pytest.fixture(params=KINDS)
def database_url(request: pytest.FixtureRequest, all_databases: Databases) -> Iterator[str]:
    """A migrated, empty database; each test that asks for one runs on both kinds."""
    url = all_databases.url(request.param)
    yield url
    all_databases.release(url)


@pytest.fixture
def clock() -> ManualClock:
    """The time that the application believes; it moves only when told to."""
    return ManualClock()


@pytest.fixture
async def database(database_url: str, clock: ManualClock) -> AsyncIterator[Database]:
    """A started database of each kind."""
    opened = Database(database_url, clock=clock)
    await opened.start()
    yield opened
    await opened.stop()


@pytest.fixture
async def api(database_url: str, clock: ManualClock) -> "AsyncIterator[Api]":
    """The served application on each database; `await api.account("111122223333")` is a client of a new account."""
    from app.main import build
    from app.settings import Settings
    from tests.support.api import Api

    settings = Settings(database_url=SecretStr(database_url), _env_file=None)
    server = build(settings, clock=clock)
    async with (
        server.application.router.lifespan_context(server.application),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(server.application), base_url="http://tollgate.test") as http,
    ):
        yield Api(http, server.database)
