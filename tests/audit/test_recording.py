"""Every action leaves one record in the guide's format: who, when, from where, the parameters, the error (AU-1)."""

import asyncio
import re
from pathlib import Path
from typing import Any

import orjson
import pytest
from graphql import OperationType
from sqlalchemy import text
from structlog.testing import capture_logs

from app.api.operations import RootField
from app.audit import records as audit_records
from app.audit.keys import EventKeys
from app.audit.names import event_name, known_fields
from app.audit.recorder import AuditRecorder, finished
from app.kernel.context import Context
from app.kernel.database import Database
from app.kernel.errors import ErrorCode, Refusal
from app.kernel.viewer import Permission
from tests.alerts.served import serving
from tests.audit.stage import ORIGIN, OTHER, OWNER, THIRD, act, events, viewer
from tests.sharing.test_api import ANN, BOB, MASTER, organization, share
from tests.support import licenses as made
from tests.support.api import Api, Client, Failed

REFUSED = Refusal(code=ErrorCode.LIMIT_EXCEEDED, message="None are left.")


async def records(database: Database, account_id: str = OWNER) -> list[dict[str, Any]]:
    """An account's records, the oldest first."""
    return [orjson.loads(each["record"]) for each in await events(database) if each["account_id"] == account_id]


async def new_records(client: Client, api: Api, document: str, **variables: Any) -> list[dict[str, Any]]:
    """The records of one request."""
    before = len(await records(api.database, client.account_id))
    await client.raw(document, variables)
    return (await records(api.database, client.account_id))[before:]


async def test_a_record_is_as_the_guide_s_example(database: Database) -> None:
    arn = f"arn:aws:license-manager:us-east-1:{OWNER}:license-configuration:lic-9ab477f4b55f3ec08a5423f77"
    await act(database, "deleteLicenseConfiguration", {"id": "lc_1"}, concerns=[(arn, OWNER)])
    (record,) = await records(database)
    event_id = record.pop("eventID")
    assert len(event_id) == 36
    assert record == {
        "eventVersion": "1.05",
        "userIdentity": {
            "type": "IAMUser",
            "principalId": "token_1",
            "arn": f"arn:aws:iam::{OWNER}:user/Administrator",
            "accountId": OWNER,
            "userName": "Administrator",
        },
        "eventTime": "2026-01-05T09:00:00Z",
        "eventSource": "license-manager.amazonaws.com",
        "eventName": "DeleteLicenseConfiguration",
        "awsRegion": "us-east-1",
        "sourceIPAddress": "203.0.113.83",
        "userAgent": "Coral/Netty4",
        "requestParameters": {"id": "lc_1"},
        "responseElements": None,
        "requestID": ORIGIN.request_id,
        "readOnly": False,
        "resources": [{"ARN": arn, "accountId": OWNER}],
        "eventType": "AwsApiCall",
        "recipientAccountId": OWNER,
    }


async def test_each_root_field_of_a_query_leaves_one_record(api: Api) -> None:
    owner = await api.account(OWNER)
    document = """query Q($first: Int!) {
      a: viewer { account { accountId } } b: regions { code } ...more
      licenseConfigurations(region: "eu-west-1", first: $first) { totalCount }
    } fragment more on Query { licenseConfiguration(id: "lc_1") { id } }"""
    found = await new_records(owner, api, document, first=3)
    assert sorted((each["eventName"], each["readOnly"], each["awsRegion"]) for each in found) == [
        ("DescribeRegions", True, "us-east-1"),
        ("GetCallerIdentity", True, "us-east-1"),
        ("GetLicenseConfiguration", True, "us-east-1"),
        ("ListLicenseConfigurations", True, "eu-west-1"),
    ]
    (listed,) = [each for each in found if each["eventName"] == "ListLicenseConfigurations"]
    assert listed["requestParameters"] == {"region": "eu-west-1", "first": 3}
    assert len({each["requestID"] for each in found}) == 1
    assert len({each["eventID"] for each in found}) == 4


async def test_a_refused_query_leaves_a_record_with_its_error(api: Api) -> None:
    owner = await api.account(OWNER)
    (record,) = await new_records(owner, api, "{ licenseConfigurations(first: 1000) { totalCount } }")
    assert record["errorCode"] == "INVALID_INPUT"
    assert "1000" in record["errorMessage"]


async def test_each_root_field_of_a_mutation_leaves_one_record_done_or_refused(api: Api) -> None:
    owner = await api.account(OWNER)
    document = """mutation {
      a: createLicenseConfiguration(input: {region: "us-east-1", name: "n", countingType: INSTANCE}) { errors { code } }
      b: createLicenseConfiguration(input: {region: "us-east-1", name: "n", countingType: INSTANCE}) { errors { code } }
      deleteLicenseConfiguration(id: "lc_1") { errors { code } }
    }"""
    found = await new_records(owner, api, document)
    assert [(each["eventName"], each.get("errorCode")) for each in found] == [
        ("CreateLicenseConfiguration", None),
        ("CreateLicenseConfiguration", "INVALID_INPUT"),
        ("DeleteLicenseConfiguration", "NOT_FOUND"),
    ]


async def test_what_a_caller_may_not_do_is_recorded(api: Api) -> None:
    await api.account(OWNER)
    auditor = await api.client(OWNER, Permission.AUDITOR)
    (record,) = await new_records(auditor, api, "mutation { createOrganization(input: {}) { errors { code } } }")
    assert (record["eventName"], record["errorCode"]) == ("CreateOrganization", "ACCESS_DENIED")
    assert record["userIdentity"]["userName"] == "auditor"


async def test_a_launch_a_start_a_stop_and_an_association_carry_awss_names(api: Api) -> None:
    owner = await api.account(OWNER)
    licenses = await made.configuration(owner, licenseCount=1, hardLimit=True)
    image = await made.image(owner, licenses)
    (instance,) = await made.launched(owner, image)
    assert (await made.launch(owner, image))["errors"]
    await made.change(owner, "stopInstances", instance)
    await made.change(owner, "startInstances", instance)
    await made.change(owner, "terminateInstances", instance)
    found = [each for each in await records(api.database) if not each["readOnly"]]
    assert [(each["eventName"], each.get("errorCode")) for each in found[1:]] == [
        ("CreateLicenseConfiguration", None),
        ("RegisterImage", None),
        ("UpdateLicenseSpecificationsForResource", None),
        ("RunInstances", None),
        ("RunInstances", "LIMIT_EXCEEDED"),
        ("StopInstances", None),
        ("StartInstances", None),
        ("TerminateInstances", None),
    ]
    assert {each["ARN"].split(":")[5].split("/")[0] for each in found[4]["resources"]} == {
        "image",
        "instance",
        "license-configuration",
    }


async def test_a_record_has_the_request_s_id_address_and_agent(api: Api) -> None:
    owner = await api.account(OWNER)
    response = await api.http.post(
        "/graphql",
        json={"query": "{ regions { code } }"},
        headers={"Authorization": f"Bearer {owner.token}", "User-Agent": "curl/8.5.0", "X-Request-Id": "front-end-42"},
    )
    record = (await records(api.database))[-1]
    assert record["requestID"] == response.headers["x-request-id"] == "front-end-42"
    assert (record["userAgent"], record["sourceIPAddress"]) == ("curl/8.5.0", "127.0.0.1")


async def test_a_subscription_leaves_one_record_when_it_begins(database_url: str, clock: Any) -> None:
    async with serving(database_url, clock) as served:
        owner = await served.api.account(OWNER)
        headers = {"Authorization": f"Bearer {owner.token}", "Accept": "text/event-stream"}
        document = {"query": "subscription { limitAlerts { cursor } }"}
        found: list[dict[str, Any]] = []
        async with asyncio.timeout(20), served.api.http.stream("POST", "/graphql", json=document, headers=headers):
            while not found:
                found = [each for each in await records(served.database) if each["eventName"] == "LimitAlerts"]
    assert [each["readOnly"] for each in found] == [True]


async def test_what_can_not_be_recorded_does_not_happen_and_is_not_answered(api: Api) -> None:
    owner = await api.account(OWNER)
    await api.database.write(lambda tx: tx.execute(text("DROP TABLE audit_event")))
    with capture_logs() as logged:
        with pytest.raises(Failed):
            await made.configuration(owner)
        refused = await owner.raw("{ regions { code } }")
    assert "data" not in refused
    assert {each["event"] for each in logged} == {"internal error"}
    count = text("SELECT count(*) FROM license_configuration")
    assert await api.database.read(lambda connection: connection.execute(count).scalar()) == 0


class Colliding(EventKeys):
    """Keys of a server that starts its millisecond just where another one did."""

    def __init__(self, first: int) -> None:
        super().__init__()
        self._first: int | None = first

    def next(self, base: int) -> int:
        taken, self._first = self._first, None
        return super().next(base) if taken is None else taken


async def test_where_another_server_took_a_key_the_act_is_done_again_and_recorded_once(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = await api.account(OWNER)
    taken = (await events(api.database))[-1]["id"]
    monkeypatch.setattr(audit_records, "_keys", Colliding(taken))
    await made.configuration(owner)
    names = [each["eventName"] for each in await records(api.database)]
    assert names.count("CreateLicenseConfiguration") == 1
    listed = await owner.field("{ licenseConfigurations { totalCount } }")
    assert listed["totalCount"] == 1


async def test_what_no_database_keeps_as_text_is_kept_and_read_in_the_record(api: Api) -> None:
    owner = await api.account(OWNER)
    wanted = {"region": made.REGION, "countingType": "INSTANCE", "name": "a\x00b"}
    assert (await owner.field(made.CREATE, input=wanted))["errors"]
    page = await owner.field("{ auditEvents(first: 1) { edges { node { errorMessage record } } } }")
    node = page["edges"][0]["node"]
    assert node["record"]["requestParameters"]["input"]["name"] == "a\x00b"
    assert node["errorMessage"] == node["record"]["errorMessage"]


async def test_secrets_are_in_no_record(api: Api) -> None:
    """Neither the token that a caller comes with, nor the one that it is given, nor what a field is named a secret."""
    owner = await api.account(OWNER)
    payload = await owner.done(
        'mutation { createApiToken(input: {name: "ci", permission: USER}) { secret errors { code } } }'
    )
    await made.configuration(
        owner, f"left here by mistake: {owner.token}", tags=[{"key": "db-password", "value": "hunter2"}]
    )
    written = "".join(str(dict(each)) for each in await events(api.database))
    assert "left here by mistake" in written
    for secret in (owner.token, payload["secret"], "hunter2"):
        assert secret not in written


async def test_au_4_a_sharee_s_launch_is_recorded_in_both_accounts(api: Api) -> None:
    master, ann = await organization(api, ANN)
    licenses = await made.configuration(master)
    await share(master, licenses, ANN)
    await made.launched(ann, await made.image(ann), licenseConfigurationIds=[licenses])
    own, of_owner = [
        [each for each in await records(api.database, account_id) if each["eventName"] == "RunInstances"]
        for account_id in (ANN, MASTER)
    ]
    assert len(own) == len(of_owner) == 1
    assert own[0]["sharedEventID"] == of_owner[0]["sharedEventID"]
    assert own[0]["eventID"] != of_owner[0]["eventID"]
    assert of_owner[0]["userIdentity"]["accountId"] == ANN
    assert any(each["accountId"] == MASTER for each in of_owner[0]["resources"])
    assert not any(each["eventName"] == "RunInstances" for each in await records(api.database, BOB))


async def test_au_4_an_account_s_copy_names_no_third_account_s_resources(database: Database) -> None:
    concerns = [(f"arn:aws:ec2:us-east-1:{account}:instance/i-1", account) for account in (OWNER, OTHER, THIRD)]
    await act(database, "disassociateResources", concerns=concerns)
    seen = {}
    for account_id in (OWNER, OTHER, THIRD):
        (record,) = await records(database, account_id)
        seen[account_id] = {each["accountId"] for each in record["resources"]}
    assert seen == {OWNER: {OWNER, OTHER, THIRD}, OTHER: {OWNER, OTHER}, THIRD: {OWNER, THIRD}}


async def test_pm_2_an_account_s_copy_tells_nothing_of_a_third_account(database: Database) -> None:
    """Neither by a parameter nor by why something else was refused; the caller's own record tells all."""
    arns = {account: f"arn:aws:ec2:us-east-1:{account}:instance/i-{account[:3]}" for account in (OTHER, THIRD)}
    refusals = [
        Refusal(code=ErrorCode.ROLE_MISSING, message=f"Account {THIRD} has deleted its member role."),
        Refusal(code=ErrorCode.REGION_MISMATCH, message=f"i-{THIRD[:3]} is elsewhere."),
        Refusal(code=ErrorCode.CONFLICT, message=f"Account {OTHER} is busy."),
    ]
    given = {"input": {"principals": [OTHER, THIRD, "o-1"], "tags": [{"key": "k", "value": "v"}], "name": "ours"}}
    concerns = [(arn, account) for account, arn in arns.items()]
    await act(database, "createResourceShare", given, concerns=concerns, refusals=refusals)
    (own,) = await records(database, OWNER)
    assert own["requestParameters"] == given
    assert (own["errorCode"], own["errorMessage"].count(THIRD)) == ("ROLE_MISSING", 1)
    (copy,) = await records(database, OTHER)
    hidden = "HIDDEN_DUE_TO_SECURITY_REASONS"
    assert copy["requestParameters"] == {
        "input": {"principals": [OTHER, hidden, "o-1"], "tags": hidden, "name": "ours"}
    }
    assert (copy["errorCode"], copy["errorMessage"]) == ("CONFLICT", f"Account {OTHER} is busy.")


async def test_pm_2_what_failed_for_a_third_account_alone_is_no_failure_in_another_s_copy(database: Database) -> None:
    concerns = [(f"arn:aws:ec2:us-east-1:{account}:instance/i-{account}", account) for account in (OTHER, THIRD)]
    refusal = Refusal(code=ErrorCode.ROLE_MISSING, message=f"Account {THIRD} has deleted its member role.")
    await act(database, "disassociateResources", concerns=concerns, refusals=[refusal])
    (other,) = await records(database, OTHER)
    (third,) = await records(database, THIRD)
    assert "errorCode" not in other
    assert third["errorCode"] == "ROLE_MISSING"


async def test_all_refusals_are_in_the_message_and_the_first_gives_the_code(database: Database) -> None:
    violated = Refusal(code=ErrorCode.RULE_VIOLATION, message="Too small.")
    await act(database, "launchInstances", refusals=[REFUSED, violated])
    (record,) = await records(database)
    assert (record["errorCode"], record["errorMessage"]) == ("LIMIT_EXCEEDED", "None are left. Too small.")


@pytest.mark.parametrize(
    ("parameters", "arn", "region"),
    [
        ({"region": "eu-west-1"}, "arn:aws:ec2:us-west-2:111122223333:image/ami-1", "eu-west-1"),
        ({"input": {"region": "eu-west-1"}}, None, "eu-west-1"),
        ({"id": "res_1"}, "arn:aws:ec2:us-west-2:111122223333:image/ami-1", "us-west-2"),
        ({"input": {"region": "xx-nowhere-1"}}, None, "us-east-1"),
        ({"id": "org_1"}, "arn:aws:organizations::111122223333:organization/o-1", "us-east-1"),
    ],
)
async def test_the_region_is_the_parameters_or_else_the_resource_s(
    database: Database, parameters: dict[str, Any], arn: str | None, region: str
) -> None:
    await act(database, parameters=parameters, concerns=[(arn, OWNER)] if arn else [])
    assert [each["awsRegion"] for each in await records(database)] == [region]


def root_field(code: str, *path: str | int) -> RootField:
    error = {"message": "No.", "extensions": {"code": code}, "path": list(path)}
    return RootField(
        name="acknowledgeAlert",
        response_key="a",
        operation_type=OperationType.MUTATION,
        arguments={"id": "alert_1"},
        errors=(error,),
    )


@pytest.mark.parametrize(
    ("field", "recorded", "codes"),
    [
        (root_field("INTERNAL", "a"), False, ["InternalFailure"]),
        (root_field("INTERNAL", "a"), True, ["InternalFailure"]),
        (root_field("INVALID_INPUT", "a"), False, ["INVALID_INPUT"]),
        (root_field("INVALID_INPUT", "a"), True, []),
        (root_field("INTERNAL", "a", "alert", "message"), True, []),
    ],
    ids=["broke", "broke after it was recorded", "refused before", "refused and recorded", "broke below"],
)
async def test_a_mutation_s_field_that_failed_without_a_record_gets_one(
    database: Database, field: RootField, recorded: bool, codes: list[str]
) -> None:
    context = Context(database, viewer(), ORIGIN, AuditRecorder())
    if recorded:
        context.recorded.add("acknowledgeAlert")
    await finished(context, OperationType.MUTATION, [field])
    assert [each["errorCode"] for each in await records(database)] == codes


@pytest.mark.parametrize(
    ("action", "name", "source"),
    [
        ("launchInstances", "RunInstances", "ec2.amazonaws.com"),
        ("resourceInventory", "ListResourceInventory", "license-manager.amazonaws.com"),
        ("associateResources", "UpdateLicenseSpecificationsForResource", "license-manager.amazonaws.com"),
        ("disassociateResources", "UpdateLicenseSpecificationsForResource", "license-manager.amazonaws.com"),
        ("createServiceLinkedRole", "CreateServiceLinkedRole", "iam.amazonaws.com"),
        ("acceptResourceShareInvitation", "AcceptResourceShareInvitation", "ram.amazonaws.com"),
        ("removeAccount", "RemoveAccountFromOrganization", "organizations.amazonaws.com"),
        ("acknowledgeAlert", "AcknowledgeAlert", "tollgate"),
        ("RunInstances", "RunInstances", "ec2.amazonaws.com"),
        ("ec2:DescribeInstances", "DescribeInstances", "ec2.amazonaws.com"),
    ],
)
def test_au_4_an_event_has_awss_name_or_the_field_s_in_pascal_case(action: str, name: str, source: str) -> None:
    assert event_name(action) == (name, source)


def test_every_root_field_of_the_schema_has_a_name() -> None:
    """In PascalCase, and from a source that is AWS's or Tollgate's own."""
    from app.api.schema import schema

    for kind in ("Query", "Mutation", "Subscription"):
        for field in schema._schema.type_map[kind].fields:  # type: ignore[attr-defined]
            name, source = event_name(field)
            assert name[0].isupper()
            assert name.isalnum()
            assert source == "tollgate" or source.endswith(".amazonaws.com")


def test_the_page_lists_the_names() -> None:
    """docs/audit.md has a line for each field that AWS has a name for, and for no other."""
    page = (Path(__file__).parents[2] / "docs" / "audit.md").read_text()
    listed = dict(re.findall(r"^\| `(\w+)` \| (\w+) \| [\w.-]+ \|$", page, re.MULTILINE))
    assert listed
    assert listed == {field: event_name(field).name for field in known_fields()}
