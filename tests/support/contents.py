"""The whole content of a database, to hold one moment against another."""

from typing import Any

from sqlalchemy import Connection, inspect

from app.kernel.database import Database


async def contents(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table that the database has, in an order of its own."""
    return await database.read(_contents)


def _contents(connection: Connection) -> dict[str, list[tuple[Any, ...]]]:
    return {
        name: sorted(tuple(map(str, row)) for row in connection.exec_driver_sql(f'SELECT * FROM "{name}"'))
        for name in inspect(connection).get_table_names()
    }
