"""A full disk or a lost database: unready, writes refused, nothing acknowledged is lost, and it recovers by itself."""

import asyncio
from contextlib import closing
from typing import Any

import pytest
from pysqlite3.dbapi2 import connect
from sqlalchemy import Engine, event, make_url, text

from app.kernel.database.postgresql import PostgresqlBackend
from app.kernel.database.sqlite import SqliteBackend
from tests.support import licenses as made
from tests.support.api import Api, Client
from tests.support.databases import Databases

OWNER = "111122223333"


@pytest.fixture
def database_url(all_databases: Databases, kind: str) -> str:
    """Each outage is of its own kind of database."""
    return all_databases.url(kind)


class FullDisk:
    """Lets SQLite's file grow no further while it is full."""

    def __init__(self, engine: Engine) -> None:
        self.full = False
        event.listen(engine, "begin", self._bound)

    def _bound(self, connection: Any) -> None:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages if self.full else 2**31 - 2}")


@pytest.mark.parametrize("kind", ["sqlite"])
async def test_a_full_disk_refuses_writes_loses_nothing_and_recovers(api: Api) -> None:
    owner = await api.account(OWNER)
    counted = await made.configuration(owner, licenseCount=10_000, hardLimit=True)
    image_id = await made.image(owner, counted)
    backend = api.database._backend
    assert isinstance(backend, SqliteBackend)
    disk = FullDisk(backend._writer)
    acknowledged = len(await made.launched(owner, image_id, count=3))
    disk.full = True
    refused = await _launch_until_refused(owner, image_id)
    acknowledged += refused
    assert (await api.http.get("/health/live")).status_code == 200
    disk.full = False
    assert (await api.http.get("/health/ready")).status_code == 200
    acknowledged += len(await made.launched(owner, image_id, count=2))
    assert await made.consumed(owner, counted) == acknowledged
    assert await made.consistent(owner)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer does not wait for another process."""
    monkeypatch.setattr("app.kernel.database.sqlite.BUSY_SECONDS", 0.01)


@pytest.mark.parametrize("kind", ["sqlite"])
async def test_while_another_process_writes_for_long_what_is_refused_says_so(
    impatient: None, api: Api, database_url: str
) -> None:
    """As a large import does, which is one transaction. Nothing is changed, and the server goes on by itself."""
    owner = await api.account(OWNER)
    counted = await made.configuration(owner)
    image_id = await made.image(owner, counted)
    launch = {"input": {"region": made.REGION, "imageId": image_id, "instanceType": "m5.large"}}
    with closing(connect(make_url(database_url).database, isolation_level=None)) as importing:
        importing.execute("BEGIN IMMEDIATE")
        for document, given in ((made.LAUNCH, launch), ("{ viewer { account { accountId } } }", {})):
            (error,) = (await owner.raw(document, given))["errors"]
            assert error["message"] == "Another process is writing to the database, such as a large import."
            assert error["extensions"]["code"] == "UNAVAILABLE"
            assert error["extensions"]["remedy"] == "Try again when it has ended: nothing was changed."
        assert (await api.http.get("/health/live")).status_code == 200
        assert (await api.http.get("/health/ready")).status_code == 503
        importing.execute("ROLLBACK")
    assert (await api.http.get("/health/ready")).status_code == 200
    assert await made.consumed(owner, counted) == 0
    assert len(await made.launched(owner, image_id)) == 1
    assert await made.consistent(owner)


async def _launch_until_refused(client: Client, image_id: str) -> int:
    """Launch many at a time until the database takes no more; how many were acknowledged before."""
    acknowledged = 0
    for _ in range(50):
        answer = await client.raw(
            made.LAUNCH,
            {"input": {"region": made.REGION, "imageId": image_id, "instanceType": "m5.large", "count": 100}},
        )
        if "data" not in answer or answer["data"] is None:
            assert answer["errors"][0]["extensions"]["code"] == "UNAVAILABLE"
            return acknowledged
        acknowledged += len(answer["data"]["launchInstances"]["instances"])
    raise AssertionError("the disk was never full")


@pytest.mark.parametrize("kind", ["postgresql"])
async def test_a_lost_database_is_found_again(api: Api) -> None:
    owner = await api.account(OWNER)
    counted = await made.configuration(owner)
    image_id = await made.image(owner, counted)
    await made.launched(owner, image_id)
    backend = api.database._backend
    assert isinstance(backend, PostgresqlBackend)
    await _cut_everyone_off(backend)
    answers = await asyncio.gather(*(_try_launch(owner, image_id) for _ in range(5)))
    acknowledged = 1 + sum(answers)
    for _ in range(3):
        acknowledged += await _try_launch(owner, image_id)
    assert (await api.http.get("/health/ready")).status_code == 200
    acknowledged += len(await made.launched(owner, image_id))
    assert await made.consumed(owner, counted) == acknowledged
    assert await made.consistent(owner)


async def _cut_everyone_off(backend: PostgresqlBackend) -> None:
    import asyncpg

    host = backend._url.query["host"]
    connection = await asyncpg.connect(host=host, user="postgres", database="postgres")
    try:
        statement = text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1").text
        await connection.execute(statement, backend._url.database)
    finally:
        await connection.close()


async def _try_launch(client: Client, image_id: str) -> int:
    """1 where the launch was acknowledged, 0 where it was refused as unavailable."""
    answer = await client.raw(
        made.LAUNCH, {"input": {"region": made.REGION, "imageId": image_id, "instanceType": "m5.large"}}
    )
    if answer.get("data"):
        return len(answer["data"]["launchInstances"]["instances"])
    assert answer["errors"][0]["extensions"]["code"] == "UNAVAILABLE"
    return 0
