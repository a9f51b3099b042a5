"""A filter made ready for the read planner: its plan, its statement of keys, and the values that are bound."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Select,
    String,
    and_,
    any_,
    bindparam,
    func,
    literal,
    literal_column,
    select,
    true,
    union,
    union_all,
)

from app.compute.searching import resources
from app.inventory.search.conditions import holds
from app.inventory.search.drivers import Driver, driver
from app.inventory.search.frequencies import Frequencies, Frequency
from app.inventory.search.ground import Ground, names_of, parameters, structure
from app.inventory.search.plan import Branch, Facts, Plan, ways
from app.inventory.search.reach import REGION, Reach
from app.inventory.search.terms import Expression, Term
from app.kernel.reads import Scope, Window

MOST_COUNTED = 24
"""So many parts of a filter are counted to find the cheapest plan; no other is read first."""

Keys = Mapping[Term, Sequence[int]]


@dataclass(frozen=True, slots=True)
class Search:
    """A search that is ready: `find` and `binds` are what the read planner takes, `key` tells its shape."""

    expression: Expression | None
    reach: Reach
    names: Mapping[Term, str]
    binds: Mapping[str, str]
    page: Plan
    whole: Plan

    @property
    def key(self) -> Hashable:
        """What the statement depends on besides the values."""
        shape = structure(self.expression, self.names) if self.expression is not None else ()
        return (self.reach, shape, _shape(self.page, self.names), _shape(self.whole, self.names))

    def find(self, scope: Scope, window: Window | None) -> Select[Any]:
        """The keys of a page, or of all that is found."""
        ground = Ground(scope.dialect, scope.viewer_account, self.names, scope.bind)
        if window is None:
            return all_keys(self.expression, self.whole, self.reach, ground)
        return page_keys(self.page, self.reach, ground, window)


def prepare(
    connection: Connection,
    expression: Expression | None,
    reach: Reach,
    *,
    viewer_account: str,
    region: str | None,
    keys: Keys,
    now: datetime,
) -> Search:
    """Choose how a search reads. `keys` are what the terms of units and licenses stand for."""
    facts = facts_of(connection, expression, reach, viewer_account=viewer_account, region=region, keys=keys, now=now)
    found = ways(expression, facts)
    names = names_of(expression) if expression is not None else {}
    binds = parameters(names, keys)
    if region is not None:
        binds[REGION] = region
    page, whole = min(found, key=lambda way: way.page), min(found, key=lambda way: way.whole)
    return Search(expression, reach, names, binds, page, whole)


def facts_of(
    connection: Connection,
    expression: Expression | None,
    reach: Reach,
    *,
    viewer_account: str,
    region: str | None,
    keys: Keys,
    now: datetime,
) -> Facts:
    """What plans are weighed by, counted as far as it is asked and not remembered."""
    dialect, viewer = connection.dialect.name, literal(viewer_account, String())
    frequencies = Frequencies(connection, now)
    total = frequencies.everything()
    seen: dict[Expression, Frequency | None] = {}

    def reached() -> Driver | None:
        values = {} if region is None else {REGION: region}
        return reach.driver(Ground(dialect, viewer, {}, partial(_bound, values)))

    def found(part: Expression) -> Frequency | None:
        if part not in seen:
            few = len(seen) < MOST_COUNTED
            seen[part] = _found(frequencies, part, dialect, viewer, keys) if few else None
        return seen[part]

    within = frequencies.of((reach, viewer_account, region), reached)
    return Facts(total, total if within is None else within.rows, within is not None, found)


def _found(
    frequencies: Frequencies, part: Expression, dialect: str, viewer: ColumnElement[str], keys: Keys
) -> Frequency | None:
    names = names_of(part)
    values = parameters(names, keys)

    def driven() -> Driver | None:
        return driver(part, Ground(dialect, viewer, names, partial(_bound, values)))

    return frequencies.of((structure(part, names), tuple(values.values())), driven)


def _bound(values: Mapping[str, str], name: str) -> ColumnElement[Any]:
    return bindparam(None, values[name], String(), unique=True)


def _shape(plan: Plan, names: Mapping[Term, str]) -> Hashable:
    return tuple(
        (structure(branch.part, names) if branch.part else None, *(structure(each, names) for each in branch.rest))
        for branch in plan.branches
    )


# ------------------------------------------------------------ statements


def page_keys(plan: Plan, reach: Reach, ground: Ground, window: Window) -> Select[Any]:
    """The keys of a page: each branch's first ones, and of those the first."""
    branches = [_first(branch, reach, ground, window) for branch in plan.branches]
    if len(branches) == 1:
        return branches[0]
    merged = union(*(select(each.subquery().c.key) for each in branches)).subquery()
    return _ordered(select(merged.c.key), merged.c.key, window)


def _first(branch: Branch, reach: Reach, ground: Ground, window: Window) -> Select[Any]:
    """The first keys of a driver whose resources are within reach and as the rest asks.

    What is asked stands where no index serves it: the driver's shall be taken, by databases that don't know the values.
    """
    driven = _driver(branch, reach, ground)
    if not driven.ordered:
        resource = resources()
        keys = select(resource.c.id.label("key")).where(among(resource.c.id, driven.keys, ground.dialect))
        return _ordered(keys.where(_passes(branch, reach, resource, ground)), resource.c.id, window)
    keys = driven.keys.with_only_columns(driven.key.label("key"))
    if driven.row is not None and ground.dialect == "sqlite":
        return _ordered(keys.where(_passes(branch, reach, driven.row, ground)), driven.key, window)
    resource = resources()
    passing = (
        select(literal_column("1"))
        .where(resource.c.id == driven.key, _passes(branch, reach, resource, ground))
        .correlate_except(resource)
        .scalar_subquery()
    )
    probed = keys.where(passing.is_not(None))
    return _ordered(probed if driven.row is not None else probed.distinct(), driven.key, window)


def _passes(branch: Branch, reach: Reach, resource: FromClause, ground: Ground) -> ColumnElement[bool]:
    """Whether a resource that the driver found is there, within reach, and as the rest asks."""
    asked = [*(holds(each, resource, ground) for each in branch.rest), *reach.holds(resource, ground)]
    return and_(resource.c.gone_at.is_(None), *asked).is_(true())


def among(key: ColumnElement[int], keys: Select[Any], dialect: str) -> ColumnElement[bool]:
    """Whether a key is one of few, worked out first; PostgreSQL would weigh it as a join of many."""
    if dialect == "postgresql":
        return key == any_(func.array(keys.scalar_subquery()))
    return key.in_(keys)


def _driver(branch: Branch, reach: Reach, ground: Ground) -> Driver:
    if branch.part is None:
        return reach.driver(ground) or _any()
    driven = driver(branch.part, ground)
    assert driven is not None, "a plan has only parts that an index finds"
    return driven


def _any() -> Driver:
    resource = resources()
    return Driver(select(resource.c.id).where(resource.c.gone_at.is_(None)), resource.c.id, True, resource)


def _ordered(keys: Select[Any], key: ColumnElement[int], window: Window) -> Select[Any]:
    within = keys.where(*window.within(key))
    return within.order_by(key.asc() if window.ascending else key.desc()).limit(window.limit)


def all_keys(expression: Expression | None, plan: Plan, reach: Reach, ground: Ground) -> Select[Any]:
    """The keys of all that is found."""
    resource = resources()
    asked = [resource.c.gone_at.is_(None), *reach.holds_of_many(resource, ground)]
    if len(plan.branches) == 1:
        asked += [holds(each, resource, ground) for each in plan.branches[0].rest]
    elif expression is not None and any(branch.rest for branch in plan.branches):
        asked.append(holds(expression, resource, ground))
    found = select(resource.c.id)
    drivers = [_driver(branch, reach, ground).keys for branch in plan.branches if branch.part is not None]
    if not drivers:
        return found.where(*asked)
    driven = drivers[0] if len(drivers) == 1 else union_all(*drivers)
    # SQLite knows nothing of the values: it is told to begin with the driver, by conditions that no index serves.
    rest = and_(*asked).is_(true()) if ground.dialect == "sqlite" else and_(*asked)
    return found.where(resource.c.id.in_(driven), rest)
