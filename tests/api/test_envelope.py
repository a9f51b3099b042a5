"""Whatever is sent in place of a GraphQL request is a 400 that names the problem, never a fault."""

import asyncio
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.api.envelope import BadEnvelope, GraphQLRequest, from_body, from_parameters
from app.api.limits import Limits
from tests.api.toy import Toy

LIMITS = Limits()
DEEP = 100_000
JSON_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)
SYNTAX = '{ } ( ) [ ] ! : = $n & """ # ... query mutation fragment on @skip @include if true null 3 "x" 1e999'
NAMES = "greeting items nodes weigh completed shape OBJECT parcel weight first ids Query Int __typename __schema"
WORDS = st.sampled_from([*SYNTAX.split(), *NAMES.split(), "\n", "\ufeff", "\x00", "9" * 400])
LITERALS = st.recursive(
    st.sampled_from(
        ["null", "true", "OBJECT", "-1", "9" * 5000, "1e400", '"x"', '"""y"""', "$n", "$absent", "{}", "[]"]
    ),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: f"[{' '.join(items)}]")
        | st.tuples(st.sampled_from(["weight", "label", "other"]), inner).map(lambda pair: f"{{{pair[0]}: {pair[1]}}}")
    ),
)
CALLS = st.sampled_from(
    [
        "greeting(name: %s)",
        "weigh(parcel: %s)",
        "items(first: %s) { totalCount }",
        "nodes(ids: %s) { id }",
        "completed(shape: %s) { id }",
        "greeting @skip(if: %s)",
    ]
)


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"", "The body is empty: send a JSON object with a query."),
        (b" \n", "The body is empty: send a JSON object with a query."),
        (b'"x"', "The body is a string, not an object with a query."),
        (b"1", "The body is a number, not an object with a query."),
        (b"1.5", "The body is a number, not an object with a query."),
        (b"true", "The body is a boolean, not an object with a query."),
        (b"null", "The body is null, not an object with a query."),
        (b"{}", "query is missing: send the document in it, as a string."),
        (b'{"query": null}', "query is missing: send the document in it, as a string."),
        (b'{"query": 1}', "query is a number, not a string."),
        (b'{"query": "{a}", "variables": "{}"}', "variables is a string, not an object."),
        (b'{"query": "{a}", "variables": []}', "variables is an array, not an object."),
        (b'{"query": "{a}", "operationName": {}}', "operationName is an object, not a string."),
        (b'{"query": "{a}", "extensions": true}', "extensions is a boolean, not an object."),
    ],
)
def test_each_wrong_envelope_is_told_what_is_wrong(body: bytes, problem: str) -> None:
    with pytest.raises(BadEnvelope) as refusal:
        from_body(body, LIMITS)
    assert (str(refusal.value), refusal.value.status) == (problem, 400)


@pytest.mark.parametrize(
    "body",
    [
        b'"\xff"',
        b'{"query": "\xc3\x28"}',
        b'{"query": "\\ud800"}',
        b"1" * 5000,
        b'{"query": "{a}", "variables": {"n": ' + b"9" * 5000 + b"}}",
        b"[" * DEEP + b"]" * DEEP,
        b'{"a":' * DEEP + b"1" + b"}" * DEEP,
        b'{"query": NaN}',
        b'{"query": "{a}"} trailing',
        b"\xef\xbb\xbf{",
        b"query={a}",
    ],
)
def test_what_is_not_json_is_told_where(body: bytes) -> None:
    with pytest.raises(BadEnvelope, match=r"^The body is not JSON: .*line 1 column \d+"):
        from_body(body, LIMITS)


@pytest.mark.parametrize("body", [b"[]", b'[{"query": "{ greeting }"}, {"query": "{ greeting }"}]'])
async def test_batches_are_refused(body: bytes) -> None:
    toy = Toy()
    async with toy.client() as client:
        response = await client.post("/graphql", content=body, headers={"content-type": "application/json"})
    assert response.status_code == 400
    (error,) = response.json()["errors"]
    assert error["message"] == "The body is an array: batches are not served, send one operation at a time."
    assert toy.finished == []


def test_variables_may_be_nested_as_deep_as_the_limit_and_no_deeper() -> None:
    def body(depth: int) -> bytes:
        return b'{"query": "{a}", "variables": ' + b'{"a":' * depth + b"1" + b"}" * depth + b"}"

    limits = Limits(variables_depth=5)
    assert from_body(body(5), limits).variables
    with pytest.raises(BadEnvelope, match="variables are nested more than 5 deep"):
        from_body(body(6), limits)


def test_parameters_of_an_address_read_like_a_body() -> None:
    parameters = [("query", "{a}"), ("variables", '{"n": 1}'), ("operationName", ""), ("extensions", "")]
    assert from_parameters(parameters, LIMITS) == GraphQLRequest("{a}", None, {"n": 1})


@pytest.mark.parametrize(
    ("parameters", "problem"),
    [
        ([], "query is missing: send the document in it, as a string."),
        ([("query", "{a}"), ("query", "{b}")], "query is given twice."),
        ([("query", "{a}"), ("variables", "[1]")], "variables is an array, not an object."),
        ([("query", "{a}"), ("extensions", "1")], "extensions is a number, not an object."),
    ],
)
def test_wrong_parameters_are_told_what_is_wrong(parameters: list[tuple[str, str]], problem: str) -> None:
    with pytest.raises(BadEnvelope) as refusal:
        from_parameters(parameters, LIMITS)
    assert str(refusal.value) == problem


def statuses(*bodies: bytes) -> list[int]:
    async def send() -> list[int]:
        async with Toy().client(accept="application/graphql-response+json") as client:
            return [
                (await client.post("/graphql", content=body, headers={"content-type": "application/json"})).status_code
                for body in bodies
            ]

    return asyncio.run(send())


@settings(deadline=None, max_examples=150)
@given(st.lists(st.binary(max_size=60) | JSON_VALUES.map(orjson.dumps), min_size=1, max_size=10))
def test_no_body_is_a_fault(bodies: list[bytes]) -> None:
    assert set(statuses(*bodies)) <= {400}


@settings(deadline=None, max_examples=150)
@given(CALLS, LITERALS, JSON_VALUES)
def test_no_argument_is_a_fault(call: str, literal: str, variable: object) -> None:
    body = {"query": f"query ($n: Int) {{ {call % literal} }}", "variables": {"n": variable}}
    assert set(statuses(orjson.dumps(body))) <= {200, 400}


@settings(deadline=None, max_examples=150)
@given(
    st.lists(WORDS, max_size=30).map(" ".join)
    | st.sampled_from(["query ($n: Int!, $p: Parcel!) { weigh(parcel: $p) }"]),
    st.dictionaries(st.sampled_from(["n", "p"]), JSON_VALUES, max_size=2) | JSON_VALUES,
    JSON_VALUES,
)
def test_no_document_variable_or_name_is_a_fault(query: str, variables: object, name: object) -> None:
    body = orjson.dumps({"query": query, "variables": variables, "operationName": name})
    only = orjson.dumps({"query": query, "variables": variables})
    assert set(statuses(body, only)) <= {200, 400}


async def test_a_lone_surrogate_in_a_document_is_a_syntax_error() -> None:
    answer = await Toy().run('{ greeting(name: "\\uD800") }')
    assert answer["errors"][0]["extensions"]["code"] == "GRAPHQL_PARSE_FAILED"
