"""A read that nobody waits for any more ends: it does not keep a reader from others."""

import asyncio
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr
from sqlalchemy import Connection, text

from app.inventory import search_schema
from app.kernel.clock import ManualClock
from app.kernel.database import Database
from app.main import build
from app.settings import Settings
from tests.inventory.search_world import SEARCH
from tests.support.api import Api, Client

LONG = text(
    "WITH RECURSIVE long(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM long WHERE n < 100000000) SELECT count(*) "
    "FROM long"
)
ACTIVE = text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' "
    "AND query LIKE 'WITH RECURSIVE long%'"
)
MORE_THAN_READERS = 30
PATIENCE = 20
"""Seconds: a reader that is held up fails the test, and does not hang it."""


def long(connection: Connection) -> Any:
    return connection.execute(LONG).scalar()


def one(connection: Connection) -> Any:
    return connection.execute(text("SELECT 1")).scalar()


def active(connection: Connection) -> bool:
    return bool(connection.execute(ACTIVE).scalar())


async def _gives_up(database: Database, snapshot: bool) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await database.read(long, snapshot=snapshot)


@pytest.mark.parametrize("snapshot", [False, True])
async def test_readers_are_free_again_once_their_reads_are_given_up(database: Database, snapshot: bool) -> None:
    """Also those that had not begun, and of either kind of read."""
    for _ in range(2):
        await asyncio.gather(*(_gives_up(database, snapshot) for _ in range(MORE_THAN_READERS)))
        async with asyncio.timeout(PATIENCE):
            answers = await asyncio.gather(*(database.read(one, snapshot=snapshot) for _ in range(MORE_THAN_READERS)))
        assert answers == [1] * MORE_THAN_READERS
    while database.dialect.name == "postgresql" and await database.read(active):
        pass


async def test_api_3_a_search_that_takes_too_long_says_so_and_holds_nobody_up(
    database_url: str, api: Api, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = await api.account("111122223333")

    def hostile(connection: Connection, *_: Any, **__: Any) -> Any:
        return long(connection)

    settings = Settings(database_url=SecretStr(database_url), execution_seconds=0.2, _env_file=None)
    server = build(settings, clock=clock)
    monkeypatch.setattr(search_schema, "prepare", hostile)
    async with (
        server.application.router.lifespan_context(server.application),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(server.application), base_url="http://short.test") as http,
    ):
        client = Client(http, owner.account_id, owner.token)
        answers = await asyncio.gather(*(client.raw(SEARCH, {"filter": "id~a"}) for _ in range(MORE_THAN_READERS)))
        for answer in answers:
            assert answer["errors"][0]["extensions"]["code"] == "TIMEOUT"
            assert "0.2 s" in answer["errors"][0]["message"]
        async with asyncio.timeout(PATIENCE):
            assert await asyncio.gather(*(server.database.read(one) for _ in range(MORE_THAN_READERS)))
