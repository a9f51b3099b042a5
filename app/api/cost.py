"""What an operation costs: known from its document, except for page sizes that variables give.

A field costs 1. What is selected below a page counts as often as the page has items: `first` or `last`, 20 where
neither is given, or as many as there are `ids`. In a connection that holds for its lists (edges), not for `pageInfo`
and `totalCount`. A list of objects without pages counts as 10 items. No page costs more than the largest one: what
asks for a larger one is refused for that, by name (API-1).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graphql import FieldNode, GraphQLField, IntValueNode, ListValueNode, NullValueNode, ValueNode, VariableNode

from app.kernel.reads.paging import MAXIMUM_PAGE

PAGE = 20
UNPAGED = 10
MOST_DIGITS = 18


@dataclass(frozen=True, slots=True)
class Variable:
    """A size that a variable gives: a page's number, or a list's length."""

    names: tuple[str, ...]
    otherwise: int

    def value(self, variables: Mapping[str, Any]) -> int:
        """The size, for the coerced variables of one request."""
        for name in self.names:
            given = variables.get(name)
            if isinstance(given, list):
                return len(given)
            if isinstance(given, int):
                return _page(given)
        return self.otherwise


def _page(number: int) -> int:
    """What a page of that many costs: none is read that is larger than the largest."""
    return min(max(number, 0), MAXIMUM_PAGE)


Factor = int | Variable


@dataclass(frozen=True, slots=True)
class Cost:
    """A sum: a constant, and other costs multiplied by sizes."""

    constant: int = 0
    parts: tuple[tuple[Factor, "Cost"], ...] = ()

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(self.constant + other.constant, self.parts + other.parts)

    def times(self, factor: Factor) -> "Cost":
        """The cost of as many as the factor says."""
        if not self.parts and isinstance(factor, int):
            return Cost(self.constant * factor)
        return Cost(0, ((factor, self),))

    def value(self, variables: Mapping[str, Any]) -> int:
        """The number, for the coerced variables of one request."""
        total = self.constant
        for factor, cost in self.parts:
            size = factor if isinstance(factor, int) else factor.value(variables)
            total += size * cost.value(variables)
        return total


def size_of(node: FieldNode, field: GraphQLField | None) -> Factor | None:
    """How many items a field answers with by its arguments, or None where it has none that say so."""
    if field is None:
        return None
    given = {argument.name.value: argument.value for argument in node.arguments or ()}
    if "ids" in field.args:
        return _size([given["ids"]] if "ids" in given else [], UNPAGED)
    if "first" in field.args or "last" in field.args:
        return _size([given[name] for name in ("first", "last") if name in given], PAGE)
    return None


def _size(values: list[ValueNode], otherwise: int) -> Factor:
    names: list[str] = []
    for value in values:
        match value:
            case VariableNode():
                names.append(value.name.value)
            case ListValueNode():
                return len(value.values)
            case IntValueNode():
                return _page(int(value.value[:MOST_DIGITS]))
            case NullValueNode():
                continue
            case _:
                return 1
    return Variable(tuple(names), otherwise) if names else otherwise
