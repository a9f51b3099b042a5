"""Work that is done to see what it comes to, and not kept: the dry run of a synchronisation."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from app.kernel.database import Database, Transaction

T = TypeVar("T")


class _Undone(Exception):
    """What a unit of work came to that is not to be kept."""

    def __init__(self, result: object) -> None:
        self.result = result


async def written(database: Database, work: Callable[[Transaction], T], *, dry_run: bool) -> T:
    """What a unit of work comes to; in a dry run all of it is undone."""
    if not dry_run:
        return await database.write(work)
    try:
        return await database.write(lambda tx: _undo(work(tx)))
    except _Undone as undone:
        return cast("T", undone.result)


def _undo(result: object) -> Any:
    raise _Undone(result)
