"""OR-2: an account is invited, has fifteen days, and accepts or declines; it is in at most one organization."""

import asyncio
from typing import Any

import pytest

from app.kernel.clock import ManualClock
from app.organizations.service import membership
from tests.organizations.world import MASTER, MEMBER, OUTSIDER, World

OTHER_MASTER = "222233334444"
LIST = "{ accountInvitations { id accountId state createdAt organization { organizationId } } }"


async def invited(world: World, account_id: str = MEMBER, master: str = MASTER) -> str:
    payload = await world.do(master, f'inviteAccount(accountId: "{account_id}")', "invitation { id state }")
    assert payload["invitation"]["state"] == "PENDING"
    made: str = payload["invitation"]["id"]
    return made


async def states(world: World, account_id: str) -> list[str]:
    return [each["state"] for each in (await world.ask(account_id, LIST))["accountInvitations"]]


async def test_or_2_an_invited_account_joins_when_it_accepts(world: World, clock: ManualClock) -> None:
    await world.organization()
    await world.exists(MEMBER)
    invitation = await invited(world)
    assert await world.database.read(lambda connection: membership(connection, MEMBER)) is None
    clock.advance(days=14)
    payload = await world.do(MEMBER, f'acceptAccountInvitation(id: "{invitation}")', "invitation { state accountId }")
    assert payload["invitation"] == {"state": "ACCEPTED", "accountId": MEMBER}
    joined = await world.database.read(lambda connection: membership(connection, MEMBER))
    assert joined is not None
    assert joined.master_account_id == MASTER
    assert len(joined.unit_ids) == 1


async def test_or_2_an_account_that_declines_stays_out(world: World) -> None:
    await world.organization()
    await world.exists(MEMBER)
    invitation = await invited(world)
    await world.do(MEMBER, f'rejectAccountInvitation(id: "{invitation}")')
    assert await states(world, MEMBER) == ["REJECTED"]
    refusal = await world.refused(MEMBER, f'acceptAccountInvitation(id: "{invitation}")')
    assert (refusal["code"], refusal["nodeIds"]) == ("CONFLICT", [invitation])
    assert "rejected" in refusal["message"]
    await invited(world)


@pytest.mark.parametrize("answer", ["accept", "reject"])
async def test_or_2_an_invitation_expires_after_fifteen_days(world: World, clock: ManualClock, answer: str) -> None:
    await world.organization()
    await world.exists(MEMBER)
    invitation = await invited(world)
    clock.advance(days=15)
    assert await states(world, MEMBER) == ["EXPIRED"]
    refusal = await world.refused(MEMBER, f'{answer}AccountInvitation(id: "{invitation}")')
    assert refusal["code"] == "CONFLICT"
    assert "expired" in refusal["message"]
    assert await invited(world) != invitation
    assert await states(world, MASTER) == ["EXPIRED", "PENDING"]


async def test_or_2_an_account_has_one_open_invitation_of_an_organization(world: World) -> None:
    await world.organization()
    await world.exists(MEMBER)
    invitation = await invited(world)
    refusal = await world.refused(MASTER, f'inviteAccount(accountId: "{MEMBER}")')
    assert (refusal["code"], refusal["nodeIds"]) == ("CONFLICT", [invitation])


async def test_or_2_of_invitations_sent_at_once_one_stands(world: World, other_world: World) -> None:
    await world.organization()
    call = f'mutation {{ inviteAccount(accountId: "{MEMBER}") {{ errors {{ code }} }} }}'
    answers = await asyncio.gather(*[each.ask(MASTER, call) for each in (world, other_world) * 4])
    errors = [answer["inviteAccount"]["errors"] for answer in answers]
    assert errors.count([]) == 1


async def test_or_2_of_accepts_at_once_into_two_organizations_one_stands(world: World, other_world: World) -> None:
    await world.organization()
    await world.organization(master=OTHER_MASTER)
    await world.exists(MEMBER)
    invitations = [await invited(world), await invited(world, master=OTHER_MASTER)] * 3
    answers = await asyncio.gather(
        *[
            server.ask(MEMBER, f'mutation {{ acceptAccountInvitation(id: "{each}") {{ errors {{ code }} }} }}')
            for each in invitations
            for server in (world, other_world)
        ]
    )
    errors = [answer["acceptAccountInvitation"]["errors"] for answer in answers]
    assert errors.count([]) == 1
    assert errors.count([{"code": "CONFLICT"}]) == 11
    assert sorted(await states(world, MEMBER)) == ["ACCEPTED", "PENDING"]


async def test_or_2_an_account_in_another_organization_leaves_it_before_it_accepts(world: World) -> None:
    await world.organization(MEMBER)
    await world.organization(master=OTHER_MASTER)
    invitation = await invited(world, master=OTHER_MASTER)
    refusal = await world.refused(MEMBER, f'acceptAccountInvitation(id: "{invitation}")')
    assert (refusal["code"], refusal["rule"]) == ("CONFLICT", "OR-2")
    assert "Leave" in refusal["remedy"]
    assert await states(world, MEMBER) == ["ACCEPTED", "PENDING"]
    await world.do(MEMBER, "leaveOrganization")
    await world.do(MEMBER, f'acceptAccountInvitation(id: "{invitation}")')


async def test_pm_2_inviting_tells_nothing_of_accounts_that_the_master_can_not_see(world: World) -> None:
    await world.organization()
    await world.organization(MEMBER, master=OTHER_MASTER)
    shapes = []
    for account_id in (MEMBER, "999999999999"):
        payload = await world.do(
            MASTER, f'inviteAccount(accountId: "{account_id}")', "invitation { state organization { id } }"
        )
        shapes.append(payload)
    assert shapes[0] == shapes[1]


async def test_or_2_a_member_of_the_same_organization_is_not_invited(world: World) -> None:
    await world.organization(MEMBER)
    refusal = await world.refused(MASTER, f'inviteAccount(accountId: "{MEMBER}")')
    assert (refusal["code"], refusal["field"]) == ("CONFLICT", ["accountId"])


async def test_pm_2_an_invitation_is_seen_by_its_two_sides_alone(world: World) -> None:
    await world.organization("123412341234")
    await world.exists(MEMBER, OUTSIDER)
    invitation = await invited(world)

    async def seen(account_id: str) -> tuple[Any, Any]:
        answer = await world.ask(account_id, f'{{ node(id: "{invitation}") {{ id }} accountInvitations {{ id }} }}')
        return answer["node"], [each for each in answer["accountInvitations"] if each["id"] == invitation]

    for account_id in (MASTER, MEMBER):
        assert await seen(account_id) == ({"id": invitation}, [{"id": invitation}])
    for account_id in (OUTSIDER, "123412341234"):
        assert await seen(account_id) == (None, [])
        refusals = [
            await world.refused(account_id, f'acceptAccountInvitation(id: "{each}")')
            for each in (invitation, "ainv_1", "nonsense")
        ]
        assert refusals == [refusals[0]] * 3
        assert refusals[0]["code"] == "NOT_FOUND"
    refusal = await world.refused(MASTER, f'acceptAccountInvitation(id: "{invitation}")')
    assert (refusal["code"], refusal["accountId"]) == ("ACCESS_DENIED", MEMBER)


async def test_pm_2_an_invited_account_sees_who_invites_and_nothing_within(world: World) -> None:
    await world.organization(OUTSIDER)
    await world.exists(MEMBER)
    await world.do(MASTER, 'createOrganizationalUnit(input: {name: "Secret project"})')
    await invited(world)
    answer = await world.ask(
        MEMBER,
        """{ accountInvitations { organization {
            masterAccount { accountId email role organization { id } joinedAt serviceLinkedRoles { name } }
            accounts { totalCount edges { node { accountId } } }
            root { name children { name } accounts { totalCount } }
        } } }""",
    )
    (invitation,) = answer["accountInvitations"]
    assert invitation["organization"] == {
        "masterAccount": {
            "accountId": MASTER,
            "email": None,
            "role": "STANDALONE",
            "organization": None,
            "joinedAt": None,
            "serviceLinkedRoles": None,
        },
        "accounts": {"totalCount": 0, "edges": []},
        "root": {"name": "Root", "children": [], "accounts": {"totalCount": 0}},
    }
