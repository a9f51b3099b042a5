"""Launch templates carry what they launch and the configurations that judge it (EN-1, EN-8, RG-3, RO-2, PM-1)."""

from typing import Any

import pytest

from app.kernel.viewer import Permission
from tests.support import licenses as made
from tests.support.api import Api, Client

OWNER, OTHER = "111122223333", "444455556666"
TEMPLATE = """id arn resourceId resourceType name instanceType image { id name } account { accountId }
  region { code } licenseConfigurations { id }"""
ERRORS = "errors { code message rule field nodeIds }"
CREATE = f"""mutation($input: CreateLaunchTemplateInput!) {{
  createLaunchTemplate(input: $input) {{ launchTemplate {{ {TEMPLATE} }} {ERRORS} }} }}"""
DELETE = f"mutation($id: ID!) {{ deleteLaunchTemplate(id: $id) {{ deletedId {ERRORS} }} }}"
NODE = f"query($id: ID!) {{ node(id: $id) {{ ... on LaunchTemplate {{ {TEMPLATE} }} }} }}"
SHARE = "mutation($id: ID!, $to: [AccountId!]!) { shareImage(id: $id, accountIds: $to) { errors { code message } } }"


async def template(client: Client, **given: Any) -> dict[str, Any]:
    """A new launch template, as the payload shows it."""
    payload = await client.done(CREATE, input={"region": made.REGION, "name": "web", **given})
    found: dict[str, Any] = payload["launchTemplate"]
    return found


async def refusal(client: Client, **given: Any) -> dict[str, Any]:
    """The one refusal of a launch template that can't be."""
    (error,) = await client.errors(CREATE, input={"region": made.REGION, "name": "web", **given})
    found: dict[str, Any] = error
    return found


async def test_en_1_a_template_carries_its_image_type_and_configurations(api: Api) -> None:
    owner = await api.account(OWNER)
    configurations = sorted([await made.configuration(owner, name) for name in ("a", "b")])
    image_id = await made.image(owner)
    found = await template(
        owner, imageId=image_id, instanceType="m5.large", licenseConfigurationIds=configurations[::-1]
    )
    assert found["resourceId"].startswith("lt-")
    assert found["arn"] == f"arn:aws:ec2:{made.REGION}:{OWNER}:launch-template/{found['resourceId']}"
    assert (found["resourceType"], found["name"], found["instanceType"]) == ("LAUNCH_TEMPLATE", "web", "m5.large")
    assert found["image"] == {"id": image_id, "name": "image"}
    assert sorted(each["id"] for each in found["licenseConfigurations"]) == configurations
    assert await owner.field(NODE, id=found["id"]) == found


async def test_a_template_may_leave_all_to_the_launch(api: Api) -> None:
    owner = await api.account(OWNER, core_role=False)
    found = await template(owner)
    assert (found["image"], found["instanceType"], found["licenseConfigurations"]) == (None, None, [])


@pytest.mark.parametrize(
    ("given", "code", "field"),
    [
        ({"name": ""}, "INVALID_INPUT", ["input", "name"]),
        ({"region": "xx-north-1"}, "INVALID_INPUT", ["input", "region"]),
        ({"instanceType": "m5.enormous"}, "INVALID_INPUT", ["input", "instanceType"]),
        ({"instanceType": "m5"}, "INVALID_INPUT", ["input", "instanceType"]),
        ({"imageId": "res_1"}, "NOT_FOUND", ["input", "imageId"]),
        ({"imageId": "lc_1"}, "NOT_FOUND", ["input", "imageId"]),
        ({"licenseConfigurationIds": ["lc_1"]}, "NOT_FOUND", ["input", "licenseConfigurationIds", "0"]),
        ({"licenseConfigurationIds": ["res_1"]}, "NOT_FOUND", ["input", "licenseConfigurationIds", "0"]),
        ({"licenseConfigurationIds": ["lc_1"] * 51}, "INVALID_INPUT", ["input", "licenseConfigurationIds"]),
    ],
)
async def test_what_a_template_can_not_name_is_refused(
    api: Api, given: dict[str, Any], code: str, field: list[str]
) -> None:
    owner = await api.account(OWNER)
    error = await refusal(owner, **given)
    assert (error["code"], error["field"]) == (code, field)


async def test_a_name_is_unique_in_an_account_and_region_until_its_template_goes(api: Api) -> None:
    owner = await api.account(OWNER)
    first = await template(owner)
    error = await refusal(owner)
    assert (error["code"], error["field"], error["nodeIds"]) == ("INVALID_INPUT", ["input", "name"], [first["id"]])
    await template(owner, region="eu-west-1")
    assert (await owner.done(DELETE, id=first["id"]))["deletedId"] == first["id"]
    assert await owner.field(NODE, id=first["id"]) is None
    await template(owner)


async def test_en_8_a_template_names_only_an_image_that_its_account_may_launch(api: Api) -> None:
    owner, other = await api.account(OWNER), await api.account(OTHER)
    image_id = await made.image(other)
    assert (await refusal(owner, imageId=image_id))["code"] == "NOT_FOUND"
    await other.done(SHARE, id=image_id, to=[OWNER])
    found = await template(owner, imageId=image_id)
    assert found["image"]["id"] == image_id
    await other.done(SHARE, id=image_id, to=[])
    assert (await owner.field(NODE, id=found["id"]))["image"] is None


async def test_rg_3_template_image_and_configurations_are_of_one_region(api: Api) -> None:
    owner = await api.account(OWNER)
    image_id = await made.image(owner, region="eu-west-1")
    error = await refusal(owner, imageId=image_id)
    assert (error["code"], error["rule"], error["field"]) == ("REGION_MISMATCH", "RG-3", ["input", "imageId"])
    configuration_id = await made.configuration(owner, region="eu-west-1")
    error = await refusal(owner, licenseConfigurationIds=[configuration_id])
    assert (error["code"], error["rule"]) == ("REGION_MISMATCH", "RG-3")
    assert error["field"] == ["input", "licenseConfigurationIds", "0"]


async def test_one_configuration_that_is_refused_refuses_the_whole_and_all_reasons_are_given(api: Api) -> None:
    owner = await api.account(OWNER)
    good, elsewhere = await made.configuration(owner), await made.configuration(owner, region="eu-west-1")
    errors = await owner.errors(
        CREATE, input={"region": made.REGION, "name": "web", "licenseConfigurationIds": [elsewhere, good, "lc_1"]}
    )
    assert sorted((error["code"], error["field"][-1], error["nodeIds"]) for error in errors) == [
        ("NOT_FOUND", "2", []),
        ("REGION_MISMATCH", "0", []),
    ]
    query = "query($id: ID!) { licenseConfiguration(id: $id) { associations { totalCount } } }"
    assert await owner.field(query, id=good) == {"associations": {"totalCount": 0}}
    await template(owner)


async def test_ro_2_a_template_with_configurations_takes_the_core_role(api: Api) -> None:
    owner = await api.account(OWNER)
    configuration_id = await made.configuration(owner)
    other = await api.account(OTHER, core_role=False)
    error = await refusal(other, licenseConfigurationIds=[configuration_id])
    assert (error["code"], error["rule"]) == ("ROLE_MISSING", "RO-2")


async def test_a_launch_by_a_template_whose_image_is_gone_names_the_template(api: Api) -> None:
    """The launch named no image: the field at fault is the one that it named, and another image cures it."""
    owner = await api.account(OWNER)
    found = await template(owner, imageId=await made.image(owner), instanceType="m5.large")
    await owner.done("mutation($id: ID!) { deregisterImage(id: $id) { errors { code } } }", id=found["image"]["id"])
    launch = {"region": made.REGION, "launchTemplateId": found["id"]}
    (error,) = await owner.errors(made.LAUNCH, input=launch)
    assert (error["code"], error["message"]) == ("NOT_FOUND", "The launch template's image was not found.")
    assert error["field"] == ["input", "launchTemplateId"]
    await made.launched(owner, await made.image(owner, name="newer"), launchTemplateId=found["id"])


async def test_a_deleted_template_leaves_its_configurations_free(api: Api) -> None:
    """LC-11: nothing of it is in the way of deleting them."""
    owner = await api.account(OWNER)
    configuration_id = await made.configuration(owner)
    found = await template(owner, licenseConfigurationIds=[configuration_id])
    await owner.done(DELETE, id=found["id"])
    await owner.done(
        "mutation($id: ID!) { deleteLicenseConfiguration(id: $id) { errors { code message } } }", id=configuration_id
    )


async def test_pm_1_and_pm_2_only_an_administrator_of_its_account_deletes_a_template(api: Api) -> None:
    owner, other = await api.account(OWNER), await api.account(OTHER)
    user = await api.client(OWNER, Permission.USER)
    found = await template(owner)
    assert [error["code"] for error in await other.errors(DELETE, id=found["id"])] == ["NOT_FOUND"]
    assert [error["code"] for error in await user.errors(DELETE, id=found["id"])] == ["ACCESS_DENIED"]
    assert (await refusal(user, name="another"))["code"] == "ACCESS_DENIED"
    assert await owner.field(NODE, id=found["id"]) == found
