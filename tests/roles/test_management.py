"""RO-1 to RO-5: created by service name, described, and deleted only when nothing is in the way."""

import asyncio

import pytest
from sqlalchemy import Connection

from app.kernel.database import Transaction
from app.organizations.service import mark_discovery_enabled, mark_linked, mark_unlinked, membership
from app.roles import events
from app.roles.events import Obstacle, RoleChange
from app.roles.rules import ServiceLinkedRoleKind, definitions
from app.roles.service import ensure, present
from tests.organizations.world import MASTER, MEMBER, OUTSIDER, World

SERVICES = {kind.value: definition.trusted_service for kind, definition in definitions().items()}
ROLE = "serviceLinkedRole { id arn name kind trustedService description policy account { accountId } }"


def creating(kind: str, more: str = "") -> str:
    return f'createServiceLinkedRole(input: {{serviceName: "{SERVICES[kind]}"{more}}})'


async def created(world: World, account_id: str, kind: str) -> str:
    payload = await world.do(account_id, creating(kind), "serviceLinkedRole { id }")
    made: str = payload["serviceLinkedRole"]["id"]
    return made


async def test_ro_1_a_role_has_its_fixed_name_service_and_policy(world: World) -> None:
    await world.exists(MASTER)
    payload = await world.do(MASTER, creating("CORE", ', description: "First run"'), ROLE)
    role = payload["serviceLinkedRole"]
    name = "AWSServiceRoleForAWSLicenseManagerRole"
    assert role["arn"] == f"arn:aws:iam::{MASTER}:role/aws-service-role/license-manager.amazonaws.com/{name}"
    assert (role["name"], role["kind"], role["description"]) == (name, "CORE", "First run")
    assert role["policy"] == definitions()[ServiceLinkedRoleKind.CORE].policy
    assert role["account"] == {"accountId": MASTER}


@pytest.mark.parametrize(
    ("kind", "allowed"),
    [("CORE", {MASTER, MEMBER, OUTSIDER}), ("MASTER_ACCOUNT", {MASTER}), ("MEMBER_ACCOUNT", {MEMBER})],
)
async def test_ro_2_the_master_role_is_for_a_master_and_the_member_role_for_a_member(
    world: World, kind: str, allowed: set[str]
) -> None:
    await world.organization(MEMBER)
    await world.exists(OUTSIDER)
    for account_id in (MASTER, MEMBER, OUTSIDER):
        if account_id in allowed:
            await created(world, account_id, kind)
        else:
            refusal = await world.refused(account_id, creating(kind))
            assert (refusal["code"], refusal["rule"]) == ("ROLE_NOT_ALLOWED", "RO-2")


async def test_ro_2_a_role_that_exists_is_not_created_again(world: World) -> None:
    await world.exists(MASTER)
    role = await created(world, MASTER, "CORE")
    refusal = await world.refused(MASTER, creating("CORE"))
    assert (refusal["code"], refusal["nodeIds"]) == ("CONFLICT", [role])


async def test_ro_2_of_creations_at_once_one_stands(world: World, other_world: World) -> None:
    await world.exists(MASTER)
    call = f"mutation {{ {creating('CORE')} {{ errors {{ code }} }} }}"
    answers = await asyncio.gather(*[each.ask(MASTER, call) for each in (world, other_world) * 3])
    assert [answer["createServiceLinkedRole"]["errors"] for answer in answers].count([]) == 1


async def test_ro_1_a_service_without_a_role_here_is_refused_with_those_that_have_one(world: World) -> None:
    await world.exists(MASTER)
    refusal = await world.refused(MASTER, 'createServiceLinkedRole(input: {serviceName: "ec2.amazonaws.com"})')
    assert (refusal["code"], refusal["field"]) == ("INVALID_INPUT", ["input", "serviceName"])
    assert all(service in refusal["remedy"] for service in SERVICES.values())


async def test_ro_1_only_the_description_can_be_edited(world: World) -> None:
    await world.exists(MASTER)
    role = await created(world, MASTER, "CORE")
    call = f'updateServiceLinkedRole(input: {{id: "{role}", description: "For licenses"}})'
    payload = await world.do(MASTER, call, "serviceLinkedRole { description name }")
    assert payload["serviceLinkedRole"]["description"] == "For licenses"
    call = f'updateServiceLinkedRole(input: {{id: "{role}", description: "{"x" * 1001}"}})'
    assert (await world.refused(MASTER, call))["field"] == ["input", "description"]


async def test_ro_3_the_core_role_goes_last(world: World) -> None:
    await world.organization(MEMBER)
    core, member = await created(world, MEMBER, "CORE"), await created(world, MEMBER, "MEMBER_ACCOUNT")
    refusal = await world.refused(MEMBER, f'deleteServiceLinkedRole(id: "{core}")')
    assert (refusal["code"], refusal["rule"], refusal["nodeIds"]) == ("ROLE_IN_USE", "RO-3", [member])
    assert "AWSServiceRoleForAWSLicenseManagerMemberAccountRole" in refusal["remedy"]
    for role in (member, core):
        payload = await world.do(MEMBER, f'deleteServiceLinkedRole(id: "{role}")', "deletedId")
        assert payload["deletedId"] == role
    own = await world.ask(MEMBER, f'{{ account(accountId: "{MEMBER}") {{ serviceLinkedRoles {{ id }} }} }}')
    assert own["account"]["serviceLinkedRoles"] == []


async def test_ro_3_what_the_account_owns_is_in_the_way_and_all_of_it_is_listed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.organization(MEMBER)
    core, member = await created(world, MEMBER, "CORE"), await created(world, MEMBER, "MEMBER_ACCOUNT")

    def owned(connection: Connection, account_id: str) -> list[Obstacle]:
        assert account_id == MEMBER
        return [Obstacle("license configurations", 2, ("lc_1", "lc_2")), Obstacle("associations", 0, ())]

    monkeypatch.setattr(events, "in_the_way", [owned])
    data = await world.ask(
        MEMBER,
        f'mutation {{ deleteServiceLinkedRole(id: "{core}") {{ deletedId errors {{ code nodeIds message }} }} }}',
    )
    payload = data["deleteServiceLinkedRole"]
    assert payload["deletedId"] is None
    assert [error["nodeIds"] for error in payload["errors"]] == [[member], ["lc_1", "lc_2"]]
    assert "2 license configurations" in payload["errors"][1]["message"]


async def test_ro_4_the_master_role_stays_while_the_organization_is_linked(world: World) -> None:
    await world.organization()
    role = await created(world, MASTER, "MASTER_ACCOUNT")
    own = await world.database.read(lambda connection: membership(connection, MASTER))
    assert own is not None
    assert await world.database.write(lambda tx: mark_linked(tx, own.organization_key))
    refusal = await world.refused(MASTER, f'deleteServiceLinkedRole(id: "{role}")')
    assert (refusal["code"], refusal["rule"]) == ("ROLE_IN_USE", "RO-4")
    assert "linkOrganization" in refusal["remedy"]
    assert await world.database.write(lambda tx: mark_unlinked(tx, own.organization_key))
    await world.do(MASTER, f'deleteServiceLinkedRole(id: "{role}")')


async def test_ro_4_linking_and_deleting_the_master_role_at_once_never_leave_a_link_without_it(
    world: World, other_world: World
) -> None:
    await world.organization()
    role = await created(world, MASTER, "MASTER_ACCOUNT")
    own = await world.database.read(lambda connection: membership(connection, MASTER))
    assert own is not None

    def link(tx: Transaction) -> None:
        mark_linked(tx, own.organization_key)
        ensure(tx, MASTER, ServiceLinkedRoleKind.MASTER_ACCOUNT)

    delete = f'mutation {{ deleteServiceLinkedRole(id: "{role}") {{ deletedId }} }}'
    await asyncio.gather(world.database.write(link), other_world.ask(MASTER, delete))
    has = await world.database.read(
        lambda connection: present(connection, MASTER, ServiceLinkedRoleKind.MASTER_ACCOUNT)
    )
    assert has


async def test_ro_4_with_discovery_on_the_remedy_does_not_promise_an_unlinking(world: World) -> None:
    await world.organization()
    role = await created(world, MASTER, "MASTER_ACCOUNT")
    own = await world.database.read(lambda connection: membership(connection, MASTER))
    assert own is not None
    key = own.organization_key
    assert not await world.database.write(lambda tx: mark_discovery_enabled(tx, key))
    assert await world.database.write(lambda tx: mark_linked(tx, key))
    assert not await world.database.write(lambda tx: mark_linked(tx, key))
    assert await world.database.write(lambda tx: mark_discovery_enabled(tx, key))
    assert not await world.database.write(lambda tx: mark_unlinked(tx, key))
    refusal = await world.refused(MASTER, f'deleteServiceLinkedRole(id: "{role}")')
    assert "can't be undone" in refusal["remedy"]


async def test_ro_5_a_member_deletes_its_own_role_and_creates_it_again_and_both_are_told(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.organization(MEMBER)
    role = await created(world, MEMBER, "MEMBER_ACCOUNT")
    told: list[RoleChange] = []
    monkeypatch.setattr(events, "on_role_changed", [lambda tx, change: told.append(change)])
    await world.do(MEMBER, f'deleteServiceLinkedRole(id: "{role}")')
    await created(world, MEMBER, "MEMBER_ACCOUNT")
    kind = ServiceLinkedRoleKind.MEMBER_ACCOUNT
    assert told == [RoleChange(kind, [MEMBER], present=False), RoleChange(kind, [MEMBER], present=True)]


async def test_ro_4_the_master_sees_a_members_role_and_can_not_touch_it(world: World) -> None:
    await world.organization(MEMBER, OUTSIDER)
    role = await created(world, MEMBER, "MEMBER_ACCOUNT")
    acts = (
        f'deleteServiceLinkedRole(id: "{role}")',
        f'updateServiceLinkedRole(input: {{id: "{role}", description: "x"}})',
    )
    for act in acts:
        refusal = await world.refused(MASTER, act)
        assert (refusal["code"], refusal["accountId"]) == ("ACCESS_DENIED", MEMBER)
    for act in acts:
        absent = await world.refused(OUTSIDER, act.replace(role, "role_1"))
        assert await world.refused(OUTSIDER, act) == absent
        assert absent["code"] == "NOT_FOUND"
    node = f'{{ node(id: "{role}") {{ ... on ServiceLinkedRole {{ name }} }} }}'
    assert (await world.ask(MASTER, node))["node"] is not None
    assert (await world.ask(OUTSIDER, node))["node"] is None


async def test_au_1_a_refused_deletion_is_recorded_with_the_role_that_it_concerns(world: World) -> None:
    await world.organization()
    role = await created(world, MASTER, "CORE")
    await created(world, MASTER, "MASTER_ACCOUNT")
    await world.refused(MASTER, f'deleteServiceLinkedRole(id: "{role}")')
    record = world.notebook.records[-1]
    assert (record.action, record.refused) == ("deleteServiceLinkedRole", ("ROLE_IN_USE",))
    assert [concern.arn for concern in record.concerns] == [definitions()[ServiceLinkedRoleKind.CORE].arn(MASTER)]
