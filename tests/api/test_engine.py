"""What runs, runs within its time; what is complete passes untouched; all that ran is told to the context once."""

import asyncio
from typing import Any

import orjson
import pytest
from graphql import OperationType
from graphql.execution import Executor

from app.api.connection import connection_info
from app.api.engine import Engine
from app.api.envelope import GraphQLRequest
from app.api.limits import Limits
from app.api.operations import RootField
from app.kernel.completed import Completed
from app.kernel.errors import Unavailable
from tests.api.toy import ITEM, SCHEMA, SECRET, TOKEN, Toy


def field(toy: Toy, position: int = 0) -> RootField:
    ((_, fields),) = toy.finished
    return fields[position]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("{ it: completed(shape: OBJECT) { id } }", ITEM),
        ("{ it: completed(shape: FRAGMENT) { id } }", ITEM),
        ("{ it: completedLater(shape: FRAGMENT) { id } }", ITEM),
        ("{ it: completedLater(shape: NULL) { id } }", None),
        ("{ it: completedList { id } }", [ITEM, ITEM]),
        ("{ it: completedItems { id } }", [ITEM, {"id": "i2"}]),
        ("mutation { it: make { id } }", ITEM),
    ],
)
async def test_a_completed_value_is_answered_as_it_stands(query: str, expected: object) -> None:
    """Its keys are not even the selection's, as nothing below it is looked at."""
    answer = await Toy().run(query)
    assert answer["data"] == {"it": expected}
    assert "errors" not in answer


async def test_a_completed_null_breaks_a_non_null_field_like_any_null() -> None:
    answer = await Toy().run("{ completed(shape: NULL) { id } }")
    assert answer["data"] is None
    (error,) = answer["errors"]
    assert (error["path"], error["extensions"]["code"]) == (["completed"], "INTERNAL")


async def test_strawberry_resolvers_run_as_under_strawberry_itself() -> None:
    query = """query ($n: Int!, $p: Parcel!) {
        items(first: $n) { edges { cursor node { id parts { name } } } } weigh(parcel: $p)
    }"""
    variables: dict[str, Any] = {"n": 3, "p": {"weight": 2}}
    expected = await SCHEMA.execute(query, variables)
    assert expected.errors is None
    assert (await Toy().run(query, variables))["data"] == expected.data


async def test_an_operation_that_takes_too_long_is_stopped_and_says_so() -> None:
    toy = Toy(limits=Limits(execution_seconds=0.02))
    answer = await toy.run("{ stuck }")
    assert "data" not in answer
    (error,) = answer["errors"]
    assert error["extensions"] == {"code": "TIMEOUT", "rule": "API-3"}
    assert error["message"] == "The operation took longer than 0.02 s and was stopped."
    assert field(toy).errors == (error,)


async def test_a_mutation_stopped_midway_says_that_it_may_have_taken_effect() -> None:
    answer = await Toy(limits=Limits(execution_seconds=0.02)).run("mutation { waitFor }")
    assert "may have taken effect" in answer["errors"][0]["message"]


async def test_each_root_field_is_told_with_its_arguments_as_the_client_gave_them() -> None:
    """AU-1: one action for each root field, literals and variables alike as JSON, defaults left out."""
    toy = Toy()
    query = """query ($weight: Int!, $absent: String) {
        mine: weigh(parcel: {weight: $weight, label: "a"}) greeting(name: $absent) __typename
        nodes(ids: ["x", 7]) { id } completed(shape: OBJECT) { id } required(count: 2)
    }"""
    await toy.run(query, {"weight": 5})
    ((operation_type, fields),) = toy.finished
    assert operation_type is OperationType.QUERY
    assert [(f.name, f.response_key, f.arguments, f.errors) for f in fields] == [
        ("weigh", "mine", {"parcel": {"weight": 5, "label": "a"}}, ()),
        ("greeting", "greeting", {}, ()),
        ("nodes", "nodes", {"ids": ["x", 7]}, ()),
        ("completed", "completed", {"shape": "OBJECT"}, ()),
        ("required", "required", {"count": 2}, ()),
    ]


async def test_a_root_field_is_told_its_own_errors_masked_as_the_client_sees_them() -> None:
    toy = Toy()
    answer = await toy.run("{ refused item { broken } greeting }")
    ((_, fields),) = toy.finished
    codes = {f.name: [error["extensions"]["code"] for error in f.errors] for f in fields}
    assert codes == {"refused": ["ROLE_MISSING", "INVALID_INPUT"], "item": ["INTERNAL"], "greeting": []}
    assert SECRET not in str(fields)
    assert answer["data"] == {"refused": None, "item": None, "greeting": "Hello world"}


async def test_a_skipped_field_is_no_action_nor_is_one_after_a_mutation_that_failed() -> None:
    toy = Toy()
    await toy.run(
        'mutation { a: rename(name: "a") b: rename(name: "b") @skip(if: true) breakDown c: rename(name: "c") }'
    )
    ((_, fields),) = toy.finished
    assert [f.response_key for f in fields] == ["a", "breakDown"]
    assert toy.renamed == ["a"]


@pytest.mark.parametrize("query", ["{", "{ nothing }", "query ($n: Int!) { required(count: $n) }", "{ __typename }"])
async def test_what_did_not_run_is_no_action(query: str) -> None:
    toy = Toy()
    await toy.run(query)
    assert [fields for _, fields in toy.finished if fields] == []


@pytest.mark.parametrize(("failure", "code"), [(Unavailable(), "UNAVAILABLE"), (RuntimeError(SECRET), "INTERNAL")])
async def test_what_cannot_be_recorded_is_not_answered(failure: Exception, code: str) -> None:
    answer = await Toy(unrecorded=failure).run("{ greeting }")
    assert list(answer) == ["errors"]
    assert answer["errors"][0]["extensions"]["code"] == code
    assert SECRET not in str(answer)


async def test_a_value_that_json_cannot_hold_is_a_masked_error() -> None:
    async with Toy().client() as client:
        response = await client.post("/graphql", json={"query": "{ unencodable }"})
    assert response.status_code == 500
    assert response.json()["errors"][0]["extensions"]["code"] == "INTERNAL"
    assert "64-bit" not in response.text


async def test_each_operation_has_a_context_of_its_own() -> None:
    toy = Toy()
    await asyncio.gather(*(toy.run("{ greeting }") for _ in range(3)))
    assert len({context.info.request_id for context in toy.contexts}) == 3


async def test_an_event_that_is_complete_is_not_executed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A source shared by many subscribers encodes once; the executor is not even built for the event."""
    monkeypatch.delattr(Executor, "build_per_event_executor")
    toy = Toy()
    engine = Engine(SCHEMA)
    prepared = engine.prepare(GraphQLRequest("subscription { mine: feed { id nothing: name } }", None, {}))
    info = connection_info({"type": "http", "headers": []}, "http", TOKEN)
    answers = engine.stream(prepared, await toy.context(info))
    waiting = asyncio.ensure_future(anext(answers))
    await toy.feed.followed_by(1)
    toy.feed.publish(Completed(orjson.Fragment(b'{"raw":1}')))
    first = await waiting
    assert orjson.dumps(first.payload) == b'{"data":{"mine":{"raw":1}},"extensions":{"cost":3}}'
    await answers.aclose()
    assert len(toy.feed) == 0
