"""The database's migrations, run on start: up from empty, or from any release before."""

from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

from app.kernel.database import Database


def upgrade(connection: Connection) -> None:
    """Bring one database up to the newest revision, on a connection of its own."""
    command.upgrade(configuration(connection), "head")


def configuration(connection: Connection) -> Config:
    """Alembic's configuration, without a file of its own."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["connection"] = connection
    return config


def compared(name: str | None, kind: str, parents: Any) -> bool:
    """Whether models describe a table or an index; the index of trigrams is made by its migration alone."""
    return not (kind in ("table", "index") and name is not None and name.startswith("search_word_trigram"))


async def migrate(database: Database) -> None:
    """Bring a started database up to date; of several servers that start at once, one does it and the others wait."""
    await database.migrate(upgrade)
