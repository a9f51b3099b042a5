"""A search of the organization: every gate, member by member, and the same sight everywhere (IN-2, TR-1, PM-2)."""

import contextlib
import random
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from sqlalchemy import Connection, literal, select
from sqlalchemy.exc import NoResultFound

from app.compute.models import ResourceRow
from app.kernel.errors import DomainError
from app.kernel.regions import regions
from app.kernel.tables import table_of
from app.linking.inventory import left_out, search
from app.linking.service import upgrade_data_catalog
from app.linking.sight import inventories_closed_to, inventories_seen_by, inventory_seen_by, searched_regions
from app.organizations import accounts
from app.roles.rules import definitions
from tests.inventory.search_world import SEARCH, found, refused, report, tag
from tests.sharing.stage import (
    ANN,
    BOB,
    MASTER,
    MASTER_ROLE,
    MEMBER_ROLE,
    OTHER_REGION,
    OUTSIDER,
    REGION,
    UNSUPPORTED,
    Stage,
)
from tests.support import licenses as made
from tests.support.api import Api, Client
from tests.support.statements import reads_of

ACROSS = {"scope": "ORGANIZATION"}
NODE = "query($id: ID!) { node(id: $id) { id ... on ManagedInstance { resourceId applications { name } } } }"


def without(policy: Mapping[str, Any], sid: str) -> dict[str, Any]:
    """A policy that lost one of its statements."""
    return {**policy, "Statement": [each for each in policy["Statement"] if each["Sid"] != sid]}


async def discovering(api: Api, *members: str) -> tuple[Stage, Client]:
    """A linked organization with discovery on and the catalog upgraded in one Region; its master's client."""
    stage = Stage(api.database)
    await stage.organization(*members)
    await stage.settings(MASTER, enable_discovery=True)
    await stage.act(MASTER, upgrade_data_catalog, REGION)
    return stage, await api.client(MASTER)


async def server(api: Api, account_id: str, resource_id: str, **given: Any) -> str:
    return await report(await api.client(account_id), resource_id, ("Office", "16", "Microsoft"), **given)


async def skipped(master: Client, **given: Any) -> list[tuple[str, str]]:
    answer = await master.field(SEARCH, filter="", **ACROSS, **given)
    assert all(each["remedy"] and each["message"] for each in answer["skipped"])
    return [(each["accountId"], each["code"]) for each in answer["skipped"]]


async def test_in_2_the_master_finds_what_all_members_have(api: Api) -> None:
    stage, master = await discovering(api, ANN, BOB)
    await stage.exist(OUTSIDER)
    for account_id in (MASTER, ANN, BOB, OUTSIDER):
        await server(api, account_id, f"mi-{account_id}")
    assert await found(master, "application:office", **ACROSS) == {f"mi-{each}" for each in (MASTER, ANN, BOB)}
    assert await found(master, f"account:{ANN}", **ACROSS) == {f"mi-{ANN}"}
    assert await found(master, f"account:{OUTSIDER}", **ACROSS) == set()
    assert await found(master) == {f"mi-{MASTER}"}
    assert await skipped(master) == []


async def test_ro_6_a_member_whose_role_does_not_grant_the_reads_is_left_out_and_named(api: Api) -> None:
    """That its role is there is not enough; what else the role lacks does not matter to a search."""
    stage, master = await discovering(api, ANN, BOB)
    ids = {account_id: await server(api, account_id, f"mi-{account_id}") for account_id in (ANN, BOB)}
    policy = definitions()[MEMBER_ROLE].policy
    await stage.set_policy(ANN, MEMBER_ROLE, without(policy, "SSMPermissions"))
    await stage.set_policy(BOB, MEMBER_ROLE, without(without(policy, "RAMPermissions"), "LicenseManagerPermissions"))
    answer = await master.field(SEARCH, filter="", **ACROSS)
    assert [each["node"]["resourceId"] for each in answer["edges"]] == [f"mi-{BOB}"]
    assert [(each["accountId"], each["code"], each["rule"]) for each in answer["skipped"]] == [
        (ANN, "ROLE_NOT_ALLOWED", "RO-6")
    ]
    assert await master.field(NODE, id=ids[ANN]) is None
    await stage.set_policy(ANN, MEMBER_ROLE, policy)
    assert await skipped(master) == []


async def test_a_member_that_fails_is_left_out_and_named_and_the_rest_answer(api: Api) -> None:
    """IN-2, RO-5: deleted, the role shuts its account out of search and node alike; restored, it lets in again."""
    stage, master = await discovering(api, ANN, BOB)
    ids = {account_id: await server(api, account_id, f"mi-{account_id}") for account_id in (ANN, BOB)}
    await stage.delete_role(ANN, MEMBER_ROLE)
    assert await found(master, **ACROSS) == {f"mi-{BOB}"}
    assert await skipped(master) == [(ANN, "ROLE_MISSING")]
    assert await master.field(NODE, id=ids[ANN]) is None
    assert (await master.field(NODE, id=ids[BOB]))["resourceId"] == f"mi-{BOB}"
    await stage.create_role(ANN, MEMBER_ROLE)
    assert await found(master, **ACROSS) == {f"mi-{ANN}", f"mi-{BOB}"}
    assert (await master.field(NODE, id=ids[ANN]))["applications"] == [{"name": "Office"}]


async def test_each_gate_of_the_whole_refuses_the_search(api: Api) -> None:
    """IN-2, OR-3, RG-2, TR-1: a top-level error with code, rule and remedy (PM-3)."""
    stage = Stage(api.database)
    await stage.exist(OUTSIDER)
    await stage.organization(ANN, linked=False, access=False)
    master, ann, outsider = [await api.client(each) for each in (MASTER, ANN, OUTSIDER)]

    async def code(client: Client, **given: Any) -> tuple[str, str]:
        answer = await client.raw(SEARCH, {"filter": "", **ACROSS, **given})
        assert answer["data"] is None
        told = answer["errors"][0]["extensions"]
        assert told["remedy"]
        return told["code"], told["rule"]

    assert await code(outsider) == ("NOT_IN_ORGANIZATION", "IN-2")
    assert (await code(master))[0] == "SERVICE_ACCESS_DISABLED"
    await stage.access(True)
    assert await code(master) == ("ORGANIZATION_NOT_LINKED", "IN-2")
    await stage.link()
    assert await code(master) == ("CROSS_ACCOUNT_DISCOVERY_DISABLED", "IN-2")
    await stage.settings(MASTER, enable_discovery=True)
    assert await code(master) == ("CATALOG_NOT_UPGRADED", "TR-1")
    await stage.act(MASTER, upgrade_data_catalog, REGION)
    assert await code(ann) == ("NOT_MASTER_ACCOUNT", "IN-2")
    assert await code(master, region=UNSUPPORTED) == ("REGION_UNSUPPORTED", "RG-2")
    assert await code(master, region=OTHER_REGION) == ("CATALOG_NOT_UPGRADED", "TR-1")
    assert await found(master, region=REGION, **ACROSS) == set()
    await stage.access(False)
    assert (await code(master))[0] == "SERVICE_ACCESS_DISABLED"


async def test_only_regions_whose_catalog_is_upgraded_are_searched(api: Api) -> None:
    """TR-1, RG-2: also of the master's own; the Region asked alone, or all that can be."""
    stage, master = await discovering(api, ANN)
    for account_id in (MASTER, ANN):
        for region in (REGION, OTHER_REGION, UNSUPPORTED):
            await server(api, account_id, f"mi-{account_id}-{region}", region=region)
    assert await found(master, **ACROSS) == {f"mi-{each}-{REGION}" for each in (MASTER, ANN)}
    await stage.act(MASTER, upgrade_data_catalog, OTHER_REGION)
    await stage.act(MASTER, upgrade_data_catalog, UNSUPPORTED)
    both = {f"mi-{each}-{region}" for each in (MASTER, ANN) for region in (REGION, OTHER_REGION)}
    assert await found(master, **ACROSS) == both
    assert await found(master, region=OTHER_REGION, **ACROSS) == {f"mi-{each}-{OTHER_REGION}" for each in (MASTER, ANN)}


async def test_units_are_found_by_name_and_id_with_all_below_them(api: Api) -> None:
    """IN-1; a unit of another organization is one that never was (PM-2)."""
    stage, master = await discovering(api, ANN, BOB)
    top = await stage.unit("Production", ANN)
    await stage.unit("Web Shop", BOB, parent=top)
    for account_id in (MASTER, ANN, BOB):
        await server(api, account_id, f"mi-{account_id}")
    in_both = {f"mi-{ANN}", f"mi-{BOB}"}
    for text in ("unit:production", f"unit:{top}", f"unit:ou_{await stage.unit_key(top)}", "unit^prod", "unit~duct"):
        assert await found(master, text, **ACROSS) == in_both, text
    assert await found(master, 'unit:"web shop"', **ACROSS) == {f"mi-{BOB}"}
    assert await found(master, "NOT unit:production", **ACROSS) == {f"mi-{MASTER}"}
    assert await found(await api.client(BOB), "unit:production") == {f"mi-{BOB}"}
    assert await found(await api.client(BOB), "unit:production AND NOT unit:shop OR unit:x") == {f"mi-{BOB}"}
    await stage.organization(master=OUTSIDER)
    await server(api, OUTSIDER, "mi-outside")
    assert await found(await api.client(OUTSIDER), "unit:production") == set()


async def test_pm_2_a_license_that_the_master_does_not_see_is_not_there_in_a_search_across(api: Api) -> None:
    """A member's own configuration on its own server: to the master it carries none."""
    _, master = await discovering(api, ANN)
    ann = await api.client(ANN)
    theirs = await made.configuration(ann, "Theirs")
    await made.associate(ann, theirs, await server(api, ANN, "mi-ann"))
    assert await found(ann, "license:theirs") == {"mi-ann"}
    assert await found(master, "license:theirs", **ACROSS) == set()
    assert await found(master, "license:none", **ACROSS) == {"mi-ann"}


async def test_tags_and_pages_across_accounts(api: Api) -> None:
    _, master = await discovering(api, ANN, BOB)
    for number in range(5):
        for account_id in (ANN, BOB):
            client = await api.client(account_id)
            id_ = await server(api, account_id, f"mi-{account_id}-{number}")
            await tag(client, id_, Team="web" if number % 2 else "data")
    whole = await found(master, "tag.Team:web OR tag.Team:data", **ACROSS)
    assert len(whole) == 10
    seen: list[str] = []
    after = None
    for _ in range(4):
        page = await master.field(SEARCH, filter="tag.Team~a OR tag.Team:web", first=3, after=after, **ACROSS)
        seen += [edge["node"]["resourceId"] for edge in page["edges"]]
        after = page["pageInfo"]["endCursor"]
    assert set(seen) == whole
    assert len(seen) == 10


async def test_a_page_takes_as_many_statements_with_two_members_as_with_thirty(api: Api) -> None:
    """IN-2: the page's cost does not grow with the number of accounts, that of those left out included."""
    stage, master = await discovering(api, ANN, BOB)
    await server(api, ANN, "mi-ann")
    await stage.delete_role(BOB, MEMBER_ROLE)
    taken = []
    for more in (0, 28):
        for number in range(more):
            await stage.act(MASTER, accounts.create_in_organization, f"Member {number}", None, None)
        with reads_of("service_linked_role") as roles, reads_of("organization") as organizations:
            assert await skipped(master) == [(BOB, "ROLE_MISSING")]
        taken.append((len(roles), len(organizations)))
    assert taken[0] == taken[1]


@pytest.mark.parametrize("seed", range(4))
async def test_sight_in_sql_is_what_the_checks_of_a_search_say(api: Api, seed: int) -> None:
    """PM-2: after any history of members, roles, link, discovery, access and catalogs, for every Region and account."""
    chance = random.Random(seed)
    stage = Stage(api.database)
    await stage.organization(ANN, BOB, linked=False)
    await stage.exist(OUTSIDER)
    for account_id in (MASTER, ANN, BOB, OUTSIDER):
        for region in (REGION, OTHER_REGION):
            await server(api, account_id, f"mi-{account_id}-{region}", region=region)
    steps: list[Callable[[], Any]] = [
        lambda: stage.link(),
        lambda: stage.settings(MASTER, enable_discovery=True),
        lambda: stage.act(MASTER, upgrade_data_catalog, REGION),
        lambda: stage.access(chance.random() < 0.7),
        lambda: stage.act(MASTER, upgrade_data_catalog, chance.choice((REGION, OTHER_REGION, UNSUPPORTED))),
        lambda: stage.delete_role(chance.choice((ANN, BOB)), MEMBER_ROLE),
        lambda: stage.delete_role(MASTER, MASTER_ROLE),
        lambda: stage.create_role(chance.choice((ANN, BOB)), MEMBER_ROLE),
        lambda: stage.create_role(MASTER, MASTER_ROLE),
        lambda: stage.act(MASTER, accounts.remove, chance.choice((ANN, BOB))),
        lambda: stage.join(chance.choice((ANN, BOB, OUTSIDER))),
        lambda: stage.settings(MASTER, link_organization=False),
    ]
    reached_some = 0
    for number in range(40):
        step = steps[number] if number < 3 else chance.choice(steps)
        with contextlib.suppress(DomainError, NoResultFound):  # what is refused changes nothing
            await step()
        for viewer in (MASTER, ANN):
            reached_some += await stage.read(agree, viewer)
    assert reached_some > 0


def agree(connection: Connection, viewer: str) -> int:
    """Holds the SQL of sight against the checks, for one viewer; how many accounts of others it reaches."""
    resource = table_of(ResourceRow)
    me = literal(viewer)
    seen = select(resource.c.account_id, resource.c.region).where(
        inventory_seen_by(me, resource.c.account_id, resource.c.region)
    )
    by_row = {(row.account_id, row.region) for row in connection.execute(seen)}
    members = set(connection.execute(inventories_seen_by(me)).scalars())
    covered = set(connection.execute(searched_regions(me)).scalars())
    closed = list(connection.execute(inventories_closed_to(me)).scalars())
    reached = set()
    for code in [each.code for each in regions()]:
        across = search(connection, viewer, code)
        passed = all(check.passed for check in across.checks)
        others = set(across.account_ids) - {viewer}
        assert (code in covered and bool(across.account_ids)) == passed
        reached |= {(each, code) for each in others}
        if passed:
            assert others == members
            assert [each.account_id for each in across.skipped] == closed
            assert [each.code for each in left_out(connection, viewer, code)] == [each.code for each in across.skipped]
    assert by_row == {pair for pair in reached if pair[1] in (REGION, OTHER_REGION)}
    return len(reached)


async def test_a_member_searches_its_own_account_alone(api: Api) -> None:
    await discovering(api, ANN, BOB)
    for account_id in (ANN, BOB):
        await server(api, account_id, f"mi-{account_id}")
    ann = await api.client(ANN)
    assert await found(ann) == {f"mi-{ANN}"}
    error = await refused(ann, "", **ACROSS)
    assert error["extensions"]["code"] == "NOT_MASTER_ACCOUNT"
