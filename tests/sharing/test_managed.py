"""The share that the service keeps for a linked organization, and sharing with all members in one step (ST-3, IN-6)."""

import pytest
from sqlalchemy import Connection, select

from app.kernel.tables import table_of
from app.sharing import store
from app.sharing.managed import checks_to_share, share_with_members
from app.sharing.models import ResourceShareRow, ShareTagRow
from app.sharing.rules import SERVICE_TAG
from tests.sharing.stage import ANN, BOB, MASTER, MASTER_ROLE, OTHER_REGION, OUTSIDER, REGION, Stage, codes, failed

rows = table_of(ResourceShareRow)
tags = table_of(ShareTagRow)


def _managed(connection: Connection) -> list[tuple[str, str, set[str]]]:
    """The active managed shares: owner, Region, principals."""
    found = connection.execute(select(rows).where(rows.c.managed, rows.c.status == "ACTIVE").order_by(rows.c.id))
    return [(row.owner_account_id, row.region, store.principals_of(connection, row.id)) for row in found]


async def test_linking_makes_one_share_for_the_organization(stage: Stage) -> None:
    """ST-3: tagged Service=LicenseManager, with the organization as principal; linking again makes no other."""
    await stage.organization(ANN)
    await stage.link()
    assert await stage.read(_managed) == [(MASTER, REGION, {await stage.organization_id()})]
    made = await stage.read(lambda connection: connection.execute(select(tags.c.key, tags.c.value)).all())
    assert made == [SERVICE_TAG]


async def test_sharing_with_members_is_one_step_for_all_accounts(stage: Stage) -> None:
    """IN-6: twice is once."""
    await stage.organization(ANN, BOB)
    key = await stage.configuration(MASTER)
    for _ in range(2):
        await stage.act(MASTER, share_with_members, key)
    assert await stage.shared(ANN) == await stage.shared(BOB) == {key}


async def test_the_share_of_another_region_is_made_when_it_is_needed(stage: Stage) -> None:
    """ST-4: the link holds in every Region with support."""
    await stage.organization(ANN)
    key = await stage.configuration(MASTER, region=OTHER_REGION)
    await stage.act(MASTER, share_with_members, key)
    assert [region for _, region, _ in await stage.read(_managed)] == [REGION, OTHER_REGION]
    assert await stage.shared(ANN) == {key}


async def test_undoing_the_link_deletes_the_shares_of_all_regions(stage: Stage) -> None:
    """ST-4."""
    await stage.organization(ANN)
    key = await stage.configuration(MASTER, region=OTHER_REGION)
    await stage.act(MASTER, share_with_members, key)
    await stage.settings(MASTER, link_organization=False)
    assert await stage.read(_managed) == []
    assert await stage.shared(ANN) == set()


async def test_only_the_master_shares_with_all_members(stage: Stage) -> None:
    """IN-6: the same checks explain it."""
    await stage.organization(ANN, BOB)
    await stage.exist(OUTSIDER)
    member_s, alone = await stage.configuration(ANN), await stage.configuration(OUTSIDER)
    assert codes(await stage.refused(ANN, share_with_members, member_s)) == ["NOT_MASTER_ACCOUNT"]
    assert failed(await stage.read(checks_to_share, ANN, member_s)) == [("NOT_MASTER_ACCOUNT", "IN-6")]
    assert codes(await stage.refused(OUTSIDER, share_with_members, alone)) == ["NOT_IN_ORGANIZATION"]


async def test_only_the_owner_shares(stage: Stage) -> None:
    """SH-3, PM-2."""
    await stage.organization(ANN, BOB)
    key, hidden = await stage.configuration(ANN), await stage.configuration(BOB)
    await stage.share(ANN, [key], [MASTER])
    assert codes(await stage.refused(MASTER, share_with_members, key)) == ["ACCESS_DENIED"]
    assert await stage.refused(MASTER, share_with_members, hidden) == await stage.refused(MASTER, share_with_members, 1)


@pytest.mark.parametrize("state", ["unlinked", "access off"])
async def test_sharing_with_members_takes_the_link_and_trusted_access(stage: Stage, state: str) -> None:
    """IN-6, OR-3."""
    await stage.organization(ANN, linked=state != "unlinked")
    key = await stage.configuration(MASTER)
    if state == "access off":
        await stage.access(False)
    expected = "SERVICE_ACCESS_DISABLED" if state == "access off" else "ORGANIZATION_NOT_LINKED"
    assert codes(await stage.refused(MASTER, share_with_members, key)) == [expected]


async def test_an_explanation_is_the_act(stage: Stage) -> None:
    """RO-6: with the policy as it is all checks pass and it is done; without, the same refusals both ways."""
    await stage.organization(ANN)
    key = await stage.configuration(MASTER)
    assert failed(await stage.read(checks_to_share, MASTER, key)) == []
    await stage.act(MASTER, share_with_members, key)
    await stage.set_policy(MASTER, MASTER_ROLE, {"Version": "2012-10-17", "Statement": []})
    refusals = await stage.refused(MASTER, share_with_members, key)
    checks = await stage.read(checks_to_share, MASTER, key)
    assert tuple(check.refusal for check in checks if check.refusal) == refusals


async def test_an_organization_taken_out_of_its_share_is_put_back_when_it_is_shared_with(stage: Stage) -> None:
    """IN-6: all member accounts is all of them."""
    await stage.organization(ANN)
    organization_id = await stage.organization_id()
    key = await stage.configuration(MASTER)
    share = await stage.act(MASTER, share_with_members, key)
    await stage.change(MASTER, f"share_{share}", remove_principals=[organization_id])
    assert await stage.shared(ANN) == set()
    await stage.act(MASTER, share_with_members, key)
    assert await stage.shared(ANN) == {key}
