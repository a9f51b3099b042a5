"""Resource data syncs are read as SSM writes them: what changed, whole files, nothing that is foreign (IN-3, TR-1)."""

import os
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from app.inventory.aws import reading
from app.inventory.aws.ssm import APPLICATION, DETAILS, INFORMATION
from app.inventory.observation import Observation
from app.inventory.observed import apply
from app.inventory.retention import expire
from app.inventory.schedules import Scheduler
from app.inventory.sources import Run, Target
from app.kernel.clock import ManualClock, iso
from tests.inventory.bucket import (
    NINE,
    OTHER,
    OWNER,
    REGION,
    SQL_SERVER,
    SYNC,
    SYNCS,
    Bucket,
    bucket,
    line,
    servers,
    synchronised,
    upgraded,
)
from tests.inventory.cloud import instance
from tests.inventory.reports import DEREGISTER
from tests.inventory.test_schedules import SETTINGS
from tests.support import licenses as made
from tests.support.api import Api
from tests.support.contents import contents

DATA = "aws-license-manager-service-data"


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Bucket]:
    with bucket(str(tmp_path / "data")) as made_:
        yield made_


@pytest.fixture(params=["folder", "bucket"])
def either(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    """A folder, and a bucket by moto."""
    if request.param == "folder":
        with bucket(str(tmp_path / "data")) as made_:
            yield made_
        return
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket=DATA)
        with bucket(f"s3://{DATA}/some/prefix") as made_:
            yield made_


async def test_what_a_data_sync_wrote_is_in_the_inventory(api: Api, either: Bucket) -> None:
    owner = await upgraded(await api.account(OWNER))
    either.server("mi-1", cores=4)
    either.server("mi-2", cores=8)
    assert await synchronised(owner) == []
    found = await servers(owner)
    assert found["mi-1"] == {
        "id": found["mi-1"]["id"],
        "resourceId": "mi-1",
        "name": "host of mi-1",
        "platform": "Ubuntu",
        "vcpus": 8,
        "cores": 4,
        "sockets": 1,
        "active": True,
        "capturedAt": "2026-01-05T09:00:00.000000Z",
        "applications": [{"name": "SQL Server", "version": "2017", "publisher": "Microsoft"}],
    }
    assert found["mi-2"]["cores"] == 8


async def test_only_servers_whose_files_changed_are_read_again(api: Api, either: Bucket, clock: ManualClock) -> None:
    owner = await upgraded(await api.account(OWNER))
    either.server("mi-1")
    either.server("mi-2")
    await synchronised(owner)
    before = await contents(api.database)
    either.watched.read.clear()
    assert await synchronised(owner) == []
    assert either.watched.read == []
    after = await contents(api.database)
    unmoved = ("resource", "application", "inventory_file")
    assert {name: after[name] for name in unmoved} == {name: before[name] for name in unmoved}
    clock.advance(hours=1)
    either.put(DETAILS, "mi-2", {"CPUCores": "16", "captureTime": iso(clock.now())})
    assert await synchronised(owner) == []
    assert {key.rpartition("/")[2] for key in either.watched.read} == {"mi-2.json"}
    found = await servers(owner)
    assert [(each["cores"], each["capturedAt"]) for each in found.values()] == [
        (4, "2026-01-05T09:00:00.000000Z"),
        (16, iso(clock.now())),
    ]
    assert len(found["mi-2"]["applications"]) == 1


async def test_in_3_only_files_of_the_run_s_account_and_region_are_read(api: Api, either: Bucket) -> None:
    owner = await upgraded(await api.account(OWNER))
    await upgraded(await upgraded(owner, "eu-west-1"), "us-west-2")
    await upgraded(await api.account(OTHER))
    either.server("mi-1")
    either.server("mi-2", region="eu-west-1")
    either.server("mi-3", account=OTHER)
    either.server("mi-4", region="us-west-2")
    await synchronised(owner)
    assert {key.rpartition("/")[2] for key in either.watched.read} == {"mi-1.json"}
    await synchronised(owner, None)
    assert (await servers(owner)).keys() == {"mi-1", "mi-2", "mi-4"}


async def test_in_3_scheduled_synchronisations_read_it_and_count_what_servers_grew_to(
    api: Api, folder: Bucket, clock: ManualClock
) -> None:
    owner = await upgraded(await api.account(OWNER))
    folder.server("mi-1", cores=4)
    await synchronised(owner)
    limited = await made.configuration(owner, countingType="CORE", licenseCount=8, hardLimit=True)
    await made.associate(owner, limited, (await servers(owner))["mi-1"]["id"])
    clock.advance(days=1)
    folder.server("mi-1", cores=16, captureTime=iso(clock.now()))
    await Scheduler(api.database, SETTINGS).run_due()
    assert await made.consumed(owner, limited) == 16
    assert await made.alert_kinds(owner) == ["LIMIT_EXCEEDED"]
    assert await made.consistent(owner)


async def test_tr_1_an_account_whose_catalog_is_not_upgraded_is_left_out_with_the_remedy(
    api: Api, folder: Bucket
) -> None:
    owner = await api.account(OWNER)
    folder.server("mi-1")
    (failure,) = await synchronised(owner)
    assert (failure["code"], failure["rule"], failure["accountId"]) == ("CATALOG_NOT_UPGRADED", "TR-1", OWNER)
    assert f'upgradeDataCatalog(region: "{REGION}")' in failure["remedy"]
    assert folder.watched.read == []
    started = await owner.done(SYNC, region=REGION)
    assert started["serviceSettings"]["lastInventorySyncAt"] is None
    await upgraded(owner)
    assert await synchronised(owner) == []
    assert (await servers(owner)).keys() == {"mi-1"}


async def test_tr_1_a_region_of_which_there_is_nothing_asks_for_no_catalog(api: Api, folder: Bucket) -> None:
    owner = await upgraded(await api.account(OWNER))
    folder.server("mi-1")
    await synchronised(owner, None)
    assert all(each["failures"] == [] for each in await owner.field(SYNCS))


async def test_ro_2_an_account_without_the_core_role_is_left_out(api: Api, folder: Bucket) -> None:
    """RO-2: the role may be gone between two synchronisations; nothing is remembered of what was not taken."""
    await upgraded(await api.account(OWNER, core_role=False))
    folder.server("mi-1")

    async def progress(done: int, total: int) -> None:
        return None

    run = Run(api.database, [Target(OWNER, REGION)], progress)
    await folder.source.collect(run)
    ((refusal,),) = run.failures.values()
    assert refusal.code == "ROLE_MISSING"
    kept = await contents(api.database)
    assert (kept["inventory_file"], kept["resource"]) == ([], [])


BROKEN = {
    "a truncated line": line("mi-1", Name="a") + b'{"Name": "b", "resou',
    "another server's": line("mi-9", Name="a"),
    "another account's": line("mi-1", Name="a", accountId=OTHER),
    "no object": b"[]\n",
    "a page of a proxy": b"<html><body>502 Bad Gateway</body></html>",
    "binary": bytes(range(256)) * 4,
    "no UTF-8": '{"Name": "Größe"}'.encode("latin-1"),
    "nothing": b"",
    "without a time": b'{"Name": "a", "resourceId": "mi-1"}\n',
    "a long line": line("mi-1", Name="a") + line("mi-1", Name="b", Summary="s" * reading.MOST_IN_LINE),
    "many lines": b"\n" * (reading.MOST_LINES + 1),
}


@pytest.mark.parametrize("kind", BROKEN)
async def test_a_broken_file_is_named_and_left_out_and_the_rest_is_taken(api: Api, folder: Bucket, kind: str) -> None:
    owner = await upgraded(await api.account(OWNER))
    folder.server("mi-1", cores=4)
    folder.server("mi-2")
    await synchronised(owner)
    key = folder.put(APPLICATION, "mi-1", BROKEN[kind])
    folder.put(DETAILS, "mi-1", {"CPUCores": "8"})
    folder.server("mi-3")
    for _ in range(2):
        (failure,) = await synchronised(owner)
        assert (failure["code"], failure["accountId"]) == ("INVALID_INPUT", OWNER)
        assert failure["message"].startswith(key)
        assert "left out" in failure["message"]
    found = await servers(owner)
    assert [(name, each["cores"], len(each["applications"])) for name, each in found.items()] == [
        ("mi-1", 8, 1),
        ("mi-2", 4, 1),
        ("mi-3", 4, 1),
    ]
    folder.put(APPLICATION, "mi-1", SQL_SERVER, {"Name": "top"})
    assert await synchronised(owner) == []
    assert len((await servers(owner))["mi-1"]["applications"]) == 2


async def test_a_file_past_the_most_bytes_is_left_out_unread(api: Api, folder: Bucket) -> None:
    owner = await upgraded(await api.account(OWNER))
    key = folder.put(APPLICATION, "mi-1", SQL_SERVER)
    os.truncate(Path(folder.destination, key), reading.MOST_BYTES + 1)
    (failure,) = await synchronised(owner)
    assert (failure["message"].startswith(key), "bytes" in failure["message"], folder.watched.read) == (True, True, [])


async def test_an_entry_out_of_bounds_is_named_by_its_line_and_left_out_alone(api: Api, folder: Bucket) -> None:
    owner = await upgraded(await api.account(OWNER))
    key = folder.put(APPLICATION, "mi-1", SQL_SERVER, {"Name": ""}, {"Name": "top"}, {"Name": "n" * 257})
    (failure,) = await synchronised(owner)
    assert failure["message"].startswith(f"{key}, line 2: Name: ")
    assert failure["message"].endswith("(and 1 more lines)")
    assert [each["name"] for each in (await servers(owner))["mi-1"]["applications"]] == ["SQL Server", "top"]


async def test_in_4_a_capture_in_the_future_is_refused_until_its_time_has_come(
    api: Api, folder: Bucket, clock: ManualClock
) -> None:
    owner = await upgraded(await api.account(OWNER))
    clock.advance(minutes=10)
    folder.server("mi-1", captureTime=iso(clock.now()))
    folder.server("mi-2")
    clock.advance(minutes=-10)
    (failure,) = await synchronised(owner)
    assert (failure["rule"], failure["message"].partition(":")[0]) == ("IN-4", "mi-1")
    assert (await servers(owner)).keys() == {"mi-2"}
    clock.advance(minutes=5)
    assert await synchronised(owner) == []
    assert (await servers(owner)).keys() == {"mi-1", "mi-2"}


async def test_foreign_files_accounts_regions_and_types_are_passed_over_and_counted(api: Api, folder: Bucket) -> None:
    owner = await upgraded(await api.account(OWNER))
    folder.server("mi-1")
    folder.server("mi-2", account="999999999999")
    folder.server("mi-3", region="xx-north-1")
    folder.put("AWS:Network", "mi-1", {"Name": "eth0"})
    folder.store.put("AWS:Application/accountid=me/x.json", b"{}")
    folder.store.put("notes.txt", b"mine")
    strange = f"{APPLICATION}/accountid={OWNER}/region={REGION}/readme.txt"
    folder.store.put(strange, b"mine")
    loop = Path(folder.destination, f"{DETAILS}/accountid={OWNER}/region={REGION}/pipe.json")
    os.mkfifo(loop)
    failures = await synchronised(owner, None)
    assert [each["message"].partition(": ")[0] for each in failures] == [
        strange,
        f"{DETAILS}/accountid={OWNER}/region={REGION}/pipe.json",
    ]
    assert (await servers(owner)).keys() == {"mi-1"}
    passed = folder.source.passed_over
    assert (dict(passed.accounts), dict(passed.regions)) == ({"999999999999": 1, "accountid=me": 1}, {"xx-north-1": 3})
    assert passed.types["AWS:Network"] == 1


async def test_a_hundred_failures_are_kept_and_the_others_counted(api: Api, folder: Bucket) -> None:
    owner = await upgraded(await api.account(OWNER))
    for number in range(105):
        folder.put(APPLICATION, f"mi-{number:03}", b"x")
    failures = await synchronised(owner)
    assert (len(failures), failures[-1]["message"]) == (100, "6 more files were left out, in part or whole.")


async def test_a_source_that_is_not_there_fails_its_targets_and_says_so(api: Api, folder: Bucket) -> None:
    owner = await upgraded(await api.account(OWNER))
    folder.remove()
    (failure,) = await synchronised(owner)
    assert (failure["code"], failure["accountId"]) == ("CONFLICT", OWNER)
    assert folder.destination not in failure["message"]


async def test_what_is_installed_on_an_instance_is_its_own_and_what_is_not_known_is_a_managed_instance(
    api: Api, folder: Bucket
) -> None:
    owner = await upgraded(await api.account(OWNER))
    known = instance(1, image_id=None)
    await api.database.write(lambda tx: apply(tx, Observation(account_id=OWNER, region=REGION, instances=[known])))
    folder.server(known.resource_id)
    folder.server("i-000000ff")
    assert await synchronised(owner) == []
    assert (await servers(owner)).keys() == {"i-000000ff"}
    found = await owner.field(
        '{ resourceInventory(filter: "application:\\"SQL Server\\" AND type:INSTANCE") '
        "{ edges { node { resourceId } } } }"
    )
    assert [edge["node"]["resourceId"] for edge in found["edges"]] == [known.resource_id]


async def test_in_4_inventory_from_a_bucket_ends_thirty_days_after_its_capture_and_begins_again(
    api: Api, folder: Bucket, clock: ManualClock
) -> None:
    owner = await upgraded(await api.account(OWNER))
    counted = await made.configuration(owner, countingType="CORE")
    folder.server("mi-1", cores=4)
    await synchronised(owner)
    await made.associate(owner, counted, (await servers(owner))["mi-1"]["id"])
    clock.advance(days=30, seconds=-1)
    await _expired(api)
    assert ((await servers(owner))["mi-1"]["active"], await made.consumed(owner, counted)) == (True, 4)
    clock.advance(seconds=1)
    await _expired(api)
    assert await synchronised(owner) == []
    assert ((await servers(owner))["mi-1"]["active"], await made.consumed(owner, counted)) == (False, 0)
    folder.server("mi-1", cores=6, captureTime=iso(clock.now()))
    await synchronised(owner)
    assert ((await servers(owner))["mi-1"]["active"], await made.consumed(owner, counted)) == (True, 6)
    assert await made.consistent(owner)


async def test_in_4_a_clock_that_is_31_days_off_ends_nothing_that_lives(
    api: Api, folder: Bucket, clock: ManualClock
) -> None:
    """A server whose clock is late reports data that has ended; one whose clock is fast is refused: neither stays."""
    owner = await upgraded(await api.account(OWNER))
    folder.server("mi-1")
    folder.server("mi-2")
    await synchronised(owner)
    clock.advance(hours=1)
    folder.server("mi-1", cores=1, captureTime="2025-12-05T09:00:00Z")
    folder.server("mi-2", cores=1, captureTime="2026-02-05T09:00:00Z")
    folder.server("mi-3", captureTime="2025-12-05T09:00:00Z")
    (failure,) = await synchronised(owner)
    assert failure["message"].startswith("mi-2: ")
    await _expired(api)
    found = await servers(owner)
    assert [(name, each["cores"], each["active"]) for name, each in found.items()] == [
        ("mi-1", 4, True),
        ("mi-2", 4, True),
        ("mi-3", 4, False),
    ]
    folder.server("mi-3", captureTime=iso(clock.now()))
    folder.server("mi-2", captureTime=iso(clock.now()))
    assert await synchronised(owner) == []
    assert all(each["active"] for each in (await servers(owner)).values())


async def test_in_4_a_server_that_was_terminated_or_deregistered_stays_away_until_it_reports_anew(
    api: Api, folder: Bucket, clock: ManualClock
) -> None:
    owner = await upgraded(await api.account(OWNER))
    folder.server("mi-1")
    folder.server("mi-2")
    await synchronised(owner)
    clock.advance(hours=1)
    folder.put(INFORMATION, "mi-1", {"InstanceStatus": "Terminated", "captureTime": iso(clock.now())})
    await owner.done(DEREGISTER, id=(await servers(owner))["mi-2"]["id"])
    folder.put(APPLICATION, "mi-2", SQL_SERVER, {"Name": "top", "captureTime": NINE})
    assert await synchronised(owner) == []
    assert await servers(owner) == {}
    clock.advance(hours=1)
    folder.server("mi-2", captureTime=iso(clock.now()))
    await synchronised(owner)
    assert (await servers(owner)).keys() == {"mi-2"}


async def _expired(api: Api) -> None:
    await api.database.write(lambda tx: expire(tx, tx.now))
