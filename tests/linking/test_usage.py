"""Why an account can't use a license configuration any more: which of the three causes it is (SH-4, TR-8)."""

import pytest

from app.kernel.ids import node_id
from app.linking.crossing import checks_to_use
from app.organizations import accounts
from app.organizations.service import membership
from app.sharing import invitations, shares
from tests.sharing.stage import ANN, BOB, MASTER, OUTSIDER, Stage, failed

REMOVED, LEFT_OUT, TAKEN_OUT = (
    ("NOT_IN_ORGANIZATION", "TR-8"),
    ("NOT_IN_RESOURCE_SHARE", "TR-8"),
    ("NOT_SHARED", "TR-8"),
)
ABSENT = ("NOT_FOUND", "PM-2")


async def _lost(stage: Stage, account_id: str, key: int) -> list[tuple[str, str]]:
    return failed(await stage.read(checks_to_use, account_id, key))


async def test_owner_and_sharee_may_use_it(stage: Stage) -> None:
    """SH-3, SH-4: the sharee is told all three conditions."""
    await stage.organization(ANN)
    key = await stage.configuration(MASTER)
    await stage.share(MASTER, [key], [ANN])
    assert await _lost(stage, MASTER, key) == []
    checks = await stage.read(checks_to_use, ANN, key)
    assert [(check.rule, check.passed) for check in checks] == [("SH-4", True)] * 3


async def test_the_account_was_removed_from_the_organization(stage: Stage) -> None:
    """TR-8, the first cause."""
    await stage.organization(ANN)
    key = await stage.configuration(MASTER)
    await stage.share(MASTER, [key], [await stage.organization_id()])
    await stage.act(MASTER, accounts.remove, ANN)
    assert await _lost(stage, ANN, key) == [REMOVED]
    await stage.join(ANN)
    assert await _lost(stage, ANN, key) == []


async def test_the_account_was_removed_from_the_share(stage: Stage) -> None:
    """TR-8, the second cause; a deleted share is one too, and a unit that the account was moved out of."""
    await stage.organization(ANN)
    unit = await stage.unit("unit", ANN)
    place = await stage.read(membership, ANN)
    assert place is not None
    named, deleted, moved = [await stage.configuration(MASTER, name) for name in ("named", "deleted", "moved")]
    share = await stage.share(MASTER, [named], [ANN])
    await stage.change(MASTER, share, remove_principals=[ANN])
    assert await _lost(stage, ANN, named) == [LEFT_OUT]
    share = await stage.share(MASTER, [deleted], [ANN])
    await stage.act(MASTER, shares.delete, share)
    assert await _lost(stage, ANN, deleted) == [LEFT_OUT]
    await stage.share(MASTER, [moved], [unit])
    await stage.act(MASTER, accounts.move, ANN, node_id("ou", place.unit_keys[-1]))
    assert await _lost(stage, ANN, moved) == [LEFT_OUT]


async def test_the_license_configuration_was_removed_from_the_share(stage: Stage) -> None:
    """TR-8, the third cause."""
    await stage.organization(ANN)
    key = await stage.configuration(MASTER)
    share = await stage.share(MASTER, [key], [ANN])
    await stage.change(MASTER, share, remove_configuration_ids=[node_id("lc", key)])
    assert await _lost(stage, ANN, key) == [TAKEN_OUT]


async def test_each_cause_is_help(stage: Stage) -> None:
    """TR-8: what happened, what becomes of what is associated, and who can cure it how."""
    await stage.organization(ANN)
    key = await stage.configuration(MASTER)
    share = await stage.share(MASTER, [key], [ANN], name="The licenses")
    await stage.change(MASTER, share, remove_configuration_ids=[node_id("lc", key)])
    (refusal,) = [check.refusal for check in await stage.read(checks_to_use, ANN, key) if check.refusal]
    assert "“The licenses”" in refusal.message
    assert "go on consuming" in refusal.message
    assert MASTER in (refusal.remedy or "")
    assert "addLicenseConfigurationIds" in (refusal.remedy or "")


async def test_an_account_that_never_had_it_is_told_nothing(stage: Stage) -> None:
    """TR-8, PM-2: the same answer as for one that never was; also where it came after, or went before."""
    await stage.organization(ANN, BOB)
    key, other = await stage.configuration(MASTER, "one"), await stage.configuration(MASTER, "other")
    share = await stage.share(MASTER, [key], [ANN])
    assert await _lost(stage, BOB, key) == await _lost(stage, BOB, 1) == [ABSENT]
    await stage.change(MASTER, share, remove_configuration_ids=[node_id("lc", key)], add_principals=[BOB])
    assert await _lost(stage, BOB, key) == [ABSENT]
    await stage.change(MASTER, share, add_configuration_ids=[node_id("lc", other)], remove_principals=[BOB])
    assert await _lost(stage, BOB, other) == [ABSENT]


async def test_a_share_that_is_still_in_force_is_enough(stage: Stage) -> None:
    """SH-4: one lost, another there."""
    await stage.organization(ANN)
    key = await stage.configuration(MASTER)
    lost = await stage.share(MASTER, [key], [ANN])
    await stage.share(MASTER, [key], [await stage.organization_id()])
    await stage.act(MASTER, shares.delete, lost)
    assert await _lost(stage, ANN, key) == []


async def test_of_several_lost_shares_the_one_nearest_to_a_cure_is_told(stage: Stage) -> None:
    """TR-8: one cause, not all that ever were."""
    await stage.organization(ANN)
    key = await stage.configuration(MASTER)
    far = await stage.share(MASTER, [key], [ANN])
    near = await stage.share(MASTER, [key], [ANN])
    await stage.change(MASTER, far, remove_principals=[ANN], remove_configuration_ids=[node_id("lc", key)])
    await stage.change(MASTER, near, remove_configuration_ids=[node_id("lc", key)])
    assert await _lost(stage, ANN, key) == [TAKEN_OUT]


@pytest.mark.parametrize("state", ["access", "link"])
async def test_the_organization_s_own_states_are_told_as_themselves(stage: Stage, state: str) -> None:
    """OR-3, ST-4: what was not taken from the account is not said to be."""
    await stage.organization(ANN)
    key = await stage.configuration(MASTER)
    await stage.share(MASTER, [key], [ANN])
    if state == "access":
        await stage.access(False)
        assert await _lost(stage, ANN, key) == [("SERVICE_ACCESS_DISABLED", "OR-3")]
    else:
        await stage.settings(MASTER, link_organization=False)
        assert await _lost(stage, ANN, key) == [("ORGANIZATION_NOT_LINKED", "SH-2")]


async def test_an_invited_account_was_never_in_the_organization(stage: Stage) -> None:
    """SH-2, TR-8: for it the first cause can't be."""
    await stage.organization(ANN)
    await stage.exist(OUTSIDER)
    key = await stage.configuration(MASTER)
    share = await stage.share(MASTER, [key], [OUTSIDER], allow_external_principals=True)
    assert await _lost(stage, OUTSIDER, key) == [ABSENT]
    await stage.act(OUTSIDER, invitations.accept, (await stage.invitation(OUTSIDER))[0])
    assert await _lost(stage, OUTSIDER, key) == []
    await stage.change(MASTER, share, remove_principals=[OUTSIDER])
    assert await _lost(stage, OUTSIDER, key) == [LEFT_OUT]
