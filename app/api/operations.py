"""What the engine asks of a context, and what it tells it: the seam to authentication and the audit trail."""

from collections.abc import Awaitable, Callable, Hashable, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any, Literal, Protocol, TypeVar

from graphql import (
    FieldNode,
    FloatValueNode,
    IntValueNode,
    ListValueNode,
    NullValueNode,
    ObjectValueNode,
    OperationType,
    ValueNode,
    VariableNode,
)

from app.api.masking import FormattedError

Transport = Literal["http", "websocket", "sse"]
MOST_DIGITS = 18
"As many digits surely fit 64 bits."


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionInfo:
    """Who asks, from where: all that a context is made of."""

    authorization: str | None
    "The Authorization header, or the field of that name in `connection_init`, as it came."
    remote_address: str | None
    user_agent: str | None
    request_id: str
    transport: Transport


@dataclass(frozen=True, slots=True, kw_only=True)
class RootField:
    """One root field that was begun: one action (AU-1). Introspection is none."""

    name: str
    response_key: str
    "The alias, or the name."
    operation_type: OperationType
    arguments: Mapping[str, Any]
    "As the client gave them, literals and variables alike as JSON; defaults are not filled in. It may hold secrets."
    errors: tuple[FormattedError, ...]
    "Those at the field and below it, as the client will see them: `extensions.code` and `message`."


class OperationContext(Protocol):
    """What each operation gets for itself, as `info.context`."""

    async def finished(self, operation_type: OperationType, root_fields: list[RootField]) -> None:
        """Called once for what has run, before it is answered; of a subscription, once its source is there.

        Raising Unavailable answers 503 in place of the result.
        """

    @property
    def caller(self) -> Hashable:
        """Equal for contexts whose `revalidate` ends alike, so that one can be asked for all."""

    async def revalidate(self) -> None:
        """Asked before each event of a subscription is sent, and now and then between; Unauthenticated ends it."""


Context = TypeVar("Context", bound=OperationContext)
ContextFactory = Callable[[ConnectionInfo], Awaitable[OperationContext]]
"""Makes an operation's context, or raises Unauthenticated (HTTP 401, WebSocket 4403) or Unavailable (503, 1013)."""


def root_fields(
    operation_type: OperationType,
    begun: Mapping[str, FieldNode],
    variables: Mapping[str, Any],
    errors: list[FormattedError],
) -> list[RootField]:
    """The actions of an operation, each with its own errors; one without a path belongs to all."""
    return [
        RootField(
            name=node.name.value,
            response_key=key,
            operation_type=operation_type,
            arguments=_arguments(node, variables),
            errors=tuple(error for error in errors if "path" not in error or error["path"][0] == key),
        )
        for key, node in begun.items()
        if not node.name.value.startswith("__")
    ]


def _arguments(node: FieldNode, variables: Mapping[str, Any]) -> dict[str, Any]:
    given = {}
    for argument in node.arguments or ():
        value = argument.value
        if not isinstance(value, VariableNode):
            given[argument.name.value] = _json(value, variables)
        elif value.name.value in variables:
            given[argument.name.value] = variables[value.name.value]
    return given


def _json(node: ValueNode, variables: Mapping[str, Any]) -> Any:
    match node:
        case VariableNode():
            return variables.get(node.name.value)
        case NullValueNode():
            return None
        case ListValueNode():
            return [_json(item, variables) for item in node.values]
        case ObjectValueNode():
            return {field.name.value: _json(field.value, variables) for field in node.fields}
        case IntValueNode():
            return int(node.value) if len(node.value) <= MOST_DIGITS else node.value
        case FloatValueNode():
            return float(node.value) if isfinite(float(node.value)) else node.value
    return getattr(node, "value", None)
