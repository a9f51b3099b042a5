"""Inventory ends and is brought up to date by schedule, each time by one server (IN-3, IN-4, IN-5, TR-5)."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from pydantic import SecretStr

from app.inventory import leases
from app.inventory.schedules import Scheduled, Scheduler
from app.inventory.sources import Run, Target, forget, register
from app.kernel.clock import ManualClock
from app.kernel.database import Database, Transaction
from app.kernel.errors import ErrorCode, Refusal
from app.kernel.viewer import Permission
from app.settings import Settings
from tests.support import licenses as made
from tests.support.api import Api, Client

OWNER = "111122223333"
SETTINGS = Settings(database_url=SecretStr("sqlite+aiosqlite:///unused.db"), _env_file=None)
PUT = """
mutation($input: PutInventoryInput!) {
  putInventory(input: $input) { managedInstance { id active } errors { code message } }
}"""
SYNC = """
mutation($region: RegionCode) {
  startInventorySync(region: $region) {
    serviceSettings { region { code } lastInventorySyncAt nextInventorySyncAt } errors { code message field }
  }
}"""
SYNCS = """{ inventorySyncs { accountId region { code } startedAt finishedAt done total
             failures { code message accountId } } }"""
SHOWN = '{ viewer { account { serviceSettings(region: "us-east-1") { lastInventorySyncAt nextInventorySyncAt } } } }'


async def server(client: Client) -> str:
    payload = await client.done(PUT, input={"region": made.REGION, "resourceId": "mi-0abc", "cores": 8, "vcpus": 16})
    found: str = payload["managedInstance"]["id"]
    return found


async def shown(client: Client) -> dict[str, Any]:
    viewer = await client.field(SHOWN)
    found: dict[str, Any] = viewer["account"]["serviceSettings"]
    return found


@asynccontextmanager
async def another(database: Database, clock: ManualClock) -> AsyncIterator[Database]:
    """A second server's database, which is the same one."""
    opened = Database(database.url.render_as_string(hide_password=False), clock=clock)
    await opened.start()
    try:
        yield opened
    finally:
        await opened.stop()


def counting(done: list[str], parts: int = 1) -> Scheduled:
    """A task of some parts that tells how often each was done."""

    def begin() -> Any:
        left = parts

        def part(tx: Transaction) -> bool:
            nonlocal left
            done.append("part")
            left -= 1
            return left > 0

        return part

    return Scheduled("counting", "0 * * * *", begin)


class Recorded:
    """A source that records what it was asked, and fails for one Region."""

    def __init__(self, failing: str = "") -> None:
        self.runs: list[list[Target]] = []
        self.failing = failing

    async def collect(self, run: Run) -> None:
        self.runs.append(sorted(run.targets))
        await run.progress(1, len(run.targets))
        for target in run.targets:
            if target.region == self.failing:
                denied = Refusal(code=ErrorCode.ACCESS_DENIED, message="Denied.", account_id=target.account_id)
                run.fail(target, denied)


@pytest.fixture
def source() -> Iterator[Recorded]:
    made = Recorded(failing="eu-west-1")
    register("recorded", made)
    yield made
    forget("recorded")


# ------------------------------------------------------------ once, of several servers


async def test_a_tick_is_done_once_by_two_servers(database: Database, clock: ManualClock) -> None:
    """With several servers on one database each time is done once, whoever comes first."""
    done: list[str] = []
    async with another(database, clock) as other:
        servers = [Scheduler(each, SETTINGS, [counting(done, parts=3)]) for each in (database, other)]
        await asyncio.gather(*(each.run_due() for each in servers))
        assert done == []
        for hour in range(1, 6):
            clock.advance(hours=1)
            await asyncio.gather(*(each.run_due() for each in servers for _ in range(3)))
            assert len(done) == 3 * hour


async def test_missed_times_are_made_up_for_once(database: Database, clock: ManualClock) -> None:
    done: list[str] = []
    scheduler = Scheduler(database, SETTINGS, [counting(done)])
    await scheduler.run_due()
    clock.advance(hours=7)
    await scheduler.run_due()
    await scheduler.run_due()
    assert done == ["part"]


async def test_what_a_server_left_is_taken_up_when_its_lease_has_ended(database: Database, clock: ManualClock) -> None:
    """A task that breaks off is not lost, is not done twice at once, and stops no other task."""
    done: list[str] = []
    broken = True

    def begin() -> Any:
        def part(tx: Transaction) -> bool:
            if broken:
                raise RuntimeError("the server ends here")
            done.append("taken up")
            return False

        return part

    async with another(database, clock) as other:
        tasks = [Scheduled("breaking", "0 * * * *", begin), counting(done)]
        first, second = (Scheduler(each, SETTINGS, tasks) for each in (database, other))
        await first.run_due()
        clock.advance(hours=1)
        await first.run_due()
        assert done == ["part"]
        broken = False
        await second.run_due()
        assert done == ["part"]
        clock.advance(minutes=6)
        await second.run_due()
        assert done == ["part", "taken up"]
        await first.run_due()
        assert done == ["part", "taken up"]


async def test_a_server_that_lost_its_lease_does_no_more(database: Database, clock: ManualClock) -> None:
    """Each part renews the lease in its own transaction: one that was slow does not go on beside another."""
    cron = "0 * * * *"
    await database.write(lambda tx: leases.plan(tx, "slow", cron))
    clock.advance(hours=1)
    assert await database.write(lambda tx: leases.take(tx, "slow", "first"))
    assert not await database.write(lambda tx: leases.take(tx, "slow", "second"))
    assert await database.write(lambda tx: leases.renew(tx, "slow", "first"))
    clock.advance(minutes=6)
    assert await database.write(lambda tx: leases.take(tx, "slow", "second"))
    assert not await database.write(lambda tx: leases.renew(tx, "slow", "first"))
    await database.write(lambda tx: leases.finish(tx, "slow", "first", cron))
    assert await database.write(lambda tx: leases.renew(tx, "slow", "second"))
    await database.write(lambda tx: leases.finish(tx, "slow", "second", cron))
    assert await database.read(lambda connection: leases.due(connection, clock.now())) == []


async def test_changed_times_are_followed(database: Database, clock: ManualClock) -> None:
    done: list[str] = []
    await Scheduler(database, SETTINGS, [counting(done)]).run_due()
    sooner = Scheduled("counting", "*/10 * * * *", counting(done).part)
    scheduler = Scheduler(database, SETTINGS, [sooner])
    await scheduler.run_due()
    clock.advance(minutes=10)
    await scheduler.run_due()
    assert done == ["part"]


# ------------------------------------------------------------ retention and purge


async def test_in_4_licenses_of_a_silent_server_are_released_by_schedule(api: Api, clock: ManualClock) -> None:
    owner = await api.account(OWNER)
    counted = await made.configuration(owner, countingType="CORE")
    await made.associate(owner, counted, await server(owner))
    scheduler = Scheduler(api.database, SETTINGS)
    await scheduler.run_due()
    clock.advance(days=29)
    await scheduler.run_due()
    assert await made.consumed(owner, counted) == 8
    clock.advance(days=2)
    await scheduler.run_due()
    assert await made.consumed(owner, counted) == 0
    await server(owner)
    assert await made.consumed(owner, counted) == 8


# ------------------------------------------------------------ synchronisations


async def test_in_3_a_synchronisation_runs_every_day_at_its_time_and_the_settings_show_it(
    api: Api, clock: ManualClock
) -> None:
    owner = await api.account(OWNER)
    scheduler = Scheduler(api.database, SETTINGS)
    await scheduler.run_due()
    before = await shown(owner)
    assert before["lastInventorySyncAt"] is None
    assert before["nextInventorySyncAt"] == "2026-01-05T13:00:00.000000Z"
    clock.advance(hours=5)
    await scheduler.run_due()
    after = await shown(owner)
    assert after["lastInventorySyncAt"] == "2026-01-05T14:00:00.000000Z"
    assert after["nextInventorySyncAt"] == "2026-01-06T13:00:00.000000Z"


async def test_two_servers_synchronise_each_account_once(api: Api, clock: ManualClock, source: Recorded) -> None:
    for account_id in (OWNER, "222233334444", "333344445555"):
        await api.account(account_id)
    clock.advance(hours=5)
    async with another(api.database, clock) as other:
        servers = [Scheduler(each, SETTINGS) for each in (api.database, other)]
        await asyncio.gather(*(each.run_due() for each in servers))
    asked = [target for run in source.runs for target in run]
    assert len(asked) == len(set(asked)) == 3 * 19


async def test_ro_2_an_account_without_its_core_role_is_not_synchronised(
    api: Api, clock: ManualClock, source: Recorded
) -> None:
    bare = await api.account(OWNER, core_role=False)
    clock.advance(hours=5)
    await Scheduler(api.database, SETTINGS).run_due()
    assert source.runs == []
    assert (await shown(bare))["lastInventorySyncAt"] is None


async def test_in_3_a_synchronisation_on_demand_is_at_once(api: Api) -> None:
    owner = await api.account(OWNER)
    payload = await owner.done(SYNC, region="us-east-2")
    assert payload["serviceSettings"]["region"] == {"code": "us-east-2"}
    assert payload["serviceSettings"]["lastInventorySyncAt"] == "2026-01-05T09:00:00.000000Z"
    assert (await shown(owner))["lastInventorySyncAt"] is None
    await owner.done(SYNC)
    assert (await shown(owner))["lastInventorySyncAt"] == "2026-01-05T09:00:00.000000Z"


async def test_a_region_that_fails_stops_no_other_and_is_told(api: Api, source: Recorded) -> None:
    """What a source leaves out counts as not synchronised; the others do (TR-5)."""
    owner = await api.account(OWNER)
    assert (await owner.done(SYNC))["serviceSettings"]["lastInventorySyncAt"] is not None
    assert [len(run) for run in source.runs] == [19]
    by_region = {each["region"]["code"]: each for each in await owner.field(SYNCS)}
    assert len(by_region) == 19
    assert all(each["finishedAt"] and each["done"] == 1 and each["total"] == 19 for each in by_region.values())
    failed = {code: each["failures"] for code, each in by_region.items() if each["failures"]}
    assert failed == {"eu-west-1": [{"code": "ACCESS_DENIED", "message": "Denied.", "accountId": OWNER}]}
    assert (await (await api.account("222233334444")).field(SYNCS)) == []


async def test_a_source_that_breaks_is_told_and_breaks_nothing_else(api: Api, source: Recorded) -> None:
    class Broken:
        async def collect(self, run: Run) -> None:
            raise RuntimeError("no")

    register("broken", Broken())
    try:
        owner = await api.account(OWNER)
        await owner.done(SYNC, region="us-east-1")
    finally:
        forget("broken")
    (sync,) = await owner.field(SYNCS)
    assert [each["code"] for each in sync["failures"]] == ["CONFLICT"]
    assert (await shown(owner))["lastInventorySyncAt"] is None
    assert source.runs == [[Target(OWNER, "us-east-1")]]


async def test_one_synchronisation_of_a_region_runs_at_a_time_and_what_is_left_is_taken_up(
    api: Api, clock: ManualClock
) -> None:
    """A run that a server left unfinished is begun again by another, once it has been silent for five minutes."""
    owner = await api.account(OWNER)
    begun, hold = asyncio.Event(), asyncio.Event()
    runs = 0

    class Slow:
        async def collect(self, run: Run) -> None:
            nonlocal runs
            runs += 1
            begun.set()
            if runs == 1:
                await hold.wait()

    register("slow", Slow())
    try:
        waiting = asyncio.create_task(owner.done(SYNC, region="us-east-1"))
        await begun.wait()
        (sync,) = await owner.field(SYNCS)
        assert sync["finishedAt"] is None
        await owner.done(SYNC, region="us-east-1")
        assert runs == 1
        scheduler = Scheduler(api.database, SETTINGS)
        await scheduler.run_due()
        assert runs == 1
        clock.advance(minutes=6)
        await scheduler.run_due()
        assert runs == 2
        (sync,) = await owner.field(SYNCS)
        assert sync["finishedAt"] == "2026-01-05T09:06:00.000000Z"
        hold.set()
        await waiting
    finally:
        forget("slow")


async def test_ro_2_a_synchronisation_needs_the_core_role_an_administrator_and_a_region(api: Api) -> None:
    bare = await api.account(OWNER, core_role=False)
    assert [each["code"] for each in await bare.errors(SYNC)] == ["ROLE_MISSING"]
    auditor = await api.client(OWNER, Permission.AUDITOR)
    assert [each["code"] for each in await auditor.errors(SYNC)] == ["ACCESS_DENIED"]
    granted = await api.account("222233334444")
    (unknown,) = await granted.errors(SYNC, region="xx-north-1")
    assert (unknown["code"], unknown["field"]) == ("INVALID_INPUT", ["region"])
