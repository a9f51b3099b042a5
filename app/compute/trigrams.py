"""The index of trigrams on PostgreSQL: made by its migration, or at a later start, where the server lets it be made."""

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from app.kernel.database import Database

log = structlog.get_logger(__name__)
INDEX = "search_word_trigram"
EXTENSION = "CREATE EXTENSION IF NOT EXISTS pg_trgm"
CREATE = f"CREATE INDEX IF NOT EXISTS {INDEX} ON search_word USING gin (text gin_trgm_ops) WITH (fastupdate = off)"


async def ensure(database: Database) -> bool:
    """Whether parts of words are found by index; where they are not, the log says what it takes.

    They are found without it as well, by reading all words.
    """
    if database.dialect.name != "postgresql" or await database.read(_present):
        return True
    try:
        await database.migrate(_create)
    except DBAPIError:
        log.warning(
            "parts of words are searched without an index: the server does not let pg_trgm be used",
            remedy=f"As an owner of the database: {EXTENSION}; {CREATE};",
        )
        return False
    return True


def _present(connection: Connection) -> bool:
    return connection.exec_driver_sql(f"SELECT to_regclass('{INDEX}')").scalar() is not None


def _create(connection: Connection) -> None:
    with connection.begin():
        connection.exec_driver_sql(EXTENSION)
        connection.exec_driver_sql(CREATE)
