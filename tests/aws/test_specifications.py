"""License specifications of resources through boto3: the gate's own judgement, all of a call or nothing (EN, SH)."""

import asyncio
from typing import Any

from botocore.exceptions import ClientError

from tests.aws.audit_records import records
from tests.aws.door import ACCOUNT, OTHER, REGION, Aws, Door
from tests.sharing.stage import ANN, MASTER, Stage
from tests.support import licenses as made
from tests.support.api import Client

UPDATE = "update_license_specifications_for_resource"
ARN = "query($id: ID!) { node(id: $id) { ... on LicensableResource { arn } } }"


def specified(*arns: str) -> list[dict[str, str]]:
    return [{"LicenseConfigurationArn": arn} for arn in arns]


async def arn_of(client: Client, id_: str) -> str:
    arn: str = (await client.field(ARN, id=id_))["arn"]
    return arn


async def running(client: Client, instance_type: str = "m5.large", **given: Any) -> str:
    """The ARN of a new running instance that carries nothing."""
    (id_,) = await made.launched(client, await made.image(client, name=instance_type), instance_type, **given)
    return await arn_of(client, id_)


async def carried(aws: Aws, resource_arn: str) -> list[str]:
    answer = await aws("list_license_specifications_for_resource", ResourceArn=resource_arn)
    return [each["LicenseConfigurationArn"] for each in answer["LicenseSpecifications"]]


async def consumed(aws: Aws, arn: str) -> int:
    number: int = (await aws("get_license_configuration", LicenseConfigurationArn=arn))["ConsumedLicenses"]
    return number


async def test_what_runs_consumes_at_once_and_gives_back_at_once(door: Door) -> None:
    """EN-6."""
    aws, client = await door.both()
    licenses, instance = await aws.create("by vCPU", "vCPU"), await running(client, "m5.xlarge")
    await aws(UPDATE, ResourceArn=instance, AddLicenseSpecifications=specified(licenses))
    assert await carried(aws, instance) == [licenses]
    answer = await aws("get_license_configuration", LicenseConfigurationArn=licenses)
    assert answer["ConsumedLicenses"] == 4
    assert answer["ConsumedLicenseSummaryList"] == [{"ResourceType": "EC2_INSTANCE", "ConsumedLicenses": 4}]
    assert answer["ManagedResourceSummaryList"] == [{"ResourceType": "EC2_INSTANCE", "AssociationCount": 1}]
    await aws(UPDATE, ResourceArn=instance, AddLicenseSpecifications=specified(licenses))
    assert await consumed(aws, licenses) == 4
    await aws(UPDATE, ResourceArn=instance, RemoveLicenseSpecifications=specified(licenses))
    assert await carried(aws, instance) == []
    assert await consumed(aws, licenses) == 0
    assert await made.consistent(client)


async def test_a_hard_limit_is_a_usage_error_that_is_kept(door: Door) -> None:
    """EN-6; what was refused stays in the list of failures: what, why, who and when."""
    aws, client = await door.both()
    licenses = await aws.create("few", "vCPU", LicenseCount=1, LicenseCountHardLimit=True)
    instance = await running(client)
    code, message = await aws.refused(UPDATE, ResourceArn=instance, AddLicenseSpecifications=specified(licenses))
    assert code == "LicenseUsageException"
    assert "few" in message
    assert await carried(aws, instance) == []
    answer = await aws("list_failures_for_license_configuration_operations", LicenseConfigurationArn=licenses)
    (failure,) = answer["LicenseOperationFailureList"]
    assert failure == {
        "ResourceArn": instance,
        "ResourceType": "EC2_INSTANCE",
        "ErrorMessage": failure["ErrorMessage"],
        "FailureTime": failure["FailureTime"],
        "OperationName": "UpdateLicenseSpecificationsForResource",
        "ResourceOwnerId": ACCOUNT,
        "OperationRequestedBy": f"arn:aws:iam::{ACCOUNT}:user/administrator",
        "MetadataList": [{"Name": "ErrorCode", "Value": "LIMIT_EXCEEDED"}],
    }
    assert failure["ErrorMessage"] in message
    told = await client.field(
        "query($arn: String) { licenseConfiguration(arn: $arn) "
        "{ failures { edges { node { operation resourceArn errorCode requestedBy } } } } }",
        arn=licenses,
    )
    (edge,) = told["failures"]["edges"]
    assert edge["node"]["resourceArn"] == instance
    assert edge["node"]["operation"] == "UpdateLicenseSpecificationsForResource"


async def test_one_refusal_undoes_the_whole_call(door: Door) -> None:
    """What was taken off is on again; every obstacle is told, not the first."""
    aws, client = await door.both()
    old = await aws.create("old")
    tight = await aws.create("tight", "vCPU", LicenseCount=0, LicenseCountHardLimit=True)
    big = await aws.create(
        "big", "Core", LicenseRules=["#minimumCores=64"], LicenseCountHardLimit=True, LicenseCount=99
    )
    instance = await running(client)
    await aws(UPDATE, ResourceArn=instance, AddLicenseSpecifications=specified(old))
    code, message = await aws.refused(
        UPDATE,
        ResourceArn=instance,
        RemoveLicenseSpecifications=specified(old),
        AddLicenseSpecifications=specified(tight, big),
    )
    assert code == "LicenseUsageException"
    assert "tight" in message
    assert "at least 64 are required" in message
    assert await carried(aws, instance) == [old]
    assert [await consumed(aws, each) for each in (old, tight, big)] == [1, 0, 0]
    assert await made.consistent(client)


async def test_what_is_taken_off_goes_before_what_is_put_on(door: Door) -> None:
    """One call replaces a configuration, and the last license can be given back and taken again in it."""
    aws, client = await door.both()
    first, second = await aws.create("first"), await aws.create("second", LicenseCount=1, LicenseCountHardLimit=True)
    one, two = await running(client, "m5.large"), await running(client, "m5.xlarge")
    await aws(UPDATE, ResourceArn=one, AddLicenseSpecifications=specified(first))
    await aws(
        UPDATE,
        ResourceArn=one,
        RemoveLicenseSpecifications=specified(first),
        AddLicenseSpecifications=specified(second),
    )
    assert await carried(aws, one) == [second]
    code, _ = await aws.refused(UPDATE, ResourceArn=two, AddLicenseSpecifications=specified(second))
    assert code == "LicenseUsageException"
    await aws(
        UPDATE,
        ResourceArn=one,
        RemoveLicenseSpecifications=specified(second),
        AddLicenseSpecifications=specified(second),
    )
    assert await carried(aws, one) == [second]


async def test_states_that_forbid_it_are_invalid_states(door: Door) -> None:
    """EN-5, LC-10."""
    aws, client = await door.both()
    licenses = await aws.create()
    (id_,) = await made.launched(client, await made.image(client))
    await made.change(client, "terminateInstances", id_)
    code, _ = await aws.refused(
        UPDATE, ResourceArn=await arn_of(client, id_), AddLicenseSpecifications=specified(licenses)
    )
    assert code == "InvalidResourceStateException"
    await aws("update_license_configuration", LicenseConfigurationArn=licenses, LicenseConfigurationStatus="DISABLED")
    code, _ = await aws.refused(
        UPDATE, ResourceArn=await running(client, "m5.xlarge"), AddLicenseSpecifications=specified(licenses)
    )
    assert code == "InvalidResourceStateException"


async def test_arns_that_name_nothing_are_not_found(door: Door) -> None:
    """PM-2, RG-3: resources and configurations, absent, foreign and of another Region."""
    aws, client = await door.both()
    _, other = await door.both(OTHER)
    licenses, instance = await aws.create(), await running(client)
    foreign = await running(other)
    far = await (await door.aws(ACCOUNT, region="eu-west-1")).create()
    never = licenses[:-1] + ("0" if licenses[-1] != "0" else "1")
    base = f"arn:aws:ec2:{REGION}:{ACCOUNT}:"
    for arn in (
        foreign,
        instance[:-1],
        base + "volume/vol-1",
        base + "instance/",
        f"arn:aws:ec2:{REGION}::instance/i-1",
        "x",
    ):
        code, _ = await aws.refused(UPDATE, ResourceArn=arn, AddLicenseSpecifications=specified(licenses))
        assert code == "InvalidParameterValueException"
    for arn in (never, far, "x"):
        for member in ("AddLicenseSpecifications", "RemoveLicenseSpecifications"):
            code, _ = await aws.refused(UPDATE, ResourceArn=instance, **{member: specified(arn)})
            assert code == "InvalidParameterValueException"
    code, message = await aws.refused(UPDATE, ResourceArn=instance, RemoveLicenseSpecifications=specified(licenses))
    assert (code, message.startswith("The association was not found")) == ("InvalidParameterValueException", True)


async def test_an_image_is_found_by_awss_arn_without_an_account(door: Door) -> None:
    """EC2 writes images' ARNs without their owner's account."""
    aws, client = await door.both()
    licenses, image = await aws.create(), await arn_of(client, await made.image(client))
    without = image.replace(f":{ACCOUNT}:", "::")
    await aws(UPDATE, ResourceArn=without, AddLicenseSpecifications=specified(licenses))
    assert await carried(aws, image) == [licenses]
    answer = await aws("list_associations_for_license_configuration", LicenseConfigurationArn=licenses)
    (association,) = answer["LicenseConfigurationAssociations"]
    assert (association["ResourceArn"], association["ResourceType"]) == (image, "EC2_AMI")


async def test_usage_tells_what_each_resource_consumes_and_is_filtered(door: Door) -> None:
    """EN-5: a stopped instance stays associated and consumes nothing."""
    aws, client = await door.both()
    licenses = await aws.create("by host", "Core")
    (id_,) = await made.launched(client, await made.image(client))
    host = await arn_of(client, await made.host(client))
    instance = await arn_of(client, id_)
    for arn in (instance, host):
        await aws(UPDATE, ResourceArn=arn, AddLicenseSpecifications=specified(licenses))
    await made.change(client, "stopInstances", id_)

    async def usage(**values: list[str]) -> list[tuple[str, str, int]]:
        answer = await aws(
            "list_usage_for_license_configuration",
            LicenseConfigurationArn=licenses,
            Filters=[{"Name": name, "Values": given} for name, given in values.items()],
        )
        return [
            (each["ResourceArn"], each["ResourceStatus"], each["ConsumedLicenses"])
            for each in answer["LicenseConfigurationUsageList"]
        ]

    everything = await usage()
    cores = next(number for arn, _, number in everything if arn == host)
    assert cores > 0
    assert everything == [(instance, "stopped", 0), (host, "active", cores)]
    assert [arn for arn, *_ in await usage(resourceType=["EC2_HOST"])] == [host]
    assert [arn for arn, *_ in await usage(resourceArn=[instance, "x"])] == [instance]
    assert await usage(resourceAccount=[OTHER]) == []
    assert await usage(resourceType=["EC2_AMI"]) == []
    pages = await aws.pages(
        "list_usage_for_license_configuration", "LicenseConfigurationUsageList", 1, LicenseConfigurationArn=licenses
    )
    assert [len(page) for page in pages] == [1, 1]


async def test_launch_templates_are_out_of_what_aws_can_say(door: Door) -> None:
    """AWS's API has no type for them: they are left out of its lists, and not changed by it."""
    aws, client = await door.both()
    licenses = await aws.create()
    found = await client.field("query($arn: String) { licenseConfiguration(arn: $arn) { id } }", arn=licenses)
    payload = await client.done(
        "mutation($input: CreateLaunchTemplateInput!) { createLaunchTemplate(input: $input) "
        "{ launchTemplate { arn } errors { message } } }",
        input={"region": REGION, "name": "template", "licenseConfigurationIds": [found["id"]]},
    )
    answer = await aws("list_associations_for_license_configuration", LicenseConfigurationArn=licenses)
    assert answer["LicenseConfigurationAssociations"] == []
    code, message = await aws.refused(
        UPDATE, ResourceArn=payload["launchTemplate"]["arn"], RemoveLicenseSpecifications=specified(licenses)
    )
    assert code == "InvalidParameterValueException"
    assert "launch templates" in message


async def test_a_sharee_uses_what_is_shared_and_sees_its_own_use_alone(door: Door) -> None:
    """SH-3, SH-5, TR-8, AU-4."""
    stage = Stage(door.database)
    await stage.organization(ANN)
    key = await stage.configuration(MASTER)
    share = await stage.share(MASTER, [key], [ANN], allow_external_principals=False)
    owner, sharee = await door.aws(MASTER), await door.aws(ANN)
    (listed,) = (await sharee("list_license_configurations"))["LicenseConfigurations"]
    assert listed["OwnerAccountId"] == MASTER
    arn = listed["LicenseConfigurationArn"]
    theirs = await running(await door.graphql.client(ANN))
    ours = await running(await door.graphql.client(MASTER))
    await sharee(UPDATE, ResourceArn=theirs, AddLicenseSpecifications=specified(arn))
    await owner(UPDATE, ResourceArn=ours, AddLicenseSpecifications=specified(arn))

    async def resources(aws: Aws) -> list[str]:
        answer = await aws("list_usage_for_license_configuration", LicenseConfigurationArn=arn)
        return [each["ResourceArn"] for each in answer["LicenseConfigurationUsageList"]]

    assert await resources(sharee) == [theirs]
    assert await resources(owner) == [theirs, ours]
    told = await sharee("get_license_configuration", LicenseConfigurationArn=arn)
    assert told["ConsumedLicenses"] == 2
    assert told["ManagedResourceSummaryList"] == [{"ResourceType": "EC2_INSTANCE", "AssociationCount": 1}]
    for method in ("update_license_configuration", "delete_license_configuration"):
        given = {"Name": "mine"} if method.startswith("update") else {}
        assert (await sharee.refused(method, LicenseConfigurationArn=arn, **given))[0] == "AccessDeniedException"

    await stage.change(MASTER, share, remove_principals=[ANN])
    assert (await sharee("list_license_configurations"))["LicenseConfigurations"] == []
    second = await running(await door.graphql.client(ANN), "m5.xlarge")
    code, message = await sharee.refused(UPDATE, ResourceArn=second, AddLicenseSpecifications=specified(arn))
    assert code == "AccessDeniedException"
    assert "not in resource share" in message
    await sharee(UPDATE, ResourceArn=theirs, RemoveLicenseSpecifications=specified(arn))
    assert await resources(owner) == [ours]


async def test_calls_at_once_are_judged_one_by_one_and_recorded_each(door: Door) -> None:
    """EN-11: of many that race, as many pass as there are licenses; each leaves a record of its own resource (AU-1)."""
    aws, client = await door.both()
    licenses = await aws.create("eight", LicenseCount=8, LicenseCountHardLimit=True)
    image = await made.image(client)
    ids = await made.launched(client, image, count=12)
    instances = [await arn_of(client, id_) for id_ in ids]

    async def put(arn: str) -> str:
        try:
            await aws(UPDATE, ResourceArn=arn, AddLicenseSpecifications=specified(licenses))
        except ClientError as error:
            return str(error.response["Error"]["Code"])
        return "done"

    outcomes = await asyncio.gather(*(put(arn) for arn in instances))
    assert sorted(outcomes) == ["LicenseUsageException"] * 4 + ["done"] * 8
    assert await consumed(aws, licenses) == 8
    assert await made.consistent(client)
    found = await records(door, "UpdateLicenseSpecificationsForResource")
    assert len(found) == 12
    told = {
        record["requestParameters"]["resourceArn"]: (
            record.get("errorCode"),
            {each["ARN"] for each in record["resources"]},
        )
        for record in found
    }
    assert set(told) == set(instances)
    for arn, outcome in zip(instances, outcomes, strict=True):
        code, concerned = told[arn]
        assert code == (None if outcome == "done" else outcome)
        assert concerned == {arn, licenses}
    failures = await aws("list_failures_for_license_configuration_operations", LicenseConfigurationArn=licenses)
    assert len(failures["LicenseOperationFailureList"]) == 4

    taken = [arn for arn, outcome in zip(instances, outcomes, strict=True) if outcome == "done"]
    await asyncio.gather(
        *(aws(UPDATE, ResourceArn=arn, RemoveLicenseSpecifications=specified(licenses)) for arn in taken)
    )
    assert await consumed(aws, licenses) == 0


async def test_the_same_call_at_once_is_done_once(door: Door) -> None:
    aws, client = await door.both()
    licenses, instance = await aws.create(), await running(client)
    await asyncio.gather(
        *(aws(UPDATE, ResourceArn=instance, AddLicenseSpecifications=specified(licenses)) for _ in range(8))
    )
    assert await consumed(aws, licenses) == 1
    assert await carried(aws, instance) == [licenses]
