"""Fixtures of every test: a database of each kind, its clock, and the served application."""

from collections.abc import AsyncIterator, Iterator

import pytest

from app.kernel.clock import ManualClock
from app.kernel.database import Database
from tests.support.databases import KINDS, Databases, databases


@pytest.fixture(scope="session")
def all_databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    """Where fresh databases come from."""
    yield from databases(tmp_path_factory.mktemp("databases"))


@pytest.fixture(params=KINDS)
def database_url(request: pytest.FixtureRequest, all_databases: Databases) -> str:
    """A migrated, empty database; each test that asks for one runs on both kinds."""
    return all_databases.url(request.param)


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
