"""Linking the organization and turning on discovery (ST-2, ST-3, ST-4, ST-6, TR-7, TR-9)."""

import pytest
from sqlalchemy import Connection, select

from app.kernel.clock import ManualClock
from app.kernel.errors import Refusal
from app.kernel.regions import regions
from app.kernel.tables import table_of
from app.linking import service
from app.linking.crossing import checks_to_enable_discovery, checks_to_link, checks_to_unlink
from app.linking.service import SettingsChange
from app.linking.settings import settings_of
from app.organizations import accounts
from app.organizations.rules import FeatureSet
from app.organizations.service import membership
from app.roles.models import ServiceLinkedRoleRow
from app.roles.rules import ServiceLinkedRoleKind
from tests.sharing.stage import (
    ANN,
    BOB,
    CORE,
    MASTER,
    MASTER_ROLE,
    MEMBER_ROLE,
    OTHER_REGION,
    OUTSIDER,
    REGION,
    UNSUPPORTED,
    Stage,
    codes,
    failed,
)

LINK = SettingsChange(REGION, link_organization=True)
UNLINK = SettingsChange(REGION, link_organization=False)
DISCOVER = SettingsChange(REGION, enable_discovery=True)
roles = table_of(ServiceLinkedRoleRow)


def _roles(connection: Connection, account_id: str) -> set[ServiceLinkedRoleKind]:
    held = connection.execute(select(roles.c.kind).where(roles.c.account_id == account_id)).scalars()
    return {ServiceLinkedRoleKind(each) for each in held}


async def _failures(stage: Stage, account_id: str, region: str) -> list[Refusal]:
    """What an account's own settings in a Region tell."""
    (found,) = await stage.read(service.failures, account_id, [(account_id, region)])
    return found


async def test_linking_gives_every_account_its_roles(stage: Stage) -> None:
    """ST-3: the master role to the master, the core and member roles to every member."""
    await stage.organization(ANN, linked=False)
    await stage.delete_role(ANN, CORE)
    await stage.link()
    assert await stage.read(_roles, MASTER) == {CORE, MASTER_ROLE}
    assert await stage.read(_roles, ANN) == {CORE, MEMBER_ROLE}


async def test_accounts_that_join_later_get_their_roles_too(stage: Stage) -> None:
    """ST-3: also one that the master creates."""
    await stage.organization(ANN)
    await stage.exist(BOB)
    await stage.delete_role(BOB, CORE)
    await stage.join(BOB)
    assert await stage.read(_roles, BOB) == {CORE, MEMBER_ROLE}
    await stage.act(MASTER, accounts.create_in_organization, "new", None, None)
    made = select(roles.c.kind).where(roles.c.account_id.not_in([MASTER, ANN, BOB]))
    assert set(await stage.read(lambda connection: connection.execute(made).scalars().all())) == {CORE, MEMBER_ROLE}


async def test_linking_sets_the_bucket_where_there_is_none(stage: Stage) -> None:
    """ST-3, ST-5: in every Region with support, the master's."""
    await stage.organization(ANN, linked=False)
    own = "arn:aws:s3:::aws-license-manager-service-chosen"
    await stage.settings(MASTER, region=OTHER_REGION, s3_bucket_arn=own)
    await stage.link()
    found = await stage.read(settings_of, MASTER, [each.code for each in regions()])
    buckets = {each.region: each.s3_bucket_arn for each in found}
    assert buckets[OTHER_REGION] == own
    assert (buckets[REGION] or "").startswith("arn:aws:s3:::aws-license-manager-service-")
    assert {each.code for each in regions() if buckets[each.code]} == {
        each.code for each in regions() if each.supports_cross_account
    }
    assert codes(await stage.refused(MASTER, service.update, SettingsChange(REGION, s3_bucket_arn=None))) == [
        "CONFLICT"
    ]


@pytest.mark.parametrize("change", [LINK, UNLINK, DISCOVER])
async def test_only_the_master_links(stage: Stage, change: SettingsChange) -> None:
    """ST-2, ST-4: a member and an account in no organization are refused, and nothing changes."""
    await stage.organization(ANN)
    await stage.exist(OUTSIDER)
    assert "NOT_MASTER_ACCOUNT" in codes(await stage.refused(ANN, service.update, change))
    assert codes(await stage.refused(OUTSIDER, service.update, change)) == ["NOT_IN_ORGANIZATION"]


async def test_linking_takes_all_features(stage: Stage) -> None:
    """ST-2."""
    await stage.organization(ANN, linked=False, features=FeatureSet.CONSOLIDATED_BILLING)
    (refusal,) = await stage.refused(MASTER, service.update, LINK)
    assert (refusal.code, refusal.rule) == ("ALL_FEATURES_REQUIRED", "ST-2")


async def test_linking_takes_a_region_with_support(stage: Stage) -> None:
    """RG-2."""
    await stage.organization(ANN, linked=False)
    for change in (
        SettingsChange(UNSUPPORTED, link_organization=True),
        SettingsChange(UNSUPPORTED, link_organization=False),
    ):
        assert codes(await stage.refused(MASTER, service.update, change)) == ["REGION_UNSUPPORTED"]
    await stage.link()
    discover = SettingsChange(UNSUPPORTED, enable_discovery=True)
    assert codes(await stage.refused(MASTER, service.update, discover)) == ["REGION_UNSUPPORTED"]


async def test_linking_takes_the_core_role(stage: Stage) -> None:
    """ST-2: and that its policy grants what linking uses (RO-6)."""
    await stage.organization(ANN, linked=False)
    await stage.set_policy(MASTER, CORE, {"Version": "2012-10-17", "Statement": []})
    assert set(codes(await stage.refused(MASTER, service.update, LINK))) == {"ROLE_NOT_ALLOWED"}
    await stage.delete_role(MASTER, CORE)
    (refusal,) = await stage.refused(MASTER, service.update, LINK)
    assert (refusal.code, refusal.account_id) == ("ROLE_MISSING", MASTER)


async def test_linking_with_trusted_access_off_fails_account_by_account(stage: Stage) -> None:
    """ST-6, TR-9: each account, why, and who can cure it."""
    await stage.organization(ANN, BOB, linked=False, access=False)
    refusals = await stage.refused(MASTER, service.update, LINK)
    assert [(each.code, each.rule, each.account_id) for each in refusals] == [
        ("SERVICE_ACCESS_DISABLED", "TR-9", account_id) for account_id in (MASTER, ANN, BOB)
    ]
    assert all(each.account_id in each.message and "turned off" in each.message for each in refusals if each.account_id)
    assert all("enableServiceAccess" in (each.remedy or "") for each in refusals)


async def test_linking_again_makes_what_went_missing(stage: Stage) -> None:
    """RO-5: the same step creates a deleted role again."""
    await stage.organization(ANN)
    await stage.delete_role(ANN, MEMBER_ROLE)
    await stage.link(region=OTHER_REGION)
    assert MEMBER_ROLE in await stage.read(_roles, ANN)


async def test_the_link_can_be_undone_until_discovery_is_on(stage: Stage) -> None:
    """ST-4: the role that it worked through can then be deleted (RO-4)."""
    await stage.organization(ANN)
    await stage.act(MASTER, service.update, UNLINK)
    place = await stage.read(membership, MASTER)
    assert place is not None
    assert not place.organization.linked
    await stage.delete_role(MASTER, MASTER_ROLE)
    await stage.link()
    await stage.act(MASTER, service.update, DISCOVER)
    (refusal,) = await stage.refused(MASTER, service.update, UNLINK)
    assert (refusal.code, refusal.rule) == ("IRREVERSIBLE", "ST-4")


async def test_discovery_takes_the_link_and_stays(stage: Stage) -> None:
    """ST-4, TR-7: turning on twice is once; a step that links and turns on is one."""
    await stage.organization(ANN, linked=False)
    (refusal,) = await stage.refused(MASTER, service.update, DISCOVER)
    assert (refusal.code, refusal.rule) == ("ORGANIZATION_NOT_LINKED", "ST-4")
    await stage.settings(MASTER, enable_discovery=False)
    await stage.settings(MASTER, link_organization=True, enable_discovery=True)
    await stage.settings(MASTER, enable_discovery=True)
    (refusal,) = await stage.refused(MASTER, service.update, SettingsChange(REGION, enable_discovery=False))
    assert (refusal.code, refusal.rule) == ("IRREVERSIBLE", "TR-7")
    (refusal,) = await stage.refused(ANN, service.update, SettingsChange(REGION, enable_discovery=False))
    assert refusal.code == "NOT_MASTER_ACCOUNT"


async def test_what_the_link_does_not_reach_is_told(stage: Stage, clock: ManualClock) -> None:
    """TR-9, ST-6: a removed account, trusted access off; to the master all, to a member itself."""
    await stage.organization(ANN, BOB)
    assert await _failures(stage, MASTER, REGION) == []
    clock.advance(hours=1)
    await stage.act(MASTER, accounts.remove, BOB)
    (gone,) = await _failures(stage, MASTER, REGION)
    assert (gone.code, gone.rule, gone.account_id) == ("NOT_IN_ORGANIZATION", "TR-9", BOB)
    assert "inviteAccount" in (gone.remedy or "")
    await stage.access(False)
    told = await _failures(stage, MASTER, REGION)
    assert [(each.code, each.account_id) for each in told] == [
        ("NOT_IN_ORGANIZATION", BOB),
        ("SERVICE_ACCESS_DISABLED", MASTER),
        ("SERVICE_ACCESS_DISABLED", ANN),
    ]
    assert [each.account_id for each in await _failures(stage, ANN, REGION)] == [ANN]
    assert await _failures(stage, BOB, REGION) == []
    assert await _failures(stage, MASTER, UNSUPPORTED) == []


async def test_an_account_that_left_before_the_link_is_no_failure(stage: Stage, clock: ManualClock) -> None:
    """TR-9: the link never reached it; neither is anything told without a link."""
    await stage.organization(ANN, BOB, linked=False)
    await stage.act(MASTER, accounts.remove, BOB)
    assert await _failures(stage, MASTER, REGION) == []
    clock.advance(hours=1)
    await stage.link()
    assert await _failures(stage, MASTER, REGION) == []


async def test_explanations_are_the_acts(stage: Stage) -> None:
    """ST-2, ST-4: the checks that fail are the refusals of the act; where all pass, it is done."""
    await stage.organization(ANN, linked=False, access=False)
    for change, checks in (
        (LINK, checks_to_link),
        (DISCOVER, checks_to_enable_discovery),
    ):
        refusals = await stage.refused(MASTER, service.update, change)
        explained = await stage.read(checks, MASTER, REGION)
        assert tuple(check.refusal for check in explained if check.refusal) == refusals
    await stage.access(True)
    for change, checks in (
        (LINK, checks_to_link),
        (UNLINK, checks_to_unlink),
        (LINK, checks_to_link),
        (DISCOVER, checks_to_enable_discovery),
    ):
        assert failed(await stage.read(checks, MASTER, REGION)) == []
        await stage.act(MASTER, service.update, change)
