"""Inputs are read and outputs written by botocore's shapes; no list of fields is kept here."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import orjson

from app.aws.errors import AwsError
from app.aws.model import operation

MOST_NAMED = 10
MOST_ITEMS = 1_000


def read_input(operation_name: str, body: bytes) -> dict[str, Any]:
    """The members of a request's JSON body that the operation's input shape has; others are ignored, as AWS does.

    Raises AwsError: SerializationException for what is no JSON of these types, ValidationException with all that is
    missing, no value of an enumeration or out of bounds.
    """
    try:
        given = orjson.loads(body or b"{}")
    except orjson.JSONDecodeError:
        raise AwsError("SerializationException", "The body is not JSON.") from None
    found = operation(operation_name)
    if not isinstance(given, dict):
        raise AwsError("SerializationException", f"The body is {_kind(given)}, not an object.")
    shape = found.input_shape if found else None
    if shape is None:
        return {}
    read: dict[str, Any] = _typed(shape, given, "")
    problems = [text for _, text in zip(range(MOST_NAMED), _violations(shape, read, ""), strict=False)]
    if problems:
        errors = "error" if len(problems) == 1 else "errors"
        raise AwsError("ValidationException", f"{len(problems)} validation {errors} detected: {'; '.join(problems)}")
    return read


# ------------------------------------------------------------ types


def _typed(shape: Any, value: Any, path: str) -> Any:
    """The value as its shape has it, without members that are null or unknown."""
    if shape.type_name == "structure":
        _expect(isinstance(value, dict), value, path, "an object")
        return {
            name: _typed(member, value[name], _join(path, name))
            for name, member in shape.members.items()
            if value.get(name) is not None
        }
    if shape.type_name == "list":
        _expect(isinstance(value, list), value, path, "a list")
        _expect(len(value) <= MOST_ITEMS, value, path, f"a list of at most {MOST_ITEMS} items")
        return [_typed(shape.member, each, f"{path}.{position + 1}.member") for position, each in enumerate(value)]
    kind, test = _SCALARS[shape.type_name]
    _expect(test(value), value, path, kind)
    # No database keeps it in a text, and no text of AWS's has it.
    _expect(not isinstance(value, str) or "\x00" not in value, value, path, "a string without the character NUL")
    return value


def _is_integer(bits: int) -> Callable[[Any], bool]:
    def test(value: Any) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and -(2 ** (bits - 1)) <= value < 2 ** (bits - 1)

    return test


_SCALARS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "string": ("a string", lambda value: isinstance(value, str)),
    "boolean": ("a boolean", lambda value: isinstance(value, bool)),
    "integer": ("an integer of 32 bits", _is_integer(32)),
    "long": ("an integer of 64 bits", _is_integer(64)),
}


def _expect(right: bool, value: Any, path: str, wanted: str) -> None:
    if not right:
        raise AwsError("SerializationException", f"{path or 'The body'} is {_kind(value)}; it has to be {wanted}.")


def _kind(value: Any) -> str:
    kinds = {str: "a string", bool: "a boolean", type(None): "null", list: "a list", dict: "an object"}
    return kinds.get(type(value), "a number")


def _join(path: str, name: str) -> str:
    return f"{path}.{lowered(name)}" if path else lowered(name)


def lowered(name: str) -> str:
    """A member's name as AWS writes it in messages and in CloudTrail."""
    return name[:1].lower() + name[1:]


# ------------------------------------------------------------ constraints


def _violations(shape: Any, value: Any, path: str) -> Iterator[str]:
    """What the shape's constraints refuse, in the words of AWS's own services."""
    if shape.type_name == "structure":
        for name in shape.required_members:
            if name not in value:
                yield _violation(None, _join(path, name), "Member must not be null")
        for name, member in value.items():
            yield from _violations(shape.members[name], member, _join(path, name))
        return
    if shape.type_name == "list":
        yield from _bounds(shape, len(value), value, path, "length")
        for position, each in enumerate(value):
            yield from _violations(shape.member, each, f"{path}.{position + 1}.member")
        return
    if shape.type_name == "string":
        yield from _bounds(shape, len(value), value, path, "length")
        allowed = shape.metadata.get("enum")
        if allowed and value not in allowed:
            yield _violation(value, path, f"Member must satisfy enum value set: [{', '.join(allowed)}]")
    elif shape.type_name in ("integer", "long"):
        yield from _bounds(shape, value, value, path, "value")


def _bounds(shape: Any, measured: int, value: Any, path: str, what: str) -> Iterator[str]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is not None and measured < low:
        yield _violation(value, path, f"Member must have {what} greater than or equal to {low}")
    if high is not None and measured > high:
        yield _violation(value, path, f"Member must have {what} less than or equal to {high}")


def _violation(value: Any, path: str, constraint: str) -> str:
    shown = "null" if value is None else f"'{str(value)[:64]}'"
    return f"Value {shown} at '{path}' failed to satisfy constraint: {constraint}"


# ------------------------------------------------------------ output


def write_output(operation_name: str, answer: dict[str, Any]) -> bytes:
    """An operation's answer as JSON by its output shape: timestamps in epoch seconds, what is unset left out.

    Raises KeyError for a member that the shape does not have: an answer can't say what the model does not know.
    """
    found = operation(operation_name)
    assert found is not None
    return orjson.dumps(_written(found.output_shape, answer) if found.output_shape is not None else {})


def _written(shape: Any, value: Any) -> Any:
    if shape.type_name == "structure":
        return {name: _written(shape.members[name], each) for name, each in value.items() if each is not None}
    if shape.type_name == "list":
        return [_written(shape.member, each) for each in value]
    if shape.type_name == "timestamp":
        assert isinstance(value, datetime)
        return round(value.timestamp(), 3)
    return value
