"""However much races, no hard limit is ever passed, and what is kept is the sum of what is associated (EN-11)."""

import asyncio
import random

import httpx2
from pydantic import SecretStr

from app.main import build
from app.settings import Settings
from tests.support import licenses as made
from tests.support.api import Api, Client

OWNER = "111122223333"


async def test_en_11_racing_launches_never_pass_a_hard_limit(api: Api) -> None:
    owner = await api.account(OWNER)
    counted = await made.configuration(owner, countingType="VCPU", licenseCount=50, hardLimit=True)
    image_id = await made.image(owner, counted)
    payloads = await asyncio.gather(*(made.launch(owner, image_id) for _ in range(60)))
    assert sum(len(each["instances"]) for each in payloads) == 25
    assert await made.consumed(owner, counted) == 50
    assert await made.consistent(owner)


async def test_en_11_two_launches_cannot_share_the_last_license_of_two_configurations(api: Api) -> None:
    """Several configurations at once, in any order, all or nothing: no deadlock, nothing half taken."""
    owner = await api.account(OWNER)
    first, second = [
        await made.configuration(owner, name, licenseCount=count, hardLimit=True)
        for name, count in (("a", 5), ("b", 3))
    ]
    image_id = await made.image(owner)
    payloads = await asyncio.gather(
        *(made.launch(owner, image_id, licenseConfigurationIds=random.sample([first, second], 2)) for _ in range(20))
    )
    assert sum(len(each["instances"]) for each in payloads) == 3
    assert [await made.consumed(owner, each) for each in (first, second)] == [3, 3]


async def test_en_11_launching_stopping_starting_and_associating_at_once_keep_the_sum(api: Api) -> None:
    owner = await api.account(OWNER)
    counted = await made.configuration(owner, countingType="SOCKET", licenseCount=4, hardLimit=True)
    cores = await made.configuration(owner, "cores", countingType="CORE", licenseCount=20, hardLimit=True)
    image_id = await made.image(owner, counted)
    hosts = [await made.host(owner) for _ in range(3)]
    running = [
        each
        for host_id in hosts[:2]
        for each in await made.launched(owner, image_id, tenancy="DEDICATED_HOST", hostId=host_id, count=2)
    ]

    async def one(number: int) -> None:
        chosen = random.Random(number)
        match number % 5:
            case 0:
                await made.launch(owner, image_id, tenancy="DEDICATED_HOST", hostId=chosen.choice(hosts))
            case 1:
                await made.change(owner, "stopInstances", chosen.choice(running))
            case 2:
                await made.change(owner, "startInstances", chosen.choice(running))
            case 3:
                await owner.field(
                    made.ASSOCIATE,
                    input={
                        "licenseConfigurationId": chosen.choice([counted, cores]),
                        "resourceIds": [chosen.choice(hosts)],
                    },
                )
            case _:
                await owner.field(
                    made.DISASSOCIATE,
                    input={
                        "licenseConfigurationId": chosen.choice([counted, cores]),
                        "resourceIds": [chosen.choice(hosts), chosen.choice(running)],
                    },
                )

    await asyncio.gather(*(one(number) for number in range(60)))
    assert await made.consumed(owner, counted) <= 4
    assert await made.consumed(owner, cores) <= 20
    assert await made.consistent(owner)


async def test_en_11_two_servers_on_one_database_sell_no_license_twice(api: Api, database_url: str) -> None:
    owner = await api.account(OWNER)
    counted = await made.configuration(owner, licenseCount=30, hardLimit=True)
    image_id = await made.image(owner, counted)
    other = build(Settings(database_url=SecretStr(database_url), _env_file=None))
    async with (
        other.application.router.lifespan_context(other.application),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(other.application), base_url="http://other.test") as http,
    ):
        twin = Client(http, owner.account_id, owner.token)
        payloads = await asyncio.gather(*(made.launch(each, image_id) for _ in range(25) for each in (owner, twin)))
    assert sum(len(each["instances"]) for each in payloads) == 30
    assert await made.consumed(owner, counted) == 30
    assert await made.consistent(owner)


async def test_en_12_a_racing_client_token_launches_once(api: Api) -> None:
    owner = await api.account(OWNER)
    counted = await made.configuration(owner)
    image_id = await made.image(owner, counted)
    payloads = await asyncio.gather(*(made.launch(owner, image_id, clientToken="one") for _ in range(10)))
    assert len({each["instances"][0]["id"] for each in payloads}) == 1
    assert await made.consumed(owner, counted) == 1
