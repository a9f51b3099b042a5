"""JSON made by the database: objects, arrays and scalars, in SQLite's and PostgreSQL's own words."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    JSON,
    BindParameter,
    Boolean,
    ColumnElement,
    Function,
    String,
    any_,
    case,
    cast,
    func,
    literal_column,
    select,
    type_coerce,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from app.kernel.tables import UtcDateTime

Pairs = Sequence[tuple[str, ColumnElement[Any]]]
_PAIRS_IN_A_CALL = 48  # PostgreSQL takes 100 arguments in a call


class _Object(FunctionElement[Any]):
    """json_object / json_build_object."""

    type = JSON()
    inherit_cache = False
    name = "tollgate_object"


@compiles(_Object, "sqlite")
def _object_sqlite(element: _Object, compiler: SQLCompiler, **kw: Any) -> str:
    return f"json_object({compiler.process(element.clauses, **kw)})"


@compiles(_Object, "postgresql")
def _object_postgresql(element: _Object, compiler: SQLCompiler, **kw: Any) -> str:
    return f"json_build_object({compiler.process(element.clauses, **kw)})"


class _ArrayOf(FunctionElement[Any]):
    """json_group_array / json_agg of a value, in an order, of the rows that a condition keeps."""

    type = JSON()
    inherit_cache = False
    name = "tollgate_array"

    def __init__(self, value: ColumnElement[Any], order: ColumnElement[Any], keep: ColumnElement[bool] | None) -> None:
        self.value, self.order, self.keep = value, order, keep
        super().__init__(value, order, *(() if keep is None else (keep,)))


def _array(element: _ArrayOf, compiler: SQLCompiler, call: str, **kw: Any) -> str:
    value = compiler.process(element.value, **kw)
    order = compiler.process(element.order, **kw)
    keep = "" if element.keep is None else f" FILTER (WHERE {compiler.process(element.keep, **kw)})"
    return call.format(value=value, order=order, keep=keep)


@compiles(_ArrayOf, "sqlite")
def _array_sqlite(element: _ArrayOf, compiler: SQLCompiler, **kw: Any) -> str:
    return _array(element, compiler, "json_group_array(json({value}) ORDER BY {order}){keep}", **kw)


@compiles(_ArrayOf, "postgresql")
def _array_postgresql(element: _ArrayOf, compiler: SQLCompiler, **kw: Any) -> str:
    return _array(element, compiler, "coalesce(json_agg({value} ORDER BY {order}){keep}, '[]'::json)", **kw)


def is_json(expression: ColumnElement[Any]) -> bool:
    return isinstance(expression.type, JSON)


def embed(expression: ColumnElement[Any], dialect: str) -> ColumnElement[Any]:
    """An expression as a value inside a JSON object, by its SQL type."""
    kind = expression.type
    if isinstance(kind, JSON):
        return json_text(expression) if dialect == "sqlite" else expression
    if isinstance(kind, Boolean):
        return boolean(expression, dialect)
    if isinstance(kind, UtcDateTime):
        return instant(expression, dialect)
    return expression


def json_text(expression: ColumnElement[Any]) -> Function[Any]:
    """SQLite forgets across subqueries that a text is JSON; this says it again."""
    return func.json(type_coerce(expression, String()), type_=JSON())


def boolean(expression: ColumnElement[Any], dialect: str) -> ColumnElement[Any]:
    """SQLite's booleans are numbers; JSON's are not."""
    if dialect != "sqlite":
        return expression
    words = case((expression.is_(None), None), (expression, literal_column("'true'")), else_=literal_column("'false'"))
    return func.json(words, type_=JSON())


def instant(expression: ColumnElement[Any], dialect: str) -> ColumnElement[Any]:
    """ISO 8601 as every transport prints it; SQLite stores just that text."""
    if dialect == "sqlite":
        return type_coerce(expression, String())
    local = func.timezone(literal_column("'UTC'"), expression)
    return func.to_char(local, literal_column("""'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'"""), type_=String())


def quoted(text: str) -> ColumnElement[str]:
    """A constant of the schema or of the selection, such as a response key (names only: never a client's value)."""
    escaped = text.replace("'", "''").replace(":", "\\:").replace("%", "%%")
    if "'" in text or ":" in text or "%" in text:
        raise ValueError(f"{escaped!r} is not a GraphQL name")
    return literal_column(f"'{text}'", type_=String())


def json_object(pairs: Pairs, dialect: str) -> ColumnElement[Any]:
    """A JSON object with its keys in the order given."""
    chunks = [pairs[start : start + _PAIRS_IN_A_CALL] for start in range(0, len(pairs), _PAIRS_IN_A_CALL)] or [pairs]
    objects: list[ColumnElement[Any]] = [
        _Object(*[part for key, expression in chunk for part in (quoted(key), embed(expression, dialect))])
        for chunk in chunks
    ]
    if len(objects) == 1:
        return objects[0]
    # Objects too wide for one call are joined as text: it keeps the order of keys, which jsonb would not.
    joined: ColumnElement[Any] = literal_column("'{'", type_=String())
    for position, part in enumerate(objects):
        text = cast(part, String()) if dialect == "postgresql" else type_coerce(part, String())
        inner = func.substr(text, 2, func.length(text) - 2, type_=String())
        joined = joined + (inner if position == 0 else literal_column("','", type_=String()) + inner)
    joined = joined + literal_column("'}'", type_=String())
    return cast(joined, JSON()) if dialect == "postgresql" else func.json(joined, type_=JSON())


def any_of(column: ColumnElement[Any], keys: BindParameter[Any], dialect: str) -> ColumnElement[bool]:
    """Whether a column is one of the keys of a parameter that holds any number of them."""
    if dialect == "postgresql":
        return column == any_(keys)
    return column.in_(select(func.json_each(keys).table_valued("value").c.value))


def json_array_of(
    expression: ColumnElement[Any], order: ColumnElement[Any], keep: ColumnElement[bool] | None = None
) -> ColumnElement[Any]:
    """All values of a group as a JSON array; `[]` where there is none."""
    return _ArrayOf(expression, order, keep)
