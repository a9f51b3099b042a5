"""The database's migrations, run on start: up from empty, or from any release before."""

from pathlib import Path
from typing import Any

from sqlalchemy import Connection, inspect, text

from app.kernel.database import Database
from app.kernel.errors import UnusableDatabase


def compared(name: str | None, kind: str, parents: Any) -> bool:
    """Whether models describe a table or an index; the index of trigrams is made by its migration alone."""
    return not (kind in ("table", "index") and name is not None and name.startswith("search_word_trigram"))


async def migrate(database: Database) -> None:
    """Bring a started database up to date; of several servers that start at once, one does it and the others wait."""
    present = await database.read(_revision)
    if present == newest():
        return
    if present is not None and present not in _revisions():
        raise UnusableDatabase(
            f"The database has the tables of another release ({present}); this one knows those up to {newest()}",
            "Run the release that served it last, or a newer one.",
        )
    from app.migrations.upgrading import upgrade  # a tenth of the time to start, for what is rarely needed

    await database.migrate(upgrade)


def newest() -> str:
    """The newest revision; their files are numbered."""
    return max(_revisions())


def _revisions() -> set[str]:
    return {path.name.split("_")[0] for path in (Path(__file__).parent / "versions").glob("[0-9]*.py")}


def _revision(connection: Connection) -> str | None:
    """The revision that a database is at; None for an empty one."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return found
