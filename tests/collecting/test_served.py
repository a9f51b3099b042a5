"""A server that collects from AWS: on demand, by schedule, and what its accounts then find (IN-1, IN-3, TR-5)."""

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr

from app.inventory.schedules import Scheduler
from app.inventory.sources import registered
from app.kernel.clock import ManualClock
from app.main import build
from app.settings import Settings
from tests.collecting.amazon import MASTER, REGION, Amazon
from tests.support import licenses as made
from tests.support.api import Api, Client

SYNC = """
mutation { startInventorySync(region: "us-east-1") {
  serviceSettings { lastInventorySyncAt } errors { code message remedy } } }"""
SYNCS = """{ inventorySyncs { accountId region { code } finishedAt done total
             failures { code message remedy accountId } } }"""
FIND = """query($filter: String!) {
  resourceInventory(filter: $filter, region: "us-east-1", first: 50) { edges { node { id resourceId } } } }"""
LINK = """
mutation { updateServiceSettings(input: {region: "us-east-1", linkOrganization: true}) { errors { code message } } }"""
DISCOVER = """
mutation { updateServiceSettings(input: {region: "us-east-1", enableCrossAccountDiscovery: true}) {
  errors { code message } } }"""


@pytest.fixture
def settings(amazon: Amazon, database_url: str) -> Settings:
    return amazon.settings(database_url=SecretStr(database_url), aws_collection=True)


@pytest.fixture
async def api(settings: Settings, clock: ManualClock) -> AsyncIterator[Api]:
    """The served application, which collects."""
    server = build(settings, clock=clock)
    async with (
        server.application.router.lifespan_context(server.application),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(server.application), base_url="http://tollgate.test") as http,
    ):
        yield Api(http, server.database)
    assert registered() == {}


async def opened(api: Api, amazon: Amazon, *names: str) -> tuple[Client, list[str]]:
    """The master of a linked organization that was read from AWS, and the ids of its members."""
    members = amazon.organization(*names)
    master = await api.account(MASTER)
    await master.done(SYNC)
    await master.done(LINK)
    await master.done(DISCOVER)
    return master, members


async def found(client: Client, filter_: str) -> dict[str, str]:
    """Global ids by AWS's."""
    page = await client.field(FIND, filter=filter_)
    return {edge["node"]["resourceId"]: edge["node"]["id"] for edge in page["edges"]}


async def test_what_runs_is_found_by_search_once_it_is_synchronised_and_let_go_when_it_ended(
    api: Api, amazon: Amazon
) -> None:
    master, _ = await opened(api, amazon)
    image = amazon.image()
    await master.done(SYNC)
    licenses = await made.configuration(master, licenseCount=1, hardLimit=True)
    await made.associate(master, licenses, (await found(master, "type:IMAGE"))[image])
    running = amazon.run(image, count=2)
    await master.done(SYNC)
    assert set(await found(master, "type:INSTANCE AND state:RUNNING AND license:licenses")) == set(running)
    assert await made.consumed(master, licenses) == 2
    assert await made.alert_kinds(master) == ["LIMIT_EXCEEDED"]
    amazon.ec2().terminate_instances(InstanceIds=running[:1])
    await master.done(SYNC)
    assert set(await found(master, "type:INSTANCE AND state:RUNNING")) == set(running[1:])
    assert await made.consumed(master, licenses) == 1
    assert await made.consistent(master)


async def scheduled(api: Api, settings: Settings, clock: ManualClock) -> None:
    """The next day's synchronisation."""
    clock.advance(days=1)
    await Scheduler(api.database, settings).run_due()


async def test_in_3_by_schedule_all_accounts_are_in_but_the_one_that_denies_and_that_one_says_why(
    api: Api, amazon: Amazon, settings: Settings, clock: ManualClock
) -> None:
    _, (ann, bob) = await opened(api, amazon, "ann", "bob")
    for each in (MASTER, ann, bob):
        amazon.run(amazon.image(each), each)
    amazon.refuse("sts:AssumeRole", bob, "AccessDenied")
    await scheduled(api, settings, clock)
    clients = {each: await api.client(each) for each in (MASTER, ann, bob)}
    assert [len(await found(each, "type:INSTANCE")) for each in clients.values()] == [1, 1, 0]
    told = {each: await sync(client) for each, client in clients.items()}
    assert told[MASTER]["failures"] == told[ann]["failures"] == []
    (failure,) = told[bob]["failures"]
    assert (failure["code"], failure["accountId"]) == ("ACCESS_DENIED", bob)
    assert failure["message"].startswith("AWS did not let the collector assume the role TollgateCollector")
    assert "docs/collecting.md" in failure["remedy"]
    assert {each["finishedAt"] is None for each in told.values()} == {False}
    assert told[ann]["done"] == told[ann]["total"] == 3
    shown = '{ viewer { account { serviceSettings(region: "us-east-1") { lastInventorySyncAt } } } }'
    last = {each: (await client.field(shown))["account"]["serviceSettings"] for each, client in clients.items()}
    assert last[ann]["lastInventorySyncAt"] is not None
    assert last[bob]["lastInventorySyncAt"] is None


async def sync(client: Client) -> dict[str, Any]:
    """The account's synchronisation in the Region that is visited."""
    all_of_it = await client.field(SYNCS)
    (one,) = (each for each in all_of_it if each["region"]["code"] == REGION)
    found: dict[str, Any] = one
    return found


async def test_a_server_collects_nothing_unless_it_is_told_to(
    amazon: Amazon, settings: Settings, clock: ManualClock
) -> None:
    quiet = build(settings.model_copy(update={"aws_collection": False}), clock=clock)
    async with quiet.application.router.lifespan_context(quiet.application):
        assert "aws" not in registered()
    collecting = build(settings, clock=clock)
    async with collecting.application.router.lifespan_context(collecting.application):
        assert "aws" in registered()
    assert "aws" not in registered()
    assert amazon.asked == []
