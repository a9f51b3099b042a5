"""Launches are judged by every configuration they touch, all or nothing (EN-1 to EN-4, EN-8, EN-9, EN-12)."""

from typing import Any

import pytest

from app.kernel.viewer import Permission
from tests.support import licenses as made
from tests.support.api import Api

OWNER = "111122223333"


async def test_en_1_a_launch_is_judged_by_image_template_and_named_configurations_together(api: Api) -> None:
    owner = await api.account(OWNER)
    on_image, on_template, named = [await made.configuration(owner, name) for name in ("a", "b", "c")]
    image_id = await made.image(owner, on_image)
    template = await owner.done(
        "mutation($input: CreateLaunchTemplateInput!) { createLaunchTemplate(input: $input) "
        "{ launchTemplate { id } errors { code message } } }",
        input={"region": made.REGION, "name": "t", "imageId": image_id, "licenseConfigurationIds": [on_template]},
    )
    payload = await made.launch(
        owner,
        image_id,
        launchTemplateId=template["launchTemplate"]["id"],
        licenseConfigurationIds=[named],
        count=2,
    )
    assert payload["errors"] == []
    assert {each["id"] for each in payload["instances"][0]["licenseConfigurations"]} == {on_image, on_template, named}
    assert [await made.consumed(owner, each) for each in (on_image, on_template, named)] == [2, 2, 2]


async def test_en_2_one_hard_violation_blocks_all_and_lists_every_violation_of_every_configuration(api: Api) -> None:
    owner = await api.account(OWNER)
    full = await made.configuration(owner, "full", licenseCount=1, hardLimit=True)
    small = await made.configuration(
        owner,
        "small",
        countingType="CORE",
        hardLimit=True,
        rules={"maximumCores": 1, "allowedTenancy": ["DEDICATED_HOST"]},
    )
    soft = await made.configuration(owner, "soft", countingType="VCPU", licenseCount=1)
    image_id = await made.image(owner, full, small, soft)
    payload = await made.launch(owner, image_id, "m5.2xlarge", count=2)
    assert payload["instances"] == []
    found = {
        (each["licenseConfiguration"]["name"], each["hard"], each["error"]["code"]) for each in payload["violations"]
    }
    assert found == {
        ("full", True, "LIMIT_EXCEEDED"),
        ("small", True, "RULE_VIOLATION"),
        ("soft", False, "LIMIT_EXCEEDED"),
    }
    assert sorted(each["error"].get("licenseRule") or "" for each in payload["violations"]) == [
        "",
        "",
        "allowedTenancy",
        "maximumCores",
    ]
    assert {each["code"] for each in payload["errors"]} == {"LIMIT_EXCEEDED", "RULE_VIOLATION"}
    assert [await made.consumed(owner, each) for each in (full, small, soft)] == [0, 0, 0]
    assert sorted(await made.alert_kinds(owner)) == ["LAUNCH_BLOCKED", "LAUNCH_BLOCKED"]


async def test_en_3_a_soft_violation_launches_and_raises_the_gravest_alert_once(api: Api) -> None:
    owner = await api.account(OWNER)
    soft = await made.configuration(owner, "soft", licenseCount=10)
    image_id = await made.image(owner, soft)
    payload = await made.launch(owner, image_id, count=11)
    assert len(payload["instances"]) == 11
    assert [each["hard"] for each in payload["violations"]] == [False]
    assert payload["violations"][0]["error"]["requested"] == 11
    assert payload["violations"][0]["error"]["available"] == 10
    assert await made.alert_kinds(owner) == ["LIMIT_EXCEEDED"]


async def test_al_1_a_threshold_alerts_on_crossing_and_again_only_after_use_has_fallen_below(api: Api) -> None:
    owner = await api.account(OWNER)
    counted = await made.configuration(owner, "c", licenseCount=10, hardLimit=True)
    image_id = await made.image(owner, counted)
    await made.launched(owner, image_id, count=7)
    assert await made.alert_kinds(owner) == []
    (eighth,) = await made.launched(owner, image_id)
    await made.launched(owner, image_id)
    assert await made.alert_kinds(owner) == ["LIMIT_APPROACHING"]
    (tenth,) = await made.launched(owner, image_id)
    assert await made.alert_kinds(owner) == ["LIMIT_APPROACHING", "LIMIT_APPROACHING"]
    await made.change(owner, "stopInstances", eighth, tenth)
    await made.change(owner, "startInstances", eighth)
    assert await made.alert_kinds(owner) == ["LIMIT_APPROACHING", "LIMIT_APPROACHING"]
    await made.change(owner, "startInstances", tenth)
    assert await made.alert_kinds(owner) == ["LIMIT_APPROACHING"] * 3


@pytest.mark.parametrize(
    ("counting_type", "rules", "cpu", "expected"),
    [
        ("INSTANCE", {}, None, 1),
        ("VCPU", {}, None, 8),
        ("CORE", {}, None, 4),
        ("VCPU", {}, {"coreCount": 2, "threadsPerCore": 1}, 8),
        ("VCPU", {"honorVcpuOptimization": True}, {"coreCount": 2, "threadsPerCore": 1}, 2),
        ("CORE", {"honorVcpuOptimization": True}, {"coreCount": 2, "threadsPerCore": 2}, 2),
    ],
)
async def test_en_4_and_lc_3_an_instance_counts_by_its_metric(
    api: Api, counting_type: str, rules: dict[str, object], cpu: object, expected: int
) -> None:
    owner = await api.account(OWNER)
    counted = await made.configuration(owner, countingType=counting_type, rules=rules)
    await made.launched(owner, await made.image(owner, counted), "m5.2xlarge", cpuOptions=cpu)
    assert await made.consumed(owner, counted) == expected


async def test_en_4_sockets_are_counted_once_a_host_however_many_instances_run_on_it(api: Api) -> None:
    owner = await api.account(OWNER)
    sockets = await made.configuration(owner, countingType="SOCKET")
    image_id = await made.image(owner, sockets)
    host_id = await made.host(owner)
    first, second = [
        (await made.launched(owner, image_id, tenancy="DEDICATED_HOST", hostId=host_id))[0] for _ in range(2)
    ]
    assert await made.consumed(owner, sockets) == 2
    await made.change(owner, "stopInstances", first)
    assert await made.consumed(owner, sockets) == 2
    await made.associate(owner, sockets, host_id)
    assert await made.consumed(owner, sockets) == 2
    await made.change(owner, "stopInstances", second)
    assert await made.consumed(owner, sockets) == 2
    await owner.done(made.DISASSOCIATE, input={"licenseConfigurationId": sockets, "resourceIds": [host_id]})
    assert await made.consumed(owner, sockets) == 0
    assert await made.consistent(owner)


async def test_en_4_a_socket_count_off_a_dedicated_host_is_a_violation(api: Api) -> None:
    owner = await api.account(OWNER)
    sockets = await made.configuration(owner, countingType="SOCKET", hardLimit=True)
    payload = await made.launch(owner, await made.image(owner, sockets))
    assert [each["code"] for each in payload["errors"]] == ["RULE_VIOLATION"]
    assert payload["errors"][0]["rule"] == "EN-4"


async def test_en_8_a_launch_is_judged_only_by_configurations_that_its_account_sees(api: Api) -> None:
    owner = await api.account(OWNER)
    other = await api.account("222233334444")
    private = await made.configuration(owner, licenseCount=0, hardLimit=True)
    image_id = await made.image(owner, private)
    await owner.done(
        "mutation($id: ID!, $to: [AccountId!]!) { shareImage(id: $id, accountIds: $to) { errors { code } } }",
        id=image_id,
        to=["222233334444"],
    )
    assert len(await made.launched(other, image_id)) == 1
    assert (await made.launch(owner, image_id))["errors"][0]["code"] == "LIMIT_EXCEEDED"


async def test_en_12_a_client_token_repeats_the_first_answer_and_consumes_nothing_more(api: Api) -> None:
    owner = await api.account(OWNER)
    counted = await made.configuration(owner, licenseCount=1)
    image_id = await made.image(owner, counted)
    first = await made.launch(owner, image_id, count=2, clientToken="again")
    repeated = await made.launch(owner, image_id, count=2, clientToken="again")
    assert repeated == first
    assert await made.consumed(owner, counted) == 2
    other = await made.launch(owner, image_id, count=1, clientToken="again")
    assert [each["code"] for each in other["errors"]] == ["IDEMPOTENT_PARAMETER_MISMATCH"]


async def test_en_12_after_a_blocked_launch_the_token_tries_again(api: Api) -> None:
    owner = await api.account(OWNER)
    counted = await made.configuration(owner, licenseCount=1, hardLimit=True)
    image_id = await made.image(owner, counted)
    (running,) = await made.launched(owner, image_id)
    assert (await made.launch(owner, image_id, clientToken="t"))["errors"][0]["code"] == "LIMIT_EXCEEDED"
    await made.change(owner, "terminateInstances", running)
    assert len(await made.launched(owner, image_id, clientToken="t")) == 1


async def test_pm_1_an_auditor_launches_nothing_and_a_user_may(api: Api) -> None:
    owner = await api.account(OWNER)
    image_id = await made.image(owner)
    auditor = await api.client(OWNER, Permission.AUDITOR)
    assert (await made.launch(auditor, image_id))["errors"][0]["code"] == "ACCESS_DENIED"
    assert len(await made.launched(await api.client(OWNER, Permission.USER), image_id)) == 1


@pytest.mark.parametrize(
    ("given", "code", "field"),
    [
        ({"imageId": "res_1"}, "NOT_FOUND", "imageId"),
        ({"imageId": "nonsense"}, "NOT_FOUND", "imageId"),
        ({"instanceType": "m5.nothing"}, "INVALID_INPUT", "instanceType"),
        ({"count": 0}, "INVALID_INPUT", "count"),
        ({"count": 1001}, "INVALID_INPUT", "count"),
        ({"region": "eu-west-1"}, "REGION_MISMATCH", "imageId"),
        ({"region": "xx-north-1"}, "INVALID_INPUT", "region"),
        ({"hostId": "res_9"}, "NOT_FOUND", "hostId"),
        ({"tenancy": "DEDICATED_HOST"}, "INVALID_INPUT", "hostId"),
        ({"cpuOptions": {"coreCount": 99, "threadsPerCore": 1}}, "INVALID_INPUT", "cpuOptions"),
        ({"licenseConfigurationIds": ["lc_1"]}, "NOT_FOUND", "licenseConfigurationIds"),
        ({"clientToken": ""}, "INVALID_INPUT", "clientToken"),
        ({"clientToken": "a\0b"}, "INVALID_INPUT", "clientToken"),
        ({"mechanism": "DISCOVERED"}, "INVALID_INPUT", "mechanism"),
        ({"tags": [{"key": "a"}, {"key": "a"}]}, "INVALID_INPUT", "tags"),
    ],
)
async def test_what_a_launch_names_wrongly_is_told_with_its_field(
    api: Api, given: dict[str, Any], code: str, field: str
) -> None:
    owner = await api.account(OWNER)
    payload = (
        await made.launch(owner, await made.image(owner), **given)
        if "imageId" not in given
        else await made.launch(owner, str(given["imageId"]))
    )
    (error,) = payload["errors"]
    assert error["code"] == code
    assert error["field"][:2] == ["input", field]
    assert payload["instances"] == []


async def test_ro_2_a_launch_that_carries_a_configuration_needs_the_core_role(api: Api) -> None:
    bare = await api.account(OWNER, core_role=False)
    image_id = await made.image(bare)
    assert len(await made.launched(bare, image_id)) == 1
    refused = await bare.errors(made.CREATE, input={"region": made.REGION, "name": "n", "countingType": "INSTANCE"})
    assert [each["code"] for each in refused] == ["ROLE_MISSING"]
