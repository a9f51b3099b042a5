"""What commands have in common: settings, the database, and exit codes with words instead of tracebacks."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn, TypeVar

import typer

if TYPE_CHECKING:
    from app.kernel.database import Database
    from app.settings import Settings

T = TypeVar("T")
REFUSED = 1
UNUSABLE = 2
UNAVAILABLE = 3


@contextmanager
def explained() -> Iterator[None]:
    """Say on stderr what went wrong, and exit: 1 refused, 2 settings that can't be used, 3 no database."""
    from app.kernel.errors import Busy, DomainError, Unavailable, UnusableDatabase
    from app.seeding.errors import InputError, InputErrors
    from app.settings import SettingsError

    try:
        yield
    except SettingsError as error:
        fail(UNUSABLE, str(error))
    except InputErrors as error:
        fail(REFUSED, *(part for each in error.errors for part in (each.text, _indented(each.remedy))))
    except InputError as error:
        fail(REFUSED, error.text, _indented(error.remedy))
    except DomainError as error:
        fail(REFUSED, *(part for each in error.refusals for part in (each.message, _indented(each.remedy))))
    except UnusableDatabase as error:
        fail(UNAVAILABLE, f"{error}.", _indented(error.remedy))
    except Unavailable as error:
        remedy = _BUSY if isinstance(error, Busy) else _UNREACHED
        fail(UNAVAILABLE, f"{str(error)[:1].upper()}{str(error)[1:]}{_cause(error)}.", _indented(remedy))


@contextmanager
def on_database() -> Iterator[None]:
    """As explained, and what the database itself says where it can't do what this release asks."""
    from sqlalchemy.exc import OperationalError, ProgrammingError

    from app.kernel.database.core import UnusableUrl

    with explained():
        try:
            yield
        except UnusableUrl as error:
            fail(UNUSABLE, str(error))
        except (OperationalError, ProgrammingError) as error:
            fail(UNAVAILABLE, f"The database can't be worked on: {_told(error)}.", _indented(_DAMAGED))


_DAMAGED = "It holds other tables than this release's: restore it, or name another by TOLLGATE_DATABASE_URL."
_BUSY = "Run it again when that has ended, such as a large import; nothing was changed."
_UNREACHED = "Is the database that TOLLGATE_DATABASE_URL names running, and may it be written to?"


def fail(code: int, *lines: str | None) -> NoReturn:
    """Tell people what is in the way, on stderr, and exit."""
    for line in filter(None, lines):
        typer.echo(line, err=True)
    raise typer.Exit(code)


def _indented(text: str | None) -> str | None:
    return f"  {text}" if text else None


def _cause(error: BaseException) -> str:
    told = _told(error.__cause__) if error.__cause__ is not None else ""
    return f": {told}" if told else ""


def _told(error: BaseException) -> str:
    """What the database itself said, in one line."""
    from app.logging import redact

    told = str(getattr(error, "orig", None) or error).strip()
    return str(redact(None, "", {"text": told})["text"]).partition("\n")[0].rstrip(".")


def settings() -> "Settings":
    """The settings of the environment; exits with 2 where one can't be used."""
    from app.settings import load

    with explained():
        return load()


def run(work: "Callable[[Database], Awaitable[T]]") -> T:
    """Run some work on the database of the settings, which is brought up to date before."""
    from app.logging import configure

    chosen = settings()
    configure(level="warning", format="console")
    with on_database():
        return asyncio.run(_opened(chosen, work))


async def _opened(chosen: "Settings", work: "Callable[[Database], Awaitable[T]]") -> T:
    from app import services  # noqa: F401 - so that each slice follows what the others do
    from app.migrations import migrate

    database = open_database(chosen)
    try:
        await database.start()
        await migrate(database)
        return await work(database)
    finally:
        await database.stop()


def open_database(chosen: "Settings") -> "Database":
    """The database of the settings, not started, and this process follows them; raises UnusableUrl."""
    from app.kernel.database import Database
    from app.usual import follow

    follow(chosen)
    return Database(chosen.database_url.get_secret_value())
