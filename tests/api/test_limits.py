"""API-3: a document over a limit is refused before it runs, and told which limit and its bound."""

import string
from itertools import pairwise
from typing import Any

import pytest
from graphql import build_schema, get_introspection_query, parse

from app.api.documents import Documents, Refused
from app.api.limits import Limits
from app.api.measure import measure
from tests.api.toy import SCHEMA, Toy

TREE = build_schema(
    """
    type Query { tree(first: Int, last: Int): Connection
                 trees(first: Int): [Tree!]! node: Tree nodes(ids: [ID!]!): [Tree]}
    type Tree { name: String branches: [Tree!] below(first: Int, after: String): Connection! tags: [String!] }
    type Connection { edges: [Edge!]! totalCount: Int pageInfo: Info! }
    type Edge { node: Tree! cursor: String }
    type Info { hasNextPage: Boolean! }
    """
)


def cost(query: str, **variables: Any) -> int:
    ((_, found),) = measure(parse(query), TREE, Limits())
    return found.value(variables)


async def refusal(query: str, limits: Limits, variables: dict[str, Any] | None = None) -> dict[str, Any]:
    toy = Toy(limits=limits)
    answer = await toy.run(query, variables)
    assert "data" not in answer
    assert toy.finished == []
    (error,) = answer["errors"]
    extensions: dict[str, Any] = error["extensions"]
    assert str(extensions["maximum"]) in error["message"]
    assert (extensions["code"], extensions["rule"]) == ("INVALID_INPUT", "API-3")
    return extensions


@pytest.mark.parametrize(
    ("limit", "bound", "within", "over"),
    [
        ("tokens", 8, "{ a: greeting b: greeting }", "{ a: greeting b: greeting c: greeting }"),
        ("length", 12, "{ greeting }", "{ greeting  }"),
        ("operations", 1, "query A { greeting }", "query A { greeting } query B { greeting }"),
        ("depth", 3, "{ items { edges { cursor } } }", "{ items { edges { node { id } } } }"),
        ("fields", 2, "{ greeting again: greeting }", "{ greeting again: greeting item { id } }"),
        ("aliases", 1, "{ a: greeting greeting }", "{ a: greeting b: greeting }"),
        ("directives", 1, "{ greeting @skip(if: false) }", "{ greeting @skip(if: false) @include(if: true) }"),
        ("cost", 22, "{ items(first: 20) { edges { cursor } } }", "{ items(first: 21) { edges { cursor } } }"),
    ],
)
async def test_each_limit_is_named_with_its_bound_and_lets_through_what_is_within(
    limit: str, bound: int, within: str, over: str
) -> None:
    limits = Limits(**{limit: bound})
    assert (await refusal(over, limits))["limit"] == limit
    assert "errors" not in await Toy(limits=limits).run(within)


@pytest.mark.parametrize(
    ("limit", "query"),
    [
        ("fields", "{ ...a ...a } fragment a on Query { greeting item { id } }"),
        ("aliases", "{ ...a ...a } fragment a on Query { x: greeting y: greeting }"),
        ("directives", "{ ...a ...a } fragment a on Query @skip(if: false) { ... @skip(if: false) { greeting } }"),
        (
            "depth",
            "{ item { ...a } } fragment a on Item { ...b } fragment b on Item { parts { parts { parts { id } } } }",
        ),
    ],
)
async def test_fragments_count_as_often_as_they_are_spread(limit: str, query: str) -> None:
    assert (await refusal(query, Limits(**{limit: 3})))["limit"] == limit


@pytest.mark.parametrize(
    ("limit", "query"),
    [
        ("fields", "{ greeting } fragment a on Query { greeting item { id name } }"),
        ("aliases", "{ greeting } fragment a on Query { x: greeting y: greeting z: greeting w: greeting }"),
        ("directives", "query ($a: Int @x @x, $b: Int @x @x) { greeting }"),
        ("directives", "query @x @x @x @x { greeting }"),
        ("depth", "{ a { b { c { d } } } }"),
        ("fields", "{ a b c d }"),
    ],
)
async def test_what_is_invalid_or_unused_counts_too(limit: str, query: str) -> None:
    """Limits come before validation, whose own effort they bound."""
    assert (await refusal(query, Limits(**{limit: 3})))["limit"] == limit


@pytest.mark.parametrize("used", ["{ item { ...a } }", "{ greeting }"])
async def test_fragments_that_double_26_times_are_refused_at_once(used: str) -> None:
    names = string.ascii_lowercase
    doubling = "".join(f"fragment {a} on Item {{ ...{b} ...{b} }}" for a, b in pairwise(names))
    assert (await refusal(f"{used} {doubling} fragment z on Item {{ id }}", Limits()))["limit"] == "fields"


async def test_a_chain_of_fragments_as_long_as_may_be_is_answered_or_refused() -> None:
    links = "".join(f"fragment f{n} on Query {{ ...f{n + 1} }}" for n in range(2000))
    query = f"{{ ...f0 }} {links} fragment f2000 on Query {{ greeting }}"
    assert (await refusal(query, Limits(tokens=100_000, length=1_000_000)))["limit"] == "depth"


async def test_fragments_inside_themselves_are_told_as_such() -> None:
    query = "{ ...a } fragment a on Query { item { id } ...b } fragment b on Query { ...a ...b }"
    answer = await Toy().run(query)
    assert {error["extensions"]["code"] for error in answer["errors"]} == {"GRAPHQL_VALIDATION_FAILED"}
    assert "within itself" in answer["errors"][0]["message"]


async def test_braces_without_end_are_a_limit_too() -> None:
    assert (await refusal("{a" * 900, Limits()))["limit"] == "depth"


async def test_comments_are_bounded_like_tokens() -> None:
    assert (await refusal("#\n" * 2001 + "{ greeting }", Limits()))["limit"] == "tokens"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("{ node { name tags } }", 3),
        ("{ tree { totalCount pageInfo { hasNextPage } edges { cursor node { name } } } }", 1 + 1 + 2 + 1 + 20 * 3),
        ("{ tree(first: 5) { edges { cursor } } }", 1 + 1 + 5),
        ("{ tree(last: 7) { edges { cursor } } }", 1 + 1 + 7),
        ("{ tree(first: null, last: 7) { edges { cursor } } }", 1 + 1 + 7),
        ("{ tree(first: 0) { edges { cursor } totalCount } }", 1 + 1 + 1),
        ("{ tree(first: -5) { edges { cursor } totalCount } }", 1 + 1 + 1),
        (
            "{ tree(first: 10) { edges { node { below(first: 3) { edges { cursor } } } } } }",
            1 + 1 + 10 * (1 + 1 + 1 + 3),
        ),
        ("{ trees(first: 4) { name branches { name } } }", 1 + 4 * (1 + 1 + 10)),
        ('{ nodes(ids: ["a", "b", "c"]) { name } }', 1 + 3),
        ('{ nodes(ids: "a") { name } }', 1 + 1),
        ("{ node { ... on Tree { ...t } } } fragment t on Tree { name branches { name } }", 1 + 1 + 1 + 10),
        ("{ tree(first: 2) { ...c } } fragment c on Connection { edges { cursor } totalCount }", 1 + 1 + 2 + 1),
        ("{ __type(name: 'Tree') { fields { name } } }".replace("'", '"'), 3),
    ],
)
def test_a_field_costs_one_and_a_page_multiplies(query: str, expected: int) -> None:
    assert cost(query) == expected


def test_variables_give_the_size_of_a_page() -> None:
    query = "query ($n: Int, $ids: [ID!]!) { tree(first: $n) { edges { cursor } } nodes(ids: $ids) { name } }"
    assert cost(query, n=7, ids=["a", "b"]) == 2 + 7 + 1 + 2
    assert cost(query, n=None, ids=[]) == 2 + 20 + 1
    assert cost(query, n=-1, ids=[]) == 2 + 0 + 1


def test_api_1_a_page_larger_than_the_largest_costs_no_more_than_it_as_it_is_refused_by_its_argument() -> None:
    literal, variable = (
        "{ tree(first: 2147483647) { edges { cursor } } }",
        "query ($n: Int) { tree(last: $n) { edges { cursor } } }",
    )
    assert cost(literal) == 1 + 1 + 100
    assert cost(variable, n=2_147_483_647) == 1 + 1 + 100


async def test_a_size_in_a_variable_is_bounded_like_a_literal() -> None:
    query = "query ($n: Int = 3) { items(first: $n) { edges { cursor } } }"
    assert (await refusal(query, Limits(cost=100), {"n": 99}))["limit"] == "cost"
    assert (await Toy(limits=Limits(cost=100)).run(query))["extensions"] == {"cost": 2 + 3}


async def test_a_refusal_for_its_cost_tells_the_cost() -> None:
    answer = await Toy(limits=Limits(cost=1)).run("{ item { id } }")
    assert answer["extensions"] == {"cost": 2}


@pytest.mark.parametrize("query", ["{ greeting }", "{ refused }", 'mutation { rename(name: "x") }'])
async def test_every_answer_tells_the_cost(query: str) -> None:
    assert (await Toy().run(query))["extensions"] == {"cost": 1}


@pytest.mark.parametrize("size", ["99999999999999999999", "9" * 4000])
async def test_a_page_of_any_number_is_reckoned(size: str) -> None:
    answer = await Toy().run(f"{{ items(first: {size}) {{ edges {{ cursor }} }} }}")
    assert answer["errors"][0]["extensions"]["code"] == "INVALID_INPUT"


async def test_introspection_as_tools_send_it_is_within_the_limits() -> None:
    query = get_introspection_query(
        specified_by_url=True,
        directive_is_repeatable=True,
        schema_description=True,
        input_value_deprecation=True,
    )
    answer = await Toy().run(query)
    assert "errors" not in answer
    assert answer["data"]["__schema"]["queryType"]


async def test_introspection_that_turns_in_circles_is_refused() -> None:
    query = "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }"
    answer = await Toy().run(query)
    assert {error["message"] for error in answer["errors"]} == {"Maximum introspection depth exceeded"}


def test_documents_are_kept_by_their_text_and_the_oldest_go_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.api.documents.CACHED_TOKENS", 9)
    documents = Documents(SCHEMA._schema, Limits(), suggestions=False)
    first, second = "{ greeting }", "{ greeting item { id } }"
    kept = documents.operation(first, None)
    assert documents.operation(first, None) is kept
    documents.operation(second, None)
    assert documents.operation(first, None) is not kept


def test_the_operation_to_run_is_named_where_there_are_several() -> None:
    documents = Documents(SCHEMA._schema, Limits(), suggestions=False)
    text = "query A { greeting } query B { greeting }"
    assert documents.operation(text, "B").name == "B"
    for name, problem in ((None, "needs an operationName"), ("C", "has no operation 'C'")):
        with pytest.raises(Refused, match=rf"The document {problem}. Its operations: A, B\."):
            documents.operation(text, name)
    with pytest.raises(Refused, match=r"The document has no operation 'C'\. Its operations: one without a name\."):
        documents.operation("{ greeting }", "C")
