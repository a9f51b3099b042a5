"""Tags within AWS's limits, on every kind of object that has them (LC-7)."""

from typing import Any

from tests.licensing import configurations as of
from tests.support import licenses as made
from tests.support.api import Api, Client

OWNER = "111122223333"


async def tags_of(client: Client, id: str) -> dict[str, str]:
    found = await of.read(client, id)
    return {each["key"]: each["value"] for each in found["tags"]}


async def test_lc_7_tags_are_put_over_those_of_the_same_key_and_taken_off_by_key(api: Api) -> None:
    owner = await api.account(OWNER)
    created = await of.create(owner, tags=[{"key": "b", "value": "old"}])
    payload = await owner.done(of.TAG, id=created["id"], tags=[{"key": "b", "value": "new"}, {"key": "A", "value": ""}])
    assert payload["tags"] == [{"key": "A", "value": ""}, {"key": "b", "value": "new"}]
    assert await tags_of(owner, created["id"]) == {"A": "", "b": "new"}
    payload = await owner.done(of.UNTAG, id=created["id"], keys=["b", "absent"])
    assert payload["tags"] == [{"key": "A", "value": ""}]
    assert await tags_of(owner, created["id"]) == {"A": ""}


async def test_lc_8_tags_are_no_part_of_the_version(api: Api) -> None:
    owner = await api.account(OWNER)
    created = await of.create(owner)
    await owner.done(of.TAG, id=created["id"], tags=[{"key": "a", "value": "b"}])
    assert (await of.read(owner, created["id"]))["version"] == 1


OUT_OF_BOUNDS: list[tuple[list[dict[str, str]], list[str]]] = [
    ([{"key": "", "value": "v"}], ["tags", "0", "key"]),
    ([{"key": "k" * 129, "value": "v"}], ["tags", "0", "key"]),
    ([{"key": "k", "value": "v" * 257}], ["tags", "0", "value"]),
    ([{"key": "AWS:k", "value": "v"}], ["tags", "0", "key"]),
    ([{"key": "k", "value": "v"}, {"key": "k", "value": "w"}], ["tags", "1", "key"]),
    ([{"key": f"k{number}"} for number in range(51)], ["tags"]),
    ([{"key": f"k{number}"} for number in range(50)], ["tags"]),
]


async def test_lc_7_tags_out_of_bounds_are_refused_and_change_nothing(api: Api) -> None:
    owner = await api.account(OWNER)
    created = await of.create(owner, tags=[{"key": "here", "value": "already"}])
    for tags, field in OUT_OF_BOUNDS:
        error = await of.refused(owner, of.TAG, id=created["id"], tags=tags)
        assert (error["code"], error["field"]) == ("INVALID_INPUT", field), tags
    assert await tags_of(owner, created["id"]) == {"here": "already"}


async def test_lc_7_fifty_tags_of_the_longest_keys_and_values_are_taken(api: Api) -> None:
    owner = await api.account(OWNER)
    tags = [{"key": f"{number:02}" + "k" * 126, "value": "v" * 256} for number in range(50)]
    created = await of.create(owner, tags=tags)
    assert created["tags"] == tags
    payload = await owner.done(of.TAG, id=created["id"], tags=[{**tags[0], "value": "changed"}])
    assert payload["tags"] == [{**tags[0], "value": "changed"}, *tags[1:]]


async def test_lc_7_keys_out_of_bounds_are_refused(api: Api) -> None:
    owner = await api.account(OWNER)
    created = await of.create(owner)
    for keys in ([""], ["k" * 129], ["k"] * 51):
        error = await of.refused(owner, of.UNTAG, id=created["id"], keys=keys)
        assert (error["code"], error["field"]) == ("INVALID_INPUT", ["keys"])


async def test_resources_are_tagged_by_the_same_operations(api: Api) -> None:
    owner, stranger = await api.account(OWNER), await api.account("777788889999")
    image_id = await made.image(owner)
    wanted: dict[str, Any] = {"id": image_id, "tags": [{"key": "a", "value": "b"}]}
    assert (await of.refused(stranger, of.TAG, **wanted))["code"] == "NOT_FOUND"
    await owner.done(of.TAG, **wanted)
    found = await owner.field(
        "query($id: ID!) { node(id: $id) { ... on MachineImage { tags { key value } } } }", id=image_id
    )
    assert found["tags"] == wanted["tags"]
