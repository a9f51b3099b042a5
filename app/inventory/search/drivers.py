"""What an index can find of a filter: the keys of the resources of one term, without reading the others."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, or_, select, true

from app.compute.searching import applications, resources, tags, values_like, words_like, words_matching
from app.compute.words import Word
from app.inventory.search.conditions import COLUMNS, SOFTWARE_COLUMNS, begins, compared, holds_of_application
from app.inventory.search.ground import Ground, is_indexed
from app.inventory.search.terms import COMPARISONS, And, Expression, Field, Operator, Or, Software, Term, terms_of
from app.licensing.finding import carriers_of
from app.organizations.finding import accounts_in

_INDEXED = frozenset({Field.PLATFORM, Field.NAME, Field.ID, Field.TYPE, Field.INSTANCE_TYPE, Field.ACCOUNT})
_STEPPED = frozenset({Field.PLATFORM, Field.INSTANCE_TYPE})
_RANGED = frozenset({Field.PLATFORM, Field.NAME, Field.ID})
_FIRST = (Field.APPLICATION, Field.PUBLISHER, Field.VERSION)


@dataclass(frozen=True, slots=True)
class Driver:
    """A select of resources' keys. `ordered`: an index has them in the order of the keys, so that a page is a few.

    `row` is the resource, where it is a resource's own column that finds it.
    """

    keys: Select[Any]
    key: ColumnElement[int]
    ordered: bool
    row: FromClause | None = None


def driver(expression: Expression, ground: Ground) -> Driver | None:
    """What finds the resources of a term or of a group of software by an index; None where nothing does."""
    match expression:
        case Software(part):
            return _software(part, ground)
        case Term(field=Field.TAG):
            return _tag(expression, ground)
        case Term(field=Field.LICENSE, nothing=False):
            keys = carriers_of(ground.keys(expression))
            return Driver(keys, keys.selected_columns[0], ordered=False)
        case Term(field=Field.UNIT):
            resource = resources()
            placed = resource.c.account_id.in_(accounts_in(ground.keys(expression)))
            keys = select(resource.c.id).where(resource.c.gone_at.is_(None), placed)
            return Driver(keys, resource.c.id, ordered=False)
        case Term(field=field) if field in _INDEXED:
            return _column(expression, ground)
        case _:
            return None


def _column(term: Term, ground: Ground) -> Driver | None:
    resource = resources()
    column = resource.c[COLUMNS[term.field]]
    found = _indexed(column, term, ground, Word.NAME if term.field is Field.NAME else None)
    if found is None:
        return None
    keys = select(resource.c.id).where(resource.c.gone_at.is_(None), found)
    return Driver(keys, resource.c.id, term.operator is Operator.EQUALS, resource)


def _tag(term: Term, ground: Ground) -> Driver | None:
    tag = tags()
    found = _indexed(tag.c.value_folded, term, ground, Word.TAG)
    if found is None:
        return None
    keys = select(tag.c.resource_id).where(tag.c.key == ground.value(term, "_key"), found)
    return Driver(keys, tag.c.resource_id, ordered=term.operator is Operator.EQUALS)


def _software(part: Expression, ground: Ground) -> Driver | None:
    """The application's name finds it, else the publisher, else the version; the rest is asked of what was found."""
    application = applications()
    for needed in sorted(_needed(part), key=_rank):
        found = [_of_application(term, application, ground) for term in terms_of(needed)]
        if any(each is None for each in found):
            continue
        rest = holds_of_application(part, application, ground).is_(true()) if part is not needed else true()
        keys = select(application.c.resource_id).where(or_(*(each for each in found if each is not None)), rest)
        ordered = isinstance(needed, Term) and needed.operator is Operator.EQUALS
        return Driver(keys, application.c.resource_id, ordered)
    return None


def _rank(needed: Expression) -> tuple[int, bool]:
    """The field that says most first, and exact terms before others."""
    terms = list(terms_of(needed))
    exact = all(term.operator is Operator.EQUALS for term in terms)
    return max(_FIRST.index(term.field) for term in terms), not exact


def _of_application(term: Term, application: Any, ground: Ground) -> ColumnElement[bool] | None:
    if term.field is not Field.VERSION:
        column = application.c[SOFTWARE_COLUMNS[term.field]]
        kind = Word.APPLICATION if term.field is Field.APPLICATION else Word.PUBLISHER
        return _indexed(column, term, ground, kind)
    if term.operator in COMPARISONS or term.operator is Operator.EQUALS:
        return compared(application.c.version_key, term, ground)
    return None


def _needed(part: Expression) -> Iterator[Expression]:
    """What must hold, whatever else does: terms, and alternatives of terms."""
    match part:
        case And(parts):
            for each in parts:
                yield from _needed(each)
        case Term():
            yield part
        case Or(parts) if all(isinstance(each, Term) for each in parts):
            yield part


def _indexed(column: ColumnElement[str], term: Term, ground: Ground, kind: Word | None) -> ColumnElement[bool] | None:
    """A term's condition on an indexed column, in the form in which the index serves it."""
    if term.operator is Operator.EQUALS:
        return compared(column, term, ground)
    if term.operator is Operator.BEGINS and (kind is not None or term.field in _RANGED):
        return begins(column, term, ground)
    if term.operator is Operator.CONTAINS and kind is not None:
        key = ground.value(term, "_key") if kind is Word.TAG else None
        if ground.dialect == "sqlite" and is_indexed(term):
            return column.in_(words_matching(kind, key, ground.value(term, "_phrase")))
        return column.in_(words_like(kind, key, ground.value(term)))
    if term.field in _STEPPED:
        return column.in_(values_like(COLUMNS[term.field], ground.value(term)))
    return None
