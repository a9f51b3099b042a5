"""A selection compiled into one SQL expression that yields its JSON."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphql import FieldNode, GraphQLField, GraphQLNamedType, GraphQLObjectType, get_named_type, is_abstract_type
from sqlalchemy import (
    JSON,
    Boolean,
    ColumnElement,
    FromClause,
    Integer,
    Select,
    String,
    case,
    cast,
    false,
    func,
    literal_column,
    null,
    select,
    true,
)

from app.kernel.reads.declare import (
    KEY,
    ComputedPlan,
    Entity,
    Plan,
    RelationPlan,
    Row,
    ValuePlan,
    entity_named,
)
from app.kernel.reads.json_sql import json_array_of, json_object, quoted
from app.kernel.reads.paging import DEFAULT_PAGE, Page, cursor_prefix, page_of
from app.kernel.reads.scope import Scope
from app.kernel.reads.selection import Document, Fields, object_types

Path = tuple[str, ...]
EACH = "*"


@dataclass(frozen=True, slots=True)
class Window:
    """A page's bounds, for what finds its keys itself: `limit` of them, one more than it shows, from `within`."""

    within: Callable[[ColumnElement[Any]], list[ColumnElement[bool]]]
    ascending: bool
    limit: ColumnElement[int]


Find = Callable[[Scope, Window | None], Select[Any]]
"""Selects the keys of a connection's objects: those of a page in its order, or all of them."""


@dataclass(slots=True)
class Pending:
    """A computed field: where in the answer its inputs stand, and what makes its value of them."""

    path: Path
    plan: ComputedPlan
    slot: int
    definition: GraphQLField
    nodes: Sequence[FieldNode]


@dataclass(slots=True)
class Compiler:
    """Compiles the selection of one root field. `slots` lists the fields with arguments, in the order of the walk."""

    document: Document
    scope: Scope
    slots: list[tuple[GraphQLField, FieldNode]]
    pending: list[Pending] = field(default_factory=list)
    extras: dict[str, tuple[GraphQLField, Sequence[FieldNode]]] = field(default_factory=dict)
    _aliases: int = 0

    def alias(self, table: FromClause) -> Row:
        self._aliases += 1
        return table.alias(f"t{self._aliases}")

    # -------------------------------------------------------- objects

    def object(self, on: GraphQLNamedType, row: Row, nodes: Sequence[FieldNode], path: Path) -> ColumnElement[Any]:
        """The JSON of one object of a type."""
        kinds = object_types(self.document.schema, on)
        entity = _entity(on)
        if not is_abstract_type(on):
            return self._fields(on, entity, row, self.document.fields(on, nodes), path)
        assert entity.discriminator is not None, f"{on.name} has no discriminator"
        selected = {kind.name: self.document.fields(kind, nodes) for kind in kinds}
        if self._alike(on, selected):
            return self._fields(on, entity, row, next(iter(selected.values())), path)
        column = row.c[entity.discriminator]
        by_name = {kind.name: kind for kind in kinds}
        return case(
            *[
                (column == quoted(stored), self._fields(by_name[name], entity, row, selected[name], path))
                for stored, name in entity.types.items()
            ],
            else_=null(),
        )

    def _alike(self, on: Any, selected: Mapping[str, Fields]) -> bool:
        """Whether every object type is asked the same fields, all of them the interface's own."""
        shapes = [{key: [id(node) for node in nodes] for key, nodes in fields.items()} for fields in selected.values()]
        first = next(iter(selected.values()))
        return all(shape == shapes[0] for shape in shapes) and all(
            nodes[0].name.value in on.fields or nodes[0].name.value == "__typename" for nodes in first.values()
        )

    def _fields(self, on: Any, entity: Entity, row: Row, fields: Fields, path: Path) -> ColumnElement[Any]:
        pairs = [(key, self._field(on, entity, row, nodes, (*path, key))) for key, nodes in fields.items()]
        return json_object(pairs, self.scope.dialect)

    def _field(self, on: Any, entity: Entity, row: Row, nodes: Sequence[FieldNode], path: Path) -> ColumnElement[Any]:
        name = nodes[0].name.value
        if name == "__typename":
            return _typename(on, entity, row)
        definition = self.document.definition(on, nodes[0])
        plan = _plan(on, name, definition)
        if plan == "id":
            assert entity.prefix is not None
            return literal_column(f"'{entity.prefix}_'", type_=String()) + cast(row.c[entity.key], String())
        slot = self._slot(definition, nodes[0])
        scope = self.scope.at(slot)
        expression = self._value(plan, definition, row, nodes, path, scope, slot)
        if plan.seen.predicate is None:
            return expression
        return case((plan.seen.predicate(row, scope), expression), else_=null())

    def _slot(self, definition: GraphQLField, node: FieldNode) -> int:
        if not definition.args:
            return -1
        self.slots.append((definition, node))
        self.scope.values.arguments.append(self.document.arguments(definition, node))
        return len(self.slots) - 1

    def _value(
        self,
        plan: Plan,
        definition: GraphQLField,
        row: Row,
        nodes: Sequence[FieldNode],
        path: Path,
        scope: Scope,
        slot: int,
    ) -> ColumnElement[Any]:
        if isinstance(plan, ValuePlan):
            return plan.expression(row, scope) if plan.expression else row.c[_python_name(definition)]
        if isinstance(plan, ComputedPlan):
            self.pending.append(Pending(path, plan, slot, definition, nodes))
            return json_object([(need, row.c[need]) for need in plan.needs], self.scope.dialect)
        target = get_named_type(definition.type)
        if plan.kind == "one":
            return self._one(plan, target, row, nodes, path, scope)
        if plan.kind == "many":
            return self._many(plan, target, row, nodes, path, scope)
        return self._nested_connection(plan, target, row, nodes, path, scope)

    # -------------------------------------------------------- relations

    def _related(self, plan: RelationPlan, row: Row, scope: Scope) -> tuple[Entity, Row, list[ColumnElement[bool]]]:
        entity = plan.target().__reads_entity__  # type: ignore[attr-defined]
        table = plan.source(row, scope) if plan.source else entity.table
        assert table is not None, f"{entity.name} has no table, and the relation no source"
        related = self.alias(table)
        conditions = [plan.on(row, related, scope)]
        if plan.where:
            conditions += plan.where(row, related, scope)
        if plan.sighted and entity.sight:
            conditions.append(entity.sight(related, scope))
        return entity, related, conditions

    def _one(
        self, plan: RelationPlan, target: Any, row: Row, nodes: Sequence[FieldNode], path: Path, scope: Scope
    ) -> ColumnElement[Any]:
        _, related, conditions = self._related(plan, row, scope)
        shaped = self.object(target, related, nodes, path)
        found = select(shaped).select_from(related).where(*conditions)
        return _scalar(found.correlate_except(related).limit(1))

    def _many(
        self, plan: RelationPlan, target: Any, row: Row, nodes: Sequence[FieldNode], path: Path, scope: Scope
    ) -> ColumnElement[Any]:
        _, related, conditions = self._related(plan, row, scope)
        shaped = self.object(target, related, nodes, (*path, EACH))
        assert plan.order is not None
        array = json_array_of(shaped, related.c[plan.order])
        return _scalar(select(array).select_from(related).where(*conditions).correlate_except(related))

    def _nested_connection(
        self, plan: RelationPlan, target: Any, row: Row, nodes: Sequence[FieldNode], path: Path, scope: Scope
    ) -> ColumnElement[Any]:
        entity, related, conditions = self._related(plan, row, scope)
        return self.connection(target, entity, related, conditions, nodes, path, scope, plan.newest_first)

    # -------------------------------------------------------- connections

    def connection(
        self,
        on: Any,
        entity: Entity,
        row: Row,
        conditions: Sequence[ColumnElement[bool]],
        nodes: Sequence[FieldNode],
        path: Path,
        scope: Scope,
        newest_first: bool,
        key: str | None = None,
        find: Find | None = None,
    ) -> ColumnElement[Any]:
        """The JSON of a connection over the rows that the conditions keep, ordered by their key."""
        page = page_of(scope.arguments)
        fields = self.document.fields(on, nodes)
        order_key = row.c[key or entity.key]
        ascending = page.backwards == newest_first
        limit = self._limit(page.backwards, scope)
        window = Window(_within(page, newest_first, scope), ascending, limit + 1)
        paged = [*conditions, *([order_key.in_(find(scope, window))] if find else window.within(order_key))]
        edge_type: Any = get_named_type(on.fields["edges"].type)
        edges = {
            response_key: self.edge(edge_type, row, order_key, selected, (*path, response_key, EACH))
            for response_key, selected in fields.items()
            if selected[0].name.value == "edges"
        }
        inner = (
            select(*[edge.label(f"e_{response_key}") for response_key, edge in edges.items()], order_key.label("k"))
            .select_from(row)
            .where(*paged)
            .correlate_except(row)
            .order_by(order_key.asc() if ascending else order_key.desc())
            .limit(limit + 1)
            .subquery(f"p{self._next()}")
        )
        number = func.row_number().over(order_by=inner.c.k.asc() if ascending else inner.c.k.desc())
        numbered = select(inner, number.label("n")).subquery(f"p{self._next()}")
        within = numbered.c.n <= limit
        pairs: list[tuple[str, ColumnElement[Any]]] = []
        for response_key, selected in fields.items():
            name = selected[0].name.value
            if name == "edges":
                order = numbered.c.n.desc() if page.backwards else numbered.c.n.asc()
                pairs.append((response_key, json_array_of(numbered.c[f"e_{response_key}"], order, within)))
            elif name == "pageInfo":
                info_fields = self.document.fields(get_named_type(on.fields[name].type), selected)
                info = self._page_info(info_fields, numbered.c, limit, page, ascending, within)
                pairs.append((response_key, info))
            elif name == "totalCount":
                counted = select(func.count()).select_from(row).where(*conditions).correlate_except(row)
                if find:
                    counted = select(func.count()).select_from(find(scope, None).subquery())
                pairs.append((response_key, _scalar(counted, Integer())))
            elif name == "__typename":
                pairs.append((response_key, quoted(on.name)))
            else:
                self.extras[response_key] = (on.fields[name], selected)
                pairs.append((response_key, literal_column("NULL", type_=String())))
        shape = json_object(pairs, self.scope.dialect)
        if not any(nodes[0].name.value in ("edges", "pageInfo") for nodes in fields.values()):
            return _scalar(select(shape))
        return _scalar(select(shape).select_from(numbered))

    def _limit(self, backwards: bool, scope: Scope) -> ColumnElement[int]:
        name = "last" if backwards else "first"
        if scope.arguments.get(name) is None:
            return literal_column(str(DEFAULT_PAGE), type_=Integer())
        return scope.argument(name)

    def edge(
        self, edge_type: Any, row: Row, key: ColumnElement[Any], nodes: Sequence[FieldNode], path: Path
    ) -> ColumnElement[Any]:
        """The JSON of one edge: its cursor and its node."""
        pairs: list[tuple[str, ColumnElement[Any]]] = []
        for response_key, selected in self.document.fields(edge_type, nodes).items():
            name = selected[0].name.value
            if name == "cursor":
                pairs.append((response_key, _cursor(key)))
            elif name == "__typename":
                pairs.append((response_key, quoted(edge_type.name)))
            else:
                node_type: Any = get_named_type(edge_type.fields["node"].type)
                pairs.append((response_key, self.object(node_type, row, selected, (*path, response_key))))
        return json_object(pairs, self.scope.dialect)

    def _page_info(
        self, fields: Fields, rows: Any, limit: ColumnElement[int], page: Any, ascending: bool, within: Any
    ) -> ColumnElement[Any]:
        more = func.coalesce(func.max(rows.n) > limit, false(), type_=Boolean())
        passed = true() if (page.before if page.backwards else page.after) is not None else false()
        lowest, highest = func.min(rows.k).filter(within), func.max(rows.k).filter(within)
        first, last = (lowest, highest) if ascending != page.backwards else (highest, lowest)
        known: dict[str, ColumnElement[Any]] = {
            "hasNextPage": passed if page.backwards else more,
            "hasPreviousPage": more if page.backwards else passed,
            "startCursor": _cursor(first),
            "endCursor": _cursor(last),
            "__typename": quoted("PageInfo"),
        }
        pairs = [(key, known[nodes[0].name.value]) for key, nodes in fields.items()]
        return json_object(pairs, self.scope.dialect)

    def _next(self) -> int:
        self._aliases += 1
        return self._aliases


def _within(page: Page, newest_first: bool, scope: Scope) -> Callable[[ColumnElement[Any]], list[ColumnElement[bool]]]:
    """What the cursors ask of a key."""

    def within(key: ColumnElement[Any]) -> list[ColumnElement[bool]]:
        bounds = []
        if page.after is not None:
            after = scope.argument("after", convert=lambda text: int(text[1:]))
            bounds.append(key < after if newest_first else key > after)
        if page.before is not None:
            before = scope.argument("before", convert=lambda text: int(text[1:]))
            bounds.append(key > before if newest_first else key < before)
        return bounds

    return within


def _scalar(statement: Select[Any], type_: Any = None) -> ColumnElement[Any]:
    scalar = statement.scalar_subquery()
    scalar.type = type_ or JSON()
    return scalar


def _cursor(key: ColumnElement[Any]) -> ColumnElement[Any]:
    return literal_column(f"'{cursor_prefix()}'", type_=String()) + cast(key, String())


def _typename(on: Any, entity: Entity, row: Row) -> ColumnElement[Any]:
    if not is_abstract_type(on):
        return quoted(on.name)
    assert entity.discriminator is not None
    column = row.c[entity.discriminator]
    return case(*[(column == quoted(stored), quoted(name)) for stored, name in entity.types.items()], else_=null())


def _entity(on: GraphQLNamedType) -> Entity:
    entity = entity_named(on.name)
    if entity is None:
        # An object type that shares its interface's table, such as Instance with LicensableResource.
        assert isinstance(on, GraphQLObjectType)
        for interface in on.interfaces:
            found = entity_named(interface.name)
            if found is not None:
                return found
        raise LookupError(f"{on.name} was not declared as an entity")
    return entity


def _plan(on: Any, name: str, definition: GraphQLField) -> Any:
    declared = definition.extensions["strawberry-definition"]
    plan = declared.metadata.get(KEY)
    if plan is None:
        raise LookupError(f"{on.name}.{name} has no declaration of where it comes from")
    return plan


def _python_name(definition: GraphQLField) -> str:
    name: str = definition.extensions["strawberry-definition"].python_name
    return name
