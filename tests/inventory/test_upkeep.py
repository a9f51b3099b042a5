"""Inventory ends by schedule, and is brought up to date on demand (IN-3, IN-4, TR-5)."""

from typing import Any

from pydantic import SecretStr

from app.inventory.upkeep import Upkeep
from app.kernel.clock import ManualClock
from app.kernel.viewer import Permission
from app.settings import Settings
from tests.support import licenses as made
from tests.support.api import Api, Client

OWNER = "111122223333"
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
SETTINGS = '{ viewer { account { serviceSettings(region: "us-east-1") { lastInventorySyncAt nextInventorySyncAt } } } }'


def _upkeep(api: Api) -> Upkeep:
    return Upkeep(api.database, Settings(database_url=SecretStr("sqlite+aiosqlite:///unused.db"), _env_file=None))


async def _server(client: Client) -> str:
    payload = await client.done(PUT, input={"region": made.REGION, "resourceId": "mi-0abc", "cores": 8, "vcpus": 16})
    found: str = payload["managedInstance"]["id"]
    return found


async def _settings(client: Client) -> dict[str, Any]:
    viewer = await client.field(SETTINGS)
    found: dict[str, Any] = viewer["account"]["serviceSettings"]
    return found


async def test_in_4_licenses_of_a_silent_server_are_released_by_schedule(api: Api, clock: ManualClock) -> None:
    owner = await api.account(OWNER)
    counted = await made.configuration(owner, countingType="CORE")
    await made.associate(owner, counted, await _server(owner))
    upkeep = _upkeep(api)
    clock.advance(days=29)
    await upkeep.run_due()
    assert await made.consumed(owner, counted) == 8
    clock.advance(days=2)
    await upkeep.run_due()
    assert await made.consumed(owner, counted) == 0
    await _server(owner)
    assert await made.consumed(owner, counted) == 8


async def test_in_3_a_synchronisation_runs_every_day_at_its_time_and_the_settings_show_it(
    api: Api, clock: ManualClock
) -> None:
    owner = await api.account(OWNER)
    upkeep = _upkeep(api)
    await upkeep.run_due()
    before = await _settings(owner)
    assert before["lastInventorySyncAt"] is None
    assert before["nextInventorySyncAt"] == "2026-01-05T13:00:00.000000Z"
    clock.advance(hours=5)
    await upkeep.run_due()
    after = await _settings(owner)
    assert after["lastInventorySyncAt"] == "2026-01-05T14:00:00.000000Z"
    assert after["nextInventorySyncAt"] == "2026-01-06T13:00:00.000000Z"


async def test_in_3_a_synchronisation_on_demand_is_at_once(api: Api) -> None:
    owner = await api.account(OWNER)
    payload = await owner.done(SYNC, region="us-east-2")
    assert payload["serviceSettings"]["region"] == {"code": "us-east-2"}
    assert payload["serviceSettings"]["lastInventorySyncAt"] == "2026-01-05T09:00:00.000000Z"
    assert (await _settings(owner))["lastInventorySyncAt"] is None
    await owner.done(SYNC)
    assert (await _settings(owner))["lastInventorySyncAt"] == "2026-01-05T09:00:00.000000Z"


async def test_ro_2_a_synchronisation_needs_the_core_role_and_an_administrator(api: Api) -> None:
    bare = await api.account(OWNER, core_role=False)
    assert [each["code"] for each in await bare.errors(SYNC)] == ["ROLE_MISSING"]
    auditor = await api.client(OWNER, Permission.AUDITOR)
    assert [each["code"] for each in await auditor.errors(SYNC)] == ["ACCESS_DENIED"]
    (unknown,) = await (await api.client(OWNER)).errors(SYNC, region="xx-north-1")
    assert unknown["code"] in ("ROLE_MISSING", "INVALID_INPUT")
