"""What a record keeps of a request's parameters: no secrets, and nothing without bounds (AU-1)."""

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.audit.rules import DEEPEST, HIDDEN, LONGEST_LIST, LONGEST_TEXT, is_secret, kept, printable
from app.kernel.viewer import Permission

TOKEN = "tg_" + "a1B2-" * 8 + "xyz"
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.text(st.characters(), max_size=5)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=250), inner, max_size=5),
    max_leaves=20,
)


def nested(levels: int) -> Any:
    """A list in a list in a list."""
    value: Any = 0
    for _ in range(levels):
        value = [value]
    return value


large = st.one_of(
    st.integers(0, 130).map(lambda count: [0] * count),
    st.integers(0, 130).map(lambda count: {str(number): number for number in range(count)}),
    st.integers(0, 5000).map(lambda length: "x" * length),
    st.integers(0, 60).map(nested),
)

secret_names = st.sampled_from(
    ["token", "secret", "password", "Authorization", "webhookSecret", "api_token", "SECRET-KEY", "smtpPassword"]
)


def parts(value: Any) -> list[Any]:
    """A value and all values in it."""
    below = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [value, *[part for each in below for part in parts(each)]]


def depth(value: Any) -> int:
    below = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max((depth(each) for each in below), default=0)


@settings(deadline=None)
@given(st.dictionaries(st.text(max_size=300), values | large, max_size=10))
def test_whatever_a_client_sends_becomes_bounded_json(parameters: dict[str, Any]) -> None:
    found = kept(parameters)
    orjson.dumps(found).decode()
    for part in parts(found):
        if isinstance(part, str):
            assert len(part) <= LONGEST_TEXT + 50
        if isinstance(part, list | dict):
            assert len(part) <= LONGEST_LIST + 1
    assert depth(found) <= DEEPEST + 2


@settings(deadline=None)
@given(secret_names, values, st.lists(st.sampled_from(["list", "object"]), max_size=8))
def test_a_secret_is_hidden_at_any_depth(name: str, secret: Any, way: list[str]) -> None:
    value: Any = {name: secret, "name": "kept"}
    for step in way:
        value = [value] if step == "list" else {"input": value}
    found = kept({"input": value})
    (holder,) = [part for part in parts(found) if isinstance(part, dict) and "name" in part]
    assert holder == {name: None if secret is None else HIDDEN, "name": "kept"}


@settings(deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["region", "name", "count", "ids", "tags"]),
        st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text("abc äöü", max_size=LONGEST_TEXT),
    )
)
def test_what_is_short_and_no_secret_is_kept_as_it_is(parameters: dict[str, Any]) -> None:
    assert kept(parameters) == parameters


def test_what_is_cut_says_how_long_it_was() -> None:
    found = kept({"text": "x" * 5000, "list": list(range(300)), "object": {str(n): n for n in range(300)}})
    assert found["text"] == "x" * LONGEST_TEXT + "… (5000 characters)"
    assert found["list"] == [*range(LONGEST_LIST), "… (300 items)"]
    assert len(found["object"]) == LONGEST_LIST + 1
    assert found["object"]["…"] == "300 parameters"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"see {TOKEN}!", f"see {HIDDEN}!"),
        ("https://user:pass@hooks.example/x", f"https://{HIDDEN}@hooks.example/x"),
        ("to https://hooks.example/x?key=1&b=2#c", f"to https://hooks.example/x?{HIDDEN}#c"),
        ("Bearer abcdefghij", f"Bearer {HIDDEN}"),
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", HIDDEN),
        ("https://hooks.example/tg_short", "https://hooks.example/tg_short"),
    ],
)
def test_what_has_the_form_of_a_secret_is_hidden_in_any_text(text: str, expected: str) -> None:
    assert kept({"description": text}) == {"description": expected}
    assert printable(text, 500) == expected


def test_a_secret_across_the_cut_is_hidden() -> None:
    for before in range(LONGEST_TEXT - len(TOKEN) - 1, LONGEST_TEXT + 1):
        found = kept({"text": " " * before + TOKEN + " " * 5000})["text"]
        assert "tg_a1B2" not in found


def test_a_tag_s_value_is_hidden_where_its_key_says_that_it_is_a_secret() -> None:
    tags = [{"key": "db-password", "value": "hunter2"}, {"key": "team", "value": "a"}]
    assert kept({"tags": tags}) == {"tags": [{"key": "db-password", "value": HIDDEN}, {"key": "team", "value": "a"}]}


@pytest.mark.parametrize("name", ["clientToken", "nextToken", "tokenId", "accessKeyId", "passwordName", "region"])
def test_what_only_names_a_secret_is_none(name: str) -> None:
    assert not is_secret(name)


def test_what_only_python_has_becomes_json() -> None:
    found = kept(
        {"at": datetime(2026, 1, 5, tzinfo=UTC), "permission": Permission.USER, "big": 2**70, "half": "\ud800"}
    )
    assert found == {"at": "2026-01-05T00:00:00+00:00", "permission": "USER", "big": "… (71 bits)", "half": "?"}
