"""What is searched without differences of case is kept folded beside what was given, in any alphabet."""

from collections.abc import Callable, Mapping
from typing import Any

from app.compute.versions import version_key

FOLDED: Mapping[str, str] = {
    "name": "name_folded",
    "platform": "platform_folded",
    "resource_id": "resource_id_folded",
    "publisher": "publisher_folded",
    "value": "value_folded",
}
"""By column: the one that holds its folded text."""


def fold(text: str) -> str:
    """A text without differences of case."""
    return text.casefold()


def folded(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values of columns that are to be changed, and what is kept folded of them."""
    beside = {
        FOLDED[name]: fold(value) if value is not None else None for name, value in values.items() if name in FOLDED
    }
    return {**values, **beside}


def folds(column: str) -> Callable[[Any], str | None]:
    """A column's default: another column of the same new row, folded."""
    return _from(column, fold)


def version_key_of(column: str) -> Callable[[Any], str | None]:
    """A column's default: the key that sorts the version in another column of the same new row."""
    return _from(column, version_key)


def _from(column: str, make: Callable[[str], str]) -> Callable[[Any], str | None]:
    def default(context: Any) -> str | None:
        given = context.current_parameters.get(column)
        return None if given is None else make(given)

    return default
