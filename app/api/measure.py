"""Counts everything that a document asks for, in one pass that takes each fragment once."""

from dataclasses import dataclass

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLNamedType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    get_named_type,
    get_nullable_type,
    is_composite_type,
    is_list_type,
)

from app.api.cost import UNPAGED, Cost, size_of
from app.api.limits import LimitPassed, Limits

FREE = Cost()


@dataclass(frozen=True, slots=True)
class Measure:
    """What a selection asks for, its fragments written out. `listed` is the part of its cost that a page multiplies."""

    depth: int = 0
    fields: int = 0
    aliases: int = 0
    directives: int = 0
    cost: Cost = FREE
    listed: Cost = FREE

    def __add__(self, other: "Measure") -> "Measure":
        return Measure(
            max(self.depth, other.depth),
            self.fields + other.fields,
            self.aliases + other.aliases,
            self.directives + other.directives,
            self.cost + other.cost,
            self.listed + other.listed,
        )

    @property
    def alone(self) -> Cost:
        """Its cost where no page multiplies it."""
        return self.cost + self.listed.times(UNPAGED)


def measure(
    document: DocumentNode, schema: GraphQLSchema, limits: Limits
) -> list[tuple[OperationDefinitionNode, Cost]]:
    """Each operation and its cost, once the document is within the other limits; else LimitPassed.

    The document need not be valid: what the schema lacks counts like the rest, a fragment inside itself as none.
    """
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    if len(operations) > limits.operations:
        raise LimitPassed("operations", limits.operations)
    measurer = _Measurer(document, schema, limits)
    try:
        measures = [measurer.operation(node) for node in operations]
        measurer.check(sum(measures, start=Measure()))
        for name in measurer.fragments:
            measurer.check(measurer.fragment(name))
    except RecursionError:
        raise LimitPassed("depth", limits.depth) from None
    return [(node, measured.alone) for node, measured in zip(operations, measures, strict=True)]


class _Measurer:
    """One document's pass. Every sum is checked as it is made, so none outgrows the limits by much."""

    def __init__(self, document: DocumentNode, schema: GraphQLSchema, limits: Limits) -> None:
        self.schema = schema
        self.limits = limits
        self.fragments = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }
        self.known: dict[str, Measure] = {}

    def check(self, measured: Measure) -> None:
        """Refuse what is over a limit."""
        for limit in ("depth", "fields", "aliases", "directives"):
            bound = getattr(self.limits, limit)
            if getattr(measured, limit) > bound:
                raise LimitPassed(limit, bound)

    def operation(self, node: OperationDefinitionNode) -> Measure:
        """Of a whole operation, with the directives on its variables."""
        directives = len(node.directives or ())
        for variable in node.variable_definitions or ():
            directives += len(variable.directives or ())
        below = self.selections(node.selection_set, self.schema.get_root_type(node.operation))
        return below + Measure(directives=directives)

    def selections(self, node: SelectionSetNode, parent: GraphQLNamedType | None) -> Measure:
        """Of a selection set on a type, None where the schema has no such type."""
        total = Measure()
        for selection in node.selections:
            total += self.selection(selection, parent)
            self.check(total)
        return total

    def selection(self, node: SelectionNode, parent: GraphQLNamedType | None) -> Measure:
        """Of one field, spread or inline fragment."""
        directives = Measure(directives=len(node.directives or ()))
        match node:
            case FieldNode():
                return directives + self.field(node, parent)
            case FragmentSpreadNode():
                return directives + self.fragment(node.name.value)
            case InlineFragmentNode():
                condition = node.type_condition
                return directives + self.selections(
                    node.selection_set, self.schema.get_type(condition.name.value) if condition else parent
                )
        return directives

    def fragment(self, name: str) -> Measure:
        """Of a fragment, taken once however often it is spread."""
        if name not in self.known:
            self.known[name] = Measure()
            node = self.fragments.get(name)
            if node is not None:
                below = self.selections(node.selection_set, self.schema.get_type(node.type_condition.name.value))
                self.known[name] = below + Measure(directives=len(node.directives or ()))
        return self.known[name]

    def field(self, node: FieldNode, parent: GraphQLNamedType | None) -> Measure:
        """Of a field and what is below it."""
        definition = self.schema.get_field(parent, node.name.value) if is_composite_type(parent) else None
        named = get_named_type(definition.type) if definition else None
        below = self.selections(node.selection_set, named) if node.selection_set else Measure()
        cost, listed = _costs(node, definition, below)
        return Measure(
            below.depth + 1,
            below.fields + 1,
            below.aliases + (node.alias is not None),
            below.directives,
            Cost(1) + cost,
            listed,
        )


def _costs(node: FieldNode, definition: GraphQLField | None, below: Measure) -> tuple[Cost, Cost]:
    """The cost below a field, and the part of it that a page around the field multiplies."""
    if definition is None or not node.selection_set:
        return below.alone, FREE
    size = size_of(node, definition)
    listing = is_list_type(get_nullable_type(definition.type))
    if size is not None:
        return (below.alone.times(size) if listing else below.cost + below.listed.times(size)), FREE
    if listing and not get_named_type(definition.type).name.startswith("__"):
        return FREE, below.alone
    return below.alone, FREE
