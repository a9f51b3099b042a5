"""OR-1: units are a tree with one root, five levels under it, names unique among siblings."""

from app.organizations.service import membership
from tests.organizations.world import MASTER, MEMBER, OUTSIDER, World

TREE = """{ organization { root { id name children { name children { name } } } } }"""


async def unit(world: World, name: str, parent: str | None = None) -> str:
    under = f', parentId: "{parent}"' if parent else ""
    call = f'createOrganizationalUnit(input: {{name: "{name}"{under}}})'
    payload = await world.do(MASTER, call, "organizationalUnit { id }")
    made: str = payload["organizationalUnit"]["id"]
    return made


async def test_or_1_units_nest_under_the_root_unless_a_parent_is_given(world: World) -> None:
    await world.organization()
    production = await unit(world, "Production")
    await unit(world, "Databases", production)
    root = (await world.ask(MASTER, TREE))["organization"]["root"]
    assert root["children"] == [{"name": "Production", "children": [{"name": "Databases"}]}]


async def test_or_1_five_levels_stand_under_the_root_and_no_sixth(world: World) -> None:
    await world.organization()
    parent = None
    for level in range(1, 6):
        parent = await unit(world, f"Level {level}", parent)
    call = f'createOrganizationalUnit(input: {{name: "Level 6", parentId: "{parent}"}})'
    refusal = await world.refused(MASTER, call)
    assert (refusal["code"], refusal["rule"], refusal["field"]) == ("INVALID_INPUT", "OR-1", ["input", "parentId"])


async def test_or_1_siblings_have_different_names_and_cousins_need_not(world: World) -> None:
    await world.organization()
    production = await unit(world, "Production")
    test = await unit(world, "Test")
    await unit(world, "Databases", production)
    await unit(world, "Databases", test)
    refusal = await world.refused(MASTER, 'createOrganizationalUnit(input: {name: "Production"})')
    assert (refusal["code"], refusal["field"], refusal["nodeIds"]) == ("CONFLICT", ["input", "name"], [production])


async def test_pm_2_a_unit_of_another_organization_is_as_absent_as_one_that_never_was(world: World) -> None:
    await world.organization()
    await world.organization(master=OUTSIDER)
    payload = await world.do(OUTSIDER, 'createOrganizationalUnit(input: {name: "Theirs"})', "organizationalUnit { id }")
    theirs = payload["organizationalUnit"]["id"]
    refusals = [
        await world.refused(MASTER, f'createOrganizationalUnit(input: {{name: "Mine", parentId: "{parent}"}})')
        for parent in (theirs, "ou_1", "lc_1", "nonsense", "")
    ]
    assert refusals == [refusals[0]] * 5
    assert (refusals[0]["code"], refusals[0]["nodeIds"]) == ("NOT_FOUND", [])
    assert (await world.ask(MASTER, f'{{ node(id: "{theirs}") {{ id }} }}'))["node"] is None


async def test_api_3_a_units_name_has_bounds(world: World) -> None:
    await world.organization()
    for name in ("", "   ", "x" * 129, "a\\u0000b"):
        refusal = await world.refused(MASTER, f'createOrganizationalUnit(input: {{name: "{name}"}})')
        assert (refusal["code"], refusal["field"]) == ("INVALID_INPUT", ["input", "name"])


async def test_or_1_an_account_moves_between_units_and_its_path_with_it(world: World) -> None:
    await world.organization(MEMBER)
    production = await unit(world, "Production")
    databases = await unit(world, "Databases", production)
    call = f'moveAccount(input: {{accountId: "{MEMBER}", organizationalUnitId: "{databases}"}})'
    payload = await world.do(MASTER, call, "account { organizationalUnit { name parent { name parent { name } } } }")
    assert payload["account"]["organizationalUnit"] == {
        "name": "Databases",
        "parent": {"name": "Production", "parent": {"name": "Root"}},
    }
    found = await world.database.read(lambda connection: membership(connection, MEMBER))
    assert found is not None
    assert [unit_id.split("-")[0] for unit_id in found.unit_ids] == ["ou", "ou", "r"]
    assert [f"ou_{key}" for key in found.unit_keys[:2]] == [databases, production]
    assert found.principals == {MEMBER, found.organization_id, *found.unit_ids}


async def test_pm_2_an_account_outside_the_organization_can_not_be_moved(world: World) -> None:
    await world.organization()
    await world.exists(OUTSIDER)
    production = await unit(world, "Production")
    refusals = [
        await world.refused(
            MASTER, f'moveAccount(input: {{accountId: "{account}", organizationalUnitId: "{production}"}})'
        )
        for account in (OUTSIDER, "999999999999")
    ]
    assert refusals[0] == refusals[1]
    assert (refusals[0]["code"], refusals[0]["field"]) == ("NOT_FOUND", ["input", "accountId"])
