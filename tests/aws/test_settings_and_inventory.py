"""Settings, the organization's link and the inventory through boto3 (ST, IN, TR-1)."""

from typing import Any

from app.linking import service as linking
from app.roles.rules import ServiceLinkedRoleKind
from tests.aws.door import ACCOUNT, REGION, Aws, Door
from tests.sharing.stage import ANN, BOB, MASTER, Stage, viewer_of
from tests.support import licenses as made


async def settings(aws: Aws) -> dict[str, Any]:
    answer = await aws("get_service_settings")
    del answer["ResponseMetadata"]
    return answer


async def organization(door: Door, *members: str) -> Aws:
    """The master of an organization with trusted access on, and its members; their core roles are there."""
    await Stage(door.database).organization(*members, linked=False)
    return await door.aws(MASTER)


async def test_settings_of_a_new_account_say_that_nothing_is_set(door: Door) -> None:
    """ST-1."""
    aws, _ = await door.both()
    nothing = {"OrganizationConfiguration": {"EnableIntegration": False}, "EnableCrossAccountsDiscovery": False}
    assert await settings(aws) == nothing
    bucket = "arn:aws:s3:::aws-license-manager-service-x"
    topic = f"arn:aws:sns:{REGION}:{ACCOUNT}:aws-license-manager-service-x"
    await aws("update_service_settings", S3BucketArn=bucket, SnsTopicArn=topic)
    assert await settings(aws) == nothing | {"S3BucketArn": bucket, "SnsTopicArn": topic}
    await aws(
        "update_service_settings",
        SnsTopicArn="",
        OrganizationConfiguration={"EnableIntegration": False},
        EnableCrossAccountsDiscovery=False,
    )
    assert await settings(aws) == nothing | {"S3BucketArn": bucket}


async def test_settings_that_the_roles_do_not_allow_are_refused(door: Door) -> None:
    """ST-5, ST-2."""
    aws, _ = await door.both()
    for given, code in (
        ({"S3BucketArn": "arn:aws:s3:::mine"}, "InvalidParameterValueException"),
        ({"SnsTopicArn": "arn:aws:sns:mine"}, "InvalidParameterValueException"),
        ({"OrganizationConfiguration": {"EnableIntegration": True}}, "AccessDeniedException"),
        ({"EnabledDiscoverySourceRegions": ["us-east-1"]}, "InvalidParameterValueException"),
    ):
        assert (await aws.refused("update_service_settings", **given))[0] == code


async def test_an_organization_is_linked_and_searched_once_its_catalog_is_upgraded(door: Door) -> None:
    """ST-2 to ST-4, TR-1: a catalog that is not upgraded is a failed dependency."""
    aws = await organization(door, ANN)
    await aws("update_service_settings", OrganizationConfiguration={"EnableIntegration": True})
    await aws("update_service_settings", EnableCrossAccountsDiscovery=True)
    told = await settings(aws)
    assert told["OrganizationConfiguration"] == {"EnableIntegration": True}
    assert told["EnableCrossAccountsDiscovery"] is True
    assert told["LicenseManagerResourceShareArn"].startswith(f"arn:aws:ram:{REGION}:{MASTER}:resource-share/")
    code, _ = await aws.refused("update_service_settings", EnableCrossAccountsDiscovery=False)
    assert code == "InvalidParameterValueException"

    member = await door.graphql.client(ANN)
    image = await made.image(member, platform="Windows")
    (instance,) = await made.launched(member, image)
    code, message = await aws.refused("list_resource_inventory")
    assert (code, "catalog" in message) == ("FailedDependencyException", True)
    own = [{"Name": "account_id", "Condition": "EQUALS", "Value": MASTER}]
    assert (await aws("list_resource_inventory", Filters=own))["ResourceInventoryList"] == []
    await door.database.write(lambda tx: linking.upgrade_data_catalog(tx, viewer_of(MASTER), REGION))
    answer = await aws("list_resource_inventory")
    assert {each["ResourceOwningAccountId"] for each in answer["ResourceInventoryList"]} == {ANN}
    assert [each["ResourceType"] for each in answer["ResourceInventoryList"]] == ["EC2_AMI", "EC2_INSTANCE"]
    assert instance


async def test_a_member_whose_role_is_gone_is_left_out(door: Door) -> None:
    """IN-2, and a member that searches sees its own alone."""
    aws = await organization(door, ANN, BOB)
    await aws("update_service_settings", OrganizationConfiguration={"EnableIntegration": True})
    await aws("update_service_settings", EnableCrossAccountsDiscovery=True)
    await door.database.write(lambda tx: linking.upgrade_data_catalog(tx, viewer_of(MASTER), REGION))
    for account_id in (ANN, BOB):
        await made.image(await door.graphql.client(account_id))
    await Stage(door.database).delete_role(BOB, ServiceLinkedRoleKind.MEMBER_ACCOUNT)
    answer = await aws("list_resource_inventory")
    assert {each["ResourceOwningAccountId"] for each in answer["ResourceInventoryList"]} == {ANN}
    bob = await (await door.aws(BOB))("list_resource_inventory")
    assert {each["ResourceOwningAccountId"] for each in bob["ResourceInventoryList"]} == {BOB}


async def test_the_inventory_is_filtered_in_awss_terms(door: Door) -> None:
    """IN-1."""
    aws, client = await door.both()
    windows = await made.image(client, name="w", platform="Windows")
    linux = await made.image(client, name="l", platform="Linux")
    for image in (windows, linux):
        await made.launched(client, image)
    await client.done(
        "mutation($input: PutInventoryInput!) { putInventory(input: $input) { errors { message } } }",
        input={
            "region": REGION,
            "resourceId": "mi-0abc",
            "platform": "Windows Server 2019",
            "applications": [{"name": "SQL Server", "version": "15.0"}],
        },
    )
    await client.done(
        'mutation($id: ID!) { tagResource(id: $id, tags: [{key: "Team", value: "web"}]) { errors { message } } }',
        id=linux,
    )

    async def found(*filters: tuple[str, str, str]) -> list[str]:
        wanted = [{"Name": name, "Condition": how, "Value": value} for name, how, value in filters]
        answer = await aws("list_resource_inventory", Filters=wanted)
        return [each["ResourceType"] for each in answer["ResourceInventoryList"]]

    assert await found(("platform", "EQUALS", "windows")) == ["EC2_AMI", "EC2_INSTANCE"]
    assert await found(("platform", "BEGINS_WITH", "Windows")) == [
        "EC2_AMI",
        "EC2_INSTANCE",
        "SYSTEMS_MANAGER_MANAGED_INSTANCE",
    ]
    assert await found(("platform", "CONTAINS", "server")) == ["SYSTEMS_MANAGER_MANAGED_INSTANCE"]
    assert await found(("application_name", "EQUALS", "SQL Server")) == ["SYSTEMS_MANAGER_MANAGED_INSTANCE"]
    assert await found(("application_name", "BEGINS_WITH", "Oracle")) == []
    assert await found(("resource_id", "EQUALS", "mi-0abc"), ("platform", "CONTAINS", "2019")) == [
        "SYSTEMS_MANAGER_MANAGED_INSTANCE"
    ]
    assert await found(("tag:Team", "EQUALS", "web")) == ["EC2_AMI"]
    assert len(await found(("resource_id", "NOT_EQUALS", "mi-0abc"))) == 4
    assert await found(("account_id", "NOT_EQUALS", ACCOUNT)) == []
    pages = await aws.pages("list_resource_inventory", "ResourceInventoryList", 2)
    assert [len(page) for page in pages] == [2, 2, 1]
    (instance,) = [
        each
        for each in (await aws("list_resource_inventory"))["ResourceInventoryList"]
        if each["ResourceType"] == "EC2_INSTANCE" and each.get("Platform") == "Windows"
    ]
    assert instance["InstanceType"] == "m5.large"
    assert instance["AmiId"].startswith("ami-")
    assert instance["Region"] == REGION
    for filters, code in (
        ([("license_included", "EQUALS", "x")], "InvalidParameterValueException"),
        ([("account_id", "EQUALS", "x")], "InvalidParameterValueException"),
        ([("platform", "EQUALS", "x" * 257)], "InvalidParameterValueException"),
        ([("tag:", "EQUALS", "x")], "InvalidParameterValueException"),
        ([("platform", "LIKE", "x")], "ValidationException"),
        ([("platform", "EQUALS", "x")] * 11, "FilterLimitExceededException"),
    ):
        wanted = [{"Name": name, "Condition": how, "Value": value} for name, how, value in filters]
        assert (await aws.refused("list_resource_inventory", Filters=wanted))[0] == code
