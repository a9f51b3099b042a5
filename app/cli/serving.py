"""`tollgate serve`: runs a server until a signal ends it, then lets open requests come to their end."""

import asyncio
import contextlib
import gc
import logging
import os
import signal
import sys
from types import FrameType
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from app.settings import Settings


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("serve")(serve)


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on, instead of TOLLGATE_HOST.")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port to listen on, instead of TOLLGATE_PORT; 0: a free one.")
    ] = None,
    demo: Annotated[
        bool, typer.Option("--demo", help="Fill an empty database with a demo organization, and print a token of it.")
    ] = False,
) -> None:
    """Migrate the database and serve."""
    from app.cli.running import on_database, settings

    chosen = settings()
    chosen = chosen.model_copy(
        update={name: value for name, value in (("host", host), ("port", port)) if value is not None}
    )
    _configure_logs(chosen)
    for kind in (signal.SIGTERM, signal.SIGINT):
        signal.signal(kind, _leave)
    with on_database():
        token = asyncio.run(_prepare_demo(chosen)) if demo else None
        _run(chosen, token)


def _leave(_signal: int, _frame: FrameType | None) -> NoReturn:
    """To be asked to stop is no failure, before the server runs and after it has stopped."""
    sys.exit(0)


def _configure_logs(chosen: "Settings") -> None:
    import structlog

    from app.logging import configure
    from app.settings import unknown

    format_ = chosen.log_format
    if format_ == "auto":
        format_ = "console" if chosen.development else "json"
    configure(level=chosen.log_level, format=format_)
    logging.getLogger("alembic.runtime.plugins").setLevel(logging.WARNING)
    logging.getLogger("uvicorn.error").addFilter(_without_colors)
    for name in unknown(os.environ):
        structlog.get_logger("tollgate").warning("a variable is no setting", variable=name)


def _without_colors(record: logging.LogRecord) -> bool:
    """uvicorn writes its messages twice, the second time with colours."""
    record.__dict__.pop("color_message", None)
    return True


async def _prepare_demo(chosen: "Settings") -> str:
    """The demo organization where the database is empty, and a token of its master account."""
    from app import services  # noqa: F401 - so that each slice follows what the others do
    from app.cli.running import open_database
    from app.migrations import migrate
    from app.seeding.demo import demo_token, ensure_demo

    database = open_database(chosen)
    try:
        await database.start()
        await migrate(database)
        await ensure_demo(database)
        return await demo_token(database)
    finally:
        await database.stop()


def _run(chosen: "Settings", token: str | None) -> None:
    # What loads here lives as long as the server: looking through it for garbage, again and again, is a sixth of the
    # start. The server turns collecting on again once it serves.
    gc.disable()
    from app.cli.server import Server, configuration
    from app.main import build

    built = build(chosen, demo_token=token)
    server = Server(configuration(chosen, built.application), built, token)
    with contextlib.suppress(KeyboardInterrupt):
        server.run()
