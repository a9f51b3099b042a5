"""The list of license configurations: who sees what, each filter, stable pages (PM-2, API-1)."""

from itertools import combinations
from typing import Any

from tests.licensing import configurations as of
from tests.support import licenses as made
from tests.support.api import Api, Client

OWNER, SHAREE, STRANGER = "111122223333", "444455556666", "777788889999"


async def test_db_1_the_list_is_of_what_the_account_owns_and_what_is_shared_with_it(api: Api) -> None:
    owner, sharee, stranger = [await api.account(each) for each in (OWNER, SHAREE, STRANGER)]
    first = await of.create(owner, "first")
    await of.create(owner, "second")
    await of.create(sharee, "third")
    await of.share(owner, sharee, first["id"])
    assert await of.names(owner) == ["first", "second"]
    assert await of.names(sharee) == ["first", "third"]
    assert await of.names(stranger) == []
    assert await of.names(sharee, filter={"ownerAccountId": OWNER}) == ["first"]
    assert await of.names(stranger, filter={"ownerAccountId": OWNER, "ids": [first["id"]]}) == []


async def test_every_filter_narrows_the_list_alone_and_with_every_other(api: Api) -> None:
    owner = await api.account(OWNER)
    ids = {name: (await of.create(owner, name, **given))["id"] for name, given in _SOME.items()}
    for name in ("over soft", "over hard"):
        image_id = await made.image(owner, name=name)
        await made.launched(owner, image_id, licenseConfigurationIds=[ids[name]])
        await of.update(owner, ids[name], licenseCount=0)
    await of.update(owner, ids["inactive"], status="INACTIVE")
    matches: list[tuple[str, Any, set[str]]] = [
        ("nameContains", "OVER", {"over soft", "over hard"}),
        ("countingType", "CORE", {"cores", "inactive"}),
        ("status", "INACTIVE", {"inactive"}),
        ("status", "ACTIVE", set(_SOME) - {"inactive"}),
        ("hardLimit", True, {"over hard", "cores"}),
        ("hardLimit", False, set(_SOME) - {"over hard", "cores"}),
        ("overLimit", True, {"over soft", "over hard"}),
        ("overLimit", False, set(_SOME) - {"over soft", "over hard"}),
        ("ownerAccountId", OWNER, set(_SOME)),
        ("ownerAccountId", STRANGER, set()),
        ("tag", {"key": "team", "value": "dba"}, {"tagged", "inactive"}),
        ("tag", {"key": "team"}, set()),
        ("ids", [ids["cores"], ids["over hard"], "lc_1", "nonsense"], {"cores", "over hard"}),
        ("ids", [], set()),
    ]
    for some in (*combinations(matches, 1), *combinations(matches, 2)):
        given = {name: value for name, value, _ in some}
        if len(given) == len(some):
            expected = set.intersection(*(names for _, _, names in some))
            found = await of.names(owner, filter=given)
            assert found == [name for name in _SOME if name in expected], given


_SOME: dict[str, dict[str, Any]] = {
    "plain": {},
    "over soft": {"licenseCount": 1},
    "over hard": {"licenseCount": 1, "hardLimit": True},
    "cores": {"countingType": "CORE", "hardLimit": True, "licenseCount": 5},
    "tagged": {"tags": [{"key": "team", "value": "dba"}]},
    "inactive": {"countingType": "CORE", "tags": [{"key": "team", "value": "dba"}, {"key": "x", "value": "y"}]},
}


async def test_a_region_narrows_the_list(api: Api) -> None:
    owner = await api.account(OWNER)
    await of.create(owner, "here")
    await of.create(owner, "there", region="eu-west-1")
    assert await of.names(owner, region="eu-west-1") == ["there"]
    assert await of.names(owner, region="eu-west-1", filter={"nameContains": "here"}) == ["there"]


PARTS = [
    ("STRASSE", ["Straße"]),
    ("élan", ["ÉLAN"]),
    ("50%", ["50% off"]),
    ("0%", ["50% off"]),
    ("a_b", ["a_b"]),
    ("\\", ["back\\slash"]),
    ("'", ["it's"]),
    ("", ["50% off", "500 off", "a_b", "axb", "back\\slash", "it's", "Straße", "ÉLAN"]),
]


async def test_a_part_of_a_name_is_taken_literally_and_in_either_case(api: Api) -> None:
    owner = await api.account(OWNER)
    for name in ("50% off", "500 off", "a_b", "axb", "back\\slash", "it's", "Straße", "ÉLAN"):
        await of.create(owner, name)
    for part, expected in PARTS:
        assert await of.names(owner, filter={"nameContains": part}) == expected, part


async def test_api_1_pages_go_on_from_one_another_while_others_come_and_go(api: Api) -> None:
    owner = await api.account(OWNER)
    ids = [(await of.create(owner, f"{number:02}"))["id"] for number in range(7)]
    seen, after = [], None
    while True:
        page = await owner.field(of.LIST, first=3, after=after)
        seen += [edge["node"]["name"] for edge in page["edges"]]
        if after is None:
            await owner.done(of.DELETE, id=ids[0])
            await of.create(owner, "new")
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert seen == [f"{number:02}" for number in range(7)] + ["new"]


OUT_OF_BOUNDS: list[tuple[dict[str, Any], list[str]]] = [
    ({"region": "xx-nowhere-1"}, ["region"]),
    ({"filter": {"ids": ["lc_1"] * 101}}, ["filter", "ids"]),
    ({"filter": {"nameContains": "n" * 256}}, ["filter", "nameContains"]),
    ({"filter": {"nameContains": "\u0000"}}, ["filter", "nameContains"]),
    ({"filter": {"tag": {"key": ""}}}, ["filter", "tag", "key"]),
    ({"filter": {"tag": {"key": "a\u0000"}}}, ["filter", "tag", "key"]),
    ({"filter": {"tag": {"key": "a", "value": "b\u0000"}}}, ["filter", "tag", "value"]),
    ({"first": 101}, ["first"]),
    ({"after": "nonsense"}, ["after"]),
]


async def test_api_3_what_is_out_of_bounds_is_refused_by_its_argument(api: Api) -> None:
    owner = await api.account(OWNER)
    for given, field in OUT_OF_BOUNDS:
        error = await _top_level(owner, of.LIST, given)
        assert error["extensions"]["code"] == "INVALID_INPUT", given
        assert error["extensions"].get("field", field) == field


async def test_an_arn_that_no_text_can_be_is_refused(api: Api) -> None:
    owner = await api.account(OWNER)
    for arn in ("\u0000", "a" * 257):
        error = await _top_level(owner, of.READ, {"arn": arn})
        assert error["extensions"]["code"] == "INVALID_INPUT"


async def _top_level(client: Client, document: str, variables: dict[str, Any]) -> dict[str, Any]:
    answer = await client.raw(document, variables)
    (error,) = answer["errors"]
    found: dict[str, Any] = error
    return found
