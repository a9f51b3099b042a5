"""Whatever an argument or input field is given, of any field of the schema, is answered or refused by its name.

The cases come from the schema that is served: a new field is tried like the others, with no line to add here.
"""

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    build_client_schema,
    get_introspection_query,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
    is_required_argument,
    is_required_input_field,
)

from app.seeding.demo import MASTER, ensure_demo
from tests.support.api import Api, Client

Inputs = Mapping[str, GraphQLArgument] | Mapping[str, GraphQLInputField]
Calls = list[dict[str, Any]]
Place = tuple[str, ...]
"""Where a value stands, from the root field on; an element of a list is at its list's place."""

TEXTS = ("", " ", "a\0b", "\x1b[31m", "\ufffe", "\u202eeman\u202c", "e\u0301" * 300, "👩‍👩‍👧‍👦", "x" * 70_000)
SYNTAX = ("'\"\\%_*", "((((", 'tag.:"', "W251bGxd", "* * * * *", "https://[::1", "arn:::::")
IDS = ("", "\0", "x", "lc_0", "lc_-1", "lc_01", "lc_٣", f"lc_{2**63 - 1}", f"res_{2**63}", "9" * 5_000)
VALUES: dict[str, tuple[Any, ...]] = {
    "String": TEXTS + SYNTAX,
    "ID": IDS,
    "Int": (0, -1, 100, 101, 2**31 - 1, -(2**31)),
    "Boolean": (True, False),
    "AccountId": ("000000000000", "999999999999"),
    "RegionCode": ("xx-nowhere-9", "us-gov-west-1", "eu-west-1"),
    "DateTime": ("1970-01-01T00:00:00+14:00", "9998-12-31T23:59:59.999999Z", "2026-01-01T00:00:00.1234567+00:00"),
}
USUAL: dict[str, Any] = {
    "Int": 1,
    "Boolean": False,
    "AccountId": MASTER,
    "RegionCode": "us-east-1",
    "DateTime": "2026-01-01T00:00:00Z",
}
AT_ONCE = 25
BROKEN = {"INTERNAL", "UNAVAILABLE", "TIMEOUT"}
REFUSED = {"INVALID_INPUT", "NOT_FOUND"}


class Cases:
    """Calls of every root field, each with one value out of the ordinary."""

    def __init__(self, schema: GraphQLSchema, ids: dict[str, str]) -> None:
        self._schema = schema
        self._ids = ids
        self._numbers = itertools.count()

    def of(self, root: str, field: GraphQLField) -> Iterator[tuple[Place, Calls]]:
        """Each place in the arguments of a root field, and the arguments that try it."""
        for place, kind in self._places((root,), field.args):
            yield place, [self._arguments(place, field.args, value) for value in self._values(place, kind)]

    def _places(self, above: Place, inputs: Inputs) -> Iterator[tuple[Place, Any]]:
        for name, each in inputs.items():
            yield (*above, name), each.type
            inner = get_named_type(each.type)
            if isinstance(inner, GraphQLInputObjectType):
                yield from self._places((*above, name), inner.fields)

    def _values(self, place: Place, kind: Any) -> list[Any]:
        absent = [] if isinstance(kind, GraphQLNonNull) else [None]
        kind = get_nullable_type(kind)
        if isinstance(kind, GraphQLList):
            usual = self._usual(place, kind.of_type)
            each = [[value] for value in self._values(place, kind.of_type) if value is not None]
            return [*absent, [], [usual, usual], [usual] * 1_001, *each]
        if isinstance(kind, GraphQLInputObjectType):
            return absent
        if isinstance(kind, GraphQLEnumType):
            return [*absent, *kind.values]
        foreign = [id_ for name, id_ in self._ids.items() if name != self._named(place)] if kind.name == "ID" else []
        return [*absent, *VALUES[kind.name], *foreign[:2]]

    def _usual(self, place: Place, kind: Any) -> Any:
        kind = get_nullable_type(kind)
        if isinstance(kind, GraphQLList):
            return [self._usual(place, kind.of_type)]
        if isinstance(kind, GraphQLInputObjectType):
            return self._required(place, kind.fields)
        if isinstance(kind, GraphQLEnumType):
            return next(iter(kind.values))
        if kind.name == "ID":
            return self._ids.get(self._named(place), "lc_1")
        return USUAL[kind.name] if kind.name in USUAL else f"text-{next(self._numbers)}"

    def _required(self, place: Place, inputs: Inputs) -> dict[str, Any]:
        return {name: self._usual((*place, name), each.type) for name, each in inputs.items() if is_required(each)}

    def _arguments(self, place: Place, inputs: Inputs, value: Any) -> dict[str, Any]:
        root, name, *below = place
        arguments = self._required((root,), inputs)
        arguments[name] = self._with(place[:2], inputs[name].type, below, value)
        return arguments

    def _with(self, place: Place, kind: Any, below: list[str], value: Any) -> Any:
        if not below:
            return value
        kind = get_nullable_type(kind)
        if isinstance(kind, GraphQLList):
            return [self._with(place, kind.of_type, below, value)]
        inner = (*place, below[0])
        return self._required(place, kind.fields) | {
            below[0]: self._with(inner, kind.fields[below[0]].type, below[1:], value)
        }

    def _named(self, place: Place) -> str:
        """The type whose object an id at a place most likely means: what the argument, or the root field, names."""
        for text in (place[-1].lower(), place[0].lower()):
            for name in sorted(self._ids, key=len, reverse=True):
                if name.lower() in text:
                    return name
            for name in self._ids:
                if name.lower().endswith(text.removesuffix("s").removesuffix("id")) and len(text) > 3:
                    return name
        return ""


def is_required(each: GraphQLArgument | GraphQLInputField) -> bool:
    return is_required_argument(each) if isinstance(each, GraphQLArgument) else is_required_input_field(each)


def selection(kind: Any, depth: int) -> str:
    """The fields of a type that need no arguments, and so on down; below depth, the edges of pages and errors alone."""
    kind = get_named_type(kind)
    if is_leaf_type(kind):
        return ""
    parts = ["__typename"]
    for name, field in kind.fields.items():
        inner = get_named_type(field.type)
        if not any(is_required_argument(each) for each in field.args.values()):
            if is_leaf_type(inner):
                parts.append(name)
            elif depth > 0 or name in ("edges", "errors"):
                parts.append(f"{name} {selection(inner, depth - 1)}")
    return f"{{ {' '.join(parts)} }}"


async def known_ids(client: Client, schema: GraphQLSchema) -> dict[str, str]:
    """An object of each type that can be reached without arguments."""
    assert schema.query_type is not None
    found: dict[str, str] = {}

    def note(value: Any) -> None:
        if isinstance(value, dict) and {"__typename", "id"} <= value.keys():
            found.setdefault(value["__typename"], value["id"])
        for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            note(each)

    for name, field in schema.query_type.fields.items():
        if not any(is_required_argument(each) for each in field.args.values()):
            note((await client.raw(f"{{ {name} {selection(field.type, 3)} }}")).get("data"))
    return found


async def tried(client: Client, operation: str, field: GraphQLField, place: Place, calls: Calls) -> list[str]:
    """What was wrong with the answers to some calls of one root field, all in one document."""
    fields = selection(field.type, 0)
    variables = {f"v{at}_{name}": value for at, call in enumerate(calls) for name, value in call.items()}
    declared = ", ".join(f"${name}: {field.args[name.partition('_')[2]].type}" for name in variables)
    parts = [
        f"a{at}: {place[0]}({', '.join(f'{name}: $v{at}_{name}' for name in call)}) {fields}"
        for at, call in enumerate(calls)
    ]
    answer = await client.raw(f"{operation}({declared}) {{ {' '.join(parts)} }}", variables)
    errors = answer.get("errors", [])
    if len(calls) > 1 and any("path" not in error for error in errors):
        half = len(calls) // 2
        return [
            *await tried(client, operation, field, place, calls[:half]),
            *await tried(client, operation, field, place, calls[half:]),
        ]
    refused = [
        error
        for payload in (answer.get("data") or {}).values()
        if operation == "mutation" and payload
        for error in payload["errors"]
    ]
    wrong = [error for error in errors if not named(place, error)]
    wrong += [error for error in refused if error["code"] in REFUSED and not error["field"]]
    return [f"{'.'.join(place)}: {error}" for error in wrong]


def named(place: Place, error: dict[str, Any]) -> bool:
    """Whether an error that is no payload's says which argument, or which limit, and is no fault of the server."""
    facts, message = error["extensions"], error["message"]
    return facts["code"] not in BROKEN and (
        "limit" in facts or bool(facts.get("field")) or place[1] in message or place[-1] in message
    )


async def test_no_value_of_any_argument_breaks_the_server_or_is_refused_without_its_field(api: Api) -> None:
    """API-3, PM-3: on both databases; and what is consumed is still what is associated (EN-11)."""
    await ensure_demo(api.database)
    client = await api.client(MASTER)
    schema = build_client_schema(await client(get_introspection_query()))  # type: ignore[arg-type]
    cases = Cases(schema, await known_ids(client, schema))
    wrong: list[str] = []
    for operation, root in (("query", schema.query_type), ("mutation", schema.mutation_type)):
        assert root is not None
        for name, field in root.fields.items():
            for place, calls in cases.of(name, field):
                for start in range(0, len(calls), AT_ONCE):
                    wrong += await tried(client, operation, field, place, calls[start : start + AT_ONCE])
    assert wrong == [], "\n".join(wrong)
    assert (await client.field("{ integrity { consistent } }"))["consistent"]
