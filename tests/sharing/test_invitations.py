"""Accounts outside the linked organization are invited, and answer or are answered for (SH-2)."""

from datetime import timedelta

import pytest

from app.kernel.clock import ManualClock
from app.kernel.database import Transaction
from app.kernel.viewer import Viewer
from app.organizations import accounts
from app.organizations.rules import InvitationState
from app.sharing import invitations, shares
from app.sharing.rules import INVITATION_LIFETIME
from app.sharing.shares import ShareChange
from tests.sharing.stage import ANN, BOB, MASTER, MEMBER_ROLE, OUTSIDER, Stage, codes

NOTHING = {"Version": "2012-10-17", "Statement": []}


async def _invited(stage: Stage, account_id: str = OUTSIDER, owner: str = MASTER) -> tuple[int, str, str]:
    """A share to which an account is invited: the configuration's key, the share's id, the invitation's id."""
    key = await stage.configuration(owner)
    share = await stage.share(owner, [key], [account_id], allow_external_principals=True)
    return key, share, (await stage.invitation(account_id))[0]


async def test_an_account_outside_sees_what_it_accepted(stage: Stage) -> None:
    """SH-2: nothing before."""
    await stage.organization(ANN)
    await stage.exist(OUTSIDER)
    key, _, invitation = await _invited(stage)
    assert not await stage.sees(OUTSIDER, key)
    await stage.act(OUTSIDER, invitations.accept, invitation)
    assert await stage.sees(OUTSIDER, key)
    assert await stage.invitation(OUTSIDER) == (invitation, InvitationState.ACCEPTED)


async def test_what_is_rejected_is_not_seen_and_can_be_offered_again(stage: Stage) -> None:
    """SH-2: naming the account again invites it again."""
    await stage.exist(MASTER, OUTSIDER)
    key, share, invitation = await _invited(stage)
    await stage.act(OUTSIDER, invitations.reject, invitation)
    (refusal,) = await stage.refused(OUTSIDER, invitations.accept, invitation)
    assert (refusal.code, refusal.rule) == ("CONFLICT", "SH-2")
    await stage.change(MASTER, share, add_principals=[OUTSIDER])
    await stage.act(OUTSIDER, invitations.accept, invitation)
    assert await stage.sees(OUTSIDER, key)


async def test_an_unanswered_invitation_expires(stage: Stage, clock: ManualClock) -> None:
    """SH-2: after seven days; until the last moment it can be accepted."""
    await stage.exist(MASTER, OUTSIDER)
    key, share, invitation = await _invited(stage)
    clock.advance(INVITATION_LIFETIME)
    (refusal,) = await stage.refused(OUTSIDER, invitations.accept, invitation)
    assert (refusal.code, "expired" in refusal.message) == ("CONFLICT", True)
    await stage.change(MASTER, share, add_principals=[OUTSIDER])
    clock.advance(INVITATION_LIFETIME - timedelta(seconds=1))
    await stage.act(OUTSIDER, invitations.accept, invitation)
    assert await stage.sees(OUTSIDER, key)


async def test_only_the_invited_account_answers(stage: Stage) -> None:
    """SH-2, PM-2: the owner is told so; to others the invitation does not exist."""
    await stage.exist(MASTER, ANN, OUTSIDER)
    _, _, invitation = await _invited(stage)
    for answer in (invitations.accept, invitations.reject):
        assert codes(await stage.refused(MASTER, answer, invitation)) == ["ACCESS_DENIED"]
        assert await stage.refused(ANN, answer, invitation) == await stage.refused(ANN, answer, "sinv_1")


async def test_outside_accounts_are_named_only_where_the_share_allows_it(stage: Stage) -> None:
    """SH-2, PM-2: alike whether the service knows the account or not."""
    await stage.organization(ANN)
    await stage.exist(OUTSIDER)
    share = await stage.share(MASTER, [], [ANN])
    for account_id in (OUTSIDER, "000000000001"):
        for work, arguments in (
            (shares.create, (stage.new_share([], [account_id]),)),
            (shares.update, (share, ShareChange(add_principals=[account_id]))),
        ):
            (refusal,) = await stage.refused(MASTER, work, *arguments)
            assert (refusal.code, refusal.rule, refusal.account_id) == ("NOT_IN_ORGANIZATION", "SH-2", account_id)


async def test_an_account_that_is_not_known_yet_can_be_invited(stage: Stage) -> None:
    """PM-2: what the owner is told does not differ; the account finds the invitation when it comes to exist."""
    await stage.exist(MASTER)
    key, _, invitation = await _invited(stage)
    await stage.exist(OUTSIDER)
    await stage.act(OUTSIDER, invitations.accept, invitation)
    assert await stage.sees(OUTSIDER, key)


async def test_inside_an_organization_that_is_not_linked_accounts_are_invited(stage: Stage) -> None:
    """SH-2: linking then puts the share in force, and an open invitation says nothing any more."""
    await stage.organization(ANN, BOB, linked=False)
    key = await stage.configuration(MASTER)
    await stage.share(MASTER, [key], [ANN, BOB])
    accepted, (open_, _) = (await stage.invitation(ANN))[0], await stage.invitation(BOB)
    await stage.act(ANN, invitations.accept, accepted)
    assert (await stage.sees(ANN, key), await stage.sees(BOB, key)) == (True, False)
    await stage.link()
    assert (await stage.sees(ANN, key), await stage.sees(BOB, key)) == (True, True)
    assert await stage.invitation(BOB) == (open_, InvitationState.EXPIRED)


async def test_undoing_the_link_leaves_what_was_accepted(stage: Stage) -> None:
    """SH-2, ST-4: what held by the link alone ends."""
    await stage.organization(ANN, BOB, linked=False)
    key = await stage.configuration(MASTER)
    await stage.share(MASTER, [key], [ANN])
    await stage.act(ANN, invitations.accept, (await stage.invitation(ANN))[0])
    await stage.link()
    await stage.share(MASTER, [key], [BOB])
    await stage.settings(MASTER, link_organization=False)
    assert (await stage.sees(ANN, key), await stage.sees(BOB, key)) == (True, False)
    await stage.link()
    assert await stage.sees(BOB, key)


async def test_the_service_accepts_for_a_member_whose_role_grants_it(stage: Stage) -> None:
    """SH-2, RO-6: in an organization that is not linked, and from outside."""
    await stage.organization(ANN, linked=False)
    await stage.exist(OUTSIDER)
    await stage.create_role(ANN, MEMBER_ROLE)
    inside, _, _ = await _invited(stage, ANN)
    assert await stage.sees(ANN, inside)
    outside = await stage.configuration(OUTSIDER)
    await stage.share(OUTSIDER, [outside], [ANN], allow_external_principals=True)
    assert await stage.shared(ANN) == {inside, outside}


async def test_a_role_that_does_not_grant_it_accepts_nothing(stage: Stage) -> None:
    """RO-6: the policy is asked, not merely whether the role is there."""
    await stage.organization(ANN, linked=False)
    await stage.create_role(ANN, MEMBER_ROLE)
    await stage.set_policy(ANN, MEMBER_ROLE, NOTHING)
    key, _, invitation = await _invited(stage, ANN)
    assert not await stage.sees(ANN, key)
    assert await stage.invitation(ANN) == (invitation, InvitationState.PENDING)


async def test_a_role_that_appears_accepts_what_is_open(stage: Stage) -> None:
    """SH-2, RO-5; what the account rejected stays rejected."""
    await stage.organization(ANN, BOB, linked=False)
    key, _, _ = await _invited(stage, ANN)
    await stage.share(MASTER, [key], [BOB], name="for Bob")
    await stage.act(BOB, invitations.reject, (await stage.invitation(BOB))[0])
    for account_id in (ANN, BOB):
        await stage.create_role(account_id, MEMBER_ROLE)
    assert (await stage.sees(ANN, key), await stage.sees(BOB, key)) == (True, False)


async def test_a_role_left_over_from_an_organization_accepts_nothing(stage: Stage) -> None:
    """RO-2: the member role acts only in a member."""
    await stage.organization(ANN)
    await stage.exist(OUTSIDER)
    await stage.act(MASTER, accounts.remove, ANN)
    key, _, invitation = await _invited(stage, ANN, owner=OUTSIDER)
    assert not await stage.sees(ANN, key)
    await stage.act(ANN, invitations.accept, invitation)
    assert await stage.sees(ANN, key)


async def test_nothing_is_accepted_inside_while_trusted_access_is_off(stage: Stage) -> None:
    """OR-3."""
    await stage.organization(ANN, linked=False)
    key, _, invitation = await _invited(stage, ANN)
    await stage.access(False)
    (refusal,) = await stage.refused(ANN, invitations.accept, invitation)
    assert (refusal.code, refusal.rule) == ("SERVICE_ACCESS_DISABLED", "OR-3")
    await stage.access(True)
    await stage.act(ANN, invitations.accept, invitation)
    assert await stage.sees(ANN, key)


@pytest.mark.parametrize("ending", ["deleted", "removed"])
async def test_an_invitation_ends_with_what_it_was_for(stage: Stage, ending: str) -> None:
    """SH-5: an answered one too; naming the account again asks again."""
    await stage.exist(MASTER, OUTSIDER)
    key, share, invitation = await _invited(stage)
    if ending == "deleted":
        await stage.act(MASTER, shares.delete, share)
    else:
        await stage.change(MASTER, share, remove_principals=[OUTSIDER])
    assert codes(await stage.refused(OUTSIDER, invitations.accept, invitation)) == ["CONFLICT"]
    again = await stage.share(MASTER, [key], [], allow_external_principals=True)
    await stage.change(MASTER, again, add_principals=[OUTSIDER])
    assert not await stage.sees(OUTSIDER, key)


async def test_a_member_that_left_loses_what_it_had_accepted(stage: Stage) -> None:
    """OR-4: coming back does not bring it back; being named again does."""
    await stage.organization(ANN, linked=False)
    key, share, invitation = await _invited(stage, ANN)
    await stage.act(ANN, invitations.accept, invitation)
    await stage.act(ANN, accounts.leave)
    assert not await stage.sees(ANN, key)
    await stage.join(ANN)
    assert not await stage.sees(ANN, key)
    await stage.change(MASTER, share, add_principals=[ANN])
    await stage.act(ANN, invitations.accept, invitation)
    assert await stage.sees(ANN, key)


async def test_both_accounts_find_the_acceptance_in_their_trails(stage: Stage) -> None:
    """AU-4."""
    await stage.exist(MASTER, OUTSIDER)
    _, _, invitation = await _invited(stage)

    def accept(tx: Transaction, viewer: Viewer) -> set[str]:
        invitations.accept(tx, viewer, invitation)
        return {concern.account_id for concern in tx.concerns}

    assert await stage.act(OUTSIDER, accept) == {MASTER, OUTSIDER}
