"""Where each field of the schema comes from, and who sees it, said where the field is declared.

    @entity(table_of(LicenseConfigurationRow), prefix="lc", sight=sees_configuration)
    @strawberry.type
    class LicenseConfiguration(Node):
        name: str = column()
        remaining_licenses: int | None = value(lambda lc, scope: lc.c.license_count - lc.c.consumed)
        owner: Account = one(lambda: Account, on=lambda lc, owner, scope: owner.c.account_id == lc.c.owner_account_id)

In every function the first argument is the row at hand (an alias of the entity's table; `row.c.NAME`), and `scope`
binds the caller and the field's arguments. Every declaration has a visibility rule, `seen`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

import strawberry
from sqlalchemy import ColumnElement, FromClause, Table

from app.kernel.reads.scope import Reading, Scope

Row = FromClause
RowExpression = Callable[[Row, Scope], ColumnElement[Any]]
Join = Callable[[Row, Row, Scope], ColumnElement[bool]]
Filters = Callable[[Row, Row, Scope], Sequence[ColumnElement[bool]]]
Sight = Callable[[Row, Scope], ColumnElement[bool]]
Source = Callable[[Row, Scope], FromClause]
C = TypeVar("C", bound=type)
KEY = "reads"


@dataclass(frozen=True, slots=True)
class Seen:
    """Who sees a field's value; to others it is null. `predicate` None: whoever sees the object."""

    rule: str
    predicate: Sight | None = None


WITH_OBJECT = Seen("whoever sees the object")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """A kind of object: its table, the prefix of its global ids, and who sees it at all (decision of one predicate).

    `types` maps the values of a discriminating column to GraphQL types where several share the table.
    """

    name: str
    table: Table | None
    prefix: str | None
    key: str
    sight: Sight | None
    discriminator: str | None = None
    types: Mapping[str, str] = field(default_factory=dict)


_ENTITIES: dict[str, Entity] = {}


def entity(
    table: Table | None,
    *,
    prefix: str | None = None,
    sight: Sight | None = None,
    key: str = "id",
    discriminator: str | None = None,
    types: Mapping[str, str] | None = None,
) -> Callable[[C], C]:
    """Declare what a strawberry type is read from. Objects without a table are rows of a relation's `source`."""

    def declare(cls: C) -> C:
        name = cls.__strawberry_definition__.name  # type: ignore[attr-defined]
        declared = Entity(
            name=name,
            table=table,
            prefix=prefix,
            key=key,
            sight=sight,
            discriminator=discriminator,
            types=types or {},
        )
        _ENTITIES[name] = declared
        cls.__reads_entity__ = declared  # type: ignore[attr-defined]
        return cls

    return declare


def entity_of(cls: type) -> Entity:
    """What a strawberry type was declared to be read from."""
    declared: Entity = cls.__reads_entity__  # type: ignore[attr-defined]
    return declared


def entity_named(name: str) -> Entity | None:
    return _ENTITIES.get(name)


def entity_with_prefix(prefix: str) -> Entity | None:
    """The kind of object that a global id names, or None."""
    for declared in _ENTITIES.values():
        if declared.prefix == prefix:
            return declared
    return None


# ------------------------------------------------------------ plans of fields


@dataclass(frozen=True, slots=True)
class ValuePlan:
    seen: Seen
    expression: RowExpression | None


@dataclass(frozen=True, slots=True)
class RelationPlan:
    seen: Seen
    target: Callable[[], type]
    on: Join
    source: Source | None
    order: str | None = None
    where: Filters | None = None
    sighted: bool = False
    newest_first: bool = False
    kind: str = "one"


@dataclass(frozen=True, slots=True)
class ComputedPlan:
    seen: Seen
    needs: tuple[str, ...]
    compute: Callable[[Sequence[Mapping[str, Any]], Mapping[str, Any], Reading], Sequence[Any]]


Plan = ValuePlan | RelationPlan | ComputedPlan


def _field(plan: Plan, description: str | None, arguments: Callable[..., Any] | None) -> Any:
    made: Any = strawberry.field(resolver=cast("Any", arguments), description=description, metadata={KEY: plan})
    return made


def column(*, seen: Seen = WITH_OBJECT, description: str | None = None) -> Any:
    """The row's column of the field's own Python name."""
    return _field(ValuePlan(seen, None), description, None)


def value(expression: RowExpression, *, seen: Seen = WITH_OBJECT, description: str | None = None) -> Any:
    """An SQL expression of the row; its SQLAlchemy type (Boolean, UtcDateTime, JSON, …) decides how it is printed."""
    return _field(ValuePlan(seen, expression), description, None)


def one(
    target: Callable[[], type],
    on: Join,
    *,
    source: Source | None = None,
    sighted: bool = False,
    arguments: Callable[..., Any] | None = None,
    seen: Seen = WITH_OBJECT,
    description: str | None = None,
) -> Any:
    """The one object that `on` finds, or null; with `sighted`, only where the caller sees it in its own right.

    `arguments` is a function whose signature declares the field's arguments.
    """
    return _field(RelationPlan(seen, target, on, source, sighted=sighted), description, arguments)


def many(
    target: Callable[[], type],
    on: Join,
    *,
    order: str = "id",
    source: Source | None = None,
    sighted: bool = False,
    seen: Seen = WITH_OBJECT,
    description: str | None = None,
) -> Any:
    """All objects that `on` finds, in the order of a column."""
    plan = RelationPlan(seen, target, on, source, order=order, sighted=sighted, kind="many")
    return _field(plan, description, None)


def connection(
    target: Callable[[], type],
    on: Join,
    *,
    arguments: Callable[..., Any],
    where: Filters | None = None,
    sighted: bool = False,
    newest_first: bool = False,
    seen: Seen = WITH_OBJECT,
    description: str | None = None,
) -> Any:
    """A Relay connection of what `on` and `where` find, in the order of the target's key.

    `arguments` is a function whose signature declares the field's arguments, with first, after, last and before.
    """
    plan = RelationPlan(
        seen, target, on, None, where=where, sighted=sighted, newest_first=newest_first, kind="connection"
    )
    return _field(plan, description, arguments)


def computed(
    compute: Callable[[Sequence[Mapping[str, Any]], Mapping[str, Any], Reading], Sequence[Any]],
    *,
    needs: tuple[str, ...] = (),
    arguments: Callable[..., Any] | None = None,
    seen: Seen = WITH_OBJECT,
    description: str | None = None,
) -> Any:
    """What SQL can't say: a function of the needed columns of all objects at once, in the same read.

    It gets a mapping of the needed columns for each object, the field's arguments (as GraphQL names them) and a
    `Reading`; it returns a value for each: a scalar, or objects whose attributes are the GraphQL fields in snake case.
    """
    return _field(ComputedPlan(seen, needs, compute), description, arguments)


def page_arguments(
    first: int | None = None, after: str | None = None, last: int | None = None, before: str | None = None
) -> None:
    """The arguments of a plain connection."""
