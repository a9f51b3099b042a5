"""Which part of a filter is read first: by an index, the fewest rows, the rest asked of each (its driver).

A page of twenty takes about twenty rows of a driver whose keys come in order, divided by how many of them the rest lets
through; a driver whose keys come in no order is read whole. Alternatives are driven each by its own.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from app.inventory.search.frequencies import Frequency
from app.inventory.search.terms import And, Expression, Not, Or, Software, Term

PAGE = 21
SORTED = 1.5
MOST_BRANCHES = 8
_GUESS = 0.3


@dataclass(frozen=True, slots=True)
class Branch:
    """A driver and what must still be asked of its rows. `part` None: everything within reach, in order."""

    part: Expression | None
    rest: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """Branches that find all that a filter finds, and about how many rows they read for a page and in all."""

    branches: tuple[Branch, ...]
    page: float
    whole: float


@dataclass(frozen=True, slots=True)
class Facts:
    """What plans are weighed by, in resources.

    `total`: all there are. `reached`: within the search's reach; it can be driven by that where `reach_driven`.
    `found`: how many a part finds; None where no index finds them.
    """

    total: float
    reached: float
    reach_driven: bool
    found: Callable[[Expression], Frequency | None]


def ways(expression: Expression | None, facts: Facts) -> list[Plan]:
    """All ways to what a filter finds; each finds the same."""
    found = [_everything(expression, facts)]
    if expression is not None:
        found += [Plan(tuple(branches), *_cost(branches, facts)) for branches in _covers(expression, facts)]
    return found


def _everything(expression: Expression | None, facts: Facts) -> Plan:
    rest = () if expression is None else (expression,)
    rows = facts.reached if facts.reach_driven else facts.total
    passing = math.prod(_share(each, facts) for each in rest)
    if not facts.reach_driven:
        passing *= _reached_share(facts)
    return Plan((Branch(None, rest),), _page(rows, passing), rows)


def _covers(expression: Expression, facts: Facts) -> list[list[Branch]]:
    """The sets of branches that each find all that an expression finds."""
    match expression:
        case Term() | Software():
            return [[Branch(expression, ())]] if facts.found(expression) else []
        case And(parts):
            return [
                [Branch(each.part, (*each.rest, *_without(parts, part))) for each in branches]
                for part in parts
                for branches in _covers(part, facts)
            ]
        case Or(parts):
            cheapest = [min(_covers(part, facts), key=lambda each: _cost(each, facts), default=None) for part in parts]
            branches = [branch for each in cheapest if each is not None for branch in each]
            return [branches] if None not in cheapest and len(branches) <= MOST_BRANCHES else []
        case _:
            return []


def _without(parts: tuple[Expression, ...], left_out: Expression) -> tuple[Expression, ...]:
    return tuple(part for part in parts if part is not left_out)


def _cost(branches: list[Branch], facts: Facts) -> tuple[float, float]:
    page = whole = 0.0
    for branch in branches:
        assert branch.part is not None
        found = facts.found(branch.part)
        assert found is not None
        passing = math.prod(_share(each, facts) for each in branch.rest) * _reached_share(facts)
        page += _page(found.rows, passing) if found.ordered else SORTED * found.rows
        whole += found.rows
    return page, whole


def _page(rows: float, passing: float) -> float:
    """About how many of some rows in order are read until a page of those that pass is full."""
    return min(rows, PAGE / max(passing, 1 / max(rows, 1)))


def _reached_share(facts: Facts) -> float:
    return min(1.0, facts.reached / facts.total)


def _share(expression: Expression, facts: Facts) -> float:
    """About what part of all resources an expression holds of."""
    match expression:
        case And(parts):
            return math.prod(_share(part, facts) for part in parts)
        case Or(parts):
            return min(1.0, sum(_share(part, facts) for part in parts))
        case Not(part):
            return 1 - _share(part, facts)
        case _:
            found = facts.found(expression)
            return _GUESS if found is None else min(1.0, found.rows / facts.total)
