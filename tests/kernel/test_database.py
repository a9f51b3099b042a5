"""Units of work: durable before they are answered, alone in their failures, never half."""

import asyncio
from collections.abc import Callable

import pytest
from sqlalchemy import Connection, func, make_url, select, text, update

from app.kernel.clock import SystemClock
from app.kernel.database import Database, Transaction
from app.kernel.database.probe import WriteProbeRow
from app.kernel.database.sqlite import SqliteBackend
from app.kernel.errors import invalid
from app.kernel.events import Bus, Signal
from app.kernel.tables import table_of
from tests.support.databases import Databases

PROBE = table_of(WriteProbeRow)


def rows(connection: Connection) -> list[int]:
    return list(connection.execute(select(PROBE.c.id).order_by(PROBE.c.id)).scalars())


def adding(key: int):  # type: ignore[no-untyped-def]
    return lambda tx: tx.add(PROBE, {"id": key, "touched_at": tx.now})


async def test_what_is_written_is_read(database: Database) -> None:
    await database.write(adding(7))
    assert await database.read(rows) == [7]


async def test_a_refused_unit_leaves_nothing_and_takes_no_other_with_it(database: Database) -> None:
    def refused(tx: Transaction) -> None:
        tx.add(PROBE, {"id": 1, "touched_at": tx.now})
        tx.flush()
        raise invalid("no")

    outcomes = await asyncio.gather(
        database.write(adding(2)), database.write(refused), database.write(adding(3)), return_exceptions=True
    )
    assert type(outcomes[1]).__name__ == "DomainError"
    assert await database.read(rows) == [2, 3]


async def test_a_broken_constraint_fails_its_own_unit_alone(database: Database) -> None:
    await database.write(adding(1))
    outcomes = await asyncio.gather(*(database.write(adding(key)) for key in (2, 1, 3)), return_exceptions=True)
    assert isinstance(outcomes[1], Exception)
    assert await database.read(rows) == [1, 2, 3]


async def test_commands_of_one_batch_run_together_and_fail_alone(database: Database) -> None:
    sizes: list[int] = []

    def batch(tx: Transaction, commands: object) -> list[object]:
        keys = list(commands)  # type: ignore[call-overload]
        sizes.append(len(keys))
        for key in keys:
            tx.add(PROBE, {"id": key, "touched_at": tx.now})
        return [invalid("three") if key == 3 else key for key in keys]

    outcomes = await asyncio.gather(
        *(database.write_batched(batch, key) for key in (1, 2, 3, 4)), return_exceptions=True
    )
    assert outcomes[0] == 1
    assert type(outcomes[2]).__name__ == "DomainError"
    assert max(sizes) > 1
    assert await database.read(rows) == [1, 2, 3, 4]


async def test_two_units_never_lose_an_update(database: Database) -> None:
    """Fifty conditional updates that each need the state before: none is lost, on either database."""
    await database.write(lambda tx: tx.add(PROBE, {"id": 1000, "touched_at": tx.now}))

    def up(tx: Transaction) -> None:
        tx.execute(update(PROBE).values(id=PROBE.c.id + 1))

    await asyncio.gather(*(database.write(up) for _ in range(50)))
    assert await database.read(rows) == [1050]


async def test_listeners_hear_only_of_what_was_committed(database: Database) -> None:
    listener = database.bus.listen("probe")

    def refused(tx: Transaction) -> None:
        tx.announce(Signal("probe", frozenset({1})))
        raise invalid("no")

    with pytest.raises(Exception, match="no"):
        await database.write(refused)
    await database.write(lambda tx: tx.announce(Signal("probe", frozenset({2}))))
    heard = await listener.wait()
    assert {key for signal in heard for key in signal.keys} == {2}


async def test_another_server_hears_what_this_one_wrote(database: Database) -> None:
    other = Database(database.url.render_as_string(hide_password=False))
    await other.start()
    try:
        listener = other.bus.listen("probe")
        told = asyncio.create_task(listener.wait())

        async def write_until_heard() -> None:
            key = 1
            while not told.done():
                await database.write(adding(key))
                await database.write(lambda tx: tx.announce(Signal("probe", frozenset({2}))))
                key += 1
                await asyncio.wait({told}, timeout=0.2)

        await asyncio.wait_for(write_until_heard(), 20)
        assert next(signal.topic for signal in told.result()) == "probe"
    finally:
        await other.stop()


async def test_what_a_server_wrote_is_told_once(all_databases: Databases) -> None:
    """On PostgreSQL, whose NOTIFY comes back to the server that sent it."""
    url = all_databases.url("postgresql")
    one, other = Database(url), Database(url)
    await one.start()
    await other.start()
    try:
        listener = one.bus.listen("probe")

        def announce(key: int) -> Callable[[Transaction], None]:
            return lambda tx: tx.announce(Signal("probe", frozenset({key})))

        async def heard(key: int) -> list[Signal]:
            signals: list[Signal] = []
            while Signal("probe", frozenset({key})) not in signals:
                signals += await listener.wait()
            return signals

        listening = asyncio.create_task(heard(1))
        while not listening.done():
            await other.write(announce(1))
            await asyncio.wait({listening}, timeout=0.2)
        await one.write(announce(2))
        await other.write(announce(3))
        assert (await asyncio.wait_for(heard(3), 20)).count(Signal("probe", frozenset({2}))) == 1
    finally:
        await one.stop()
        await other.stop()


async def test_what_a_server_wrote_itself_is_no_news_of_another_process(all_databases: Databases) -> None:
    """On SQLite, where another process can't say what it wrote: its commit wakes all, the server's own wakes none."""
    one, other = (SqliteBackend(make_url(url), SystemClock(), Bus()) for url in [all_databases.url("sqlite")] * 2)
    listening = []
    for backend in (one, other):
        listening.append(backend._bus.listen("probe"))
        await backend.start()
    try:
        await other.look()
        await one.submit(adding(1), None, False)
        await one.look()
        assert listening[0]._pending == []
        await other.look()
        assert await listening[1].wait() == [Signal("probe")]
        await other.submit(adding(2), None, False)
        await other.look()
        assert listening[1]._pending == []
        await one.look()
        assert await listening[0].wait() == [Signal("probe")]
    finally:
        await one.stop()
        await other.stop()


async def test_the_database_says_whether_it_takes_writes(database: Database) -> None:
    assert await database.writable()
    assert await database.read(lambda c: c.execute(select(func.count()).select_from(PROBE)).scalar()) == 1


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_migrations_lead_from_empty_to_the_models(all_databases: Databases, kind: str) -> None:
    """The schema that migrations make is the one that the models describe, on both databases."""
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    from app.migrations import compared, migrate, newest
    from app.models import metadata

    database = Database(all_databases.empty_url(kind))
    await database.start()
    try:
        await migrate(database)
        await migrate(database)
        differences = await database.read(
            lambda connection: compare_metadata(
                MigrationContext.configure(connection, opts={"include_name": compared}), metadata
            )
        )
        assert differences == []
        reached = await database.read(lambda c: c.execute(text("SELECT version_num FROM alembic_version")).scalar())
        assert reached == newest()
    finally:
        await database.stop()


async def test_what_was_asked_for_is_written_though_nobody_waits_for_it_any_more(database: Database) -> None:
    gone = [asyncio.create_task(database.write(adding(key))) for key in (1, 2)]
    await asyncio.sleep(0)
    for each in gone:
        each.cancel()
    await database.write(adding(3))
    assert await database.read(rows) == [1, 2, 3]
    assert all(each.cancelled() for each in gone)
