"""License configurations are created, edited and deleted by their owner (LC, SH-3, API-2)."""

import re
from typing import Any

from sqlalchemy import select

from app.kernel.viewer import Permission
from app.sharing.models import ShareItemRow
from tests.licensing import configurations as of
from tests.support import licenses as made
from tests.support.api import Api, Client

OWNER, SHAREE, STRANGER = "111122223333", "444455556666", "777788889999"


async def test_lc_1_to_7_what_is_created_reads_as_it_was_given(api: Api) -> None:
    owner = await api.account(OWNER)
    given = {
        "description": "Two processor licenses",
        "countingType": "CORE",
        "rules": {
            "minimumCores": 8,
            "maximumCores": 16,
            "honorVcpuOptimization": True,
            "allowedTenancy": ["DEDICATED_HOST", "SHARED"],
        },
        "licenseCount": 96,
        "hardLimit": True,
        "alertThresholds": [50, 90],
        "tags": [{"key": "team", "value": "dba"}, {"key": "cost", "value": ""}],
    }
    created = await of.create(owner, "Oracle", **given)
    expected = {
        **given,
        "name": "Oracle",
        "rules": {
            "minimumVcpus": None,
            "maximumVcpus": None,
            "minimumSockets": None,
            "maximumSockets": None,
            **given["rules"],  # type: ignore[dict-item]
        },
        "tags": [{"key": "cost", "value": ""}, {"key": "team", "value": "dba"}],
        "owner": {"accountId": OWNER},
        "region": {"code": "us-east-1"},
        "status": "ACTIVE",
        "version": 1,
        "shared": False,
        "consumedLicenses": 0,
        "remainingLicenses": 96,
        "createdAt": "2026-01-05T09:00:00.000000Z",
        "updatedAt": "2026-01-05T09:00:00.000000Z",
    }
    assert created == expected | {"id": created["id"], "arn": created["arn"]}
    assert await of.read(owner, created["id"]) == created
    assert await owner.field(of.READ, arn=created["arn"]) == created
    assert await owner.field(of.READ, arn=created["arn"], id=created["id"]) == created
    assert await owner.field(of.READ, arn=created["arn"], id="lc_1") is None


async def test_lc_5_and_al_1_what_is_left_out_has_its_default(api: Api) -> None:
    owner = await api.account(OWNER)
    created = await of.create(owner)
    assert (created["licenseCount"], created["remainingLicenses"], created["hardLimit"]) == (None, None, False)
    assert created["alertThresholds"] == [80, 95]
    assert created["rules"]["honorVcpuOptimization"] is False
    assert created["rules"]["allowedTenancy"] == []


async def test_lc_13_the_arn_names_partition_region_and_account(api: Api) -> None:
    owner = await api.account(OWNER)
    for region, partition in (("eu-west-1", "aws"), ("us-gov-west-1", "aws-us-gov")):
        created = await of.create(owner, region=region)
        start = f"arn:{partition}:license-manager:{region}:{OWNER}:license-configuration:lic-"
        assert re.fullmatch(re.escape(start) + "[0-9a-f]{32}", created["arn"])


async def test_lc_2_lc_7_everything_that_is_wrong_is_named_at_once(api: Api) -> None:
    owner = await api.account(OWNER)
    wanted = {
        "region": made.REGION,
        "name": "n" * 256,
        "description": "d" * 1001,
        "countingType": "CORE",
        "rules": {"minimumCores": 9, "maximumCores": 0, "maximumVcpus": 1},
        "licenseCount": -1,
        "alertThresholds": [95, 80],
        "tags": [{"key": "aws:mine", "value": ""}],
    }
    errors = await owner.errors(of.CREATE, input=wanted)
    assert {each["code"] for each in errors} == {"INVALID_INPUT"}
    assert [".".join(each["field"]) for each in errors] == [
        "input.name",
        "input.description",
        "input.rules.maximumVcpus",
        "input.rules.maximumCores",
        "input.licenseCount",
        "input.alertThresholds",
        "input.tags.0.key",
    ]
    assert await of.names(owner) == []


async def test_lc_7_a_name_is_printable_text(api: Api) -> None:
    owner = await api.account(OWNER)
    for name in ("", "   ", "bell\u0007", "nul\u0000"):
        error = await of.refused(owner, of.CREATE, input=_some(name))
        assert (error["code"], error["field"]) == ("INVALID_INPUT", ["input", "name"])


async def test_lc_7_names_are_unique_in_an_account_and_region(api: Api) -> None:
    owner, other = await api.account(OWNER), await api.account(STRANGER)
    first = await of.create(owner, "one")
    second = await of.create(owner, "two")
    await of.create(owner, "one", region="eu-west-1")
    await of.create(other, "one")
    wanted = {"region": made.REGION, "name": "one", "countingType": "CORE"}
    again = await of.refused(owner, of.CREATE, input=wanted)
    renamed = await of.refused(owner, of.UPDATE, input={"id": second["id"], "name": "one"})
    for error in (again, renamed):
        assert (error["code"], error["rule"], error["field"]) == ("INVALID_INPUT", "LC-7", ["input", "name"])
        assert error["nodeIds"] == [first["id"]]


async def test_lc_8_an_edit_changes_what_it_names_and_counts_one_version(api: Api) -> None:
    owner = await api.account(OWNER)
    created = await of.create(owner, description="before", licenseCount=10)
    changes: list[dict[str, Any]] = [
        {"name": "after"},
        {"description": ""},
        {"description": None},
        {"licenseCount": 20},
        {"hardLimit": True},
        {"alertThresholds": [10]},
        {"alertThresholds": []},
        {"licenseCount": None},
        {"name": "both", "licenseCount": 5},
    ]
    expected = dict(created)
    for version, change in enumerate(changes, start=2):
        expected |= {**change, "version": version}
        expected["remainingLicenses"] = expected["licenseCount"]
        assert await of.update(owner, created["id"], **change) == expected
    assert await of.read(owner, created["id"]) == expected


async def test_lc_8_what_changes_nothing_keeps_the_version(api: Api) -> None:
    owner = await api.account(OWNER)
    created = await of.create(owner, description="d", licenseCount=10)
    same = {
        "name": created["name"],
        "description": "d",
        "licenseCount": 10,
        "hardLimit": False,
        "alertThresholds": [80, 95],
        "status": "ACTIVE",
    }
    assert await of.update(owner, created["id"], **same) == created
    assert await of.update(owner, created["id"]) == created
    assert await of.update(owner, created["id"], name=None, hardLimit=None, status=None) == created


async def test_lc_1_lc_8_the_metric_and_the_rules_are_not_there_to_be_edited(api: Api) -> None:
    owner = await api.account(OWNER)
    found = await owner.field('{ __type(name: "UpdateLicenseConfigurationInput") { inputFields { name } } }')
    assert {each["name"] for each in found["inputFields"]} == {
        "id", "name", "description", "licenseCount", "hardLimit", "alertThresholds", "status", "expectedVersion",
    }  # fmt: skip


async def test_api_2_an_edit_of_another_version_is_refused_and_changes_nothing(api: Api) -> None:
    owner = await api.account(OWNER)
    created = await of.create(owner)
    edited = await of.update(owner, created["id"], name="edited", expectedVersion=1)
    error = await of.refused(owner, of.UPDATE, input={"id": created["id"], "name": "late", "expectedVersion": 1})
    assert (error["code"], error["rule"]) == ("CONFLICT", "API-2")
    assert error["field"] == ["input", "expectedVersion"]
    assert await of.read(owner, created["id"]) == edited


async def test_sh_3_a_sharee_sees_it_and_only_the_owner_changes_it(api: Api) -> None:
    owner, sharee = await api.account(OWNER), await api.account(SHAREE)
    created = await of.create(owner)
    await of.share(owner, sharee, created["id"])
    assert await of.read(sharee, created["id"]) == {**created, "shared": True}
    for document, variables in _changes(created["id"]):
        error = await of.refused(sharee, document, **variables)
        assert (error["code"], error["rule"], error["accountId"]) == ("ACCESS_DENIED", "SH-3", OWNER)
    assert await of.read(owner, created["id"]) == created


async def test_pm_2_to_a_stranger_it_does_not_exist(api: Api) -> None:
    owner, stranger = await api.account(OWNER), await api.account(STRANGER)
    created = await of.create(owner)
    assert await of.read(stranger, created["id"]) is None
    assert await stranger.field(of.READ, arn=created["arn"]) is None
    for foreign, absent in zip(_changes(created["id"]), _changes("lc_1"), strict=True):
        error = await of.refused(stranger, foreign[0], **foreign[1])
        assert error == await of.refused(stranger, absent[0], **absent[1])
        assert error["code"] == "NOT_FOUND"


def _changes(id: str) -> list[tuple[str, dict[str, Any]]]:
    """Every way to change a license configuration."""
    return [
        (of.UPDATE, {"input": {"id": id, "name": "mine"}}),
        (of.DELETE, {"id": id}),
        (of.TAG, {"id": id, "tags": [{"key": "a", "value": "b"}]}),
        (of.UNTAG, {"id": id, "keys": ["a"]}),
    ]


async def test_pm_2_a_foreign_configuration_and_an_id_that_never_was_point_at_the_same_field(api: Api) -> None:
    owner, stranger = await api.account(OWNER), await api.account(STRANGER)
    foreign = (await of.create(owner))["id"]
    image_id = await made.image(stranger)
    for document in (made.ASSOCIATE, made.DISASSOCIATE):
        asked = [{"licenseConfigurationId": each, "resourceIds": [image_id]} for each in (foreign, "lc_1", "nonsense")]
        first, *others = [await of.refused(stranger, document, input=each) for each in asked]
        assert (first["code"], first["field"]) == ("NOT_FOUND", ["input", "licenseConfigurationId"])
        assert others == [first, first]


async def test_an_id_that_names_nothing_is_not_found(api: Api) -> None:
    owner = await api.account(OWNER)
    for nothing in ("", "lc_", "lc_x", "res_1", "lc_01", "lc_99999999999999999999", "💥"):
        assert await of.read(owner, nothing) is None
        for document, variables in _changes(nothing):
            assert (await of.refused(owner, document, **variables))["code"] == "NOT_FOUND", nothing


async def test_a_question_that_names_neither_id_nor_arn_is_refused(api: Api) -> None:
    owner = await api.account(OWNER)
    answer = await owner.raw("{ licenseConfiguration { id } }")
    assert answer["errors"][0]["extensions"]["code"] == "INVALID_INPUT"


async def test_pm_1_only_an_administrator_changes_license_configurations(api: Api) -> None:
    owner = await api.account(OWNER)
    created = await of.create(owner)
    for permission in (Permission.AUDITOR, Permission.USER):
        other = await api.client(OWNER, permission)
        for document, variables in [*_changes(created["id"]), (of.CREATE, {"input": _some("more")})]:
            error = await of.refused(other, document, **variables)
            assert (error["code"], error["rule"]) == ("ACCESS_DENIED", "PM-1")
        assert await of.read(other, created["id"]) == created


async def test_ro_2_without_the_core_role_license_configurations_are_refused(api: Api) -> None:
    account = await api.account(OWNER, core_role=False)
    for document, variables in [*_changes("lc_1"), (of.CREATE, {"input": _some("one")})]:
        error = await of.refused(account, document, **variables)
        assert (error["code"], error["rule"]) == ("ROLE_MISSING", "RO-2")


async def test_ro_3_the_core_role_stays_while_a_license_configuration_or_an_association_is_there(api: Api) -> None:
    owner = await api.account(OWNER)
    created = await of.create(owner)
    image_id = await made.image(owner, created["id"])
    errors = await owner.errors(_DELETE_ROLE, id=await _core_role(owner))
    assert [(each["code"], each["rule"]) for each in errors] == [("ROLE_IN_USE", "RO-3")] * 2
    assert errors[0]["nodeIds"] == [created["id"]]
    assert len(errors[1]["nodeIds"]) == 1
    await owner.done(made.DISASSOCIATE, input={"licenseConfigurationId": created["id"], "resourceIds": [image_id]})
    await owner.done(of.DELETE, id=created["id"])
    await owner.done(_DELETE_ROLE, id=await _core_role(owner))


_DELETE_ROLE = f"mutation($id: ID!) {{ deleteServiceLinkedRole(id: $id) {{ deletedId {of.ERRORS} }} }}"


async def _core_role(client: Client) -> str:
    found = await client.field(f'{{ account(accountId: "{client.account_id}") {{ serviceLinkedRoles {{ id }} }} }}')
    (role,) = found["serviceLinkedRoles"]
    id_: str = role["id"]
    return id_


def _some(name: str) -> dict[str, Any]:
    return {"region": made.REGION, "name": name, "countingType": "INSTANCE"}


async def test_lc_11_deleting_is_refused_while_any_resource_is_associated_and_says_which(api: Api) -> None:
    owner = await api.account(OWNER)
    created = await of.create(owner)
    images = [await made.image(owner, created["id"], name=f"image {number}") for number in range(21)]
    error = await of.refused(owner, of.DELETE, id=created["id"])
    assert (error["code"], error["rule"]) == ("LICENSE_CONFIGURATION_IN_USE", "LC-11")
    assert "21 resources" in error["message"]
    assert error["nodeIds"] == images[:20]
    await owner.done(made.DISASSOCIATE, input={"licenseConfigurationId": created["id"], "resourceIds": images})
    payload = await owner.done(of.DELETE, id=created["id"])
    assert payload["deletedId"] == created["id"]


async def test_lc_11_what_is_deleted_is_gone_from_lists_and_shares_and_its_name_is_free(api: Api) -> None:
    owner, sharee = await api.account(OWNER), await api.account(SHAREE)
    created = await of.create(owner, "gone", tags=[{"key": "a", "value": "b"}])
    kept = await of.create(owner, "kept")
    await of.share(owner, sharee, created["id"], kept["id"])
    assert await of.names(sharee) == ["gone", "kept"]
    await owner.done(of.DELETE, id=created["id"])
    assert await of.names(owner) == await of.names(sharee) == ["kept"]
    assert await of.read(owner, created["id"]) is None
    assert (await of.refused(owner, of.DELETE, id=created["id"]))["code"] == "NOT_FOUND"
    again = await of.create(owner, "gone")
    assert again["id"] != created["id"]
    assert again["tags"] == []
    in_shares = select(ShareItemRow.configuration_id).where(ShareItemRow.ended.is_(None))
    held = await api.database.read(lambda connection: connection.execute(in_shares).scalars().all())
    assert [f"lc_{key}" for key in held] == [kept["id"]]
