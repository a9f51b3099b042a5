"""A filter's text becomes a tree, or an INVALID_INPUT that names the column and what was expected there."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

from lark import Lark, Token, Transformer
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from app.compute.rules import InstanceState, ResourceType
from app.inventory.search.terms import COMPARISONS, And, Expression, Field, Not, Operator, Or, Term
from app.kernel.errors import DomainError, invalid
from app.kernel.ids import check_text
from app.kernel.regions import regions
from app.kernel.tags import LONGEST_KEY

LONGEST = 2_000
MOST_TERMS = 100
DEEPEST = 20

_FIELDS = {each.lower(): each for each in Field}
_TAG = "tag."
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_COMPARED = re.compile(r"(tag\.[^!=]+|[a-z]+)(!?=)", re.IGNORECASE)
_SIGNS = re.compile(r"[:~^<>]")
_EXPECTED = {
    "FIELD": "a field, such as application or tag.KEY",
    "WORD": "a value",
    "QUOTED": "a value",
    "OPERATOR": "one of : ~ ^ > >= < <=",
    "OPEN": "an opening parenthesis",
    "_CLOSE": "a closing parenthesis",
    "_AND": "AND",
    "_OR": "OR",
    "_NOT": "NOT",
    "$END": "the end",
}


def parse(text: str) -> Expression | None:
    """The tree of a filter; None where it is blank. Raises DomainError with the field `filter`."""
    if len(text) > LONGEST:
        raise invalid(f"The filter has {len(text)} characters; at most {LONGEST} are taken.", "filter", rule="API-3")
    check_text(text, "The filter", LONGEST, "filter", minimum=0)
    return _parsed(text) if text.strip() else None


@lru_cache(maxsize=1_000)
def _parsed(text: str) -> Expression:
    try:
        built: Any = _parser().parse(text)
    except UnexpectedInput as error:
        raise _unexpected(error, text) from None
    expression: Expression = built.expression
    return expression


@lru_cache(maxsize=1)
def _parser() -> Lark:
    grammar = resources.files("app.inventory.search").joinpath("grammar.lark").read_text(encoding="utf-8")
    return Lark(grammar, parser="lalr", lexer="contextual", transformer=_Build())


def wrong(column: int, expected: str, found: str = "") -> DomainError:
    """What is told of a filter that can't be read: where, from 1, and what was expected there."""
    instead = f", not {found}" if found else ""
    return invalid(
        f"Column {column} of the filter: expected {expected}{instead}.",
        "filter",
        remedy='A filter is a line such as application:"SQL Server" AND (platform:Windows OR tag.Team:web) AND NOT '
        "type:IMAGE.",
        rule="IN-1",
    )


def _unexpected(error: UnexpectedInput, text: str) -> DomainError:
    allowed: set[str] = set()
    position = len(text)
    if isinstance(error, UnexpectedCharacters):
        allowed, position = set(error.allowed or ()), error.pos_in_stream  # type: ignore[assignment]
        if text[position] == '"':
            return wrong(position + 1, "a closing quotation mark for the one that opens here")
    elif isinstance(error, UnexpectedToken):
        allowed = set(error.accepts or error.expected)
        if error.token.type != "$END":
            position = error.token.start_pos or 0
    if allowed & {"_CLOSE", "$END"}:  # a term is complete: the parser may have settled already that no AND follows
        allowed |= {"_AND", "_OR"}
    expected = " or ".join(dict.fromkeys(words for name, words in _EXPECTED.items() if name in allowed))
    found = "the end" if position >= len(text) else f"“{text[position : position + 20]}”"
    return wrong(position + 1, expected or "a term", found)


# ------------------------------------------------------------ the tree


@dataclass(frozen=True, slots=True)
class _Built:
    """A part of the tree, how deep it is nested, and how many terms it has."""

    expression: Expression
    depth: int = 0
    terms: int = 1


class _Build(Transformer[Token, _Built]):
    """Builds the tree while the text is parsed, from the inside: no recursion, whatever the nesting."""

    def either(self, parts: list[_Built]) -> _Built:
        return _joined(parts, Or)

    def both(self, parts: list[_Built]) -> _Built:
        return _joined(parts, And)

    def negated(self, children: list[Any]) -> _Built:
        (part,) = children
        return _nested(part, Not(part.expression), 0)

    def group(self, children: list[Any]) -> _Built:
        opened, part = children
        return _nested(part, part.expression, _column(opened))

    def term(self, children: list[Token]) -> _Built:
        name, operator, value = children
        return _Built(_term(name, operator, value))

    def word(self, children: list[Token]) -> _Built:
        (token,) = children
        value, column = _value(token), _column(token)
        if token.type == "WORD":
            _check_word(value, column)
        return _Built(
            Or(
                (
                    Term(Field.APPLICATION, Operator.CONTAINS, value, column),
                    Term(Field.NAME, Operator.CONTAINS, value, column),
                    Term(Field.ID, Operator.BEGINS, value, column),
                )
            )
        )


def _check_word(word: str, column: int) -> None:
    """A slip in a term, which as a word would quietly find nothing, is told."""
    compared = _COMPARED.match(word)
    if compared and (compared[1].lower() in _FIELDS or compared[1].lower().startswith(_TAG)):
        operators = _EXPECTED["OPERATOR"] if compared[1].lower() == Field.VERSION else ": or ~ or ^"
        raise wrong(column + len(compared[1]), f"{operators} after {compared[1]}", f"“{compared[2]}”")
    if _SIGNS.search(word):
        raise wrong(column, "a field before the operator, or quotation marks around the word", f"“{word[:20]}”")


def _joined(parts: list[_Built], kind: Callable[[tuple[Expression, ...]], Expression]) -> _Built:
    terms = sum(part.terms for part in parts)
    if terms > MOST_TERMS:
        raise invalid(f"The filter has more than {MOST_TERMS} terms.", "filter", rule="API-3")
    return _Built(kind(tuple(part.expression for part in parts)), max(part.depth for part in parts), terms)


def _nested(part: _Built, expression: Expression, column: int) -> _Built:
    if part.depth >= DEEPEST:
        at = f" at column {column}" if column else ""
        raise invalid(f"The filter is nested deeper than {DEEPEST} levels{at}.", "filter", rule="API-3")
    return _Built(expression, part.depth + 1, part.terms)


def _column(token: Token) -> int:
    return (token.start_pos or 0) + 1


def _value(token: Token) -> str:
    if token.type != "QUOTED":
        return str(token)
    return _unquoted(str(token), _column(token))


def _unquoted(text: str, column: int) -> str:
    def unescaped(found: re.Match[str]) -> str:
        if found[1] not in ('"', "\\"):
            raise wrong(column + 1 + found.start(), 'the escape \\" or \\\\', f"“{found[0]}”")
        return found[1]

    return _ESCAPE.sub(unescaped, text[1:-1])


def _term(name: Token, operator_token: Token, value_token: Token) -> Term:
    field, key = _field(name)
    operator = Operator(str(operator_token))
    if operator in COMPARISONS and field is not Field.VERSION:
        raise wrong(_column(operator_token), f": or ~ or ^ after {field}; only version compares", f"“{operator}”")
    value = _value(value_token)
    quoted = value_token.type == "QUOTED"
    if field is Field.LICENSE and not quoted and operator is Operator.EQUALS and value.lower() == "none":
        return Term(field, operator, "", _column(name), nothing=True)
    known = _KNOWN.get(field) if operator is Operator.EQUALS else None
    return Term(field, operator, known(value, _column(value_token)) if known else value, _column(name), key)


def _field(name: Token) -> tuple[Field, str]:
    text, column = str(name), _column(name)
    if text.lower().startswith(_TAG):
        key = text[len(_TAG) :]
        key = _unquoted(key, column + len(_TAG)) if key.startswith('"') else key
        if not 1 <= len(key) <= LONGEST_KEY:
            raise wrong(column + len(_TAG), f"a tag's key of 1 to {LONGEST_KEY} characters")
        return Field.TAG, key
    field = _FIELDS.get(text.lower())
    if field is None or field is Field.TAG:
        names = ", ".join(each for each in Field if each is not Field.TAG)
        raise wrong(column, f"one of the fields {names} or tag.KEY", f"“{text[:40]}”")
    return field, ""


# ------------------------------------------------------------ fields of few values


def _one_of(values: Iterable[str]) -> Callable[[str, int], str]:
    listed = tuple(values)

    def known(value: str, column: int) -> str:
        wanted = value.strip().upper().replace(" ", "_").replace("-", "_")
        for each in listed:
            if each.upper().replace("-", "_") == wanted:
                return each
        raise wrong(column, f"one of {', '.join(listed)}", f"“{value[:40]}”")

    return known


def _account(value: str, column: int) -> str:
    if len(value) != 12 or not value.isascii() or not value.isdigit():
        raise wrong(column, "an account id of twelve digits", f"“{value[:40]}”")
    return value


_KNOWN: dict[Field, Callable[[str, int], str]] = {
    Field.TYPE: _one_of(each.value for each in ResourceType),
    Field.STATE: _one_of(each.value for each in InstanceState),
    Field.REGION: _one_of(each.code for each in regions()),
    Field.ACCOUNT: _account,
}
