"""Errors help their reader: refusals in full, bad input by name, and of a fault of ours nothing but an id."""

from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from tests.api.toy import SECRET, Toy


async def errors(
    query: str, variables: dict[str, Any] | None = None, *, suggestions: bool = False
) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await Toy(suggestions=suggestions).run(query, variables))["errors"]
    return found


async def test_a_refused_query_is_one_error_for_each_refusal() -> None:
    """PM-3: extensions hold code, rule, remedy, accountId and nodeIds; the input field where one is at fault."""
    first, second = await errors("{ mine: refused }")
    assert first["message"] == "The member role is gone."
    assert first["path"] == second["path"] == ["mine"]
    assert first["locations"] == [{"line": 1, "column": 3}]
    assert first["extensions"] == {
        "code": "ROLE_MISSING",
        "rule": "TR-2",
        "remedy": "Restore it.",
        "accountId": "111122223333",
        "nodeIds": ["n1"],
    }
    assert second["extensions"] == {
        "code": "INVALID_INPUT",
        "rule": None,
        "remedy": None,
        "accountId": None,
        "nodeIds": [],
        "field": ["input", "region"],
    }


@pytest.mark.parametrize("query", ["{ broken }", "{ item { broken } }", "mutation { breakDown }"])
async def test_a_fault_is_logged_whole_under_the_id_that_the_client_gets(query: str) -> None:
    structlog.reset_defaults()
    with capture_logs() as logs:
        answer = await Toy().run(query)
    (error,) = answer["errors"]
    identifier = error["extensions"]["id"]
    assert error["message"] == f"Internal error. Quote id {identifier}."
    assert error["extensions"] == {"code": "INTERNAL", "id": identifier}
    assert SECRET not in str(answer)
    (entry,) = logs
    assert (entry["log_level"], entry["id"]) == ("error", identifier)
    assert str(entry["exc_info"]) == SECRET
    assert entry["exc_info"].__traceback__ is not None


@pytest.mark.parametrize(
    ("query", "variables", "message"),
    [
        (
            "query ($n: Int!) { required(count: $n) }",
            {"n": "x"},
            "Variable '$n' has invalid value: Int cannot represent non-integer value: 'x'",
        ),
        (
            "query ($p: Parcel!) { weigh(parcel: $p) }",
            {"p": {"weight": 1.5}},
            "Variable '$p' has invalid value at .weight: Int cannot represent non-integer value: 1.5",
        ),
        (
            "query ($n: Int! = 3) { required(count: $n) }",
            {"n": None},
            "Variable '$n' has invalid value: Expected value of non-null type 'Int!' not to be None.",
        ),
        (
            '{ weigh(parcel: {weight: "x"}) }',
            None,
            "Argument 'parcel' has invalid value at .weight: Int cannot represent non-integer value: \"x\"",
        ),
        (
            "query ($n: Int = 3000000000) { required(count: $n) }",
            None,
            "Variable '$n' has invalid value: Int cannot represent non 32-bit signed integer value: 3000000000",
        ),
        (
            "query ($n: Int) { required(count: $n) }",
            {"n": None},
            (
                "Argument 'count' has invalid value: "
                "Expected variable '$n' provided to non-null type 'Int!' not to be None."
            ),
        ),
    ],
)
async def test_bad_input_is_invalid_input_and_named(query: str, variables: dict[str, Any], message: str) -> None:
    (error,) = await errors(query, variables)
    assert error["message"] == message
    assert error["extensions"] == {"code": "INVALID_INPUT"}


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("query query {", "GRAPHQL_PARSE_FAILED"),
        ("{ gretting }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ item }", "GRAPHQL_VALIDATION_FAILED"),
        ("query ($n: Int) { greeting }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { count(to: 1) feed { id } }", "GRAPHQL_VALIDATION_FAILED"),
        ("type Query { a: Int }", "GRAPHQL_VALIDATION_FAILED"),
    ],
)
async def test_a_wrong_document_says_in_which_way(query: str, code: str) -> None:
    assert {error["extensions"]["code"] for error in await errors(query)} == {code}


async def test_names_are_suggested_in_development_only() -> None:
    (hidden,) = await errors("{ gretting }")
    (shown,) = await errors("{ gretting }", suggestions=True)
    assert hidden["message"] == "Cannot query field 'gretting' on type 'Query'."
    assert shown["message"] == hidden["message"] + " Did you mean 'greeting'?"
    (hidden,) = await errors("query ($s: Shape!) { completed(shape: $s) { id } }", {"s": "OBJEKT"})
    assert "Did you mean" not in hidden["message"]


async def test_what_a_client_sent_is_quoted_no_longer_than_it_helps() -> None:
    (error,) = await errors("{ " + "x" * 10_000 + " }")
    assert len(error["message"]) <= 501


async def test_a_document_wrong_in_a_thousand_places_is_told_some_of_them() -> None:
    assert len(await errors("{ " + "x " * 400 + "}")) <= 11
