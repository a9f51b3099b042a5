"""Documents parsed, measured and validated once for as long as they are in use."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from graphql import (
    ArgumentNode,
    DocumentNode,
    GraphQLError,
    GraphQLInputType,
    GraphQLSchema,
    GraphQLSyntaxError,
    OperationType,
    ValueNode,
    ValuesOfCorrectTypeRule,
    VariableDefinitionNode,
    parse,
    specified_rules,
    validate,
)
from graphql.language import SKIP, VisitorAction
from graphql.pyutils import print_path_list
from graphql.utilities import validate_input_literal

from app.api.cost import Cost
from app.api.limits import LimitPassed, Limits
from app.api.masking import FormattedError, malformed, refused, request_errors
from app.api.measure import measure

MOST_ERRORS = 10
CACHED_DOCUMENTS = 1_000
CACHED_TOKENS = 100_000
"A parsed token takes about 1 kB, its share of the tree included."


class Refused(Exception):
    """A request that can't run: its errors as the client will see them, and its cost if that is known."""

    def __init__(self, errors: list[FormattedError], cost: int | None = None) -> None:
        super().__init__(errors[0]["message"])
        self.errors = errors
        self.cost = cost


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a valid document within the limits, its cost apart."""

    document: DocumentNode
    name: str | None
    type: OperationType
    cost: Cost


Document = tuple[Operation, ...]


class Documents:
    """The documents used last, by their text; those refused are not kept."""

    def __init__(self, schema: GraphQLSchema, limits: Limits, *, suggestions: bool) -> None:
        self._schema = schema
        self._limits = limits
        self._suggestions = suggestions
        self._kept: OrderedDict[str, tuple[Document, int]] = OrderedDict()
        self._tokens = 0

    def operation(self, text: str, name: str | None) -> Operation:
        """The operation to run, or Refused."""
        kept = self._kept.get(text)
        if kept is None:
            document = self._read(text)
        else:
            self._kept.move_to_end(text)
            document = kept[0]
        return _chosen(document, name)

    def _read(self, text: str) -> Document:
        try:
            node = self._parsed(text)
            measured = measure(node, self._schema, self._limits)
        except LimitPassed as error:
            raise Refused([refused(error)]) from None
        errors = validate(self._schema, node, RULES, MOST_ERRORS, hide_suggestions=not self._suggestions)
        if errors:
            raise Refused(request_errors(errors, "GRAPHQL_VALIDATION_FAILED"))
        document = tuple(
            Operation(node, operation.name.value if operation.name else None, operation.operation, cost)
            for operation, cost in measured
        )
        self._keep(text, document, node.token_count)
        return document

    def _parsed(self, text: str) -> DocumentNode:
        limits = self._limits
        if len(text) > limits.length:
            raise LimitPassed("length", limits.length)
        try:
            return parse(text, max_lexical_tokens=limits.tokens, max_comments=limits.tokens)
        except GraphQLSyntaxError as error:
            # The parser has no other sign for its own limits than these words.
            if f"more than {limits.tokens} " in error.message:
                raise LimitPassed("tokens", limits.tokens) from None
            if "nested too deeply" in error.message:
                raise LimitPassed("depth", limits.depth) from None
            raise Refused(request_errors([error], "GRAPHQL_PARSE_FAILED")) from None

    def _keep(self, text: str, document: Document, tokens: int) -> None:
        self._kept[text] = (document, tokens)
        self._tokens += tokens
        while len(self._kept) > CACHED_DOCUMENTS or self._tokens > CACHED_TOKENS:
            _, (_, freed) = self._kept.popitem(last=False)
            self._tokens -= freed


def _chosen(document: Document, name: str | None) -> Operation:
    if name is None and len(document) == 1:
        return document[0]
    for operation in document:
        if name is not None and operation.name == name:
            return operation
    names = ", ".join(operation.name or "one without a name" for operation in document)
    problem = "needs an operationName" if name is None else f"has no operation {name!r}"
    raise Refused([malformed(f"The document {problem}. Its operations: {names}.")])


class NamedValuesRule(ValuesOfCorrectTypeRule):
    """Literals of the right type, as the specification asks; the error also names the argument and the input field."""

    subject = "Value"

    def enter_argument(self, node: ArgumentNode, *_args: Any) -> None:
        """Remember whose value comes next."""
        self.subject = f"Argument '{node.name.value}'"

    def enter_variable_definition(self, node: VariableDefinitionNode, *_args: Any) -> None:
        """Remember whose default comes next."""
        self.subject = f"Variable '${node.variable.name.value}'"

    def is_valid_value_node(self, node: ValueNode, input_type: GraphQLInputType | None) -> VisitorAction:
        """Check one literal, whole."""
        if input_type is not None:
            validate_input_literal(node, input_type, self._report, None, None, self.context.hide_suggestions)
        return SKIP

    def _report(self, error: GraphQLError, path: list[str | int]) -> None:
        message = f"{self.subject} has invalid value{print_path_list(path)}: {error.message}"
        self.report_error(GraphQLError(message, error.nodes, extensions={"code": "INVALID_INPUT"}))


RULES = [NamedValuesRule if rule is ValuesOfCorrectTypeRule else rule for rule in specified_rules]
