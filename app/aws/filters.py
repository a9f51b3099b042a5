"""Filters of lists: names with values, each name one of the operation's, within bounds."""

from collections.abc import Collection, Mapping
from typing import Any

from app.aws.errors import invalid_value, too_many_filters

MOST_FILTERS = 10
MOST_VALUES = 100
_BOOLEANS = {"true": True, "false": False}


def filters_of(given: Mapping[str, Any], names: Collection[str]) -> dict[str, list[str]]:
    """The values by filter name; FilterLimitExceededException for too many, a name given twice is refused."""
    filters = given.get("Filters", [])
    if len(filters) > MOST_FILTERS:
        raise too_many_filters("filters", len(filters), MOST_FILTERS)
    found: dict[str, list[str]] = {}
    for each in filters:
        name, values = each.get("Name"), each.get("Values", [])
        if name not in names:
            raise invalid_value(f"“{str(name)[:64]}” is not a filter here: there are {', '.join(sorted(names))}.")
        if name in found:
            raise invalid_value(f"The filter {name} is given twice.")
        if not values:
            raise invalid_value(f"The filter {name} has no values.")
        if len(values) > MOST_VALUES:
            raise too_many_filters(f"values of the filter {name}", len(values), MOST_VALUES)
        found[name] = values
    return found


def boolean_of(filters: Mapping[str, list[str]], name: str) -> bool | None:
    """A filter that is true or false; None where it is not given, or given as both."""
    values = filters.get(name)
    if values is None:
        return None
    wrong = [value for value in values if value.lower() not in _BOOLEANS]
    if wrong:
        raise invalid_value(f"The filter {name} is true or false, not “{wrong[0][:40]}”.")
    wanted = {_BOOLEANS[value.lower()] for value in values}
    return wanted.pop() if len(wanted) == 1 else None
