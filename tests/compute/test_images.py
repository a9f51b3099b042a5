"""Images are registered by an account, shared with others, and purged when they go (EN-8, IN-5, PM-1, PM-2)."""

from typing import Any

import pytest

from app.kernel.viewer import Permission
from tests.support import licenses as made
from tests.support.api import Api, Client

OWNER, SHAREE, OUTSIDER = "111122223333", "444455556666", "777788889999"
IMAGE = """id arn resourceId resourceType name platform productCode sharedWithAccountIds account { accountId }
  region { code } tags { key value } licenseConfigurations { id }"""
ERRORS = "errors { code message rule field nodeIds }"
REGISTER = (
    f"mutation($input: RegisterImageInput!) {{ registerImage(input: $input) {{ image {{ {IMAGE} }} {ERRORS} }} }}"
)
SHARE = f"""mutation($id: ID!, $accounts: [AccountId!]!) {{
  shareImage(id: $id, accountIds: $accounts) {{ image {{ {IMAGE} }} {ERRORS} }} }}"""
DEREGISTER = f"mutation($id: ID!) {{ deregisterImage(id: $id) {{ deletedId {ERRORS} }} }}"
NODE = f"query($id: ID!) {{ node(id: $id) {{ ... on MachineImage {{ {IMAGE} }} }} }}"


async def shared(client: Client, image_id: str, *account_ids: str) -> list[str]:
    """Share an image; the accounts that have it afterwards."""
    payload = await client.done(SHARE, id=image_id, accounts=list(account_ids))
    ids: list[str] = payload["image"]["sharedWithAccountIds"]
    return ids


async def test_an_image_is_registered_with_an_id_and_an_arn_as_aws_gives_them(api: Api) -> None:
    owner = await api.account(OWNER)
    wanted = {"region": "us-gov-west-1", "name": "Windows 2019", "platform": "Windows", "productCode": "abc123"}
    image = (await owner.done(REGISTER, input=wanted))["image"]
    assert image["resourceId"].startswith("ami-")
    assert len(image["resourceId"]) == 21
    assert image["arn"] == f"arn:aws-us-gov:ec2:us-gov-west-1:{OWNER}:image/{image['resourceId']}"
    assert image == {
        **image,
        "resourceType": "IMAGE",
        "name": "Windows 2019",
        "platform": "Windows",
        "productCode": "abc123",
        "sharedWithAccountIds": [],
        "account": {"accountId": OWNER},
        "region": {"code": "us-gov-west-1"},
        "tags": [],
        "licenseConfigurations": [],
    }
    assert await owner.field(NODE, id=image["id"]) == image


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"name": ""}, ["input", "name"]),
        ({"name": "n" * 129}, ["input", "name"]),
        ({"name": "a\x00b"}, ["input", "name"]),
        ({"platform": "p" * 129}, ["input", "platform"]),
        ({"productCode": ""}, ["input", "productCode"]),
        ({"region": "xx-north-1"}, ["input", "region"]),
    ],
)
async def test_api_3_an_image_out_of_bounds_is_refused(api: Api, given: dict[str, str], field: list[str]) -> None:
    owner = await api.account(OWNER)
    (error,) = await owner.errors(REGISTER, input={"region": made.REGION, "name": "image", **given})
    assert (error["code"], error["field"]) == ("INVALID_INPUT", field)


async def test_a_name_is_unique_in_an_account_and_region_until_its_image_goes(api: Api) -> None:
    owner, other = await api.account(OWNER), await api.account(OUTSIDER)
    image_id = await made.image(owner, name="golden")
    (error,) = await owner.errors(REGISTER, input={"region": made.REGION, "name": "golden"})
    assert (error["code"], error["field"], error["nodeIds"]) == ("INVALID_INPUT", ["input", "name"], [image_id])
    await made.image(owner, name="golden", region="eu-west-1")
    await made.image(other, name="golden")
    await owner.done(DEREGISTER, id=image_id)
    await made.image(owner, name="golden")


async def test_en_8_a_shared_image_is_seen_by_the_sharee_who_is_told_of_itself_alone(api: Api) -> None:
    owner, sharee, outsider = await api.account(OWNER), await api.account(SHAREE), await api.account(OUTSIDER)
    image_id = await made.image(owner)
    assert await sharee.field(NODE, id=image_id) is None
    assert await shared(owner, image_id, SHAREE, OUTSIDER) == [SHAREE, OUTSIDER]
    seen = await sharee.field(NODE, id=image_id)
    assert (seen["id"], seen["sharedWithAccountIds"]) == (image_id, [SHAREE])
    assert await shared(owner, image_id, SHAREE) == [SHAREE]
    assert await outsider.field(NODE, id=image_id) is None
    assert await shared(owner, image_id) == []
    assert await sharee.field(NODE, id=image_id) is None


async def test_pm_2_sharing_with_an_account_that_is_not_there_tells_nothing(api: Api) -> None:
    """EC2's launch permissions take any account id; whether someone has it is no one's affair."""
    owner = await api.account(OWNER)
    assert await shared(owner, await made.image(owner), "999999999999", OWNER, "999999999999") == ["999999999999"]


async def test_api_3_an_image_is_shared_with_a_thousand_accounts_at_most(api: Api) -> None:
    owner = await api.account(OWNER)
    image_id = await made.image(owner)
    many = [f"{number:012}" for number in range(1_001)]
    (error,) = await owner.errors(SHARE, id=image_id, accounts=many)
    assert (error["code"], error["field"]) == ("INVALID_INPUT", ["accountIds"])
    assert len(await shared(owner, image_id, *many[1:])) == 1_000


async def test_only_its_owner_shares_or_deregisters_an_image(api: Api) -> None:
    owner, sharee, outsider = await api.account(OWNER), await api.account(SHAREE), await api.account(OUTSIDER)
    image_id = await made.image(owner)
    await shared(owner, image_id, SHAREE)
    for client, code in ((sharee, "ACCESS_DENIED"), (outsider, "NOT_FOUND")):
        (error,) = await client.errors(SHARE, id=image_id, accounts=[OUTSIDER])
        assert (error["code"], error["field"]) == (code, ["id"])
        (error,) = await client.errors(DEREGISTER, id=image_id)
        assert error["code"] == code
    assert (await owner.field(NODE, id=image_id))["sharedWithAccountIds"] == [SHAREE]


async def test_pm_2_an_absent_a_foreign_and_a_malformed_image_answer_alike(api: Api) -> None:
    owner, outsider = await api.account(OWNER), await api.account(OUTSIDER)
    foreign, host_id = await made.image(owner), await made.host(outsider)
    answers = [await outsider.errors(DEREGISTER, id=each) for each in (foreign, "res_1", "res_x", "", "lc_1", host_id)]
    assert all(answer == answers[0] for answer in answers)
    assert answers[0][0]["code"] == "NOT_FOUND"


async def test_en_8_a_sharee_puts_its_own_configurations_on_an_image_and_each_sees_its_own(api: Api) -> None:
    owner, sharee = await api.account(OWNER), await api.account(SHAREE)
    of_owner, of_sharee = await made.configuration(owner), await made.configuration(sharee)
    image_id = await made.image(owner, of_owner)
    await shared(owner, image_id, SHAREE)
    await made.associate(sharee, of_sharee, image_id)
    for client, configuration_id in ((owner, of_owner), (sharee, of_sharee)):
        seen = await client.field(NODE, id=image_id)
        assert seen["licenseConfigurations"] == [{"id": configuration_id}]


async def test_in_5_an_account_that_loses_an_image_loses_its_associations_with_it(api: Api) -> None:
    owner, sharee = await api.account(OWNER), await api.account(SHAREE)
    of_owner, of_sharee = await made.configuration(owner), await made.configuration(sharee)
    image_id = await made.image(owner, of_owner)
    await shared(owner, image_id, SHAREE)
    await made.associate(sharee, of_sharee, image_id)
    await shared(owner, image_id)
    assert await sharee.field(NODE, id=image_id) is None
    assert await carried_by(sharee, of_sharee) == []
    assert await carried_by(owner, of_owner) == [image_id]


async def test_in_5_a_deregistered_image_is_gone_with_its_associations_at_once(api: Api) -> None:
    """TR-4: what runs goes on and goes on consuming; its image stays named, and is found nowhere."""
    owner = await api.account(OWNER)
    configuration_id = await made.configuration(owner)
    image_id = await made.image(owner, configuration_id)
    (instance_id,) = await made.launched(owner, image_id)
    payload = await owner.done(DEREGISTER, id=image_id)
    assert payload["deletedId"] == image_id
    assert await owner.field(NODE, id=image_id) is None
    assert await carried_by(owner, configuration_id) == [instance_id]
    assert await made.consumed(owner, configuration_id) == 1
    refused = await made.launch(owner, image_id)
    assert [error["code"] for error in refused["errors"]] == ["NOT_FOUND"]
    assert [error["code"] for error in await owner.errors(DEREGISTER, id=image_id)] == ["NOT_FOUND"]
    query = "query($id: ID!) { node(id: $id) { ... on Instance { image { id name } } } }"
    assert await owner.field(query, id=instance_id) == {"image": {"id": image_id, "name": "image"}}
    assert await made.consistent(owner)


async def test_pm_1_registering_sharing_and_deregistering_take_an_administrator(api: Api) -> None:
    owner = await api.account(OWNER)
    user = await api.client(OWNER, Permission.USER)
    image_id = await made.image(owner)
    calls: list[tuple[str, dict[str, Any]]] = [
        (REGISTER, {"input": {"region": made.REGION, "name": "other"}}),
        (SHARE, {"id": image_id, "accounts": [SHAREE]}),
        (DEREGISTER, {"id": image_id}),
    ]
    for document, variables in calls:
        (error,) = await user.errors(document, **variables)
        assert (error["code"], error["rule"]) == ("ACCESS_DENIED", "PM-1")
    assert (await owner.field(NODE, id=image_id))["sharedWithAccountIds"] == []


async def carried_by(client: Client, configuration_id: str) -> list[str]:
    """The ids of the resources that carry a configuration, as a client sees them."""
    query = "query($id: ID!) { licenseConfiguration(id: $id) { associations { edges { node { resource { id } } } } } }"
    found = await client.field(query, id=configuration_id)
    return [edge["node"]["resource"]["id"] for edge in found["associations"]["edges"]]
