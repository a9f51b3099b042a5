"""What the AWS CLI printed is imported whole or not at all, and once; what is wrong is named by file and entry."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from app.kernel.clock import ManualClock
from app.kernel.database import Database
from app.seeding import files
from app.seeding.errors import InputError, InputErrors
from app.seeding.files import gather
from app.seeding.importing import import_gathered
from tests.inventory.cloud import told
from tests.support.contents import contents

SAMPLE = Path(__file__).parents[2] / "seed" / "sample"
ACCOUNT, REGION = "201233102684", "us-east-1"
Edit = Callable[[Any], Any]


async def take(
    database: Database, path: Path, account_id: str | None = None, region: str | None = None
) -> dict[str, int]:
    """Import a folder or file; what changed."""
    gathered = gather(path, account_id, region)
    return told(await database.write(lambda tx: import_gathered(tx, gathered)))


async def rows(database: Database, statement: str) -> list[tuple[Any, ...]]:
    return await database.read(lambda connection: [tuple(row) for row in connection.execute(text(statement))])


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    """A copy of the sample that a test may change."""
    return Path(shutil.copytree(SAMPLE, tmp_path / "sample"))


def edit(file: Path, change: Edit) -> None:
    """Change the JSON in a file."""
    content = json.loads(file.read_text())
    change(content)
    file.write_text(json.dumps(content))


async def test_the_sample_is_imported_once(database: Database, clock: ManualClock) -> None:
    assert await take(database, SAMPLE) == {
        "accounts added": 12,
        "organizations added": 1,
        "units added": 3,
        "trusted access changed": 1,
        "images added": 26,
        "shared images added": 12,
        "launch templates added": 8,
        "Dedicated Hosts added": 9,
        "instances added": 200,
    }
    before = await contents(database)
    clock.advance(days=1)
    assert await take(database, SAMPLE) == {}
    assert await contents(database) == before
    types = "SELECT count(DISTINCT instance_type) FROM resource WHERE type = 'INSTANCE'"
    assert await rows(database, types) == [(20,)]
    assert await rows(database, "SELECT count(*) FROM account WHERE organization_id IS NOT NULL") == [(12,)]


async def test_in_5_what_the_next_import_does_not_list_is_gone(database: Database, sample: Path) -> None:
    await take(database, sample)
    folder = sample / ACCOUNT / REGION

    def end_some(content: Any) -> None:
        reservations = content["Reservations"]
        reservations[0]["Instances"][0]["State"] = {"Code": 48, "Name": "terminated"}
        del reservations[1:]

    left = len(json.loads((folder / "describe-instances.json").read_text())["Reservations"][0]["Instances"]) - 1
    edit(folder / "describe-instances.json", end_some)
    edit(folder / "describe-hosts.json", lambda content: content["Hosts"].pop())
    changes = await take(database, sample)
    alive = f"account_id = '{ACCOUNT}' AND region = '{REGION}' AND type = 'INSTANCE' AND state <> 'TERMINATED'"
    assert await rows(database, f"SELECT count(*) FROM resource WHERE {alive}") == [(left,)]
    assert changes.keys() == {"instances gone", "Dedicated Hosts gone"}
    assert await take(database, sample) == {}


async def test_a_file_that_is_not_there_says_nothing(database: Database, sample: Path) -> None:
    await take(database, sample)
    (sample / ACCOUNT / REGION / "describe-instances.json").unlink()
    assert await take(database, sample) == {}


async def test_a_folder_a_single_file_and_folders_by_any_name_are_taken(database: Database, tmp_path: Path) -> None:
    at = SAMPLE / ACCOUNT / REGION
    assert (await take(database, at / "describe-hosts.json"))["Dedicated Hosts added"] == 2
    elsewhere = tmp_path / "deep" / "down"
    shutil.copytree(at, elsewhere / ACCOUNT / REGION)
    assert "instances added" in await take(database, tmp_path)
    plain = tmp_path / "plain.d"
    plain.mkdir()
    shutil.copy(at / "describe-instances.json", plain / "describe-instances.page1.json")
    assert await take(database, plain, ACCOUNT, REGION) == {}


async def test_an_account_that_is_not_known_is_made(database: Database) -> None:
    changes = await take(database, SAMPLE / ACCOUNT)
    assert changes["accounts added"] == 1
    assert (ACCOUNT, ACCOUNT) in await rows(database, "SELECT account_id, name FROM account")
    assert (await take(database, SAMPLE))["accounts changed"] == 1
    assert (ACCOUNT, "data-warehouse") in await rows(database, "SELECT account_id, name FROM account")


async def test_pages_beside_each_other_are_one_answer_and_a_part_alone_is_refused(
    database: Database, tmp_path: Path
) -> None:
    folder = tmp_path / ACCOUNT / REGION
    folder.mkdir(parents=True)
    whole = json.loads((SAMPLE / ACCOUNT / REGION / "describe-hosts.json").read_text())["Hosts"]
    (folder / "describe-hosts.1.json").write_text(json.dumps({"Hosts": whole[:1], "NextToken": "more"}))
    with pytest.raises(InputError, match=r"describe-hosts\.1\.json: NextToken: only a part was printed"):
        gather(tmp_path)
    (folder / "describe-hosts.2.json").write_text(json.dumps({"Hosts": whole[1:]}))
    assert (await take(database, tmp_path))["Dedicated Hosts added"] == 2


async def test_list_children_tells_where_accounts_are(database: Database, sample: Path) -> None:
    organization = sample / "organization"
    for file in organization.glob("list-accounts-for-parent.*.json"):
        listed = json.loads(file.read_text())["Accounts"]
        children = [{"Id": each["Id"], "Type": "ACCOUNT"} for each in listed]
        unit = file.name.split(".")[1]
        (organization / f"list-children.{unit}.json").write_text(json.dumps({"Children": children}))
        file.unlink()
    await take(database, organization)
    placed = (
        "SELECT count(*) FROM account a JOIN organizational_unit u ON u.id = a.unit_id WHERE u.parent_id IS NOT NULL"
    )
    assert await rows(database, placed) == [(11,)]


async def test_what_is_named_for_no_call_is_passed_over(sample: Path) -> None:
    foreign = sample / ACCOUNT / REGION / "describe-vpcs.json"
    foreign.write_text("{}")
    assert gather(sample).passed_over == [foreign]


async def test_au_1_an_import_leaves_a_record_where_it_changed_something(database: Database) -> None:
    counted = "SELECT event_name, count(*) FROM audit_event GROUP BY event_name ORDER BY event_name"
    for _ in range(2):
        await take(database, SAMPLE)
        assert [name for name, _ in await rows(database, counted)] == ["ImportInventory", "ImportOrganization"]
    assert await rows(database, f"{counted} LIMIT 1") == [("ImportInventory", 20)]


# ------------------------------------------------------------ what can't be taken


def entry(content: Any, position: int) -> Any:
    return content["Reservations"][0]["Instances"][position]


def break_instances(change: Edit) -> Callable[[Path], None]:
    return lambda sample: edit(sample / ACCOUNT / REGION / "describe-instances.json", change)


def twice(content: Any) -> None:
    content["Reservations"].append(content["Reservations"][0])


INSTANCES = f"{ACCOUNT}/{REGION}/describe-instances.json"
BROKEN: list[Any] = [
    (
        break_instances(lambda content: entry(content, 2).update(InstanceType=7)),
        f"{INSTANCES}: Reservations[0].Instances[2].InstanceType: input should be a valid string",
    ),
    (
        break_instances(lambda content: entry(content, 1).pop("InstanceId")),
        f"{INSTANCES}: Reservations[0].Instances[1].InstanceId: field required",
    ),
    (
        break_instances(lambda content: content["Reservations"][0].update(OwnerId="111122223333")),
        f"{INSTANCES}: Reservations[0].OwnerId: is account 111122223333, not {ACCOUNT}",
    ),
    (break_instances(twice), f"{INSTANCES}: Reservations["),
    (
        lambda sample: (sample / INSTANCES).write_text('{"Reservations": ['),
        f"{INSTANCES}: invalid JSON: EOF while parsing a list at line 1 column 18",
    ),
    (
        lambda sample: (sample / "organization" / "describe-organization.json").unlink(),
        "organization/list-accounts-for-parent.json: is of an organization, and describe-organization.json is not",
    ),
    (
        lambda sample: (sample / ACCOUNT / REGION).rename(sample / ACCOUNT / "moon-1"),
        f"{ACCOUNT}/moon-1: “moon-1” is not a Region of License Manager.",
    ),
    (
        lambda sample: (sample / ACCOUNT).rename(sample / "someone"),
        f"someone/{REGION}/describe-hosts.json: lies in no folder ACCOUNT/REGION",
    ),
    (
        lambda sample: edit(
            sample / "organization" / "list-accounts.json", lambda content: content["Accounts"][3].update(Id="x")
        ),
        "organization/list-accounts.json: Accounts[3].Id: string should match",
    ),
]


@pytest.mark.parametrize(("spoil", "said"), BROKEN)
def test_a_file_that_can_t_be_taken_is_named_with_the_entry(
    sample: Path, spoil: Callable[[Path], None], said: str
) -> None:
    spoil(sample)
    with pytest.raises((InputError, InputErrors)) as refused:
        gather(sample)
    assert str(refused.value).removeprefix(f"{sample}/").startswith(said)


async def test_an_import_that_fails_midway_leaves_the_database_as_it_was(database: Database, sample: Path) -> None:
    """One organization was written by then, and half of another that claims one of its accounts."""
    before = await contents(database)
    other = {"Id": "o-zzzzzzzzzz", "MasterAccountId": "999999999999", "FeatureSet": "ALL"}
    second = sample / "other"
    second.mkdir()
    (second / "describe-organization.json").write_text(json.dumps({"Organization": other}))
    members = [{"Id": "999999999999", "Name": "other"}, {"Id": ACCOUNT, "Name": "taken"}]
    (second / "list-accounts.json").write_text(json.dumps({"Accounts": members}))
    with pytest.raises(InputErrors) as refused:
        await take(database, sample)
    assert str(refused.value).startswith(f"{second}: Account {ACCOUNT} is in an organization already")
    assert await contents(database) == before


def test_a_folder_with_nothing_and_one_that_is_not_there_are_refused(
    tmp_path: Path, sample: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds nothing that can be imported"):
        gather(tmp_path / "empty")
    with pytest.raises(InputError, match="there is no such file or folder"):
        gather(tmp_path / "absent")
    monkeypatch.setattr(files, "LARGEST_FILE", 1000)
    with pytest.raises(InputError, match="is larger than"):
        gather(sample)
