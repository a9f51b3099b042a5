"""Calls of AWS's tools leave the records that CloudTrail would (AU-1, AU-2, AU-4)."""

from app.kernel.viewer import Permission
from tests.aws.audit_records import records
from tests.aws.door import ACCOUNT, Door


async def test_a_write_and_a_read_are_recorded_as_cloudtrail_does(door: Door) -> None:
    await door.both(region="eu-west-1")
    aws = await door.aws(ACCOUNT, region="eu-west-1")
    arn = await aws.create("audited", "Core", LicenseRules=["#minimumCores=8"], Tags=[{"Key": "a", "Value": "b"}])
    (record,) = await records(door, "CreateLicenseConfiguration")
    assert record == record | {
        "eventSource": "license-manager.amazonaws.com",
        "eventName": "CreateLicenseConfiguration",
        "awsRegion": "eu-west-1",
        "sourceIPAddress": "127.0.0.1",
        "readOnly": False,
        "recipientAccountId": ACCOUNT,
        "requestParameters": {
            "name": "audited",
            "licenseCountingType": "Core",
            "licenseRules": ["#minimumCores=8"],
            "tags": [{"key": "a", "value": "b"}],
        },
        "resources": [{"ARN": arn, "accountId": ACCOUNT}],
    }
    assert record["userAgent"].startswith("Boto3/")
    assert record["userIdentity"] == record["userIdentity"] | {
        "type": "IAMUser",
        "accountId": ACCOUNT,
        "accessKeyId": aws.key.access_key_id,
        "arn": f"arn:aws:iam::{ACCOUNT}:user/administrator",
    }
    assert "errorCode" not in record
    await aws("get_license_configuration", LicenseConfigurationArn=arn)
    (record,) = await records(door, "GetLicenseConfiguration")
    assert (record["readOnly"], record["awsRegion"]) == (True, "eu-west-1")
    assert record["requestParameters"] == {"licenseConfigurationArn": arn}


async def test_what_is_refused_is_recorded_with_awss_error(door: Door) -> None:
    """Refusals of rules, of permissions and of inputs, of reads and of writes."""
    await door.both()
    aws, auditor = await door.aws(ACCOUNT), await door.aws(ACCOUNT, Permission.AUDITOR)
    await auditor.refused("create_license_configuration", Name="n", LicenseCountingType="Core")
    await aws.refused("create_license_configuration", Name="n", LicenseCountingType="Core", LicenseRules=["#a=b"])
    await aws.refused("list_resource_inventory", Filters=[{"Name": "platform", "Condition": "LIKE"}])
    await aws.refused("list_licenses")
    found = [
        *await records(door, "CreateLicenseConfiguration"),
        *await records(door, "ListResourceInventory"),
        *await records(door, "ListLicenses"),
    ]
    assert [each["errorCode"] for each in found] == [
        "AccessDeniedException",
        "InvalidParameterValueException",
        "ValidationException",
        "UnsupportedOperationException",
    ]
    assert all(each["errorMessage"] for each in found)
