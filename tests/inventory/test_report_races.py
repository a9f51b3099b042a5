"""However reports race, a server is one, and what it consumes is what it reported last (EN-11, IN-4)."""

import asyncio

from app.kernel.clock import ManualClock
from tests.inventory.reports import DEREGISTER, reported, server
from tests.support import licenses as made
from tests.support.api import Api
from tests.support.twin import twin

OWNER = "111122223333"
TRIES = range(8)


async def test_a_server_that_reports_for_the_first_time_to_two_servers_is_one(
    api: Api, database_url: str, clock: ManualClock
) -> None:
    owner = await api.account(OWNER)
    async with twin(database_url, owner, clock) as other:
        found = await asyncio.gather(*(reported(each, cores=4) for _ in TRIES for each in (owner, other)))
    assert len({each["id"] for each in found}) == 1


async def test_en_11_what_grows_while_it_is_associated_is_counted_as_it_is_then(
    api: Api, database_url: str, clock: ManualClock
) -> None:
    owner = await api.account(OWNER)
    counted = await made.configuration(owner, countingType="CORE")
    names = [f"mi-{number}" for number in TRIES]
    ids = [(await reported(owner, resourceId=name, cores=1))["id"] for name in names]
    async with twin(database_url, owner, clock) as other:
        await asyncio.gather(
            *(made.associate(owner, counted, each) for each in ids),
            *(reported(other, resourceId=name, cores=10) for name in names),
        )
    assert await made.consumed(owner, counted) == 10 * len(TRIES)
    assert await made.consistent(owner)


async def test_in_4_a_server_that_reports_while_it_is_deregistered_carries_nothing(
    api: Api, database_url: str, clock: ManualClock
) -> None:
    owner = await api.account(OWNER)
    counted = await made.configuration(owner, countingType="CORE")
    ids = [(await reported(owner, resourceId=f"mi-{number}", cores=4))["id"] for number in TRIES]
    await made.associate(owner, counted, *ids)
    async with twin(database_url, owner, clock) as other:
        await asyncio.gather(
            *(reported(owner, resourceId=f"mi-{number}", cores=8) for number in TRIES),
            *(other.done(DEREGISTER, id=each) for each in ids),
        )
    assert await made.consumed(owner, counted) == 0
    assert await made.consistent(owner)
    left = [await server(owner, each) for each in ids]
    assert all(each is None or each["licenseConfigurations"] == [] for each in left)
