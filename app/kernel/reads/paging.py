"""Relay pages over one unique key: bounds, cursors, and the numbers behind `pageInfo` (API-1)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.kernel.errors import invalid

DEFAULT_PAGE = 20
MAXIMUM_PAGE = 100
_CURSOR = "k"


@dataclass(frozen=True, slots=True)
class Page:
    """What a page's arguments ask for, checked."""

    limit: int
    backwards: bool
    after: int | None
    before: int | None


def cursor(key: int) -> str:
    """The opaque cursor of a key."""
    return f"{_CURSOR}{key}"


def cursor_prefix() -> str:
    return _CURSOR


def parse_cursor(text: str, argument: str) -> int:
    """The key in a cursor, or INVALID_INPUT that names the argument."""
    digits = text[1:]
    if text[:1] != _CURSOR or not digits.isascii() or not digits.isdigit() or len(digits) > 19 or int(digits) >= 2**63:
        raise invalid(
            f"The argument {argument} is not a cursor of this service.",
            argument,
            remedy="Take it from an edge's cursor, or from pageInfo.",
            rule="API-1",
        )
    return int(digits)


def page_of(arguments: Mapping[str, Any]) -> Page:
    """The page that a connection's arguments ask for; refuses what is out of bounds."""
    first, last = arguments.get("first"), arguments.get("last")
    after, before = arguments.get("after"), arguments.get("before")
    if first is not None and last is not None:
        raise invalid("Ask for the first or for the last, not for both.", "last", rule="API-1")
    for name, size in (("first", first), ("last", last)):
        if size is not None and not 0 <= size <= MAXIMUM_PAGE:
            raise invalid(
                f"The argument {name} is {size}; a page has 0 to {MAXIMUM_PAGE}.",
                name,
                remedy=f"Ask for at most {MAXIMUM_PAGE}, and go on from the page's cursor.",
                rule="API-1",
            )
    limit = first if first is not None else last if last is not None else DEFAULT_PAGE
    return Page(
        limit=limit,
        backwards=last is not None,
        after=parse_cursor(after, "after") if after is not None else None,
        before=parse_cursor(before, "before") if before is not None else None,
    )
