"""A selection taken apart: the fields asked of a type, with fragments, conditions and merging, as GraphQL has it."""

from collections.abc import Iterable, Mapping
from typing import Any, cast

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLIncludeDirective,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    GraphQLSkipDirective,
    InlineFragmentNode,
    SelectionSetNode,
    TypeNameMetaFieldDef,
    get_directive_values,
    is_abstract_type,
)
from graphql.execution.values import VariableValues, get_argument_values
from graphql.type import GraphQLNamedType

Fields = Mapping[str, list[FieldNode]]


class Document:
    """What a selection is read against: the schema, the document's fragments, the variables."""

    def __init__(self, info: GraphQLResolveInfo[Any]) -> None:
        self.schema: GraphQLSchema = info.schema
        self.fragments: Mapping[str, Any] = info.fragments
        # A resolver is told the coerced values alone; where each came from matters to no one here.
        self.variables = VariableValues({}, cast("dict[str, Any]", info.variable_values))

    def fields(self, on: GraphQLNamedType, nodes: Iterable[FieldNode]) -> Fields:
        """The fields that some field nodes select of a type, by response key, in order."""
        found: dict[str, list[FieldNode]] = {}
        visited: set[str] = set()
        for node in nodes:
            if node.selection_set:
                self._collect(on, node.selection_set, found, visited)
        return found

    def _collect(
        self, on: GraphQLNamedType, selections: SelectionSetNode, found: dict[str, list[FieldNode]], visited: set[str]
    ) -> None:
        for selection in selections.selections:
            if not self._included(selection):
                continue
            if isinstance(selection, FieldNode):
                key = selection.alias.value if selection.alias else selection.name.value
                found.setdefault(key, []).append(selection)
            elif isinstance(selection, InlineFragmentNode):
                condition = selection.type_condition
                if condition is None or self._applies(condition.name.value, on):
                    self._collect(on, selection.selection_set, found, visited)
            elif isinstance(selection, FragmentSpreadNode) and selection.name.value not in visited:
                visited.add(selection.name.value)
                fragment = self._fragment(selection.name.value)
                if self._applies(fragment.type_condition.name.value, on):
                    self._collect(on, fragment.selection_set, found, visited)

    def _fragment(self, name: str) -> FragmentDefinitionNode:
        details = self.fragments[name]
        fragment: FragmentDefinitionNode = getattr(details, "definition", details)
        return fragment

    def _applies(self, condition: str, on: GraphQLNamedType) -> bool:
        if condition == on.name:
            return True
        abstract = self.schema.get_type(condition)
        return is_abstract_type(abstract) and self.schema.is_sub_type(abstract, on)

    def _included(self, node: Any) -> bool:
        if not node.directives:
            return True
        skip = get_directive_values(GraphQLSkipDirective, node, self.variables)
        if skip and skip["if"]:
            return False
        include = get_directive_values(GraphQLIncludeDirective, node, self.variables)
        return not include or bool(include["if"])

    def definition(self, on: Any, node: FieldNode) -> GraphQLField:
        """The definition of a selected field."""
        if node.name.value == "__typename":
            return TypeNameMetaFieldDef
        field: GraphQLField = on.fields[node.name.value]
        return field

    def arguments(self, definition: GraphQLField, node: FieldNode) -> dict[str, Any]:
        """A field's arguments as coerced, by GraphQL name."""
        return get_argument_values(definition, node, self.variables) if definition.args else {}

    def conditions(self) -> tuple[tuple[str, bool], ...]:
        """The variables that @skip and @include can ask: a compiled statement holds for one set of them."""
        return tuple(sorted((name, value) for name, value in self.variables.coerced.items() if isinstance(value, bool)))


def argument_values(info: GraphQLResolveInfo[Any], definition: GraphQLField, node: FieldNode) -> dict[str, Any]:
    """A field's coerced arguments by GraphQL name, for whoever holds graphql-core's info."""
    return Document(info).arguments(definition, node)


def object_types(schema: GraphQLSchema, named: GraphQLNamedType) -> list[GraphQLObjectType]:
    """The object types that a value of a type can be of."""
    if is_abstract_type(named):
        return list(schema.get_possible_types(named))
    assert isinstance(named, GraphQLObjectType)
    return [named]
