"""What the SQL of a filter stands on: the dialect, the caller, and each term's values as bound parameters."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import JSON, BigInteger, ColumnElement, Select, cast, func, select

from app.compute.folding import fold
from app.compute.searching import SHORTEST_INDEXED
from app.compute.versions import version_key
from app.inventory.search.terms import COMPARISONS, Expression, Field, Operator, Term, parts_of, terms_of

_UPPER = frozenset({Field.TYPE, Field.STATE})
_LOWER = frozenset({Field.REGION, Field.INSTANCE_TYPE})
LISTED = frozenset({Field.UNIT, Field.LICENSE})
"""Fields whose terms are looked up first: what they name is a list of keys."""

BEYOND = "\U0010ffff"
"""Sorts after every text that begins with what it is appended to."""


@dataclass(frozen=True, slots=True)
class Ground:
    """Binds the values of terms. `names` tells terms apart; equal terms have one name."""

    dialect: str
    viewer: ColumnElement[str]
    names: Mapping[Term, str]
    bind: Callable[[str], ColumnElement[Any]]

    def value(self, term: Term, part: str = "") -> ColumnElement[Any]:
        """One of a term's values; `parameters` makes them."""
        return self.bind(self.names[term] + part)

    def keys(self, term: Term) -> Select[Any]:
        """The keys that a term of a listed field stands for, as rows."""
        listed = self.value(term, "_keys")
        if self.dialect == "sqlite":
            return select(func.json_each(listed).table_valued("value").c.value)
        each = func.json_array_elements_text(cast(listed, JSON)).table_valued("value")
        return select(cast(each.c.value, BigInteger))


def names_of(expression: Expression) -> dict[Term, str]:
    """A short name for each term, the same for the same shape of filter."""
    return {term: f"t{number}" for number, term in enumerate(dict.fromkeys(terms_of(expression)))}


def parameters(names: Mapping[Term, str], keys: Mapping[Term, Sequence[int]]) -> dict[str, str]:
    """The values of all terms by the names that `Ground.value` binds; `keys` are those of the listed fields."""
    made: dict[str, str] = {}
    for term, name in names.items():
        made.update((name + part, value) for part, value in _parts(term, keys.get(term, ())))
    return made


def _parts(term: Term, keys: Sequence[int]) -> list[tuple[str, str]]:
    if term.field in LISTED:
        return [("_keys", json.dumps(list(keys)))]
    text = _folded(term)
    made = [("_key", term.key)] if term.field is Field.TAG else []
    if term.operator is Operator.CONTAINS:
        made.append(("", f"%{escaped(text)}%"))
        made.append(("_phrase", '"' + text.replace('"', '""') + '"'))
    elif term.operator is Operator.BEGINS:
        made += [("", f"{escaped(text)}%"), ("_from", text), ("_to", text + BEYOND)]
    else:
        made.append(("", text))
    return made


def _folded(term: Term) -> str:
    if term.field is Field.VERSION and (term.operator in COMPARISONS or term.operator is Operator.EQUALS):
        return version_key(term.value)
    if term.field in _UPPER:
        return term.value.upper()
    if term.field in _LOWER:
        return term.value.lower()
    return fold(term.value)


def escaped(text: str) -> str:
    """A text that a LIKE pattern takes literally, escaped by a backslash."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def is_indexed(term: Term) -> bool:
    """Whether a part of a word is long enough for the index of trigrams."""
    return len(fold(term.value)) >= SHORTEST_INDEXED


def structure(expression: Expression, names: Mapping[Term, str]) -> tuple[object, ...]:
    """The shape of a filter without its values: filters of one shape share their statement."""
    if isinstance(expression, Term):
        term = expression
        return (names[term], term.field, term.operator, term.nothing, is_indexed(term))
    return (type(expression).__name__, *(structure(part, names) for part in parts_of(expression)))
