"""Settings and the link over the served API: sight, refusals as data, explanations (ST, TR-1, TR-7, TR-9)."""

from typing import Any

import pytest

from app.kernel.clock import ManualClock
from app.kernel.viewer import Permission
from tests.sharing.test_api import ANN, BOB, MASTER, OUTSIDER, REGION, organization
from tests.support.api import Api, Client
from tests.support.statements import reads_of

ERRORS = "errors { code message remedy rule field accountId nodeIds }"
SETTINGS = """
  id accountRole s3BucketArn snsTopicArn organizationLinked crossAccountDiscoveryEnabled dataCatalog
  inventorySyncSchedule lastInventorySyncAt nextInventorySyncAt account { accountId } region { code }
  linkFailures { code rule accountId }"""
READ = f"""query($account: AccountId!, $region: RegionCode!) {{
  account(accountId: $account) {{ serviceSettings(region: $region) {{ {SETTINGS} }} }}
}}"""
UPDATE = f"""mutation($input: UpdateServiceSettingsInput!) {{
  updateServiceSettings(input: $input) {{ serviceSettings {{ {SETTINGS} }} {ERRORS} }}
}}"""
UPGRADE = f"""mutation($region: RegionCode!) {{
  upgradeDataCatalog(region: $region) {{ serviceSettings {{ {SETTINGS} }} {ERRORS} }}
}}"""
DECIDE = """query($input: DecisionInput!) {
  decision(input: $input) { allowed checks { rule description passed error { code rule accountId } } }
}"""
BUCKET = "arn:aws:s3:::aws-license-manager-service-ours"
TOPIC = f"arn:aws:sns:{REGION}:{MASTER}:aws-license-manager-service-alerts"


async def settings(client: Client, account_id: str | None = None, region: str = REGION) -> dict[str, Any] | None:
    """Settings of an account in a Region, as a client sees them."""
    account = await client.field(READ, account=account_id or client.account_id, region=region)
    found: dict[str, Any] | None = account["serviceSettings"]
    return found


async def test_an_account_reads_its_own_settings(api: Api) -> None:
    """ST-1."""
    alone = await api.account(MASTER)
    found = await settings(alone)
    assert found is not None
    id_ = found.pop("id")
    assert found == {
        "accountRole": "STANDALONE",
        "s3BucketArn": None,
        "snsTopicArn": None,
        "organizationLinked": False,
        "crossAccountDiscoveryEnabled": False,
        "dataCatalog": "ATHENA_MANAGED",
        "inventorySyncSchedule": "0 13 * * *",
        "lastInventorySyncAt": None,
        "nextInventorySyncAt": "2026-01-05T13:00:00.000000Z",
        "account": {"accountId": MASTER},
        "region": {"code": REGION},
        "linkFailures": [],
    }
    node = "query($id: ID!) { node(id: $id) { id ... on ServiceSettings { region { code } } } }"
    assert await alone.field(node, id=id_) == {"id": id_, "region": {"code": REGION}}


async def test_settings_are_seen_by_the_account_and_its_master(api: Api) -> None:
    """ST-1, PM-2: to others they are null, by any way."""
    master, ann, bob = await organization(api, ANN, BOB)
    own = await settings(ann)
    assert own is not None
    assert await settings(master, ANN) == own
    assert await settings(bob, ANN) is None
    assert await bob.field("query($id: ID!) { node(id: $id) { id } }", id=own["id"]) is None


async def test_the_link_is_the_organization_s_in_every_region_with_support(api: Api) -> None:
    """ST-4: members have it too; an account that left has not."""
    master, ann, _ = await organization(api, ANN, BOB)
    for client in (master, ann):
        marks = [await settings(client, region=region) for region in (REGION, "eu-west-1", "eu-west-3")]
        assert [each and each["organizationLinked"] for each in marks] == [True, True, False]
    await ann.done("mutation { leaveOrganization { errors { code } } }")
    left = await settings(ann)
    assert left is not None
    assert (left["organizationLinked"], left["accountRole"]) == (False, "STANDALONE")


async def test_what_is_left_out_stays_and_null_takes_away(api: Api) -> None:
    """ST-1: both told apart in the input."""
    alone = await api.account(MASTER)
    given = {"region": REGION, "s3BucketArn": BUCKET, "snsTopicArn": TOPIC, "inventorySyncSchedule": "30 1 * * *"}
    found = (await alone.done(UPDATE, input=given))["serviceSettings"]
    assert {key: found[key] for key in ("s3BucketArn", "snsTopicArn", "inventorySyncSchedule")} == {
        key: given[key] for key in ("s3BucketArn", "snsTopicArn", "inventorySyncSchedule")
    }
    assert found["nextInventorySyncAt"] == "2026-01-06T01:30:00.000000Z"
    found = (await alone.done(UPDATE, input={"region": REGION, "s3BucketArn": None}))["serviceSettings"]
    assert (found["s3BucketArn"], found["snsTopicArn"]) == (None, TOPIC)
    found = (await alone.done(UPDATE, input={"region": REGION, "inventorySyncSchedule": None}))["serviceSettings"]
    assert (found["snsTopicArn"], found["inventorySyncSchedule"]) == (TOPIC, "0 13 * * *")


async def test_what_the_link_does_not_reach_stands_in_the_settings(api: Api, clock: ManualClock) -> None:
    """ST-6, TR-9: an account that was removed, and which; trusted access off, for each account."""
    master, ann, _ = await organization(api, ANN, BOB)
    clock.advance(hours=1)
    await master.done("mutation($id: AccountId!) { removeAccount(accountId: $id) { errors { code } } }", id=BOB)
    removed = {"code": "NOT_IN_ORGANIZATION", "rule": "TR-9", "accountId": BOB}
    found = await settings(master)
    assert found is not None
    assert found["linkFailures"] == [removed]
    await master.done("mutation { disableServiceAccess { errors { code } } }")
    off = [{"code": "SERVICE_ACCESS_DISABLED", "rule": "TR-9", "accountId": each} for each in (MASTER, ANN)]
    found = await settings(master)
    assert found is not None
    assert found["linkFailures"] == [removed, *off]
    own = await settings(ann)
    assert own is not None
    assert own["linkFailures"] == off[1:]
    refusals = await master.errors(UPDATE, input={"region": REGION, "linkOrganization": True})
    assert [(each["code"], each["accountId"]) for each in refusals] == [
        ("SERVICE_ACCESS_DISABLED", MASTER),
        ("SERVICE_ACCESS_DISABLED", ANN),
    ]


async def test_discovery_can_not_be_turned_off(api: Api) -> None:
    """TR-7, ST-4: the refusals say which field, and that there is no way back."""
    master, _ = await organization(api, ANN)
    found = await master.done(UPDATE, input={"region": REGION, "enableCrossAccountDiscovery": True})
    assert found["serviceSettings"]["crossAccountDiscoveryEnabled"] is True
    (refusal,) = await master.errors(UPDATE, input={"region": REGION, "enableCrossAccountDiscovery": False})
    assert (refusal["code"], refusal["rule"], refusal["field"]) == (
        "IRREVERSIBLE",
        "TR-7",
        ["input", "enableCrossAccountDiscovery"],
    )
    (refusal,) = await master.errors(UPDATE, input={"region": REGION, "linkOrganization": False})
    assert (refusal["code"], refusal["rule"], refusal["field"]) == (
        "IRREVERSIBLE",
        "ST-4",
        ["input", "linkOrganization"],
    )


async def test_the_catalog_is_upgraded_by_its_account(api: Api) -> None:
    """TR-1."""
    alone = await api.account(MASTER)
    assert (await alone.done(UPGRADE, region=REGION))["serviceSettings"]["dataCatalog"] == "GLUE"
    other = await settings(alone, region="eu-west-1")
    assert other is not None
    assert other["dataCatalog"] == "ATHENA_MANAGED"


async def test_decisions_are_the_checks_of_the_acts(api: Api) -> None:
    """ST-2: every check, passed or not; what would be refused is refused for the same reasons."""
    master, *_ = await organization(api, ANN, linked=False)
    outsider = await api.account(OUTSIDER)
    wanted = {"action": "LINK_ORGANIZATION", "region": REGION}
    allowed = await master.field(DECIDE, input=wanted)
    assert allowed["allowed"]
    assert all(each["passed"] and each["error"] is None for each in allowed["checks"])
    assert {"ST-2", "RG-2", "RO-6"} <= {each["rule"] for each in allowed["checks"]}
    await master.done("mutation { disableServiceAccess { errors { code } } }")
    for client in (master, outsider):
        decision = await client.field(DECIDE, input=wanted)
        refusals = await client.errors(UPDATE, input={"region": REGION, "linkOrganization": True})
        explained = [each["error"]["code"] for each in decision["checks"] if not each["passed"]]
        assert explained == [each["code"] for each in refusals] != []
        assert not decision["allowed"]


@pytest.mark.parametrize("permission", [Permission.AUDITOR, Permission.USER])
async def test_only_administrators_change_settings(api: Api, permission: Permission) -> None:
    """PM-1: everyone of the account reads them."""
    await api.account(MASTER)
    caller = await api.client(MASTER, permission)
    assert await settings(caller) is not None
    for document, variables in ((UPDATE, {"input": {"region": REGION}}), (UPGRADE, {"region": REGION})):
        (refusal,) = await caller.errors(document, **dict(variables))
        assert (refusal["code"], refusal["rule"]) == ("ACCESS_DENIED", "PM-1")


async def test_a_region_that_is_none_is_named(api: Api) -> None:
    """RG-1: in the input, and as an argument deep in a query."""
    alone = await api.account(MASTER)
    (refusal,) = await alone.errors(UPDATE, input={"region": "us-moon-1"})
    assert (refusal["code"], refusal["field"]) == ("INVALID_INPUT", ["input", "region"])
    answer = await alone.raw(READ, {"account": MASTER, "region": "us-moon-1"})
    assert [each["extensions"]["code"] for each in answer["errors"]] == ["INVALID_INPUT"]


async def test_settings_of_many_accounts_take_as_many_statements_as_of_one(api: Api) -> None:
    """What the link does not reach is worked out once for the page."""
    members = [f"70000000000{number}" for number in range(6)]
    master, *_ = await organization(api, *members)
    page = f"""query($first: Int!) {{ organization {{ accounts(first: $first) {{ edges {{ node {{
      serviceSettings(region: "{REGION}") {{ {SETTINGS} }}
    }} }} }} }} }}"""
    counts = []
    for first in (1, 7):
        with reads_of("account") as statements:
            found = await master.field(page, first=first)
        assert len(found["accounts"]["edges"]) == first
        counts.append(len(statements))
    assert counts[0] == counts[1]
