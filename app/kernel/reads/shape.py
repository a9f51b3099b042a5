"""What SQL left open in an answer: values computed in Python, cut to the selection."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from enum import Enum
from typing import Any

from graphql import FieldNode, get_named_type, is_abstract_type, is_leaf_type

from app.kernel.clock import iso
from app.kernel.reads.compile import EACH, Path, Pending
from app.kernel.reads.scope import Reading
from app.kernel.reads.selection import Document


def fill(
    answer: Any,
    pending: Sequence[Pending],
    arguments: Sequence[Mapping[str, Any]],
    reading: Reading,
    document: Document,
) -> None:
    """Put every computed field's values in the answer, one call for each field of the selection."""
    for each in pending:
        holders = list(_holders(answer, each.path))
        if not holders:
            continue
        key = each.path[-1]
        inputs = [holder[key] for holder in holders]
        asked = arguments[each.slot] if each.slot >= 0 else {}
        values = each.plan.compute(inputs, asked, reading)
        for holder, value in zip(holders, values, strict=True):
            holder[key] = shape(value, each.definition.type, each.nodes, document)


def _holders(answer: Any, path: Path) -> Iterator[dict[str, Any]]:
    """The objects that hold the last step of a path; absent objects, hidden values and other types are passed over."""
    if answer is None:
        return
    step, rest = path[0], path[1:]
    if step == EACH:
        for item in answer:
            yield from _holders(item, rest)
    elif not rest:
        if answer.get(step) is not None:
            yield answer
    else:
        yield from _holders(answer.get(step), rest)


def shape(value: Any, type_: Any, nodes: Sequence[FieldNode], document: Document) -> Any:
    """A computed value as JSON, with the fields that were selected of it."""
    if value is None:
        return None
    if isinstance(value, list | tuple):
        return [shape(item, type_, nodes, document) for item in value]
    named = get_named_type(type_)
    if is_leaf_type(named):
        return _leaf(value)
    if is_abstract_type(named):
        named = document.schema.get_type(type(value).__strawberry_definition__.name)
    shaped: dict[str, Any] = {}
    for key, selected in document.fields(named, nodes).items():
        name = selected[0].name.value
        if name == "__typename":
            shaped[key] = named.name
            continue
        definition = document.definition(named, selected[0])
        python_name = definition.extensions["strawberry-definition"].python_name
        found = value[python_name] if isinstance(value, Mapping) else getattr(value, python_name)
        shaped[key] = shape(found, definition.type, selected, document)
    return shaped


def _leaf(value: Any) -> Any:
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, Enum):
        return value.value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    return value
