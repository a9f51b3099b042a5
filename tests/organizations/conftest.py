"""The worlds of these tests."""

from collections.abc import AsyncIterator

import pytest

from app.kernel.clock import ManualClock
from app.kernel.database import Database
from tests.organizations.world import World


@pytest.fixture
def world(database: Database) -> World:
    """An empty service on a database of each kind."""
    return World(database)


@pytest.fixture
async def other_world(world: World, database_url: str, clock: ManualClock) -> AsyncIterator[World]:
    """The same service through another server's eyes: what races, races across processes too."""
    other = Database(database_url, clock=clock)
    await other.start()
    yield World(other)
    await other.stop()
