"""Parts of words are found by an index of trigrams, and without it where a PostgreSQL server lets none be (IN-1)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import Connection, literal, make_url

from app.compute import trigrams
from app.compute.searching import words_like, words_matching
from app.compute.words import Word, note
from app.kernel.clock import ManualClock
from app.kernel.database import Database, Transaction
from tests.support.databases import Databases


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Database]:
    database = Database(url, clock=ManualClock())
    await database.start()
    try:
        yield database
    finally:
        await database.stop()


def many_words(tx: Transaction) -> None:
    note(tx, Word.NAME, *(f"server {number} of rack {number % 97}" for number in range(5_000)))


async def counted(database: Database) -> None:
    """Let PostgreSQL know how many words there are."""
    await database.write(lambda tx: tx.connection.exec_driver_sql("ANALYZE search_word"))


def explained(connection: Connection) -> str:
    """How the database finds the words that have a part."""
    found = (
        words_matching(Word.NAME, None, literal('"r 77 o"'))
        if connection.dialect.name == "sqlite"
        else words_like(Word.NAME, None, literal("%r 77 o%"))
    )
    compiled = str(found.compile(dialect=connection.dialect, compile_kwargs={"literal_binds": True}))
    if connection.dialect.name == "postgresql":  # which reads a table as small as this one, given the choice
        connection.exec_driver_sql("SET enable_seqscan = off")
    explain = "EXPLAIN QUERY PLAN " if connection.dialect.name == "sqlite" else "EXPLAIN "
    return "\n".join(str(row[-1]) for row in connection.exec_driver_sql(explain + compiled.replace("%%", "%")))


async def test_a_part_of_a_word_is_found_by_the_index_of_trigrams(database: Database) -> None:
    await database.write(many_words)
    if database.dialect.name == "postgresql":
        await counted(database)
    told = await database.read(explained)
    assert "VIRTUAL TABLE INDEX" in told or trigrams.INDEX in told, told


async def test_the_index_is_made_at_a_later_start_once_the_server_has_what_it_takes(all_databases: Databases) -> None:
    async with opened(all_databases.url("postgresql")) as database:
        await database.write(lambda tx: tx.connection.exec_driver_sql("DROP EXTENSION pg_trgm CASCADE"))
        assert await trigrams.ensure(database)
        await database.write(many_words)
        await counted(database)
        assert trigrams.INDEX in await database.read(explained)
        assert await trigrams.ensure(database)


async def test_a_server_that_lets_no_extension_be_created_is_searched_without_it(all_databases: Databases) -> None:
    """The start goes on, and what contains a part of a word is found all the same."""
    url = all_databases.url("postgresql")
    role = "limited_" + make_url(url).database  # type: ignore[operator]
    async with opened(url) as database:
        for statement in (
            "DROP EXTENSION pg_trgm CASCADE",
            f"CREATE ROLE {role} LOGIN",
            f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}",
            f"GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {role}",
        ):
            await database.write(lambda tx, statement=statement: tx.connection.exec_driver_sql(statement))  # type: ignore[misc]
    async with opened(url.replace("postgres@", f"{role}@")) as limited:
        assert not await trigrams.ensure(limited)
        await limited.write(many_words)
        found = await limited.read(
            lambda c: {row.text for row in c.execute(words_like(Word.NAME, None, literal("%r 77 o%")))}
        )
        assert found == {"server 77 of rack 77"}
