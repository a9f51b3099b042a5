"""Stopping releases, starting is judged like a launch, and what is inactive tracks nothing (EN-5, LC-10)."""

from tests.support import licenses as made
from tests.support.api import Api

OWNER = "111122223333"
UPDATE = """
mutation($input: UpdateLicenseConfigurationInput!) {
  updateLicenseConfiguration(input: $input) { licenseConfiguration { version status } errors { code message nodeIds } }
}"""


async def test_en_5_stopping_releases_and_starting_again_is_judged_like_a_launch(api: Api) -> None:
    owner = await api.account(OWNER)
    counted = await made.configuration(owner, licenseCount=1, hardLimit=True)
    image_id = await made.image(owner, counted)
    (first,) = await made.launched(owner, image_id)
    await made.change(owner, "stopInstances", first)
    assert await made.consumed(owner, counted) == 0
    (second,) = await made.launched(owner, image_id)
    refused = await made.change(owner, "startInstances", first)
    assert [each["code"] for each in refused["errors"]] == ["LIMIT_EXCEEDED"]
    assert first in refused["errors"][0]["nodeIds"]
    await made.change(owner, "terminateInstances", second)
    started = await made.change(owner, "startInstances", first)
    assert started["instances"] == [{"id": first, "state": "RUNNING"}]
    assert await made.consumed(owner, counted) == 1
    assert await made.consistent(owner)


async def test_en_5_each_of_several_instances_stands_or_falls_alone(api: Api) -> None:
    owner = await api.account(OWNER)
    counted = await made.configuration(owner, licenseCount=2, hardLimit=True)
    image_id = await made.image(owner, counted)
    stopped = await made.launched(owner, image_id, count=2)
    await made.change(owner, "stopInstances", *stopped)
    await made.launched(owner, image_id)
    payload = await made.change(owner, "startInstances", *stopped, "res_404")
    assert [each["id"] for each in payload["instances"]] == stopped[:1]
    assert [each["code"] for each in payload["errors"]] == ["LIMIT_EXCEEDED", "NOT_FOUND"]


async def test_en_2_a_start_that_is_refused_says_which_configurations_refuse(api: Api) -> None:
    owner = await api.account(OWNER)
    full = await made.configuration(owner, "full", licenseCount=1)
    strict = await made.configuration(owner, "strict", rules={"allowedTenancy": ["DEDICATED_HOST"]})
    (stopped,) = await made.launched(owner, await made.image(owner, full, strict))
    await made.change(owner, "stopInstances", stopped)
    await made.launched(owner, await made.image(owner, full, name="other"))
    for each in (full, strict):
        await owner.done(UPDATE, input={"id": each, "hardLimit": True})
    refused = (await made.change(owner, "startInstances", stopped))["errors"]
    assert [(each["code"], each["nodeIds"]) for each in refused] == [
        ("LIMIT_EXCEEDED", [stopped, full]),
        ("RULE_VIOLATION", [stopped, strict]),
    ]


async def test_lc_10_an_inactive_configuration_lets_its_image_launch_untracked_and_refuses_to_be_named(
    api: Api,
) -> None:
    owner = await api.account(OWNER)
    counted = await made.configuration(owner, licenseCount=1, hardLimit=True)
    image_id = await made.image(owner, counted)
    await owner.done(UPDATE, input={"id": counted, "status": "INACTIVE"})
    assert len(await made.launched(owner, image_id, count=3)) == 3
    assert await made.consumed(owner, counted) == 0
    named = await made.launch(owner, image_id, licenseConfigurationIds=[counted])
    assert [each["code"] for each in named["errors"]] == ["LICENSE_CONFIGURATION_INACTIVE"]
    await owner.done(UPDATE, input={"id": counted, "status": "ACTIVE"})
    await made.launched(owner, image_id)
    assert await made.consumed(owner, counted) == 1


async def test_lc_10_a_template_that_names_an_inactive_configuration_is_what_the_launch_is_refused_for(
    api: Api,
) -> None:
    owner = await api.account(OWNER)
    inactive = await made.configuration(owner)
    image_id = await made.image(owner)
    template = await owner.done(
        "mutation($input: CreateLaunchTemplateInput!) { createLaunchTemplate(input: $input) "
        "{ launchTemplate { id resourceId } errors { code } } }",
        input={"region": made.REGION, "name": "t", "licenseConfigurationIds": [inactive]},
    )
    template_id = template["launchTemplate"]["id"]
    await owner.done(UPDATE, input={"id": inactive, "status": "INACTIVE"})
    (refused,) = (await made.launch(owner, image_id, launchTemplateId=template_id))["errors"]
    assert (refused["code"], refused["rule"]) == ("LICENSE_CONFIGURATION_INACTIVE", "LC-10")
    assert (refused["field"], refused["nodeIds"]) == (["input", "launchTemplateId"], [inactive, template_id])
    assert template["launchTemplate"]["resourceId"] in refused["message"]
    both = await made.launch(owner, image_id, launchTemplateId=template_id, licenseConfigurationIds=[inactive])
    assert [each["field"] for each in both["errors"]] == [["input", "licenseConfigurationIds"]]


async def test_lc_10_deactivating_is_refused_while_a_running_instance_carries_it(api: Api) -> None:
    owner = await api.account(OWNER)
    counted = await made.configuration(owner)
    (running,) = await made.launched(owner, await made.image(owner, counted))
    (refused,) = await owner.errors(UPDATE, input={"id": counted, "status": "INACTIVE"})
    assert refused["code"] == "LICENSE_CONFIGURATION_IN_USE"
    assert refused["nodeIds"] == [running]
    await made.change(owner, "stopInstances", running)
    await owner.done(UPDATE, input={"id": counted, "status": "INACTIVE"})
    await made.change(owner, "startInstances", running)
    assert await made.consumed(owner, counted) == 0


async def test_a_foreign_instance_is_an_absent_one(api: Api) -> None:
    owner, other = await api.account(OWNER), await api.account("222233334444")
    (mine,) = await made.launched(owner, await made.image(owner))
    foreign = await made.change(other, "stopInstances", mine)
    absent = await made.change(other, "stopInstances", "res_404")
    assert foreign["errors"] == absent["errors"]
    assert foreign["errors"][0]["code"] == "NOT_FOUND"
