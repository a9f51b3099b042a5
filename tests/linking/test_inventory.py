"""How far searching and synchronising reach over an organization (IN-2, TR-1)."""

from app.linking.crossing import search, synchronise
from app.linking.inventory import Across
from app.linking.service import upgrade_data_catalog
from app.organizations import accounts
from tests.sharing.stage import (
    ANN,
    BOB,
    MASTER,
    MEMBER_ROLE,
    OTHER_REGION,
    OUTSIDER,
    REGION,
    UNSUPPORTED,
    Stage,
    failed,
)

NOTHING = {"Version": "2012-10-17", "Statement": []}


async def _search(stage: Stage, account_id: str = MASTER, region: str | None = REGION) -> Across:
    return await stage.read(search, account_id, region)


async def _discovering(stage: Stage, *members: str) -> None:
    await stage.organization(*members)
    await stage.settings(MASTER, enable_discovery=True)
    await stage.act(MASTER, upgrade_data_catalog, REGION)


async def test_a_search_reaches_every_account(stage: Stage) -> None:
    """IN-2."""
    await _discovering(stage, ANN, BOB)
    found = await _search(stage)
    assert failed(found.checks) == []
    assert (set(found.account_ids), list(found.skipped), list(found.regions)) == ({MASTER, ANN, BOB}, [], [REGION])


async def test_a_member_that_fails_is_left_out_and_named(stage: Stage) -> None:
    """IN-2, RO-6: one reason for each; the others answer."""
    await _discovering(stage, ANN, BOB)
    await stage.delete_role(ANN, MEMBER_ROLE)
    await stage.set_policy(BOB, MEMBER_ROLE, NOTHING)
    found = await _search(stage)
    assert list(found.account_ids) == [MASTER]
    assert [(each.account_id, each.code) for each in found.skipped] == [
        (ANN, "ROLE_MISSING"),
        (BOB, "ROLE_NOT_ALLOWED"),
    ]
    assert all(each.remedy for each in found.skipped)


async def test_the_gates_of_the_whole_in_their_order(stage: Stage) -> None:
    """IN-2, OR-3, RG-2, TR-1: membership, master, Region, access, link, discovery, catalog."""
    await stage.exist(OUTSIDER)
    assert failed((await _search(stage, OUTSIDER)).checks) == [("NOT_IN_ORGANIZATION", "IN-2")]
    await stage.organization(ANN, linked=False, access=False)
    assert [code for code, _ in failed((await _search(stage)).checks)] == [
        "SERVICE_ACCESS_DISABLED",
        "ORGANIZATION_NOT_LINKED",
        "CROSS_ACCOUNT_DISCOVERY_DISABLED",
    ]
    await stage.access(True)
    await stage.link()
    assert failed((await _search(stage)).checks) == [("CROSS_ACCOUNT_DISCOVERY_DISABLED", "IN-2")]
    await stage.settings(MASTER, enable_discovery=True)
    assert failed((await _search(stage)).checks) == [("CATALOG_NOT_UPGRADED", "TR-1")]
    assert failed((await _search(stage, ANN)).checks) == [("NOT_MASTER_ACCOUNT", "IN-2")]
    assert failed((await _search(stage, region=UNSUPPORTED)).checks) == [("REGION_UNSUPPORTED", "RG-2")]


async def test_a_catalog_that_is_not_upgraded_says_how_to(stage: Stage) -> None:
    """TR-1: it is the master's, Region by Region."""
    await _discovering(stage, ANN)
    (check,) = [each for each in (await _search(stage, region=OTHER_REGION)).checks if each.refusal]
    assert check.refusal is not None
    assert f'upgradeDataCatalog(region: "{OTHER_REGION}")' in (check.refusal.remedy or "")


async def test_a_search_of_all_regions_is_of_those_that_are_ready(stage: Stage) -> None:
    """TR-1: none ready is refused."""
    await stage.organization(ANN)
    await stage.settings(MASTER, enable_discovery=True)
    assert failed((await _search(stage, region=None)).checks) == [("CATALOG_NOT_UPGRADED", "TR-1")]
    for region in (OTHER_REGION, REGION):
        await stage.act(MASTER, upgrade_data_catalog, region)
    assert list((await _search(stage, region=None)).regions) == [REGION, OTHER_REGION]


async def test_a_removed_account_is_neither_reached_nor_named(stage: Stage) -> None:
    """OR-4."""
    await _discovering(stage, ANN, BOB)
    await stage.act(MASTER, accounts.remove, ANN)
    found = await _search(stage)
    assert (set(found.account_ids), list(found.skipped)) == ({MASTER, BOB}, [])


async def test_synchronising_asks_no_catalog(stage: Stage) -> None:
    """IN-3: it is what fills it."""
    await stage.organization(ANN)
    await stage.settings(MASTER, enable_discovery=True)
    found = await stage.read(synchronise, MASTER, REGION)
    assert (failed(found.checks), set(found.account_ids)) == ([], {MASTER, ANN})
