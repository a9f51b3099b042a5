"""The operator sets when inventory is brought up to date, unless an account chooses another time (IN-3)."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from pydantic import SecretStr

from app.kernel.clock import ManualClock
from app.linking.rules import DEFAULT_SCHEDULE
from app.linking.schedule import set_usual_schedule
from app.linking.settings import settings
from app.main import build
from app.organizations.accounts import create_standalone
from app.settings import Settings
from tests.sharing.stage import MASTER, REGION


@pytest.fixture
def nightly(database_url: str) -> Iterator[Settings]:
    """Settings of a server that collects at half past two."""
    yield Settings(database_url=SecretStr(database_url), inventory_sync_schedule=" 30  2 * * *", _env_file=None)
    set_usual_schedule(DEFAULT_SCHEDULE)


async def test_new_accounts_are_synchronised_at_the_operator_s_time(nightly: Settings, clock: ManualClock) -> None:
    server = build(nightly, clock=clock)
    async with server.application.router.lifespan_context(server.application):
        await server.database.write(lambda tx: create_standalone(tx, MASTER, "New"))
        own = await server.database.read(lambda connection: settings(connection, MASTER, REGION))
    assert own is not None
    assert (own.inventory_sync_schedule, own.next_sync_at) == ("30 2 * * *", datetime(2026, 1, 6, 2, 30, tzinfo=UTC))
