"""Rules of discovery: made by an administrator, disabled until previewed as they are, bounded, seen by their owner."""

from typing import Any

import pytest

from app.inventory.automated import definition, managing
from app.kernel.viewer import Permission
from tests.inventory import discovery
from tests.inventory.discovery import (
    FILTER,
    OTHER,
    OWNER,
    SYNC,
    created,
    enabled,
    figures,
    on,
    oracle,
    previewed,
    reasons,
    run,
    unlicense,
)
from tests.inventory.search_world import tag
from tests.support import licenses as made
from tests.support.api import Api

# ------------------------------------------------------------ dry-run first


async def test_a_preview_tells_what_would_be_done_and_does_nothing(api: Api) -> None:
    owner = await api.account(OWNER)
    license_ = await made.configuration(owner, countingType="CORE", licenseCount=10)
    names = [f"mi-{number}" for number in range(4)]
    servers = [await oracle(owner, name) for name in names]
    await made.associate(owner, license_, servers[0])
    await tag(owner, servers[1], Stage="test")
    rule = await created(owner, license_, FILTER, excludedTags=[{"key": "Stage", "value": "test"}])
    preview = await previewed(owner, rule)
    assert [each["resourceId"] for each in preview["resources"]] == ["mi-2", "mi-3"]
    assert reasons(preview) == {"ALREADY_ASSOCIATED": 1, "TAG_EXCLUDED": 1}
    assert [each["resourceIds"] for each in preview["leftOut"]] == [[servers[0]], [servers[1]]]
    told = {name: preview[name] for name in ("matched", "wouldAssociate", "complete", "licenseCount", "overLimit")}
    assert told == {"matched": 4, "wouldAssociate": 2, "complete": True, "licenseCount": 10, "overLimit": True}
    assert (preview["consumedBefore"], preview["consumedAfter"]) == (4, 12)
    assert preview["refused"] == preview["skipped"] == []
    assert await on(owner, license_) == {"MANAGED_INSTANCE mi-0"}
    assert await made.consumed(owner, license_) == 4
    assert len((await previewed(owner, rule, first=1))["resources"]) == 1
    await owner.done(discovery.ENABLE, id=rule)
    assert figures(await run(owner, rule)) == (4, 2, 1, 1)
    assert await made.consumed(owner, license_) == preview["consumedAfter"]


async def test_a_rule_is_enabled_only_as_it_was_previewed(api: Api) -> None:
    """Any change of what it finds disables it until it is previewed again; another name does not."""
    owner = await api.account(OWNER)
    license_ = await made.configuration(owner)
    rule = await created(owner, license_, FILTER)

    async def refused(document: str, **variables: Any) -> str:
        (error,) = await owner.errors(document, **variables)
        assert error["remedy"]
        assert error["nodeIds"] == [rule]
        return str(error["code"])

    changes: list[dict[str, Any]] = [
        {"filter": "application:Office"},
        {"scope": "ORGANIZATION"},
        {"scope": "ACCOUNT", "excludedAccountIds": [OTHER]},
        {"excludedTags": [{"key": "Stage"}]},
    ]
    for change in changes:
        assert await refused(discovery.ENABLE, id=rule) == "CONFLICT"
        assert await refused(discovery.RUN, input={"id": rule}) == "CONFLICT"
        await owner.done(discovery.UPDATE, input={"id": rule, "scope": "ACCOUNT"})
        await previewed(owner, rule)
        await owner.done(discovery.ENABLE, id=rule)
        same = await owner.done(discovery.UPDATE, input={"id": rule, "name": f"{change}"})
        assert same["discoveryRule"]["enabled"]
        assert same["discoveryRule"]["previewedAt"]
        changed = await owner.done(discovery.UPDATE, input={"id": rule, **change})
        assert changed["discoveryRule"] | change == changed["discoveryRule"] | change
        assert changed["discoveryRule"]["enabled"] is False
        assert changed["discoveryRule"]["previewedAt"] is None


async def test_a_disabled_rule_finds_nothing_and_is_enabled_again_as_it_was(api: Api) -> None:
    owner = await api.account(OWNER)
    license_ = await made.configuration(owner)
    rule = await enabled(owner, license_, FILTER)
    await owner.done(discovery.DISABLE, id=rule)
    await oracle(owner, "mi-1")
    await owner.done(SYNC)
    assert await on(owner, license_) == set()
    await owner.done(discovery.ENABLE, id=rule)
    await owner.done(SYNC)
    assert await on(owner, license_) == {"MANAGED_INSTANCE mi-1"}


# ------------------------------------------------------------ who may, and bounds


async def test_pm_2_a_rule_is_its_owners_alone(api: Api) -> None:
    """To another account neither the rule nor the license configuration exists."""
    owner, other = await api.account(OWNER), await api.account(OTHER)
    license_ = await made.configuration(owner)
    rule = await created(owner, license_, FILTER)
    absent = "drule_123"
    for id_ in (rule, absent, "nonsense", license_):
        for document in (discovery.ENABLE, discovery.DISABLE, discovery.DELETE):
            (error,) = await other.errors(document, id=id_)
            assert (error["code"], error["message"], error["field"]) == (
                "NOT_FOUND",
                "The discovery rule was not found.",
                ["id"],
            )
        for document in (discovery.PREVIEW, discovery.RUN, discovery.UPDATE):
            (error,) = await other.errors(document, input={"id": id_})
            assert (error["code"], error["field"]) == ("NOT_FOUND", ["input", "id"])
    wanted = {"licenseConfigurationId": license_, "name": "mine", "filter": FILTER}
    (error,) = await other.errors(discovery.CREATE, input=wanted)
    assert (error["code"], error["field"]) == ("NOT_FOUND", ["input", "licenseConfigurationId"])
    assert (await other.field(discovery.RULES))["edges"] == []
    assert await other.field("query($id: ID!) { node(id: $id) { id } }", id=rule) is None
    assert await owner.field("query($id: ID!) { node(id: $id) { id } }", id=rule) == {"id": rule}


async def test_pm_1_administrators_change_rules_and_others_read_them(api: Api) -> None:
    owner = await api.account(OWNER)
    license_ = await made.configuration(owner)
    rule = await created(owner, license_, FILTER)
    for permission in (Permission.USER, Permission.AUDITOR):
        client = await api.client(OWNER, permission)
        wanted = {"licenseConfigurationId": license_, "name": "mine", "filter": FILTER}
        asked: list[tuple[str, dict[str, Any]]] = [
            (discovery.CREATE, {"input": wanted}),
            *((each, {"input": {"id": rule}}) for each in (discovery.UPDATE, discovery.PREVIEW, discovery.RUN)),
            *((each, {"id": rule}) for each in (discovery.ENABLE, discovery.DISABLE, discovery.DELETE)),
        ]
        for document, variables in asked:
            assert [each["code"] for each in await client.errors(document, **variables)] == ["ACCESS_DENIED"]
        assert (await client.field(discovery.RULES))["totalCount"] == 1


async def test_what_is_wrong_with_a_rule_is_told_at_once_with_its_fields(api: Api) -> None:
    """API-3: nothing is made of it."""
    owner = await api.account(OWNER)
    license_ = await made.configuration(owner)

    async def refused(**given: Any) -> list[tuple[str, str]]:
        wanted = {"licenseConfigurationId": license_, "name": "rule", "filter": FILTER, **given}
        found = await owner.errors(discovery.CREATE, input=wanted)
        assert all(each["code"] == "INVALID_INPUT" for each in found)
        return [(".".join(each["field"]), each["message"]) for each in found]

    fields = [field for field, _ in await refused(name="", filter="application:", excludedTags=[{"key": ""}])]
    assert fields == ["input.name", "input.filter", "input.excludedTags.0.key"]
    assert "Column 13" in (await refused(filter="application:"))[0][1]
    assert [field for field, _ in await refused(filter=" ")] == ["input.filter"]
    assert [field for field, _ in await refused(filter="id:" + "x" * 2_000)] == ["input.filter"]
    many = [f"{number:012}" for number in range(101)]
    assert [field for field, _ in await refused(excludedAccountIds=many)] == ["input.excludedAccountIds"]
    tags = [{"key": f"k{number}"} for number in range(51)]
    assert [field for field, _ in await refused(excludedTags=tags)] == ["input.excludedTags"]
    assert (await owner.field(discovery.RULES))["totalCount"] == 0
    rule = await created(owner, license_, FILTER)
    assert [field for field, _ in await refused()] == ["input.name"]
    (error,) = await owner.errors(discovery.PREVIEW, input={"id": rule, "first": 101})
    assert (error["code"], error["field"]) == ("INVALID_INPUT", ["input", "first"])
    (error,) = await owner.errors(discovery.UPDATE, input={"id": rule, "filter": "type:NONSENSE"})
    assert (error["code"], error["field"]) == ("INVALID_INPUT", ["input", "filter"])


async def test_an_account_has_a_bounded_number_of_rules(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    assert definition.MOST_RULES == 100
    monkeypatch.setattr(managing, "MOST_RULES", 3)
    owner = await api.account(OWNER)
    license_ = await made.configuration(owner)
    for number in range(3):
        await created(owner, license_, FILTER, f"rule {number}")
    wanted = {"licenseConfigurationId": license_, "name": "one more", "filter": FILTER}
    (error,) = await owner.errors(discovery.CREATE, input=wanted)
    assert error["code"] == "INVALID_INPUT"
    assert error["remedy"]
    page = await owner.field(discovery.RULES, of=license_, first=2)
    assert page["totalCount"] == 3
    assert page["pageInfo"]["hasNextPage"]
    rest = await owner.field(discovery.RULES, of=license_, first=2, after=page["pageInfo"]["endCursor"])
    assert [edge["node"]["name"] for edge in (*page["edges"], *rest["edges"])] == ["rule 0", "rule 1", "rule 2"]
    assert (await owner.field(discovery.RULES, of="lc_1"))["totalCount"] == 0


async def test_lc_11_a_deleted_license_takes_its_rules_with_it(api: Api) -> None:
    owner = await api.account(OWNER)
    license_ = await made.configuration(owner)
    rule = await enabled(owner, license_, FILTER)
    delete = "mutation($id: ID!) { deleteLicenseConfiguration(id: $id) { deletedId errors { code } } }"
    server = await oracle(owner, "mi-1")
    await run(owner, rule)
    await unlicense(owner, license_, server)
    await owner.done(delete, id=license_)
    assert (await owner.field(discovery.RULES))["edges"] == []
    await owner.done(SYNC)
