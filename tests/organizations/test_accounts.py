"""OR-2 and OR-4: accounts are made in an organization, leave it or are removed, and keep what is theirs."""

import asyncio
from typing import Any

import pytest

from app.kernel.clock import ManualClock
from app.kernel.database import Transaction
from app.organizations import events
from app.organizations.events import ChangeKind, MembershipChange
from app.organizations.rules import AccountRole, FormerMember
from app.organizations.service import account_exists, former_members, members, membership
from tests.organizations.world import MASTER, MEMBER, OUTSIDER, World

THIRD = "123412341234"


async def key_of(world: World, account_id: str = MASTER) -> int:
    found = await world.database.read(lambda connection: membership(connection, account_id))
    assert found is not None
    return found.organization_key


async def test_or_2_an_account_made_in_an_organization_is_its_member(world: World) -> None:
    await world.organization()
    payload = await world.do(
        MASTER,
        'createAccount(input: {name: "Billing", email: "billing@example.com"})',
        "account { accountId name email role organizationalUnit { name } organization { masterAccount { name } } }",
    )
    account = payload["account"]
    assert len(account["accountId"]) == 12
    assert account["accountId"].isdigit()
    assert (account["name"], account["email"], account["role"]) == ("Billing", "billing@example.com", "MEMBER")
    assert account["organizationalUnit"] == {"name": "Root"}
    assert await world.database.read(lambda connection: account_exists(connection, account["accountId"]))


async def test_or_2_an_account_can_be_made_right_in_a_unit(world: World) -> None:
    await world.organization()
    unit = await world.do(MASTER, 'createOrganizationalUnit(input: {name: "Production"})', "organizationalUnit { id }")
    unit_id = unit["organizationalUnit"]["id"]
    payload = await world.do(
        MASTER,
        f'createAccount(input: {{name: "Web", organizationalUnitId: "{unit_id}"}})',
        "account { organizationalUnit { id accounts { edges { node { name } } } } }",
    )
    expected = {"id": unit_id, "accounts": {"edges": [{"node": {"name": "Web"}}]}}
    assert payload["account"]["organizationalUnit"] == expected


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ('name: ""', "name"),
        (f'name: "{"x" * 129}"', "name"),
        ('name: "New", email: "no at sign"', "email"),
        ('name: "New", email: ""', "email"),
        (f'name: "New", email: "{"x" * 250}@example.com"', "email"),
        ('name: "New", organizationalUnitId: "ou_1"', "organizationalUnitId"),
    ],
)
async def test_api_3_what_is_wrong_with_a_new_account_is_named_and_nothing_is_made(
    world: World, given: str, field: str
) -> None:
    await world.organization()
    refusal = await world.refused(MASTER, f"createAccount(input: {{{given}}})")
    assert refusal["field"] == ["input", field]
    assert (await world.ask(MASTER, "{ organization { accounts { totalCount } } }")) == {
        "organization": {"accounts": {"totalCount": 1}}
    }


async def test_or_4_a_removed_account_stands_alone_and_its_organization_remembers_it(
    world: World, clock: ManualClock
) -> None:
    await world.organization(MEMBER)
    key = await key_of(world)
    clock.advance(days=3)
    payload = await world.do(MASTER, f'removeAccount(accountId: "{MEMBER}")', "account { accountId }")
    assert payload["account"] == {"accountId": MEMBER}
    own = await world.ask(
        MEMBER, f'{{ account(accountId: "{MEMBER}") {{ role organization {{ id }} joinedAt }} organization {{ id }} }}'
    )
    assert own == {"account": {"role": "STANDALONE", "organization": None, "joinedAt": None}, "organization": None}
    former = await world.database.read(lambda connection: former_members(connection, key))
    assert former == [FormerMember(MEMBER, clock.now())]


async def test_or_2_a_member_leaves_by_itself_and_an_account_that_comes_back_is_no_former_one(world: World) -> None:
    await world.organization(MEMBER)
    key = await key_of(world)
    for _ in range(2):
        await world.do(MEMBER, "leaveOrganization")
        assert await world.database.read(lambda connection: membership(connection, MEMBER)) is None
        former = await world.database.read(lambda connection: former_members(connection, key))
        assert [each.account_id for each in former] == [MEMBER]
        await world.join(MEMBER)
        assert await world.database.read(lambda connection: former_members(connection, key)) == []


async def test_or_2_the_master_neither_leaves_nor_is_removed(world: World) -> None:
    await world.organization(MEMBER)
    for act in ("leaveOrganization", f'removeAccount(accountId: "{MASTER}")'):
        refusal = await world.refused(MASTER, act)
        assert (refusal["code"], refusal["rule"]) == ("CONFLICT", "OR-2")
    await world.exists(OUTSIDER)
    assert (await world.refused(OUTSIDER, "leaveOrganization"))["code"] == "NOT_IN_ORGANIZATION"


async def test_pm_2_an_account_outside_can_not_be_removed_and_its_existence_is_not_told(world: World) -> None:
    await world.organization()
    await world.exists(OUTSIDER)
    refusals = [
        await world.refused(MASTER, f'removeAccount(accountId: "{each}")') for each in (OUTSIDER, "999999999999")
    ]
    assert refusals[0] == refusals[1]
    assert refusals[0]["code"] == "NOT_FOUND"


async def test_or_2_of_leaving_and_being_removed_at_once_one_stands(world: World, other_world: World) -> None:
    await world.organization(MEMBER)
    answers = await asyncio.gather(
        world.ask(MEMBER, "mutation { leaveOrganization { errors { code } } }"),
        other_world.ask(MASTER, f'mutation {{ removeAccount(accountId: "{MEMBER}") {{ errors {{ code }} }} }}'),
    )
    errors = [payload["errors"] for answer in answers for payload in answer.values()]
    assert errors.count([]) == 1


async def test_st_3_who_follows_is_told_of_each_change_after_it_is_written(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[ChangeKind, str | None, bool]] = []

    def follow(tx: Transaction, change: MembershipChange) -> None:
        assert change.account_id is not None
        there = membership(tx.connection, change.account_id) is not None
        told.append((change.kind, change.account_id, there))

    monkeypatch.setattr(events, "on_membership_changed", [follow])
    await world.organization(MEMBER)
    unit = await world.do(MASTER, 'createOrganizationalUnit(input: {name: "A"})', "organizationalUnit { id }")
    target = unit["organizationalUnit"]["id"]
    await world.do(MASTER, f'moveAccount(input: {{accountId: "{MEMBER}", organizationalUnitId: "{target}"}})')
    await world.do(MASTER, f'removeAccount(accountId: "{MEMBER}")')
    assert told == [
        (ChangeKind.JOINED, MASTER, True),
        (ChangeKind.JOINED, MEMBER, True),
        (ChangeKind.MOVED, MEMBER, True),
        (ChangeKind.LEFT, MEMBER, False),
    ]


async def test_what_a_follower_refuses_undoes_the_change(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Facts and consequences stand in one transaction."""
    from app.kernel.errors import invalid

    await world.organization(MEMBER)

    def refuse(tx: Transaction, change: MembershipChange) -> None:
        raise invalid("Not now.")

    monkeypatch.setattr(events, "on_membership_changed", [refuse])
    await world.refused(MEMBER, "leaveOrganization")
    assert await world.database.read(lambda connection: membership(connection, MEMBER)) is not None


async def test_au_4_leaving_concerns_the_member_and_the_master(world: World) -> None:
    await world.organization(MEMBER)
    await world.do(MEMBER, "leaveOrganization")
    record = world.notebook.records[-1]
    assert (record.action, record.account_id, record.refused) == ("leaveOrganization", MEMBER, ())
    assert {concern.account_id for concern in record.concerns} == {MEMBER, MASTER}


async def test_members_are_read_in_three_statements_however_many(world: World) -> None:
    from sqlalchemy import Connection, event

    await world.organization(MEMBER, OUTSIDER, THIRD)
    key = await key_of(world)

    def counted(connection: Connection) -> tuple[int, Any]:
        seen: list[str] = []

        def count(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
            seen.append(statement)

        event.listen(connection, "before_cursor_execute", count)
        found = members(connection, key)
        event.remove(connection, "before_cursor_execute", count)
        return len(seen), found

    statements, found = await world.database.read(counted)
    assert statements == 3
    assert [(each.account_id, each.role) for each in found] == [
        (MASTER, AccountRole.MASTER),
        (MEMBER, AccountRole.MEMBER),
        (OUTSIDER, AccountRole.MEMBER),
        (THIRD, AccountRole.MEMBER),
    ]
    alone = await world.database.read(lambda connection: [membership(connection, each.account_id) for each in found])
    assert alone == found
