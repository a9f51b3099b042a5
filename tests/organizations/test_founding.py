"""OR-1 and OR-3: one master, one root, all features for good, trusted access on and off."""

import asyncio

import pytest

from app.organizations import events
from app.organizations.events import ChangeKind, MembershipChange
from app.organizations.service import membership
from tests.organizations.world import MASTER, MEMBER, OUTSIDER, World

WHOLE = """{ organization {
  organizationId featureSet serviceAccessEnabled createdAt
  masterAccount { accountId role }
  root { name parent { name } children { name } accounts { totalCount edges { node { accountId } } } }
  accounts { totalCount edges { node { accountId role joinedAt organizationalUnit { name } } } }
} }"""


async def test_or_1_the_founder_is_the_master_account_under_one_root(world: World) -> None:
    await world.exists(MASTER)
    await world.do(MASTER, "createOrganization(input: {})")
    organization = (await world.ask(MASTER, WHOLE))["organization"]
    assert organization["organizationId"].startswith("o-")
    assert (organization["featureSet"], organization["serviceAccessEnabled"]) == ("ALL", False)
    assert organization["masterAccount"] == {"accountId": MASTER, "role": "MASTER"}
    assert organization["root"]["parent"] is None
    assert organization["root"]["accounts"] == {"totalCount": 1, "edges": [{"node": {"accountId": MASTER}}]}
    (edge,) = organization["accounts"]["edges"]
    assert edge["node"]["organizationalUnit"] == {"name": "Root"}
    assert edge["node"]["joinedAt"] == organization["createdAt"] == "2026-01-05T09:00:00.000000Z"


async def test_or_2_an_account_in_an_organization_founds_no_other(world: World) -> None:
    await world.organization(MEMBER)
    for account in (MASTER, MEMBER):
        refusal = await world.refused(account, "createOrganization(input: {})")
        assert (refusal["code"], refusal["rule"], refusal["accountId"]) == ("CONFLICT", "OR-2", account)


async def test_or_2_of_foundings_at_once_by_one_account_one_stands(world: World, other_world: World) -> None:
    await world.exists(MASTER)
    call = "mutation { createOrganization(input: {}) { organization { id } errors { code } } }"
    answers = await asyncio.gather(*[each.ask(MASTER, call) for each in (world, other_world) * 4])
    errors = [answer["createOrganization"]["errors"] for answer in answers]
    assert errors.count([]) == 1
    assert errors.count([{"code": "CONFLICT"}]) == 7
    assert (await world.ask(MASTER, WHOLE))["organization"]["accounts"]["totalCount"] == 1


async def test_or_1_all_features_is_one_way_and_repeating_it_changes_nothing(world: World) -> None:
    await world.exists(MASTER)
    await world.do(MASTER, "createOrganization(input: {featureSet: CONSOLIDATED_BILLING})")
    assert (await world.ask(MASTER, WHOLE))["organization"]["featureSet"] == "CONSOLIDATED_BILLING"
    for _ in range(2):
        payload = await world.do(MASTER, "enableAllFeatures", "organization { featureSet }")
        assert payload["organization"] == {"featureSet": "ALL"}


async def test_or_3_the_master_turns_trusted_access_on_and_off(world: World) -> None:
    await world.organization()
    for act, expected in (("enableServiceAccess", True), ("disableServiceAccess", False)):
        payload = await world.do(MASTER, act, "organization { serviceAccessEnabled }")
        assert payload["organization"] == {"serviceAccessEnabled": expected}


async def test_or_3_who_follows_is_told_of_trusted_access_only_when_it_changes(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.organization()
    told: list[MembershipChange] = []
    monkeypatch.setattr(events, "on_membership_changed", [lambda tx, change: told.append(change)])
    for act in ("disableServiceAccess", "enableServiceAccess", "enableServiceAccess", "disableServiceAccess"):
        await world.do(MASTER, act)
    own = await world.database.read(lambda connection: membership(connection, MASTER))
    assert own is not None
    assert told == [MembershipChange(ChangeKind.SERVICE_ACCESS, own.organization_key)] * 2


@pytest.mark.parametrize(
    "act",
    [
        "enableAllFeatures",
        "enableServiceAccess",
        "disableServiceAccess",
        'createOrganizationalUnit(input: {name: "Prod"})',
        'createAccount(input: {name: "New"})',
        f'moveAccount(input: {{accountId: "{MEMBER}", organizationalUnitId: "ou_1"}})',
        f'removeAccount(accountId: "{MEMBER}")',
        f'inviteAccount(accountId: "{OUTSIDER}")',
    ],
)
async def test_or_1_a_member_and_a_standalone_account_do_none_of_the_masters_acts(world: World, act: str) -> None:
    await world.organization(MEMBER)
    await world.exists(OUTSIDER)
    assert (await world.refused(MEMBER, act))["code"] == "NOT_MASTER_ACCOUNT"
    assert MASTER in (await world.refused(MEMBER, act))["remedy"]
    assert (await world.refused(OUTSIDER, act))["code"] == "NOT_IN_ORGANIZATION"


@pytest.mark.parametrize("permission", ["AUDITOR", "USER"])
async def test_pm_1_only_administrators_change_an_organization(world: World, permission: str) -> None:
    from app.kernel.viewer import Permission

    await world.exists(MASTER)
    answer = await world.answer(
        MASTER,
        "mutation { createOrganization(input: {}) { organization { id } errors { code rule } } }",
        permission=Permission(permission),
    )
    expected = {"organization": None, "errors": [{"code": "ACCESS_DENIED", "rule": "PM-1"}]}
    assert answer["data"]["createOrganization"] == expected
    assert (await world.ask(MASTER, "{ organization { id } }"))["organization"] is None
