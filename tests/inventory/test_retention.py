"""Inventory data ends 30 days from its capture, and what is gone carries nothing (IN-4, IN-5, TR-3, TR-4)."""

from datetime import timedelta
from typing import Any

from sqlalchemy import update

from app.compute.models import ResourceRow
from app.inventory.retention import expire, purge_stale
from app.kernel.clock import ManualClock
from app.kernel.tables import table_of
from tests.inventory.reports import reported, server
from tests.support import licenses as made
from tests.support.api import Api, Client

OWNER = "111122223333"


async def run_retention(api: Api, clock: ManualClock, **given: Any) -> int:
    """How many managed instances one run dealt with."""
    return await api.database.write(lambda tx: expire(tx, clock.now(), **given))


async def carried(client: Client, configuration_id: str) -> int:
    """How many resources carry a configuration."""
    query = "query($id: ID!) { licenseConfiguration(id: $id) { associations { totalCount } } }"
    found = await client.field(query, id=configuration_id)
    number: int = found["associations"]["totalCount"]
    return number


async def test_in_4_data_lives_thirty_days_from_its_capture_and_then_its_licenses_are_released(
    api: Api, clock: ManualClock
) -> None:
    owner = await api.account(OWNER)
    counted = await made.configuration(owner, countingType="CORE")
    found = await reported(owner, cores=4)
    await made.associate(owner, counted, found["id"])
    clock.advance(timedelta(days=30) - timedelta(microseconds=1))
    assert await run_retention(api, clock) == 0
    assert (await server(owner, found["id"]))["active"] is True
    clock.advance(microseconds=1)
    assert await run_retention(api, clock) == 1
    assert (await server(owner, found["id"]))["active"] is False
    assert (await made.consumed(owner, counted), await carried(owner, counted)) == (0, 1)
    assert await run_retention(api, clock) == 0
    assert await made.consistent(owner)


async def test_tr_3_a_server_that_reports_again_is_active_and_counted_again(api: Api, clock: ManualClock) -> None:
    """EN-10: past a hard limit too, and that is an alert."""
    owner = await api.account(OWNER)
    limited = await made.configuration(owner, countingType="CORE", licenseCount=4, hardLimit=True)
    first = await reported(owner, cores=4)
    await made.associate(owner, limited, first["id"])
    clock.advance(days=31)
    await run_retention(api, clock)
    second = await reported(owner, resourceId="mi-2", cores=1)
    await made.associate(owner, limited, second["id"])
    again = await reported(owner)
    assert (again["active"], again["cores"]) == (True, 4)
    assert await made.consumed(owner, limited) == 5
    assert (await made.alert_kinds(owner))[-1] == "LIMIT_EXCEEDED"
    assert await made.consistent(owner)


async def test_in_4_only_what_is_old_ends(api: Api, clock: ManualClock) -> None:
    owner = await api.account(OWNER)
    old = await reported(owner, resourceId="mi-old")
    clock.advance(days=29)
    new = await reported(owner, resourceId="mi-new")
    clock.advance(days=1)
    assert await run_retention(api, clock) == 1
    assert (await server(owner, old["id"]))["active"] is False
    assert (await server(owner, new["id"]))["active"] is True


async def test_a_longer_retention_brings_back_what_it_covers(api: Api, clock: ManualClock) -> None:
    owner = await api.account(OWNER)
    counted = await made.configuration(owner, countingType="CORE")
    found = await reported(owner, cores=4)
    await made.associate(owner, counted, found["id"])
    clock.advance(days=40)
    await run_retention(api, clock)
    assert await made.consumed(owner, counted) == 0
    assert await run_retention(api, clock, days=60) == 1
    assert (await server(owner, found["id"]))["active"] is True
    assert await made.consumed(owner, counted) == 4


async def test_a_run_takes_a_part_until_there_is_none(api: Api, clock: ManualClock) -> None:
    owner = await api.account(OWNER)
    counted = await made.configuration(owner)
    ids = [(await reported(owner, resourceId=f"mi-{number}"))["id"] for number in range(5)]
    await made.associate(owner, counted, *ids)
    clock.advance(days=30)
    assert [await run_retention(api, clock, at_most=2) for _ in range(4)] == [2, 2, 1, 0]
    assert await made.consumed(owner, counted) == 0


async def test_in_5_whatever_is_gone_is_purged_however_it_went(api: Api, clock: ManualClock) -> None:
    """An image, a host or an instance that a sync found gone, without an act here that purges at once."""
    owner = await api.account(OWNER)
    counted = await made.configuration(owner)
    image_id, host_id = await made.image(owner, counted), await made.host(owner)
    running, ended = await made.launched(owner, image_id, count=2)
    await made.associate(owner, counted, host_id)
    assert (await made.consumed(owner, counted), await carried(owner, counted)) == (3, 4)
    assert await api.database.write(purge_stale) == 0
    await _went(api, clock, image_id, host_id)
    await _ended(api, ended)
    assert [await api.database.write(lambda tx: purge_stale(tx, at_most=2)) for _ in range(3)] == [2, 1, 0]
    assert (await made.consumed(owner, counted), await carried(owner, counted)) == (1, 1)
    query = "query($id: ID!) { node(id: $id) { ... on Instance { licenseConfigurations { id } } } }"
    assert await owner.field(query, id=running) == {"licenseConfigurations": [{"id": counted}]}
    assert await made.consistent(owner)


async def _went(api: Api, clock: ManualClock, *ids: str) -> None:
    await _set(api, ids, gone_at=clock.now())


async def _ended(api: Api, *ids: str) -> None:
    await _set(api, ids, state="TERMINATED")


async def _set(api: Api, ids: tuple[str, ...], **values: Any) -> None:
    rows = table_of(ResourceRow)
    keys = [int(each.removeprefix("res_")) for each in ids]
    await api.database.write(lambda tx: tx.execute(update(rows).where(rows.c.id.in_(keys)).values(**values)).rowcount)
