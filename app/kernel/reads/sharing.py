"""Which operations would be answered alike, so that one read can answer all of them."""

from collections import OrderedDict
from collections.abc import Hashable, Iterator
from typing import Any

from graphql import Node, VariableNode

_MOST_KNOWN = 2_000
# Fields are known by identity, so each is held for as long as it is known.
_known: OrderedDict[Hashable, tuple[Any, frozenset[str]]] = OrderedDict()


def shared_by(info: Any, *apart: str) -> Hashable:
    """Equal for operations of one caller's account whose root field asks the same with the same variables.

    `apart` names arguments of the root field that may differ, such as where a feed begins. Documents are told apart
    by their parsed field: hold on to `info` for as long as the key is kept.
    """
    raw = getattr(info, "_raw_info", info)
    used = _used(raw, apart)
    values = sorted((name, repr(value)) for name, value in raw.variable_values.items() if name in used)
    viewer = raw.context.viewer
    return tuple(map(id, raw.field_nodes)), tuple(values), viewer.account_id, viewer.permission


def _used(raw: Any, apart: tuple[str, ...]) -> frozenset[str]:
    """The variables that a field's answer depends on; those of a parsed document are looked for once."""
    place = (*map(id, raw.field_nodes), apart)
    known = _known.get(place)
    if known is None:
        known = _known[place] = (raw.field_nodes, frozenset(_look_for(raw, apart)))
        if len(_known) > _MOST_KNOWN:
            _known.popitem(last=False)
    return known[1]


def _look_for(raw: Any, apart: tuple[str, ...]) -> Iterator[str]:
    for field in raw.field_nodes:
        for argument in field.arguments or ():
            if argument.name.value not in apart:
                yield from _variables(argument)
        for part in (*(field.directives or ()), field.selection_set):
            if part is not None:
                yield from _variables(part)
    for fragment in raw.fragments.values():
        yield from _variables(getattr(fragment, "definition", fragment))


def _variables(node: Node) -> Iterator[str]:
    if isinstance(node, VariableNode):
        yield node.name.value
        return
    for key in node.keys:
        value = getattr(node, key, None)
        for each in value if isinstance(value, list | tuple) else (value,):
            if isinstance(each, Node):
                yield from _variables(each)
