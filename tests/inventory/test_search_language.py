"""The search language (IN-1): what is taken, what it means, and what is told of what can't be read."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.inventory.search.groups import grouped
from app.inventory.search.parse import DEEPEST, LONGEST, MOST_TERMS, parse
from app.inventory.search.terms import And, Expression, Not, Or, Software, Term
from app.inventory.search_schema import FILTER
from app.kernel.errors import DomainError, ErrorCode


def shown(expression: Expression | None) -> str:
    """A tree as text: [ ] holds of one application, ! not, & and, | or."""
    match expression:
        case Term(field, operator, value, key=key, nothing=nothing):
            return f"{field}{'.' + key if key else ''}{operator}{'none!' if nothing else value}"
        case Not(part):
            return f"!{shown(part)}"
        case And(parts):
            return "(" + " & ".join(map(shown, parts)) + ")"
        case Or(parts):
            return "(" + " | ".join(map(shown, parts)) + ")"
        case Software(part):
            return f"[{shown(part)}]"
    raise AssertionError(expression)


def message(text: str) -> str:
    with pytest.raises(DomainError) as refused:
        parse(text)
    (refusal,) = refused.value.refusals
    assert refusal.code is ErrorCode.INVALID_INPUT
    assert refusal.field == ("filter",)
    return refusal.message


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("platform:Windows", "platform:Windows"),
        ('platform : "Red Hat"', "platform:Red Hat"),
        ("PLATFORM:x and not TYPE:image", "(platform:x & !type:IMAGE)"),
        ("id^i-0 OR id~f AND region:us-east-1", "(id^i-0 | (id~f & region:us-east-1))"),
        ("(id^i-0 OR id~f) AND region:us-east-1", "((id^i-0 | id~f) & region:us-east-1)"),
        ("NOT (id:a OR id:b)", "!(id:a | id:b)"),
        ("NOT NOT id:a", "!!id:a"),
        ('tag."Cost Center":4711', "tag.Cost Center:4711"),
        ("tag.aws/x-y:b:c~d", "tag.aws/x-y:b:c~d"),
        ('name:"a \\"b\\" \\\\ (c)"', 'name:a "b" \\ (c)'),
        ('tag.Team:""', "tag.Team:"),
        ("license:none", "license:none!"),
        ('license:"none"', "license:none"),
        ("license:arn:aws:license-manager:x", "license:arn:aws:license-manager:x"),
        ("type:dedicated-host", "type:DEDICATED_HOST"),
        ('type:"launch template"', "type:LAUNCH_TEMPLATE"),
        ("state:running", "state:RUNNING"),
        ("instancetype^m5.", "instanceType^m5."),
        ('"and"', "(application~and | name~and | id^and)"),
        ("web-01", "(application~web-01 | name~web-01 | id^web-01)"),
        ("android", "(application~android | name~android | id^android)"),
        ("version>=15.0", "version>=15.0"),
    ],
)
def test_a_filter_is_read_as_written(text: str, meaning: str) -> None:
    assert shown(parse(text)) == meaning


@pytest.mark.parametrize("text", ["", "  \n\t "])
def test_a_blank_filter_asks_nothing(text: str) -> None:
    assert parse(text) is None


A_FIELD = "expected a field before the operator, or quotation marks around the word"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("application:", "Column 13 of the filter: expected a value, not the end."),
        ("application: AND id:x", "Column 14 of the filter: expected a value, not “AND id:x”."),
        ("version:>=15", "Column 9 of the filter: expected a value, not “>=15”."),
        ("(id:a", "Column 6 of the filter: expected a closing parenthesis or AND or OR, not the end."),
        ("id:a)", "Column 5 of the filter: expected AND or OR or the end, not “)”."),
        ("id:a id:b", "Column 6 of the filter: expected AND or OR or the end, not “id:b”."),
        ('name:"open', "Column 6 of the filter: expected a closing quotation mark for the one that opens here."),
        ('name:"a\\qb"', 'Column 8 of the filter: expected the escape \\" or \\\\, not “\\q”.'),
        ("platform>3", "Column 9 of the filter: expected : or ~ or ^ after platform; only version compares, not “>”."),
        ("account:12", "Column 9 of the filter: expected an account id of twelve digits, not “12”."),
        ("state:asleep", "Column 7 of the filter: expected one of RUNNING, STOPPED, TERMINATED, not “asleep”."),
        ("type=IMAGE", "Column 5 of the filter: expected : or ~ or ^ after type, not “=”."),
        ("id:x OR Type!=IMAGE", "Column 13 of the filter: expected : or ~ or ^ after Type, not “!=”."),
        ("tag.Team=web", "Column 9 of the filter: expected : or ~ or ^ after tag.Team, not “=”."),
        ("version=15", "Column 8 of the filter: expected one of : ~ ^ > >= < <= after version, not “=”."),
        ("-type:IMAGE", f"Column 1 of the filter: {A_FIELD}, not “-type:IMAGE”."),
        ('tag."":x', "Column 5 of the filter: expected a tag's key of 1 to 128 characters."),
    ],
)
def test_an_error_names_the_column_and_what_was_expected(text: str, told: str) -> None:
    assert message(text) == told


@pytest.mark.parametrize("text", ["colour:red", "tag:x", "id:a AND colour:red"])
def test_an_unknown_field_is_told_the_fields_that_there_are(text: str) -> None:
    told = message(text)
    assert told.startswith(f"Column {text.index('colour') + 1 if 'colour' in text else 1} of the filter")
    for name in ("application", "version", "instanceType", "license", "tag.KEY"):
        assert name in told


def test_filters_are_bounded_in_length_terms_and_nesting() -> None:
    """API-3: 2,000 characters, 100 terms, 20 levels; at the bound a filter is taken, beyond it is refused."""
    assert parse("x" * LONGEST) is not None
    assert "2000 are taken" in message("x" * (LONGEST + 1))
    assert parse(" OR ".join(["id:a"] * MOST_TERMS)) is not None
    assert "more than 100 terms" in message(" OR ".join(["id:a"] * (MOST_TERMS + 1)))
    assert parse("(" * DEEPEST + "id:a" + ")" * DEEPEST) is not None
    assert "deeper than 20" in message("(" * (DEEPEST + 1) + "id:a" + ")" * (DEEPEST + 1))
    assert "deeper than 20" in message("NOT " * (DEEPEST + 1) + "id:a")


@pytest.mark.parametrize("text", ["(" * 2000, "NOT " * 499 + "x", "((((" * 200 + "id:a" + "))))" * 200])
def test_hostile_nesting_is_an_error_and_no_crash(text: str) -> None:
    assert message(text)


def test_control_characters_and_lone_surrogates_are_refused() -> None:
    assert "control" in message("id:a\x00b")
    assert "surrogate" in message("id:\ud800")


PIECES = ['"', "(", ")", "AND", "or", "NOT", ":", "~", "^", ">=", " ", "\\", "tag.", "version", "id", "ü", "a", '"x y"']


@given(st.one_of(st.text(max_size=80), st.lists(st.sampled_from(PIECES), max_size=30).map("".join)))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Nothing that a client sends is anything but a tree or INVALID_INPUT."""
    code = None
    try:
        expression = parse(text)
    except DomainError as error:
        code = error.refusals[0].code
    else:
        assert expression is None or shown(grouped(expression))
    assert code in (None, ErrorCode.INVALID_INPUT)


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("application:A AND version>=15", "[(application:A & version>=15)]"),
        ("version>=15 AND application:A", "[(application:A & version>=15)]"),
        ("application:A AND application:B", "([application:A] & [application:B])"),
        (
            "application:A AND version:1 AND application:B AND publisher:C",
            "([(application:A & version:1)] & [(application:B & publisher:C)])",
        ),
        ("application:A AND platform:x AND version:1", "([(application:A & version:1)] & platform:x)"),
        ("application:A AND (version:1 OR version:2)", "[(application:A & (version:1 | version:2))]"),
        ("(application:A OR application:B) AND version>5", "[((application:A | application:B) & version>5)]"),
        ("application:A AND NOT version^14", "[(application:A & !version^14)]"),
        ("application:A AND NOT application:B", "([application:A] & ![application:B])"),
        ("NOT (application:A AND version<5)", "![(application:A & version<5)]"),
        ("NOT version:1 AND id:x", "(id:x & ![version:1])"),
        ("publisher:M AND NOT version:3", "[(publisher:M & !version:3)]"),
        ("application:A OR version:1", "([application:A] | [version:1])"),
        ("NOT (application:A AND application:B)", "!([application:A] & [application:B])"),
        ("(application:A AND application:B) OR version:1", "(([application:A] & [application:B]) | [version:1])"),
    ],
)
def test_terms_joined_by_and_hold_of_the_application_that_they_follow(text: str, meaning: str) -> None:
    """A SQL Server of version 15 is one application, not a SQL Server beside anything of version 15."""
    parsed = parse(text)
    assert parsed is not None
    assert shown(grouped(parsed)) == meaning


def documented() -> list[str]:
    """The filters that the documentation and the schema show."""
    page = Path(__file__).parents[2].joinpath("docs/search.md").read_text(encoding="utf-8")
    tables = re.findall(r"^\| `([^`]+[:~^<>=][^`]*)` \|", page, re.MULTILINE)
    indented = re.findall(r"^    (.*:.*)$", page, re.MULTILINE)
    described = re.findall(r"^(?:- )?([a-z].*?:\S.*?)(?:: .*|)$", FILTER.split("usual.")[1], re.MULTILINE)
    assert len(tables) >= 8
    return [*tables, *(each for each in indented if not each.startswith("Column")), *described]


@pytest.mark.parametrize("text", documented())
def test_what_is_documented_can_be_searched(text: str) -> None:
    assert parse(text.strip()) is not None
