"""The stage of each test, on a database of each kind."""

import pytest

from app.kernel.database import Database
from tests.sharing.stage import Stage


@pytest.fixture
def stage(database: Database) -> Stage:
    """Where accounts act."""
    return Stage(database)
