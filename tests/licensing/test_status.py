"""Counts that change under use, deactivating and activating again (LC-9, LC-10, AL-1)."""

from typing import Any

from tests.licensing import configurations as of
from tests.support import licenses as made
from tests.support.api import Api, Client

OWNER, SHAREE = "111122223333", "444455556666"
PUT = f"""
mutation($input: PutInventoryInput!) {{
  putInventory(input: $input) {{ managedInstance {{ id }} {of.ERRORS} }}
}}"""


async def managed(client: Client, **given: Any) -> str:
    """The id of a managed instance after a report of it."""
    payload = await client.done(PUT, input={"region": made.REGION, "resourceId": "mi-1", **given})
    id_: str = payload["managedInstance"]["id"]
    return id_


async def refused_to_deactivate(client: Client, id: str) -> dict[str, Any]:
    error = await of.refused(client, of.UPDATE, input={"id": id, "status": "INACTIVE"})
    assert (error["code"], error["rule"]) == ("LICENSE_CONFIGURATION_IN_USE", "LC-10")
    return error


async def test_lc_9_a_count_below_what_is_consumed_is_taken_alerts_and_blocks_further_launches(api: Api) -> None:
    owner = await api.account(OWNER)
    limited = await of.create(owner, licenseCount=10, hardLimit=True)
    image_id = await made.image(owner, limited["id"])
    running = await made.launched(owner, image_id, count=4)
    edited = await of.update(owner, limited["id"], licenseCount=3)
    assert (edited["consumedLicenses"], edited["remainingLicenses"]) == (4, -1)
    assert await made.alert_kinds(owner) == ["LIMIT_EXCEEDED"]
    blocked = await made.launch(owner, image_id)
    assert [each["code"] for each in blocked["errors"]] == ["LIMIT_EXCEEDED"]
    found = await owner.field("query($ids: [ID!]!) { nodes(ids: $ids) { ... on Instance { state } } }", ids=running)
    assert [each["state"] for each in found] == ["RUNNING"] * 4
    assert await made.consistent(owner)


async def test_lc_9_the_hard_limit_changes_while_resources_consume(api: Api) -> None:
    owner = await api.account(OWNER)
    limited = await of.create(owner, licenseCount=1, hardLimit=True)
    image_id = await made.image(owner, limited["id"])
    await made.launched(owner, image_id)
    assert (await made.launch(owner, image_id))["instances"] == []
    await of.update(owner, limited["id"], hardLimit=False)
    await made.launched(owner, image_id)
    await of.update(owner, limited["id"], hardLimit=True)
    assert (await made.launch(owner, image_id))["instances"] == []
    assert await made.consumed(owner, limited["id"]) == 2


async def test_al_1_a_limit_alerts_again_only_after_use_was_below_it(api: Api) -> None:
    owner = await api.account(OWNER)
    limited = await of.create(owner, licenseCount=10, alertThresholds=[50])
    image_id = await made.image(owner, limited["id"])
    await made.launched(owner, image_id, count=4)
    expected: list[str] = []
    for count, raised in ((5, True), (6, False), (3, True), (2, False), (7, False), (3, True), (20, False), (7, True)):
        await of.update(owner, limited["id"], licenseCount=count)
        if raised:
            expected.append("LIMIT_EXCEEDED" if count < 4 else "LIMIT_APPROACHING")
        assert await made.alert_kinds(owner) == expected, count


async def test_al_1_a_threshold_set_below_present_use_alerts_at_once_and_without_a_count_nothing_does(api: Api) -> None:
    owner = await api.account(OWNER)
    limited = await of.create(owner, licenseCount=10, alertThresholds=[])
    image_id = await made.image(owner, limited["id"])
    await made.launched(owner, image_id, count=6)
    await of.update(owner, limited["id"], alertThresholds=[70])
    assert await made.alert_kinds(owner) == []
    await of.update(owner, limited["id"], alertThresholds=[50, 70])
    assert await made.alert_kinds(owner) == ["LIMIT_APPROACHING"]
    await of.update(owner, limited["id"], licenseCount=None, alertThresholds=[1])
    assert await made.alert_kinds(owner) == ["LIMIT_APPROACHING"]


async def test_lc_10_deactivating_is_refused_while_attached_to_a_running_instance_and_says_which(api: Api) -> None:
    owner = await api.account(OWNER)
    created = await of.create(owner)
    image_id = await made.image(owner, created["id"])
    running = await made.launched(owner, image_id, count=21)
    error = await refused_to_deactivate(owner, created["id"])
    assert "21 running instances" in error["message"]
    assert error["nodeIds"] == running[:20]
    assert error["field"] == ["input", "status"]
    assert (await of.read(owner, created["id"]))["status"] == "ACTIVE"
    await made.change(owner, "terminateInstances", *running[:20])
    assert (await refused_to_deactivate(owner, created["id"]))["nodeIds"] == running[20:]
    await made.change(owner, "stopInstances", running[20])
    deactivated = await of.update(owner, created["id"], status="INACTIVE")
    assert (deactivated["status"], deactivated["version"]) == ("INACTIVE", 2)


async def test_lc_10_an_instance_that_consumes_nothing_is_attached_all_the_same(api: Api) -> None:
    """Sockets are counted once a host: the second instance on it carries none, and runs."""
    owner = await api.account(OWNER)
    created = await of.create(owner, countingType="SOCKET")
    host_id = await made.host(owner)
    image_id = await made.image(owner, created["id"])
    running = await made.launched(owner, image_id, tenancy="DEDICATED_HOST", hostId=host_id, count=2)
    await made.associate(owner, created["id"], host_id)
    assert (await refused_to_deactivate(owner, created["id"]))["nodeIds"] == running


async def test_lc_10_a_sharees_running_instance_counts_too(api: Api) -> None:
    owner, sharee = await api.account(OWNER), await api.account(SHAREE)
    created = await of.create(owner)
    await of.share(owner, sharee, created["id"])
    running = await made.launched(sharee, await made.image(sharee), licenseConfigurationIds=[created["id"]])
    assert (await refused_to_deactivate(owner, created["id"]))["nodeIds"] == running


async def test_en_5_pm_2_once_the_share_ended_a_start_is_still_judged_and_names_no_configuration(api: Api) -> None:
    owner, sharee = await api.account(OWNER), await api.account(SHAREE)
    created = await of.create(owner, licenseCount=1, hardLimit=True)
    await of.share(owner, sharee, created["id"])
    (share,) = await owner.field("{ resourceShares { id } }")
    images = await made.image(owner), await made.image(sharee)
    named = [created["id"]]
    (stopped,) = await made.launched(sharee, images[1], licenseConfigurationIds=named)
    await made.change(sharee, "stopInstances", stopped)
    await made.launched(owner, images[0], licenseConfigurationIds=named)
    (refused,) = (await made.change(sharee, "startInstances", stopped))["errors"]
    assert refused["nodeIds"] == [stopped, created["id"]]
    await owner.done("mutation($id: ID!) { deleteResourceShare(id: $id) { errors { code } } }", id=share["id"])
    (refused,) = (await made.change(sharee, "startInstances", stopped))["errors"]
    assert (refused["code"], refused["nodeIds"]) == ("LIMIT_EXCEEDED", [stopped])


async def test_lc_10_while_inactive_nothing_is_tracked_and_activating_counts_from_the_present_again(api: Api) -> None:
    owner = await api.account(OWNER)
    created = await of.create(owner, countingType="VCPU", licenseCount=1000)
    image_id, host_id = await made.image(owner, created["id"]), await made.host(owner)
    server_id = await managed(owner, vcpus=8)
    await made.associate(owner, created["id"], host_id, server_id)
    (stopped,) = await made.launched(owner, image_id)
    await made.change(owner, "stopInstances", stopped)
    hosts_vcpus = await made.consumed(owner, created["id"]) - 8
    assert (await of.update(owner, created["id"], status="INACTIVE"))["consumedLicenses"] == 0
    assert await made.consistent(owner)
    untracked = await made.launched(owner, image_id)
    await made.change(owner, "startInstances", stopped)
    await managed(owner, vcpus=16)
    assert await made.consumed(owner, created["id"]) == 0
    named = await made.launch(owner, await made.image(owner, name="bare"), licenseConfigurationIds=[created["id"]])
    assert [each["code"] for each in named["errors"]] == ["LICENSE_CONFIGURATION_INACTIVE"]
    activated = await of.update(owner, created["id"], status="ACTIVE")
    assert activated["consumedLicenses"] == hosts_vcpus + 16 + 2
    assert activated["remainingLicenses"] == 1000 - activated["consumedLicenses"]
    await made.change(owner, "terminateInstances", *untracked)
    assert await made.consumed(owner, created["id"]) == activated["consumedLicenses"]
    assert await made.consistent(owner)


async def test_lc_10_what_runs_counts_past_a_hard_limit_when_it_is_activated_and_alerts(api: Api) -> None:
    """EN-10: what runs can't be stopped at launch any more."""
    owner = await api.account(OWNER)
    created = await of.create(owner, countingType="SOCKET", licenseCount=2, hardLimit=True, alertThresholds=[])
    await made.associate(owner, created["id"], await made.host(owner))
    await of.update(owner, created["id"], status="INACTIVE", licenseCount=1)
    assert await made.alert_kinds(owner) == []
    activated = await of.update(owner, created["id"], status="ACTIVE")
    assert (activated["consumedLicenses"], activated["remainingLicenses"]) == (2, -1)
    assert await made.alert_kinds(owner) == ["LIMIT_EXCEEDED"]
