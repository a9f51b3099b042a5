"""The world of these tests."""

import pytest

from app.kernel.database import Database
from tests.organizations.world import World


@pytest.fixture
def world(database: Database) -> World:
    """An empty service on a database of each kind."""
    return World(database)
