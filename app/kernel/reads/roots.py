"""What resolvers call: one object, several, a list, edges of a feed or a connection, each in one statement."""

import re
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from typing import Any, Literal, TypeVar, overload

import orjson
from graphql import FieldNode, GraphQLField, GraphQLResolveInfo, get_named_type
from sqlalchemy import ColumnElement, Connection, Select, cast, select, true
from sqlalchemy.engine import Dialect

from app.kernel.clock import iso
from app.kernel.completed import Completed
from app.kernel.context import Context
from app.kernel.ids import parse_node_id
from app.kernel.reads.compile import EACH, Compiler, Find, Pending
from app.kernel.reads.declare import Entity, Row, entity_of, entity_with_prefix
from app.kernel.reads.json_sql import any_of, json_object
from app.kernel.reads.paging import page_of
from app.kernel.reads.scope import Extract, Keys, Reading, Scope, Values
from app.kernel.reads.selection import Document
from app.kernel.reads.shape import fill, shape
from app.kernel.reads.sharing import shared_by
from app.kernel.reads.together import together
from app.kernel.tables import Json

Where = Callable[[Row, Scope], Sequence[ColumnElement[bool]]]
Extras = Mapping[str, Callable[[Reading], Any]]
Build = Callable[[Compiler, Scope], Select[Any]]
T = TypeVar("T")
_CACHE_SIZE = 2_000
_SCOPES = re.compile(r"[()]|\bAS (t[0-9]+)\b")


@dataclass(frozen=True, slots=True)
class Statement:
    """A selection compiled for a database: the SQL, and how each of its parameters is filled."""

    sql: str
    parameters: tuple[Extract, ...]
    slots: tuple[tuple[GraphQLField, FieldNode], ...]
    pending: tuple[Pending, ...]
    extras: Mapping[str, tuple[GraphQLField, Sequence[FieldNode]]]
    anchor: object


_cache: OrderedDict[Hashable, Statement] = OrderedDict()
_walks: OrderedDict[Hashable, tuple[object, tuple[tuple[GraphQLField, FieldNode], ...]]] = OrderedDict()


@dataclass(slots=True)
class _Read:
    """One planned read of a root field or of a payload's field."""

    info: Any
    build: Build
    key: Hashable
    binds: Mapping[str, Any]
    extras: Extras
    checked: bool = False

    async def run(self) -> list[Any]:
        """The statement's rows, each of its columns JSON text or null; filled in where something was computed."""
        raw: GraphQLResolveInfo[Any] = getattr(self.info, "_raw_info", self.info)
        context: Context = raw.context
        document = Document(raw)
        arguments: list[Mapping[str, Any]] = [
            document.arguments(raw.parent_type.fields[raw.field_name], raw.field_nodes[0])
        ]
        values = Values(context.viewer, context.clock.now(), arguments, self.binds)
        dialect = context.database.dialect
        statement = self._statement(raw, document, values, dialect)
        parameters = tuple(_native(extract(values), dialect.name) for extract in statement.parameters)

        def work(connection: Connection) -> list[Any]:
            rows = [row[0] for row in connection.exec_driver_sql(statement.sql, parameters).all()]
            if not statement.pending and not statement.extras:
                return rows
            reading = Reading(connection, context.viewer, values.now)
            return self._filled(rows, statement, values, reading, document)

        return await context.database.read(work)

    def _filled(
        self,
        rows: Sequence[str | None],
        statement: Statement,
        values: Values,
        reading: Reading,
        document: Document,
    ) -> list[Any]:
        """The rows with what is computed of them: each computed field once, for all rows at once."""
        answers: list[Any] = [None if row is None else orjson.loads(row) for row in rows]
        pending = [replace(each, path=(EACH, *each.path)) for each in statement.pending]
        fill(answers, pending, values.arguments, reading, document)
        for key, (definition, nodes) in statement.extras.items():
            for answer in answers:
                made = self.extras[nodes[0].name.value](reading)
                answer[key] = shape(made, definition.type, nodes, document)
        return [None if answer is None else orjson.dumps(answer).decode() for answer in answers]

    def _statement(self, raw: Any, document: Document, values: Values, dialect: Dialect) -> Statement:
        anchor = raw.field_nodes[0]
        walk = (id(anchor), len(raw.field_nodes), document.conditions(), raw.parent_type.name, self.key, dialect.name)
        known = _walks.get(walk)
        if known is not None:
            _walks.move_to_end(walk)
            values.arguments += [document.arguments(definition, node) for definition, node in known[1]]
            shaped = (walk, tuple(shape_of(each) for each in values.arguments), shape_of(dict(self.binds)))
            found = _cache.get(shaped)
            if found is not None:
                _check(values.arguments)
                _cache.move_to_end(shaped)
                return found
            del values.arguments[1:]
        statement = self._compile(raw, document, values, dialect)
        _remember(_walks, walk, (raw.field_nodes, statement.slots))
        shaped = (walk, tuple(shape_of(each) for each in values.arguments), shape_of(dict(self.binds)))
        _remember(_cache, shaped, statement)
        return statement

    def _compile(self, raw: Any, document: Document, values: Values, dialect: Dialect) -> Statement:
        slots: list[tuple[GraphQLField, FieldNode]] = [(raw.parent_type.fields[raw.field_name], raw.field_nodes[0])]
        compiler = Compiler(document, Scope(dialect.name, values), slots)
        statement = self.build(compiler, compiler.scope.at(0))
        compiled = statement.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
        _check_correlation(compiled.string)
        names = compiled.positiontup if compiled.positiontup is not None else list(compiled.params)
        made = compiler.scope.parameters
        literal = compiled.params
        parameters = tuple(made[name] if name in made else (lambda _, value=literal[name]: value) for name in names)
        return Statement(
            compiled.string, parameters, tuple(slots[1:]), tuple(compiler.pending), compiler.extras, raw.field_nodes
        )


def _check_correlation(sql: str) -> None:
    """No subquery declares an alias of the planner that a query around it has: it would forget the row at hand.

    SQLAlchemy correlates with the nearest query alone; what is nested deeper says so by `correlate_except`.
    """
    path: list[int] = []
    declared: dict[str, list[tuple[int, ...]]] = {}
    for number, found in enumerate(_SCOPES.finditer(sql)):
        if found[0] == "(":
            path.append(number)
        elif found[0] == ")":
            path.pop()
        else:
            declared.setdefault(found[1], []).append(tuple(path))
    for name, places in declared.items():
        if any(one != other and other[: len(one)] == one for one in places for other in places):
            raise AssertionError(f"a subquery is not correlated with {name}: {sql}")


def _check(arguments: Sequence[Mapping[str, Any]]) -> None:
    """A cached statement still refuses pages out of bounds: their sizes are parameters, not part of its shape."""
    for each in arguments:
        if "first" in each or "last" in each or "after" in each or "before" in each:
            page_of(each)


def _remember(cache: OrderedDict[Hashable, Any], key: Hashable, value: Any) -> None:
    cache[key] = value
    if len(cache) > _CACHE_SIZE:
        cache.popitem(last=False)


def shape_of(value: Any) -> Hashable:
    """What of an argument a compiled statement depends on: its structure, its enums and booleans, not its values."""
    if value is None or isinstance(value, bool | Enum):
        return value
    if isinstance(value, Keys):
        return Keys.__name__
    if isinstance(value, Mapping):
        return tuple((key, shape_of(each)) for key, each in sorted(value.items()))
    if isinstance(value, list | tuple):
        return tuple(shape_of(each) for each in value)
    return type(value).__name__


def _native(value: Any, dialect: str) -> Any:
    if isinstance(value, datetime) and dialect == "sqlite":
        return iso(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Keys) and dialect == "sqlite":
        return orjson.dumps(value).decode()
    return value


def _text(expression: ColumnElement[Any], compiler: Compiler) -> ColumnElement[Any]:
    from sqlalchemy import Text, type_coerce

    return cast(expression, Text()) if compiler.scope.dialect == "postgresql" else type_coerce(expression, Text())


def _type(raw: Any, name: str | None = None) -> Any:
    field_type = raw.parent_type.fields[raw.field_name].type
    return raw.schema.get_type(name) if name else get_named_type(field_type)


def _completed(row: Any) -> Any:
    """For its type, as which GraphQL prints it."""
    return None if row is None else Completed(orjson.Fragment(row))


# ------------------------------------------------------------ what resolvers call


async def node(info: Any, cls: type[T], key: int | None, *, seen: bool = False) -> T | None:
    """One object by its key, where the caller sees it; with `seen`, sight was established by what led here."""
    if key is None:
        return None
    rows = await _by_keys(info, entity_of(cls), [key], check=not seen, named=_name_of(cls))
    found: T | None = _completed(rows.get(key))
    return found


@overload
async def nodes(info: Any, cls: type[T], keys: Sequence[int]) -> list[T | None]: ...


@overload
async def nodes(info: Any, cls: type[T], keys: Sequence[int], *, seen: Literal[True]) -> list[T]: ...


async def nodes(info: Any, cls: type[T], keys: Sequence[int], *, seen: bool = False) -> Any:
    """Objects by their keys, in that order; null for what the caller does not see.

    With `seen`, sight was established by what led here, and what has gone since is left out.
    """
    if not keys:
        return []
    rows = await _by_keys(info, entity_of(cls), keys, check=not seen, named=_name_of(cls))
    return [_completed(rows.get(key)) for key in keys if key in rows or not seen]


async def node_by_id(info: Any, global_id: str) -> Any:
    """Any object by its global id; null for a malformed, absent or hidden one alike (PM-2)."""
    return (await nodes_by_ids(info, [global_id]))[0]


async def nodes_by_ids(info: Any, global_ids: Sequence[str]) -> list[Any]:
    """Objects of any kinds by their global ids, in that order; one statement for each kind."""
    parsed = [parse_node_id(each) for each in global_ids]
    found: dict[tuple[str, int], Any] = {}
    for prefix in dict.fromkeys(each.prefix for each in parsed if each):
        entity = entity_with_prefix(prefix)
        if entity is None:
            continue
        keys = list(dict.fromkeys(each.key for each in parsed if each and each.prefix == prefix))
        rows = await _by_keys(info, entity, keys, check=True, named=entity.name)
        found.update({(prefix, key): row for key, row in rows.items()})
    return [_completed(found.get((each.prefix, each.key))) if each else None for each in parsed]


def _name_of(cls: type) -> str:
    """The type's own name: it may be one of several that share an interface's table."""
    name: str = cls.__strawberry_definition__.name  # type: ignore[attr-defined]
    return name


async def _by_keys(info: Any, entity: Entity, keys: Sequence[int], *, check: bool, named: str) -> Mapping[int, Any]:
    """The JSON of objects by key, of these and maybe of others that were asked for alike at the same time.

    The key travels in front of each row's text, so that one column carries both.
    """
    raw = getattr(info, "_raw_info", info)

    def build(compiler: Compiler, scope: Scope) -> Select[Any]:
        assert entity.table is not None
        row = compiler.alias(entity.table)
        conditions: list[ColumnElement[bool]] = [any_of(row.c[entity.key], scope.bind("keys"), scope.dialect)]
        if check and entity.sight:
            conditions.append(entity.sight(row, scope))
        shaped = compiler.object(_type(raw, named), row, raw.field_nodes, ("o",))
        pair = json_object([("k", row.c[entity.key]), ("o", shaped)], scope.dialect)
        return select(_text(pair, compiler)).select_from(row).where(*conditions)

    plan = ("keys", named, check)

    async def read(wanted: list[int]) -> dict[int, Any]:
        return dict(map(_split, await _Read(info, build, plan, {"keys": Keys(wanted)}, {}).run()))

    return await together(raw.context.database).read((*plan, shared_by(raw)), keys, read)


def _split(text: str) -> tuple[int, str]:
    """The key and the object's own text of {"k":KEY,"o":OBJECT}, as either database prints it."""
    start = text.index(":") + 1
    comma = text.index(",", start)
    return int(text[start:comma]), text[text.index(":", comma) + 1 : -1]


async def listing(
    info: Any, cls: type[T], where: Where, *, order: str = "id", name: str = "", binds: Mapping[str, Any] | None = None
) -> list[T]:
    """All objects that the conditions keep and the caller sees, in the order of a column."""
    entity = entity_of(cls)

    def build(compiler: Compiler, scope: Scope) -> Select[Any]:
        raw = getattr(info, "_raw_info", info)
        assert entity.table is not None
        row = compiler.alias(entity.table)
        conditions = [*where(row, scope), entity.sight(row, scope) if entity.sight else true()]
        shaped = compiler.object(_type(raw, entity.name), row, raw.field_nodes, ())
        return select(_text(shaped, compiler)).select_from(row).where(*conditions).order_by(row.c[order])

    read = _Read(info, build, ("list", entity.name, order, name, where.__qualname__), binds or {}, {})
    return [_completed(row) for row in await read.run()]


async def connection_of(
    info: Any,
    cls: type,
    where: Where,
    *,
    newest_first: bool = False,
    key: str | None = None,
    binds: Mapping[str, Any] | None = None,
    plan: Hashable = None,
    extras: Extras | None = None,
    find: Find | None = None,
) -> Any:
    """The root field's connection over what the conditions keep and the caller sees.

    `plan` tells apart conditions that are built from anything but the field's arguments and the binds; `extras` make
    the connection's fields that no row holds. `find` finds the keys in its own way, only those that the caller sees;
    the conditions are asked again of those of a page.
    """
    entity = entity_of(cls)

    def build(compiler: Compiler, scope: Scope) -> Select[Any]:
        raw = getattr(info, "_raw_info", info)
        assert entity.table is not None
        row = compiler.alias(entity.table)
        conditions = [*where(row, scope)]
        if entity.sight and find is None:
            conditions.append(entity.sight(row, scope))
        shaped = compiler.connection(
            _type(raw), entity, row, conditions, raw.field_nodes, (), scope, newest_first, key, find
        )
        return select(_text(shaped, compiler))

    cache_key = ("connection", entity.name, newest_first, key, where.__qualname__, plan)
    read = _Read(info, build, cache_key, binds or {}, extras or {})
    (row,) = await read.run()
    return _completed(row)


async def edges(
    info: Any,
    cls: type,
    where: Where,
    *,
    after: int,
    upto: int,
    most: int,
    cursor: str = "id",
    binds: Mapping[str, Any] | None = None,
) -> list[tuple[int, Completed]]:
    """Edges of a feed that the conditions keep and the caller sees now, in one statement, with their positions.

    Positions are of the column `cursor`: above `after`, up to `upto`, in their order; `most` of them at most.
    """
    entity = entity_of(cls)

    def build(compiler: Compiler, scope: Scope) -> Select[Any]:
        raw = getattr(info, "_raw_info", info)
        assert entity.table is not None
        row = compiler.alias(entity.table)
        position = row.c[cursor]
        conditions = [position > scope.bind("after"), position <= scope.bind("upto"), *where(row, scope)]
        if entity.sight:
            conditions.append(entity.sight(row, scope))
        shaped = compiler.edge(_type(raw), row, position, raw.field_nodes, ("o",))
        pair = json_object([("k", position), ("o", shaped)], scope.dialect)
        return select(_text(pair, compiler)).select_from(row).where(*conditions).order_by(position).limit(most)

    key = ("edges", entity.name, cursor, most, where.__qualname__)
    read = _Read(info, build, key, {**(binds or {}), "after": after, "upto": upto}, {})
    return [(position, Completed(orjson.Fragment(body))) for position, body in map(_split, await read.run())]


__all__ = ["Json", "connection_of", "edges", "listing", "node", "node_by_id", "nodes", "nodes_by_ids"]
