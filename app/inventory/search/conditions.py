"""A filter as a condition on one resource: what is asked of each row that something else has found."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, not_, or_, select, true

from app.compute.searching import applications, tags
from app.inventory.search.ground import Ground
from app.inventory.search.terms import And, Expression, Field, Not, Operator, Or, Software, Term
from app.licensing.finding import carries_one_of, carries_seen
from app.organizations.finding import is_in_units

Row = Any
Condition = ColumnElement[bool]
COLUMNS = {
    Field.PLATFORM: "platform_folded",
    Field.NAME: "name_folded",
    Field.ID: "resource_id_folded",
    Field.TYPE: "type",
    Field.STATE: "state",
    Field.INSTANCE_TYPE: "instance_type",
    Field.ACCOUNT: "account_id",
    Field.REGION: "region",
}
"""The column of a resource that a field asks."""

SOFTWARE_COLUMNS = {Field.APPLICATION: "name_folded", Field.PUBLISHER: "publisher_folded"}


def holds(expression: Expression, resource: Row, ground: Ground) -> Condition:
    """Whether a filter holds of a resource. What is not known of it holds nothing, and not holding is true of it."""
    return _whole(expression, lambda term: _of_resource(term, resource, ground))


def holds_of_application(expression: Expression, application: Row, ground: Ground) -> Condition:
    """Whether an expression of software holds of an application."""
    return _whole(expression, lambda term: of_application(term, application, ground))


def _whole(expression: Expression, leaf: Callable[[Term | Software], Condition]) -> Condition:
    match expression:
        case And(parts):
            return and_(*(_whole(part, leaf) for part in parts))
        case Or(parts):
            return or_(*(_whole(part, leaf) for part in parts))
        case Not(part):
            return _whole(part, leaf).is_not(true())
        case _:
            return leaf(expression)


def compared(column: ColumnElement[str], term: Term, ground: Ground) -> Condition:
    """Whether a column holds what a term asks for."""
    value = ground.value(term)
    match term.operator:
        case Operator.EQUALS:
            return column == value
        case Operator.CONTAINS | Operator.BEGINS:
            return column.like(value, escape="\\")
        case Operator.ABOVE:
            return column > value
        case Operator.AT_LEAST:
            return column >= value
        case Operator.BELOW:
            return column < value
        case Operator.AT_MOST:
            return column <= value


def begins(column: ColumnElement[str], term: Term, ground: Ground) -> Condition:
    """Whether a folded column begins with what a term asks for, as a range that an index serves."""
    return and_(column >= ground.value(term, "_from"), column < ground.value(term, "_to"))


def of_application(term: Any, application: Row, ground: Ground) -> Condition:
    """One term of software."""
    if term.field is not Field.VERSION:
        return compared(application.c[SOFTWARE_COLUMNS[term.field]], term, ground)
    textual = term.operator in (Operator.CONTAINS, Operator.BEGINS)
    return compared(func.lower(application.c.version) if textual else application.c.version_key, term, ground)


def _of_resource(term: Any, resource: Row, ground: Ground) -> Condition:
    match term:
        case Software(part):
            application = applications()
            found = select(application.c.id).where(
                application.c.resource_id == resource.c.id, holds_of_application(part, application, ground)
            )
            return exists(found.correlate_except(application))
        case Term(field=Field.TAG):
            tag = tags()
            tagged = select(tag.c.resource_id).where(
                tag.c.resource_id == resource.c.id,
                tag.c.key == ground.value(term, "_key"),
                compared(tag.c.value_folded, term, ground),
            )
            return exists(tagged.correlate_except(tag))
        case Term(field=Field.LICENSE, nothing=True):
            return not_(carries_seen(resource.c.id, ground.viewer))
        case Term(field=Field.LICENSE):
            return carries_one_of(resource.c.id, ground.keys(term))
        case Term(field=Field.UNIT):
            return is_in_units(resource.c.account_id, ground.keys(term))
        case _:
            return compared(resource.c[COLUMNS[term.field]], term, ground)
