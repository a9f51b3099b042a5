"""Acts on one license configuration that race, from two servers on one database: one wins, the others are told why."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from sqlalchemy import Connection, Table, func, select

from app.kernel.clock import Clock
from app.kernel.database import Database, Transaction
from app.kernel.errors import DomainError
from app.kernel.tagging import tag_resource
from app.kernel.viewer import Permission, Viewer
from app.licensing.configurations import CreateConfiguration, UpdateConfiguration, create, edit, remove
from app.licensing.history import HOURS, LEDGER
from app.licensing.rules import CountingType
from app.licensing.service import ConfigurationFacts, facts, tags_of
from app.organizations.accounts import create_standalone
from app.roles.rules import ServiceLinkedRoleKind
from app.roles.service import ensure

OWNER = Viewer("111122223333", "arn:aws:iam::111122223333:user/ada", Permission.ADMINISTRATOR, "ada", "token_1")
RACERS = 12
Act = Callable[[Transaction], Any]


@asynccontextmanager
async def two_servers(url: str, clock: Clock) -> AsyncIterator[tuple[Database, Database]]:
    """The same database twice, in which the owner may act."""
    one, other = Database(url, clock=clock), Database(url, clock=clock)
    await one.start()
    await other.start()
    await one.write(lambda tx: create_standalone(tx, OWNER.account_id, "Owner"))
    await one.write(lambda tx: ensure(tx, OWNER.account_id, ServiceLinkedRoleKind.CORE))
    yield one, other
    await other.stop()
    await one.stop()


def new(name: str) -> Act:
    command = CreateConfiguration(region="us-east-1", name=name, counting_type=CountingType.INSTANCE)
    return lambda tx: create(tx, OWNER, command)


def count(key: int, license_count: int, expected_version: int | None) -> Act:
    command = UpdateConfiguration(key=key, license_count=license_count, expected_version=expected_version)
    return lambda tx: edit(tx, OWNER, command)


async def race(servers: tuple[Database, Database], acts: list[Act]) -> list[str]:
    """Run acts at once, spread over both servers; the sorted outcomes: done, or the refusal's code."""

    async def one(server: Database, act: Act) -> str:
        try:
            await server.write(act)
        except DomainError as error:
            return error.refusals[0].code.value
        return "done"

    return sorted(await asyncio.gather(*(one(servers[at % 2], act) for at, act in enumerate(acts))))


async def stands(server: Database, key: int) -> ConfigurationFacts:
    return (await server.read(lambda connection: facts(connection, [key])))[key]


async def test_api_2_of_edits_that_expect_the_same_version_one_wins(database_url: str, clock: Clock) -> None:
    async with two_servers(database_url, clock) as servers:
        key = await servers[0].write(new("raced"))
        outcomes = await race(servers, [count(key, number, 1) for number in range(RACERS)])
        assert outcomes == ["CONFLICT"] * (RACERS - 1) + ["done"]
        assert (await stands(servers[1], key)).version == 2


async def test_api_2_edits_that_expect_no_version_all_count(database_url: str, clock: Clock) -> None:
    async with two_servers(database_url, clock) as servers:
        key = await servers[0].write(new("raced"))
        assert await race(servers, [count(key, number, None) for number in range(RACERS)]) == ["done"] * RACERS
        assert (await stands(servers[1], key)).version == 1 + RACERS


async def test_lc_7_of_configurations_that_take_the_same_name_one_is_made(database_url: str, clock: Clock) -> None:
    async with two_servers(database_url, clock) as servers:
        outcomes = await race(servers, [new("wanted")] * RACERS)
        assert outcomes == ["INVALID_INPUT"] * (RACERS - 1) + ["done"]


async def test_lc_7_tags_that_are_put_at_once_never_pass_fifty(database_url: str, clock: Clock) -> None:
    async with two_servers(database_url, clock) as servers:
        key = await servers[0].write(new("tagged"))

        def put(number: int) -> Act:
            tags = [(f"{number}.{each}", "") for each in range(10)]
            return lambda tx: tag_resource(tx, OWNER, f"lc_{key}", tags)

        outcomes = await race(servers, [put(number) for number in range(RACERS)])
        assert outcomes == ["INVALID_INPUT"] * (RACERS - 5) + ["done"] * 5
        found = await servers[1].read(lambda connection: tags_of(connection, [key]))
        assert len(found[key]) == 50


async def test_lc_11_an_edit_and_a_deletion_at_once_leave_nothing_behind(database_url: str, clock: Clock) -> None:
    """Whichever comes first: the edit is done or finds nothing, and the ledger of what is gone is gone."""
    async with two_servers(database_url, clock) as servers:
        key = await servers[0].write(new("gone"))
        acts = [count(key, number, None) for number in range(RACERS)]
        acts.insert(RACERS // 2, lambda tx: remove(tx, OWNER, key))
        outcomes = await race(servers, acts)
        assert set(outcomes) <= {"done", "NOT_FOUND"}
        assert await servers[0].read(lambda connection: facts(connection, [key])) == {}
        for table in (LEDGER, HOURS):
            assert await servers[0].read(partial(_number_of_rows, table)) == 0


def _number_of_rows(table: Table, connection: Connection) -> int:
    return int(connection.execute(select(func.count()).select_from(table)).scalar_one())
