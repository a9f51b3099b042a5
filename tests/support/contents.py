"""The whole content of a database, to hold one moment against another."""

from typing import Any

from sqlalchemy import Connection, select

from app.kernel.database import Database
from app.models import metadata


async def contents(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, in an order of its own."""
    return await database.read(_contents)


def _contents(connection: Connection) -> dict[str, list[tuple[Any, ...]]]:
    return {
        table.name: sorted(tuple(map(str, row)) for row in connection.execute(select(table)))
        for table in metadata.sorted_tables
    }
