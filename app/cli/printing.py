"""Tables and progress for people: tables on stdout, progress on stderr and on a terminal only."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

import typer

from app.kernel.changes import Change, Changes

_MOVING = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""What would break a line, turn it round or move the terminal's cursor: names are anyone's to choose."""


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows in columns as wide as what is in them, a line each whatever that is."""
    lines = [tuple(heads), *(tuple(_MOVING.sub(" ", cell) for cell in row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    for line in lines:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def instant(at: datetime | None) -> str:
    """An instant to the minute, UTC; a hyphen for none."""
    return at.strftime("%Y-%m-%d %H:%M") if at else "-"


def summary(changes: Changes | None, nothing: str) -> None:
    """Say what changed, a kind a line; `nothing` where nothing did."""
    if not changes:
        typer.echo(nothing)
        return
    for what, counts in changes:
        told = ", ".join(f"{counts[change]:,} {change}" for change in Change if counts[change])
        typer.echo(f"{what}: {told}")


@contextmanager
def progress(what: str, total: int) -> Iterator[Callable[[], None]]:
    """A bar on stderr while work goes on; call what it gives after each part."""
    done = 0

    def advance() -> None:
        nonlocal done
        done += 1
        told(done, total)

    with steps(what, total) as told:
        yield advance


@contextmanager
def steps(what: str, total: int | None = None) -> Iterator[Callable[[int, int], None]]:
    """The same for work that finds out as it goes on how much it is; call what it gives with what is done, of all."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done, whole: bar.update(task, completed=done, total=whole)
