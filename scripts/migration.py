"""Writes a migration from what the models have and the migrations have not: `python -m scripts.migration MESSAGE`."""

import asyncio
import sys
import tempfile
from pathlib import Path

from alembic import command
from sqlalchemy import Connection

from app.kernel.database import Database
from app.migrations.upgrading import configuration, upgrade


def main() -> None:
    """Compare on an empty SQLite database that the present migrations have brought up."""
    message, *revision = sys.argv[1:]

    def write(connection: Connection) -> None:
        upgrade(connection)
        command.revision(
            configuration(connection), message=message, autogenerate=True, rev_id=revision[0] if revision else None
        )

    async def run() -> None:
        with tempfile.TemporaryDirectory() as folder:
            database = Database(f"sqlite+aiosqlite:///{Path(folder) / 'empty.db'}")
            await database.migrate(write)

    asyncio.run(run())


if __name__ == "__main__":
    main()
