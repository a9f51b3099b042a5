"""Sight follows memberships, units, trusted access, the link and deletions, in the same act (OR-3, OR-4, LC-11)."""

from app.kernel.ids import node_id
from app.licensing import configurations as licensing
from app.organizations import accounts
from app.sharing.service import configuration_deleted
from tests.sharing.stage import ANN, BOB, MASTER, Stage


async def test_a_removed_account_loses_sight_and_gets_it_back_when_it_returns(stage: Stage) -> None:
    """OR-4."""
    await stage.organization(ANN)
    key = await stage.configuration(MASTER)
    await stage.share(MASTER, [key], [await stage.organization_id()])
    await stage.act(MASTER, accounts.remove, ANN)
    assert not await stage.sees(ANN, key)
    await stage.join(ANN)
    assert await stage.sees(ANN, key)


async def test_what_a_removed_account_shared_is_lost_to_the_others(stage: Stage) -> None:
    """OR-4: both ways."""
    await stage.organization(ANN, BOB)
    key = await stage.configuration(ANN)
    await stage.share(ANN, [key], [BOB])
    await stage.act(ANN, accounts.leave)
    assert not await stage.sees(BOB, key)
    assert await stage.sees(ANN, key)


async def test_an_account_that_joins_sees_what_is_for_all(stage: Stage) -> None:
    """SH-2, ST-3."""
    await stage.organization(ANN)
    key = await stage.configuration(MASTER)
    await stage.share(MASTER, [key], [await stage.organization_id()])
    await stage.exist(BOB)
    await stage.join(BOB)
    assert await stage.sees(BOB, key)


async def test_sight_moves_with_the_account_from_unit_to_unit(stage: Stage) -> None:
    """SH-1."""
    await stage.organization(ANN)
    here, there = await stage.unit("here", ANN), await stage.unit("there")
    one, other = await stage.configuration(MASTER, "one"), await stage.configuration(MASTER, "other")
    await stage.share(MASTER, [one], [here])
    await stage.share(MASTER, [other], [there])
    assert await stage.shared(ANN) == {one}
    await stage.act(MASTER, accounts.move, ANN, node_id("ou", await stage.unit_key(there)))
    assert await stage.shared(ANN) == {other}


async def test_trusted_access_off_stops_everything_and_on_brings_it_back(stage: Stage) -> None:
    """OR-3."""
    await stage.organization(ANN, BOB)
    key, member_s = await stage.configuration(MASTER), await stage.configuration(BOB)
    await stage.share(MASTER, [key], [await stage.organization_id()])
    await stage.share(BOB, [member_s], [ANN])
    await stage.access(False)
    assert await stage.shared(ANN) == set()
    await stage.access(True)
    assert await stage.shared(ANN) == {key, member_s}


async def test_undoing_the_link_ends_what_is_shared_inside(stage: Stage) -> None:
    """ST-4; linking again puts it in force again."""
    await stage.organization(ANN)
    key = await stage.configuration(MASTER)
    await stage.share(MASTER, [key], [await stage.organization_id()])
    await stage.settings(MASTER, link_organization=False)
    assert await stage.shared(ANN) == set()
    await stage.link()
    assert await stage.shared(ANN) == {key}


async def test_a_deleted_license_configuration_leaves_its_shares(stage: Stage) -> None:
    """LC-11."""
    await stage.organization(ANN)
    gone, kept = await stage.configuration(MASTER, "gone"), await stage.configuration(MASTER, "kept")
    await stage.share(MASTER, [gone, kept], [ANN])
    await stage.share(MASTER, [gone], [ANN], name="another")
    await stage.act(MASTER, licensing.remove, gone)
    assert await stage.shared(ANN) == {kept}
    await stage.write(lambda tx: configuration_deleted(tx, kept))
    assert await stage.shared(ANN) == set()
