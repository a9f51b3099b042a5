"""Which terms hold of one and the same application.

In a group of terms joined by AND, an application term begins an application, and the version and publisher terms beside
it say more of it: those that follow it up to the next application term, and before the first those too. So
`application:"SQL Server" AND version>=15` asks for a SQL Server of that version, not for any software of it.
"""

from collections.abc import Sequence

from app.inventory.search.terms import SOFTWARE, And, Expression, Field, Not, Or, Software, Term, parts_of, terms_of


def grouped(expression: Expression) -> Expression:
    """The expression with its terms of software in groups that each hold of one application."""
    match expression:
        case Term(field) if field in SOFTWARE:
            return Software(expression)
        case Not(part) if _of_one(part):
            return Not(Software(part))
        case Not(part):
            return Not(grouped(part))
        case Or(parts):
            return Or(tuple(grouped(each) for each in parts))
        case And(parts):
            return _joined(parts)
        case _:
            return expression


def _joined(parts: Sequence[Expression]) -> Expression:
    """A group: one Software for each application that it names; what says more of it inside."""
    applications: list[list[Expression]] = []
    unnamed: list[Expression] = []
    others: list[Expression] = []
    for part in parts:
        if not _of_one(part):
            others.append(grouped(part))
        elif _names(part):
            applications.append([part])
        else:
            (applications[-1] if applications else unnamed).append(part)
    if applications:
        applications[0] = [applications[0][0], *unnamed, *applications[0][1:]]
    elif any(not isinstance(part, Not) for part in unnamed):
        applications = [unnamed]
    else:
        others += [grouped(part) for part in unnamed]
    return _and([*(Software(_and(each)) for each in applications), *others])


def _and(parts: Sequence[Expression]) -> Expression:
    return parts[0] if len(parts) == 1 else And(tuple(parts))


def _names(expression: Expression) -> bool:
    """Whether an expression says which application it is about."""
    return any(term.field is Field.APPLICATION for term in terms_of(expression))


def _of_one(expression: Expression) -> bool:
    """Whether an expression is of software alone, and can be asked of a single application."""
    match expression:
        case Term(field):
            return field in SOFTWARE
        case Not(part):
            return _of_one(part) and not _names(part)
        case And(parts):
            return sum(_names(part) for part in parts) <= 1 and all(_of_one(part) for part in parts)
        case _:
            return all(_of_one(part) for part in parts_of(expression))
