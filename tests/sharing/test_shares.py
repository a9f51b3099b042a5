"""What owners do with shares, and whom that reaches (SH-1, SH-2, SH-3, SH-5)."""

import pytest

from app.kernel.ids import node_id
from app.kernel.tagging import tag_resource, untag_resource
from app.organizations import accounts
from app.organizations.service import membership
from app.sharing import shares
from app.sharing.shares import ShareChange
from tests.sharing.stage import (
    ANN,
    BOB,
    MASTER,
    MASTER_ROLE,
    OTHER_REGION,
    OUTSIDER,
    REGION,
    SERVICED,
    UNSUPPORTED,
    Stage,
    codes,
)


async def test_a_share_inside_a_linked_organization_is_in_force_at_once(stage: Stage) -> None:
    """SH-2, for an account that is named."""
    await stage.organization(ANN, BOB)
    key = await stage.configuration(MASTER)
    await stage.share(MASTER, [key], [ANN])
    assert await stage.sees(ANN, key)
    assert not await stage.sees(BOB, key)


async def test_a_share_for_the_organization_is_for_all_of_its_accounts(stage: Stage) -> None:
    """SH-1: an o-… id, or the organization's global id, names every account, the master for a member's share too."""
    await stage.organization(ANN, BOB)
    place = await stage.read(membership, ANN)
    assert place is not None
    one, other = await stage.configuration(ANN, "one"), await stage.configuration(ANN, "other")
    await stage.share(ANN, [one], [place.organization_id])
    await stage.share(ANN, [other], [node_id("org", place.organization_key)])
    assert await stage.shared(MASTER) == await stage.shared(BOB) == {one, other}
    assert await stage.shared(ANN) == set()


async def test_a_share_for_a_unit_is_for_the_accounts_below_it(stage: Stage) -> None:
    """SH-1: also for those of the units under it; the root is for all."""
    await stage.organization(ANN, BOB)
    upper = await stage.unit("upper", ANN)
    await stage.unit("lower", BOB, parent=upper)
    place = await stage.read(membership, MASTER)
    assert place is not None
    by_unit, by_root = await stage.configuration(MASTER, "unit"), await stage.configuration(MASTER, "root")
    await stage.share(MASTER, [by_unit], [upper])
    await stage.share(MASTER, [by_root], [place.unit_ids[-1]])
    assert await stage.shared(ANN) == await stage.shared(BOB) == {by_unit, by_root}


async def test_what_is_taken_out_is_seen_no_more(stage: Stage) -> None:
    """SH-5: removing the account, removing the license configuration, deleting the share; each alone."""
    await stage.organization(ANN, BOB)
    one, other = await stage.configuration(MASTER, "one"), await stage.configuration(MASTER, "other")
    share = await stage.share(MASTER, [one, other], [ANN, BOB])
    await stage.change(MASTER, share, remove_principals=[ANN])
    assert (await stage.shared(ANN), await stage.shared(BOB)) == (set(), {one, other})
    await stage.change(MASTER, share, remove_configuration_ids=[node_id("lc", one)])
    assert await stage.shared(BOB) == {other}
    await stage.act(MASTER, shares.delete, share)
    assert await stage.shared(BOB) == set()


async def test_one_share_ends_while_another_goes_on(stage: Stage) -> None:
    """An account sees a license configuration as long as any share of it is in force."""
    await stage.organization(ANN)
    key = await stage.configuration(MASTER)
    first = await stage.share(MASTER, [key], [ANN])
    second = await stage.share(MASTER, [key], [ANN], name="again")
    await stage.act(MASTER, shares.delete, first)
    assert await stage.sees(ANN, key)
    await stage.act(MASTER, shares.delete, second)
    assert not await stage.sees(ANN, key)


async def test_additions_reach_at_once(stage: Stage) -> None:
    """A principal or a license configuration that is added is in force in the same act; twice is once."""
    await stage.organization(ANN, BOB)
    one, other = await stage.configuration(MASTER, "one"), await stage.configuration(MASTER, "other")
    share = await stage.share(MASTER, [one], [ANN])
    for _ in range(2):
        await stage.change(MASTER, share, add_configuration_ids=[node_id("lc", other)], add_principals=[BOB])
    assert await stage.shared(ANN) == await stage.shared(BOB) == {one, other}


async def test_only_own_license_configurations_are_shared(stage: Stage) -> None:
    """SH-3: one that was itself shared is its owner's to share; one that is not seen does not exist (PM-2)."""
    await stage.organization(ANN, BOB)
    key = await stage.configuration(MASTER)
    await stage.share(MASTER, [key], [ANN])
    (denied,) = await stage.refused(ANN, shares.create, stage.new_share([key], [BOB]))
    assert (denied.code, denied.rule, denied.field) == (
        "ACCESS_DENIED",
        "SH-3",
        ("input", "licenseConfigurationIds", "0"),
    )
    hidden = await stage.refused(BOB, shares.create, stage.new_share([key], [ANN]))
    absent = await stage.refused(BOB, shares.create, stage.new_share([1], [ANN]))
    assert hidden == absent
    assert codes(absent) == ["NOT_FOUND"]


async def test_a_share_holds_license_configurations_of_its_own_region(stage: Stage) -> None:
    """RG-3."""
    await stage.organization(ANN)
    key = await stage.configuration(MASTER, region=OTHER_REGION)
    (refusal,) = await stage.refused(MASTER, shares.create, stage.new_share([key], [ANN]))
    assert (refusal.code, refusal.rule, refusal.node_ids) == ("REGION_MISMATCH", "RG-3", (node_id("lc", key),))


async def test_sharing_needs_a_region_with_support(stage: Stage) -> None:
    """RG-2."""
    await stage.organization(ANN)
    key = await stage.configuration(MASTER, region=UNSUPPORTED)
    (refusal,) = await stage.refused(MASTER, shares.create, stage.new_share([key], [ANN], region=UNSUPPORTED))
    assert (refusal.code, refusal.rule) == ("REGION_UNSUPPORTED", "RG-2")


async def test_units_take_a_linked_organization_and_accounts_trusted_access(stage: Stage) -> None:
    """SH-2, OR-3: an owner outside any organization names accounts only."""
    await stage.organization(ANN, linked=False, access=False)
    await stage.exist(OUTSIDER)
    organization_id = await stage.organization_id()
    key, alone = await stage.configuration(MASTER), await stage.configuration(OUTSIDER)
    whole = await stage.refused(MASTER, shares.create, stage.new_share([key], [organization_id]))
    assert codes(whole) == ["SERVICE_ACCESS_DISABLED", "ORGANIZATION_NOT_LINKED"]
    account = await stage.refused(MASTER, shares.create, stage.new_share([key], [ANN]))
    assert codes(account) == ["SERVICE_ACCESS_DISABLED"]
    standalone = await stage.refused(OUTSIDER, shares.create, stage.new_share([alone], [organization_id]))
    assert codes(standalone) == ["NOT_IN_ORGANIZATION"]


@pytest.mark.parametrize("text", ["12345678901", "１２３４５６７８９０１２", "", "everyone", "r_1", "ou", "lc_1", "*"])
async def test_what_names_no_principal_is_refused(stage: Stage, text: str) -> None:
    """SH-1: account ids, unit ids and the organization's id only; the field says which one is at fault."""
    await stage.organization(ANN)
    (refusal,) = await stage.refused(MASTER, shares.create, stage.new_share([], [ANN, text]))
    assert (refusal.code, refusal.field) == ("INVALID_INPUT", ("input", "principals", "1"))


async def test_a_foreign_unit_or_organization_is_an_absent_one(stage: Stage) -> None:
    """PM-2, SH-1: only the owner's own organization can be named."""
    await stage.organization(ANN)
    await stage.organization(BOB, master=OUTSIDER)
    place = await stage.read(membership, BOB)
    assert place is not None
    foreign = [place.unit_ids[0], place.organization_id, node_id("ou", place.unit_keys[0])]
    absent = ["r-0000000000", "o-0000000000", "ou_1"]
    refusals = await stage.refused(MASTER, shares.create, stage.new_share([], foreign))
    assert refusals == await stage.refused(MASTER, shares.create, stage.new_share([], absent))
    assert codes(refusals) == ["NOT_FOUND"] * 3


async def test_the_owner_is_no_principal_of_its_own_share(stage: Stage) -> None:
    """SH-1: what is its own needs no share."""
    await stage.organization(ANN)
    (refusal,) = await stage.refused(MASTER, shares.create, stage.new_share([], [MASTER]))
    assert (refusal.code, refusal.rule) == ("INVALID_INPUT", "SH-1")


async def test_tags_have_the_limits_of_aws(stage: Stage) -> None:
    """SH-1, LC-7."""
    await stage.exist(MASTER)
    twice = stage.new_share([], [], tags=(("a", "1"), ("a", "2")))
    (refusal,) = await stage.refused(MASTER, shares.create, twice)
    assert refusal.field == ("input", "tags", "1", "key")


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (ShareChange(remove_principals=[BOB]), "removePrincipals"),
        (ShareChange(remove_configuration_ids=["lc_1"]), "removeLicenseConfigurationIds"),
        (ShareChange(add_principals=[ANN], remove_principals=[ANN]), "removePrincipals"),
        (ShareChange(name=""), "name"),
        (ShareChange(add_principals=[ANN] * 1001), "addPrincipals"),
    ],
)
async def test_a_change_that_can_not_be_made_says_which_field(stage: Stage, change: ShareChange, name: str) -> None:
    """Nothing of it takes effect."""
    await stage.organization(ANN, BOB)
    key = await stage.configuration(MASTER)
    share = await stage.share(MASTER, [key], [ANN])
    (refusal,) = await stage.refused(MASTER, shares.update, share, change)
    assert refusal.field is not None
    assert refusal.field[:2] == ("input", name)
    assert await stage.shared(ANN) == {key}


async def test_a_share_is_its_owner_s_alone_to_change(stage: Stage) -> None:
    """SH-3: a sharee is told so; to any other account the share does not exist (PM-2)."""
    await stage.organization(ANN, BOB)
    key = await stage.configuration(MASTER)
    share = await stage.share(MASTER, [key], [ANN])
    for work, arguments in ((shares.update, (share, ShareChange(name="mine"))), (shares.delete, (share,))):
        (denied,) = await stage.refused(ANN, work, *arguments)
        assert (denied.code, denied.account_id) == ("ACCESS_DENIED", MASTER)
        (hidden,) = await stage.refused(BOB, work, *arguments)
        (absent,) = await stage.refused(BOB, work, "share_1", *arguments[1:])
        assert hidden == absent


async def test_a_deleted_share_stays_deleted(stage: Stage) -> None:
    """SH-5."""
    await stage.organization(ANN)
    share = await stage.share(MASTER, [await stage.configuration(MASTER)], [ANN])
    await stage.act(MASTER, shares.delete, share)
    assert codes(await stage.refused(MASTER, shares.delete, share)) == ["CONFLICT"]
    assert codes(await stage.refused(MASTER, shares.update, share, ShareChange(name="back"))) == ["CONFLICT"]


async def test_a_principal_that_is_no_one_s_any_more_can_be_removed(stage: Stage) -> None:
    """A unit of an organization that the owner has left is still named as it was written."""
    await stage.organization(ANN, BOB)
    unit = await stage.unit("unit", BOB)
    key = await stage.configuration(ANN)
    share = await stage.share(ANN, [key], [unit])
    await stage.act(MASTER, accounts.remove, ANN)
    await stage.change(ANN, share, remove_principals=[unit])
    (refusal,) = await stage.refused(ANN, shares.update, share, ShareChange(add_principals=[unit]))
    assert refusal.code == "NOT_IN_ORGANIZATION"


async def test_a_serviced_share_is_changed_by_the_master_role_any_other_by_its_owner(stage: Stage) -> None:
    """SH-1, RO-6: without the role's grant only the share tagged Service=LicenseManager stands still."""
    await stage.organization(ANN, BOB)
    key = await stage.configuration(MASTER)
    tagged = await stage.share(MASTER, [key], [ANN], tags=SERVICED)
    plain = await stage.share(MASTER, [key], [ANN])
    await stage.set_policy(MASTER, MASTER_ROLE, {"Version": "2012-10-17", "Statement": []})
    for change in (ShareChange(name="new"), ShareChange(add_principals=[BOB]), ShareChange(remove_principals=[ANN])):
        refusals = await stage.refused(MASTER, shares.update, tagged, change)
        assert {(each.code, each.rule) for each in refusals} == {("ROLE_NOT_ALLOWED", "RO-6")}
        await stage.act(MASTER, shares.update, plain, change)
    assert set(codes(await stage.refused(MASTER, shares.delete, tagged))) == {"ROLE_NOT_ALLOWED"}
    await stage.act(MASTER, shares.delete, plain)
    made = stage.new_share([key], [BOB], tags=SERVICED, region=REGION)
    assert set(codes(await stage.refused(MASTER, shares.create, made))) == {"ROLE_NOT_ALLOWED"}


async def test_a_member_s_serviced_share_needs_no_role_of_the_master(stage: Stage) -> None:
    """SH-1: the master role acts for the master account alone."""
    await stage.organization(ANN, BOB)
    key = await stage.configuration(ANN)
    share = await stage.share(ANN, [key], [BOB], tags=SERVICED)
    await stage.change(ANN, share, name="renamed")
    assert await stage.shared(BOB) == {key}


async def test_the_tag_of_the_service_can_be_given_and_taken(stage: Stage) -> None:
    """SH-1, LC-7: by the owner alone; with it the master role's grant is asked, without it not."""
    await stage.organization(ANN, BOB)
    share = await stage.share(MASTER, [await stage.configuration(MASTER)], [ANN])
    (denied,) = await stage.refused(ANN, tag_resource, share, SERVICED)
    assert denied.code == "ACCESS_DENIED"
    assert codes(await stage.refused(BOB, tag_resource, share, SERVICED)) == ["NOT_FOUND"]
    await stage.set_policy(MASTER, MASTER_ROLE, {"Version": "2012-10-17", "Statement": []})
    assert await stage.act(MASTER, tag_resource, share, [*SERVICED, ("team", "a")]) == {**dict(SERVICED), "team": "a"}
    refusals = await stage.refused(MASTER, shares.update, share, ShareChange(name="new"))
    assert set(codes(refusals)) == {"ROLE_NOT_ALLOWED"}
    assert await stage.act(MASTER, untag_resource, share, ["Service"]) == {"team": "a"}
    await stage.change(MASTER, share, name="new")
