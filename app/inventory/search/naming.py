"""What the units and the license configurations of a filter are, looked up as its viewer sees them (PM-2)."""

from sqlalchemy import ColumnElement, Connection, or_

from app.compute.folding import fold
from app.inventory.search.ground import LISTED, escaped
from app.inventory.search.terms import Expression, Field, Operator, Term, terms_of
from app.kernel.ids import node_id
from app.licensing.finding import keys_where
from app.organizations.finding import units_where


def keys_of(connection: Connection, account_id: str, expression: Expression | None) -> dict[Term, list[int]]:
    """The keys of what each term of a unit or a license stands for; none where the viewer sees nothing of it."""
    if expression is None:
        return {}
    listed = dict.fromkeys(term for term in terms_of(expression) if term.field in LISTED and not term.nothing)
    return {
        term: _units(connection, account_id, term)
        if term.field is Field.UNIT
        else _configurations(connection, account_id, term)
        for term in listed
    }


def _units(connection: Connection, account_id: str, term: Term) -> list[int]:
    """Units by name, by id or by global id, and all below them."""
    wanted = fold(term.value)

    def matches(name: str, unit_id: str, key: int) -> bool:
        match term.operator:
            case Operator.EQUALS:
                return wanted in (fold(name), unit_id, node_id("ou", key))
            case Operator.CONTAINS:
                return wanted in fold(name)
            case _:
                return fold(name).startswith(wanted)

    return units_where(connection, account_id, matches)


def _configurations(connection: Connection, account_id: str, term: Term) -> list[int]:
    """License configurations by name or ARN."""
    wanted = fold(term.value)

    def condition(name: ColumnElement[str], arn: ColumnElement[str]) -> ColumnElement[bool]:
        match term.operator:
            case Operator.EQUALS:
                return or_(name == wanted, arn == wanted)
            case Operator.CONTAINS:
                pattern = f"%{escaped(wanted)}%"
            case _:
                pattern = f"{escaped(wanted)}%"
        return or_(name.like(pattern, escape="\\"), arn.like(pattern, escape="\\"))

    return keys_where(connection, account_id, condition)
