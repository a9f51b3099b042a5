"""What a filter says, as a tree; and the fields and operators that it is made of."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class Field(StrEnum):
    """What a term asks of a resource, as users write it."""

    APPLICATION = "application"
    VERSION = "version"
    PUBLISHER = "publisher"
    PLATFORM = "platform"
    NAME = "name"
    ID = "id"
    TYPE = "type"
    STATE = "state"
    INSTANCE_TYPE = "instanceType"
    ACCOUNT = "account"
    UNIT = "unit"
    REGION = "region"
    LICENSE = "license"
    TAG = "tag"


class Operator(StrEnum):
    """How a term compares."""

    EQUALS = ":"
    CONTAINS = "~"
    BEGINS = "^"
    ABOVE = ">"
    AT_LEAST = ">="
    BELOW = "<"
    AT_MOST = "<="


COMPARISONS = frozenset({Operator.ABOVE, Operator.AT_LEAST, Operator.BELOW, Operator.AT_MOST})
SOFTWARE = frozenset({Field.APPLICATION, Field.VERSION, Field.PUBLISHER})
"""Fields of the applications that are found on a resource."""


@dataclass(frozen=True, slots=True)
class Term:
    """One comparison. `key` is a tag's; `nothing` is `license:none`; `column` is where it stands, from 1."""

    field: Field
    operator: Operator
    value: str
    column: int
    key: str = ""
    nothing: bool = False


@dataclass(frozen=True, slots=True)
class Not:
    """What does not hold."""

    part: "Expression"


@dataclass(frozen=True, slots=True)
class And:
    """What all hold."""

    parts: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Of which one holds."""

    parts: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class Software:
    """That one application on the resource is as its part says; the part has terms of software alone."""

    part: "Expression"


Expression = Term | Not | And | Or | Software


def parts_of(expression: Expression) -> tuple[Expression, ...]:
    """What an expression is made of, one level down."""
    match expression:
        case And(parts) | Or(parts):
            return parts
        case Not(part) | Software(part):
            return (part,)
        case _:
            return ()


def terms_of(expression: Expression) -> Iterator[Term]:
    """The terms of an expression, in order."""
    if isinstance(expression, Term):
        yield expression
    for part in parts_of(expression):
        yield from terms_of(part)
