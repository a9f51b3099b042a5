"""AWS by moto's server, and an organization that Tollgate collects from it."""

from collections.abc import Iterator

import pytest

from app.kernel.database import Database
from tests.collecting.amazon import Amazon, serving, watched
from tests.collecting.stage import Stage


@pytest.fixture(scope="session")
def amazon_url() -> Iterator[str]:
    with serving() as url:
        yield url


@pytest.fixture
def amazon(amazon_url: str) -> Iterator[Amazon]:
    """AWS with nothing in it."""
    with watched(amazon_url) as empty:
        yield empty


@pytest.fixture
async def stage(amazon: Amazon, database: Database) -> Stage:
    return Stage(amazon, database)
