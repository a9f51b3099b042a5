"""License configurations through boto3 are those of the rules: created, read, edited, deleted, listed (LC)."""

from pathlib import Path
from typing import Any

import pytest

from app.api.schema import tell_usual_thresholds
from app.kernel.viewer import Permission
from app.licensing.definition import DEFAULT_THRESHOLDS
from app.licensing.thresholds import set_usual_thresholds
from tests.aws.door import ACCOUNT, OTHER, REGION, Door, serving
from tests.support import licenses as made

RULES = ["#allowedTenancy=EC2-DedicatedHost,EC2-Default", "#minimumCores=8", "#maximumCores=16"]


async def test_what_is_created_is_read_as_it_was_given(door: Door) -> None:
    """LC-13: rules keep their order; unset members are left out."""
    aws, _ = await door.both()
    arn = await aws.create(
        "Database",
        "Core",
        Description="by cores",
        LicenseCount=96,
        LicenseCountHardLimit=True,
        LicenseRules=RULES,
        Tags=[{"Key": "Team", "Value": "data"}],
    )
    assert arn.startswith(f"arn:aws:license-manager:{REGION}:{ACCOUNT}:license-configuration:lic-")
    answer = await aws("get_license_configuration", LicenseConfigurationArn=arn)
    del answer["ResponseMetadata"]
    assert answer == {
        "LicenseConfigurationId": arn.rpartition(":")[2],
        "LicenseConfigurationArn": arn,
        "Name": "Database",
        "Description": "by cores",
        "LicenseCountingType": "Core",
        "LicenseRules": RULES,
        "LicenseCount": 96,
        "LicenseCountHardLimit": True,
        "ConsumedLicenses": 0,
        "Status": "AVAILABLE",
        "OwnerAccountId": ACCOUNT,
        "ConsumedLicenseSummaryList": [],
        "ManagedResourceSummaryList": [],
        "Tags": [{"Key": "Team", "Value": "data"}],
    }
    plain = await aws("get_license_configuration", LicenseConfigurationArn=await aws.create("plain"))
    assert {"Description", "LicenseCount"}.isdisjoint(plain)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"LicenseRules": ["minimumCores=8"]}, "#name=value"),
        ({"LicenseRules": ["#minimumCores=many"]}, "whole number"),
        ({"LicenseRules": ["#minimumCores=9", "#maximumCores=8"]}, "above maximumCores"),
        ({"LicenseRules": ["#minimumVcpus=8"]}, "not one of the metric CORE"),
        ({"LicenseRules": ["#minimumCores=8", "#minimumCores=8"]}, "given twice"),
        ({"LicenseRules": ["#allowedTenancy=Cloud"]}, "EC2-DedicatedHost"),
        ({"LicenseRules": ["#honorVcpuOptimization=perhaps"]}, "True or False"),
        ({"LicenseRules": ["#a=b"] * 21}, "at most 20"),
        ({"LicenseCount": -1}, "license count"),
        ({"Name": "n" * 256}, "characters"),
        ({"LicenseExpiry": 1}, "LicenseExpiry is not supported"),
        ({"DisassociateWhenNotFound": True}, "DisassociateWhenNotFound is not supported"),
    ],
)
async def test_what_is_wrong_with_a_new_one_is_an_invalid_parameter(
    door: Door, given: dict[str, Any], says: str
) -> None:
    """LC-1 to LC-5."""
    aws, _ = await door.both()
    wanted = {"Name": "n", "LicenseCountingType": "Core", **given}
    code, message = await aws.refused("create_license_configuration", **wanted)
    assert code == "InvalidParameterValueException"
    assert says in message


async def test_tags_over_the_limit_are_a_resource_limit(door: Door) -> None:
    """LC-7."""
    aws, _ = await door.both()
    tags = [{"Key": f"k{n}", "Value": ""} for n in range(51)]
    code, _ = await aws.refused("create_license_configuration", Name="n", LicenseCountingType="Core", Tags=tags)
    assert code == "ResourceLimitExceededException"
    arn = await aws.create(Tags=tags[:50])
    code, _ = await aws.refused("tag_resource", ResourceArn=arn, Tags=[{"Key": "one more", "Value": ""}])
    assert code == "ResourceLimitExceededException"


async def test_what_may_change_changes_and_the_rest_stays(door: Door) -> None:
    """LC-8; rules given as they are, in another spelling, change nothing, as Terraform sends them."""
    aws, _ = await door.both()
    arn = await aws.create("old", "Core", LicenseRules=["#honorVcpuOptimization=true"], Description="d")
    await aws(
        "update_license_configuration",
        LicenseConfigurationArn=arn,
        Name="new",
        LicenseCount=5,
        LicenseCountHardLimit=True,
        LicenseConfigurationStatus="DISABLED",
        LicenseRules=["#honorVcpuOptimization=TRUE"],
    )
    answer = await aws("get_license_configuration", LicenseConfigurationArn=arn)
    assert answer == answer | {
        "Name": "new",
        "Description": "d",
        "LicenseCount": 5,
        "LicenseCountHardLimit": True,
        "Status": "DISABLED",
        "LicenseRules": ["#honorVcpuOptimization=True"],
    }
    code, message = await aws.refused(
        "update_license_configuration", LicenseConfigurationArn=arn, LicenseRules=["#minimumCores=1"]
    )
    assert (code, "can't change" in message) == ("InvalidParameterValueException", True)


async def test_not_found_and_in_use_are_told_apart(door: Door) -> None:
    """LC-11: an associated one stays; a second delete finds nothing."""
    aws, client = await door.both()
    arn = await aws.create()
    payload = await client.field("query($arn: String) { licenseConfiguration(arn: $arn) { id } }", arn=arn)
    image_id = await made.image(client, payload["id"])
    code, message = await aws.refused("delete_license_configuration", LicenseConfigurationArn=arn)
    assert code == "InvalidParameterValueException"
    assert "associated with 1 resource" in message
    await client.done(made.DISASSOCIATE, input={"licenseConfigurationId": payload["id"], "resourceIds": [image_id]})
    await aws("delete_license_configuration", LicenseConfigurationArn=arn)
    code, message = await aws.refused("delete_license_configuration", LicenseConfigurationArn=arn)
    assert code == "InvalidParameterValueException"
    assert "is not found" in message


async def test_what_an_account_may_not_see_is_not_found(door: Door) -> None:
    """PM-2: the same words for another account's ARN as for one that never was."""
    aws, _ = await door.both()
    other, _ = await door.both(OTHER)
    arn = await aws.create()
    absent = arn[:-1] + ("0" if arn[-1] != "0" else "1")
    for method, name in (
        ("get_license_configuration", "LicenseConfigurationArn"),
        ("delete_license_configuration", "LicenseConfigurationArn"),
        ("list_usage_for_license_configuration", "LicenseConfigurationArn"),
        ("list_tags_for_resource", "ResourceArn"),
    ):
        foreign, never = await other.refused(method, **{name: arn}), await other.refused(method, **{name: absent})
        assert foreign == ("InvalidParameterValueException", f"{arn} is not found.")
        assert never == ("InvalidParameterValueException", f"{absent} is not found.")
    assert (await other("list_license_configurations"))["LicenseConfigurations"] == []


async def test_a_call_is_of_the_region_that_it_was_signed_for(door: Door) -> None:
    """LC-13: a configuration is Regional, and its partition is that of its Region."""
    aws, _ = await door.both()
    gov = await door.aws(ACCOUNT, region="us-gov-west-1")
    arn = await gov.create()
    assert arn.startswith("arn:aws-us-gov:license-manager:us-gov-west-1:")
    assert (await aws("list_license_configurations"))["LicenseConfigurations"] == []
    code, message = await aws.refused("get_license_configuration", LicenseConfigurationArn=arn)
    assert code == "InvalidParameterValueException"
    assert "us-gov-west-1" in message


async def test_paginators_walk_every_configuration_once(door: Door) -> None:
    """API-1, and a token goes on with its own request alone."""
    aws, _ = await door.both()
    arns = [await aws.create(f"n{number}") for number in range(7)]
    pages = await aws.pages("list_license_configurations", "LicenseConfigurations", 3)
    assert [len(page) for page in pages] == [3, 3, 1]
    assert [each["LicenseConfigurationArn"] for page in pages for each in page] == arns
    first = await aws("list_license_configurations", MaxResults=3)
    token = first["NextToken"]
    for given in (
        {"NextToken": token, "Filters": [{"Name": "enforceLicenseCount", "Values": ["true"]}]},
        {"NextToken": token[:-2] + ("AA" if token[-2:] != "AA" else "BB")},
        {"NextToken": "x"},
        {"NextToken": ""},
        {"MaxResults": 0},
        {"MaxResults": 101},
    ):
        code, _ = await aws.refused("list_license_configurations", **given)
        assert code == "InvalidParameterValueException"


async def test_filters_narrow_the_list(door: Door) -> None:
    aws, _ = await door.both()
    hard = await aws.create("hard", "Core", LicenseCountHardLimit=True, LicenseCount=1)
    soft = await aws.create("soft", "vCPU", LicenseCount=0)

    async def found(**given: Any) -> list[str]:
        answer = await aws("list_license_configurations", **given)
        return [each["LicenseConfigurationArn"] for each in answer["LicenseConfigurations"]]

    def by(**values: list[str]) -> list[dict[str, Any]]:
        return [{"Name": name, "Values": given} for name, given in values.items()]

    assert await found(Filters=by(licenseCountingType=["Core"])) == [hard]
    assert await found(Filters=by(licenseCountingType=["Core", "vCPU"])) == [hard, soft]
    assert await found(Filters=by(enforceLicenseCount=["False"])) == [soft]
    assert await found(Filters=by(enforceLicenseCount=["true"], licenseCountingType=["vCPU"])) == []
    assert await found(Filters=by(usagelimitExceeded=["true"])) == []
    assert await found(LicenseConfigurationArns=[soft, soft[:-1] + "z"]) == [soft]
    for filters, code in (
        (by(name=["n"]), "InvalidParameterValueException"),
        (by(licenseCountingType=["CPU"]), "InvalidParameterValueException"),
        (by(enforceLicenseCount=["maybe"]), "InvalidParameterValueException"),
        (by(licenseCountingType=[]), "InvalidParameterValueException"),
        (by(licenseCountingType=["Core"]) * 2, "InvalidParameterValueException"),
        (by(licenseCountingType=["Core"] * 101), "FilterLimitExceededException"),
        (by(licenseCountingType=["Core"]) * 11, "FilterLimitExceededException"),
    ):
        assert (await aws.refused("list_license_configurations", Filters=filters))[0] == code


async def test_tags_are_put_on_and_taken_off(door: Door) -> None:
    """LC-7."""
    aws, _ = await door.both()
    arn = await aws.create(Tags=[{"Key": "a", "Value": "1"}, {"Key": "b"}])
    await aws("tag_resource", ResourceArn=arn, Tags=[{"Key": "a", "Value": "2"}, {"Key": "c", "Value": "3"}])
    await aws("untag_resource", ResourceArn=arn, TagKeys=["b", "never"])
    answer = await aws("list_tags_for_resource", ResourceArn=arn)
    assert answer["Tags"] == [{"Key": "a", "Value": "2"}, {"Key": "c", "Value": "3"}]


async def test_permissions_are_those_of_the_access_key(door: Door) -> None:
    """PM-1: an auditor and a user read; an administrator changes."""
    aws, _ = await door.both()
    arn = await aws.create()
    for permission in (Permission.AUDITOR, Permission.USER):
        lesser = await door.aws(ACCOUNT, permission)
        assert (await lesser("get_license_configuration", LicenseConfigurationArn=arn))["Name"] == "licenses"
        for method, given in (
            ("create_license_configuration", {"Name": "n", "LicenseCountingType": "Core"}),
            ("delete_license_configuration", {"LicenseConfigurationArn": arn}),
            ("update_service_settings", {}),
        ):
            assert (await lesser.refused(method, **given))[0] == "AccessDeniedException"


async def test_without_the_core_role_nothing_of_licenses_works(door: Door) -> None:
    """RO-2, in AWS's words."""
    aws, _ = await door.both(core_role=False)
    for method, given in (
        ("create_license_configuration", {"Name": "n", "LicenseCountingType": "Core"}),
        ("list_license_configurations", {}),
        ("list_resource_inventory", {}),
    ):
        code, message = await aws.refused(method, **given)
        assert code == "AccessDeniedException"
        assert message.startswith("Service role not found")
    await aws("get_service_settings")


async def test_al_1_a_configuration_by_awss_protocol_takes_the_operators_thresholds(
    database_url: str, tmp_path: Path
) -> None:
    async with serving(database_url, tmp_path, alert_thresholds=(50,)) as door:
        aws, client = await door.both()
        arn = await aws.create("licenses")
        asked = "query($arn: String) { licenseConfiguration(arn: $arn) { alertThresholds } }"
        assert await client.field(asked, arn=arn) == {"alertThresholds": [50]}
    set_usual_thresholds(DEFAULT_THRESHOLDS)
    tell_usual_thresholds()
