"""A rule of the master finds what members have, as far as roles, shares, membership and Region let it (IN-2, SH-4)."""

from typing import Any

from app.linking.service import upgrade_data_catalog
from app.roles.rules import ServiceLinkedRoleKind, definitions
from tests.inventory import discovery
from tests.inventory.discovery import FILTER, SYNC, created, enabled, figures, on, oracle, previewed, reasons, run
from tests.sharing.stage import ANN, BOB, MASTER, MEMBER_ROLE, OTHER_REGION, OUTSIDER, REGION, Stage
from tests.support import licenses as made
from tests.support.api import Api, Client

ACROSS = {"scope": "ORGANIZATION"}
SERVER = "MANAGED_INSTANCE mi-{}".format


async def discovering(api: Api, *members: str) -> tuple[Stage, Client]:
    """A linked organization with discovery on and the catalog upgraded in one Region; its master's client."""
    stage = Stage(api.database)
    await stage.organization(*members)
    await stage.settings(MASTER, enable_discovery=True)
    await stage.act(MASTER, upgrade_data_catalog, REGION)
    return stage, await api.client(MASTER)


async def servers(api: Api, *account_ids: str, **given: Any) -> None:
    for account_id in account_ids:
        await oracle(await api.client(account_id), f"mi-{account_id}", **given)


async def shared(stage: Stage, license_: str, *account_ids: str) -> str:
    return await stage.share(MASTER, [int(license_.partition("_")[2])], account_ids)


def told(refusals: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Whom a run or a preview leaves out, and why; each with a cure."""
    assert all(each["message"] and each["remedy"] for each in refusals)
    return [(each["accountId"], each["code"]) for each in refusals]


async def test_in_2_a_rule_of_the_master_finds_what_members_have_that_share_the_license(api: Api) -> None:
    """What a member has counts against the master's pool; each account's record names its own resources (AU-4)."""
    stage, master = await discovering(api, ANN, BOB)
    license_ = await made.configuration(master, countingType="CORE", licenseCount=8, hardLimit=True)
    await shared(stage, license_, ANN, BOB)
    await stage.exist(OUTSIDER)
    await servers(api, MASTER, ANN, BOB, OUTSIDER)
    rule = await created(master, license_, FILTER, **ACROSS)
    preview = await previewed(master, rule)
    assert (preview["matched"], preview["wouldAssociate"], preview["consumedAfter"]) == (3, 3, 12)
    await master.done(discovery.ENABLE, id=rule)
    assert figures(await run(master, rule)) == (3, 3, 0, 0)
    assert await on(master, license_) == {SERVER(each) for each in (MASTER, ANN, BOB)}
    assert await made.consumed(master, license_) == 12
    assert await made.alert_kinds(master) == ["LIMIT_EXCEEDED"]
    ann = await api.client(ANN)
    assert await on(ann, license_) == {SERVER(ANN)}
    assert (await ann.field(discovery.RULES))["edges"] == []
    assert (await ann.field(discovery.TAKEN_OFF, id=license_))["discoveryRules"] == []
    events = await ann.field(
        '{ auditEvents(filter: {eventName: "EvaluateDiscoveryRule"}) { edges { node { record } } } }'
    )
    (edge,) = events["edges"]
    touched = {each["accountId"] for each in edge["node"]["record"]["resources"]}
    assert ANN in touched
    assert BOB not in touched


async def test_sh_4_members_without_the_share_are_left_out_and_named_and_the_rest_is_done(api: Api) -> None:
    stage, master = await discovering(api, ANN, BOB)
    license_ = await made.configuration(master)
    await shared(stage, license_, ANN)
    await servers(api, ANN, BOB)
    rule = await created(master, license_, FILTER, **ACROSS)
    preview = await previewed(master, rule)
    assert reasons(preview) == {"REFUSED": 1}
    assert told(preview["refused"]) == [(BOB, "NOT_IN_RESOURCE_SHARE")]
    await master.done(discovery.ENABLE, id=rule)
    last = await run(master, rule)
    assert figures(last) == (2, 1, 0, 1)
    assert told(last["skipped"]) == [(BOB, "NOT_IN_RESOURCE_SHARE")]
    await shared(stage, license_, BOB)
    await (await api.client(BOB)).done(SYNC)
    assert await on(master, license_) == {SERVER(ANN), SERVER(BOB)}


async def test_tr_2_a_member_that_deleted_its_role_is_left_out_until_it_is_there_again(api: Api) -> None:
    """RO-5: and nothing that was associated before is touched."""
    stage, master = await discovering(api, ANN, BOB)
    license_ = await made.configuration(master)
    await shared(stage, license_, ANN, BOB)
    await servers(api, ANN, BOB)
    rule = await enabled(master, license_, FILTER, **ACROSS)
    await stage.delete_role(ANN, MEMBER_ROLE)
    preview = await previewed(master, rule)
    assert told(preview["skipped"]) == [(ANN, "ROLE_MISSING")]
    last = await run(master, rule)
    assert figures(last) == (1, 1, 0, 0)
    assert told(last["skipped"]) == [(ANN, "ROLE_MISSING")]
    await stage.create_role(ANN, MEMBER_ROLE)
    await stage.delete_role(BOB, MEMBER_ROLE)
    assert figures(await run(master, rule)) == (1, 1, 0, 0)
    assert await on(master, license_) == {SERVER(ANN), SERVER(BOB)}


async def test_ro_6_the_members_policy_must_grant_the_very_act(api: Api) -> None:
    """Its role lets the search in, and not the change: it is left out, with the reason."""
    stage, master = await discovering(api, ANN)
    license_ = await made.configuration(master)
    await shared(stage, license_, ANN)
    await servers(api, ANN)
    policy = definitions()[ServiceLinkedRoleKind.MEMBER_ACCOUNT].policy
    kept = [each for each in policy["Statement"] if "license-manager:" not in str(each["Action"])]
    assert len(kept) < len(policy["Statement"])
    await stage.set_policy(ANN, MEMBER_ROLE, {**policy, "Statement": kept})
    last = await run(master, await enabled(master, license_, FILTER, **ACROSS))
    assert figures(last) == (1, 0, 0, 1)
    assert told(last["skipped"]) == [(ANN, "ROLE_NOT_ALLOWED")]


async def test_or_3_what_stands_against_the_whole_is_told_and_nothing_is_done(api: Api) -> None:
    """A run that is refused keeps why; once it is cured, the next synchronisation does it."""
    stage, master = await discovering(api, ANN)
    license_ = await made.configuration(master)
    await shared(stage, license_, ANN)
    await servers(api, ANN)
    rule = await enabled(master, license_, FILTER, **ACROSS)
    await stage.access(False)
    (error,) = await master.errors(discovery.PREVIEW, input={"id": rule})
    assert error["code"] == "SERVICE_ACCESS_DISABLED"
    last = await run(master, rule)
    assert figures(last) == (0, 0, 0, 0)
    assert [code for _, code in told(last["skipped"])] == ["SERVICE_ACCESS_DISABLED"]
    await stage.access(True)
    await (await api.client(ANN)).done(SYNC)
    assert await on(master, license_) == {SERVER(ANN)}


async def test_in_2_a_member_makes_no_rule_of_the_organization_that_could_be_enabled(api: Api) -> None:
    await discovering(api, ANN)
    member = await api.client(ANN)
    rule = await created(member, await made.configuration(member), FILTER, **ACROSS)
    (error,) = await member.errors(discovery.PREVIEW, input={"id": rule})
    assert error["code"] == "NOT_MASTER_ACCOUNT"
    (error,) = await member.errors(discovery.ENABLE, id=rule)
    assert error["code"] == "CONFLICT"


async def test_excluded_accounts_and_other_regions_are_left_out(api: Api) -> None:
    """RG-3: a license of one Region finds nothing in another."""
    stage, master = await discovering(api, ANN, BOB)
    await stage.act(MASTER, upgrade_data_catalog, OTHER_REGION)
    license_ = await made.configuration(master)
    await shared(stage, license_, ANN, BOB)
    await servers(api, MASTER, ANN, BOB)
    await servers(api, MASTER, ANN, region=OTHER_REGION)
    rule = await enabled(master, license_, FILTER, excludedAccountIds=[MASTER, BOB], **ACROSS)
    assert reasons(await previewed(master, rule)) == {"ACCOUNT_EXCLUDED": 2}
    assert figures(await run(master, rule)) == (3, 1, 0, 2)
    assert await on(master, license_) == {SERVER(ANN)}


async def test_a_member_that_takes_it_off_its_own_is_not_overruled(api: Api) -> None:
    """SH-5: the member disassociates what is its own; the master's rule leaves it so, and the master sees it."""
    stage, master = await discovering(api, ANN)
    license_ = await made.configuration(master)
    await shared(stage, license_, ANN)
    await servers(api, ANN)
    rule = await enabled(master, license_, FILTER, **ACROSS)
    await run(master, rule)
    ann = await api.client(ANN)
    found = await ann.field('{ resourceInventory(filter: "type:MANAGED_INSTANCE") { edges { node { id } } } }')
    (own,) = (edge["node"]["id"] for edge in found["edges"])
    await discovery.unlicense(ann, license_, own)
    await ann.done(SYNC)
    assert await on(master, license_) == set()
    for client in (master, ann):
        assert (await client.field(discovery.TAKEN_OFF, id=license_))["takenOff"]["totalCount"] == 1
