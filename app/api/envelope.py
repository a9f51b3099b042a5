"""The envelope of a GraphQL request: JSON of any shape comes in, a request of the right shape or a refusal goes out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from app.api.limits import Limits


class BadEnvelope(Exception):
    """What was sent is not a GraphQL request; the message says what is wrong with it. `status` is the HTTP status."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    """A document, and what it runs with. `variables` are as the client gave them."""

    query: str
    operation_name: str | None
    variables: dict[str, Any]


def from_body(body: bytes, limits: Limits) -> GraphQLRequest:
    """Read the body of a POST."""
    if not body.strip():
        raise BadEnvelope("The body is empty: send a JSON object with a query.")
    return from_payload(_json(body, "The body"), limits, "The body")


def from_parameters(parameters: list[tuple[str, str]], limits: Limits) -> GraphQLRequest:
    """Read the parameters of a GET, where variables and extensions are JSON."""
    payload: dict[str, object] = {}
    for name, value in parameters:
        if name in payload:
            raise BadEnvelope(f"{name} is given twice.")
        if name in ("variables", "extensions"):
            payload[name] = _json(value.encode(), name) if value else None
        else:
            payload[name] = value
    return from_payload(payload, limits, "The request")


def from_payload(payload: object, limits: Limits, what: str) -> GraphQLRequest:
    """Read what was JSON; `what` names it in refusals."""
    if isinstance(payload, list):
        raise BadEnvelope(f"{what} is an array: batches are not served, send one operation at a time.")
    if not isinstance(payload, dict):
        raise BadEnvelope(f"{what} is {_kind(payload)}, not an object with a query.")
    query = payload.get("query")
    if query is None:
        raise BadEnvelope("query is missing: send the document in it, as a string.")
    if not isinstance(query, str):
        raise BadEnvelope(f"query is {_kind(query)}, not a string.")
    name = payload.get("operationName")
    if not (name is None or isinstance(name, str)):
        raise BadEnvelope(f"operationName is {_kind(name)}, not a string.")
    _object(payload, "extensions")
    variables = _object(payload, "variables")
    if _deeper(variables, limits.variables_depth):
        raise BadEnvelope(f"variables are nested more than {limits.variables_depth} deep.")
    return GraphQLRequest(query, name or None, variables)


def _json(text: bytes, what: str) -> object:
    # orjson refuses what other readers choke on: bad UTF-8, lone surrogates, numbers without end, deep nesting.
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise BadEnvelope(f"{what} is not JSON: {error}.") from None


def _object(payload: Mapping[str, object], name: str) -> dict[str, Any]:
    value = payload.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadEnvelope(f"{name} is {_kind(value)}, not an object.")
    return value


def _deeper(value: dict[str, Any] | list[Any], bound: int) -> bool:
    level = [value]
    for _ in range(bound):
        level = [
            item
            for holder in level
            for item in (holder.values() if isinstance(holder, dict) else holder)
            if isinstance(item, (dict, list))
        ]
    return bool(level)


def _kind(value: object) -> str:
    kinds = {str: "a string", bool: "a boolean", type(None): "null", list: "an array", dict: "an object"}
    return kinds.get(type(value), "a number")
