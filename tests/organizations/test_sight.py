"""PM-2: an account sees itself and the accounts of its organization; all others are as absent ones."""

from functools import partial
from typing import Any

from sqlalchemy import Connection, Select, literal, select

from app.organizations.service import is_master_of, same_organization
from tests.organizations.world import MASTER, MEMBER, OUTSIDER, World

ABSENT = "999999999999"


async def test_pm_2_an_account_of_another_organization_answers_as_an_absent_one(world: World) -> None:
    await world.organization(MEMBER)
    await world.organization(master=OUTSIDER)
    theirs = await world.ask(OUTSIDER, f'{{ account(accountId: "{OUTSIDER}") {{ id }} organization {{ id }} }}')
    for viewer in (MASTER, MEMBER):
        for account_id in (OUTSIDER, ABSENT):
            answer = await world.ask(viewer, f'{{ account(accountId: "{account_id}") {{ id }} }}')
            assert answer["account"] is None
        ids = [theirs["account"]["id"], theirs["organization"]["id"], "acct_1", "org_1"]
        answer = await world.ask(viewer, "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=ids)
        assert answer["nodes"] == [None] * 4


async def test_pm_2_members_of_one_organization_see_one_another(world: World) -> None:
    await world.organization(MEMBER)
    for viewer, other in ((MASTER, MEMBER), (MEMBER, MASTER)):
        answer = await world.ask(
            viewer,
            f'{{ account(accountId: "{other}") {{ accountId organization {{ id }} organizationalUnit {{ name }} }} }}',
        )
        assert answer["account"]["accountId"] == other
        assert answer["account"]["organizationalUnit"] == {"name": "Root"}
        assert answer["account"]["organization"] is not None


async def test_roles_are_seen_by_the_account_itself_and_by_its_master(world: World) -> None:
    third = "123412341234"
    await world.organization(MEMBER, third)
    await world.do(MEMBER, 'createServiceLinkedRole(input: {serviceName: "license-manager.amazonaws.com"})')
    query = f'{{ account(accountId: "{MEMBER}") {{ serviceLinkedRoles {{ kind }} }} }}'
    seen = {viewer: (await world.ask(viewer, query))["account"] for viewer in (MASTER, MEMBER, third)}
    roles = {"serviceLinkedRoles": [{"kind": "CORE"}]}
    assert seen == {MASTER: roles, MEMBER: roles, third: {"serviceLinkedRoles": None}}


async def test_sight_expressions_say_the_same_of_every_pair(world: World) -> None:
    """Other slices build their predicates of these two."""
    await world.organization(MEMBER)
    await world.exists(OUTSIDER)
    everyone = (MASTER, MEMBER, OUTSIDER, ABSENT)
    together = {(MASTER, MEMBER), (MEMBER, MASTER)} | {(each, each) for each in everyone}
    for viewer in everyone:
        for account in everyone:
            viewing, viewed = literal(viewer), literal(account)
            asked = select(same_organization(viewed, viewing), is_master_of(viewing, viewed))
            same, master = await world.database.read(partial(_one, asked))
            assert bool(same) == ((viewer, account) in together), (viewer, account)
            assert bool(master) == (viewer == MASTER and account in (MASTER, MEMBER)), (viewer, account)


def _one(asked: Select[Any, Any], connection: Connection) -> Any:
    return connection.execute(asked).one()


async def test_regions_are_listed_with_their_support(world: World) -> None:
    """RG-1: nineteen, in the guide's order."""
    await world.exists(MASTER)
    query = "{ regions { code name supportsServiceLinkedRoles supportsCrossAccount } }"
    regions = (await world.ask(MASTER, query))["regions"]
    assert len(regions) == 19
    assert regions[0] == {
        "code": "us-east-1",
        "name": "US East (N. Virginia)",
        "supportsServiceLinkedRoles": True,
        "supportsCrossAccount": True,
    }
    assert {each["code"]: each["supportsCrossAccount"] for each in regions}["us-west-1"] is False
