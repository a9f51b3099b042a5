"""A seed file is applied by the services' own rules, all of it or nothing, and once."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import text

from app.kernel.clock import ManualClock
from app.kernel.database import Database
from app.licensing.integrity import check
from app.seeding.apply import apply, read
from app.seeding.demo import demo_file
from app.seeding.errors import InputErrors
from scripts.seed_schema import SNAPSHOT, render
from tests.inventory.cloud import told
from tests.support.contents import contents

DOCS = Path(__file__).parents[2] / "docs" / "seeding.md"
ACCOUNT = "111122223333"
BASE: dict[str, Any] = {"accounts": [{"id": ACCOUNT, "name": "Example", "roles": ["CORE"]}]}
PLACE = {"account": ACCOUNT, "region": "us-east-1"}
LICENSE = {**PLACE, "name": "licenses", "countingType": "CORE", "licenseCount": 4, "hardLimit": True}
IMAGE = {**PLACE, "name": "golden", "licenseConfigurations": ["licenses"]}
LAUNCH = {**PLACE, "name": "web", "image": "golden", "instanceType": "m5.large", "count": 2}


async def seed(database: Database, folder: Path, content: dict[str, Any] | str) -> dict[str, int]:
    """Apply a file with some content; what changed."""
    file = folder / "seed.yaml"
    file.write_text(content if isinstance(content, str) else yaml.safe_dump(content, sort_keys=False))
    wanted = read(file)
    return told(await database.write(lambda tx: apply(tx, wanted)))


async def rows(database: Database, statement: str) -> list[tuple[Any, ...]]:
    return await database.read(lambda connection: [tuple(row) for row in connection.execute(text(statement))])


@pytest.mark.parametrize("example", ["demo", "docs"])
async def test_applied_again_a_file_changes_nothing(
    database: Database, clock: ManualClock, tmp_path: Path, example: str
) -> None:
    if example == "demo":
        written = demo_file().read_text()
    else:
        written = re.findall(r"^```yaml\n(.*?)^```$", DOCS.read_text(), re.DOTALL | re.MULTILINE)[0]
    assert (await seed(database, tmp_path, written))["instances added"] >= 2
    before = await contents(database)
    clock.advance(hours=1)
    assert await seed(database, tmp_path, written) == {}
    assert await contents(database) == before
    assert (await database.read(check, snapshot=True)).consistent


def test_the_published_json_schema_is_of_the_format_that_is_read() -> None:
    assert SNAPSHOT.read_text() == render(), "run `python -m scripts.seed_schema`"


async def test_json_is_taken_like_yaml(database: Database, tmp_path: Path) -> None:
    (tmp_path / "seed.json").write_text(json.dumps({**BASE, "licenseConfigurations": [LICENSE]}, indent=1))
    wanted = read(tmp_path / "seed.json")
    assert told(await database.write(lambda tx: apply(tx, wanted))) == {
        "accounts added": 1,
        "roles added": 1,
        "license configurations added": 1,
    }


async def test_the_order_of_license_rules_is_kept(database: Database, tmp_path: Path) -> None:
    """LC-13"""
    rules = {"maximumCores": 8, "allowedTenancy": ["SHARED"], "minimumCores": 2}
    await seed(database, tmp_path, {**BASE, "licenseConfigurations": [{**LICENSE, "rules": rules}]})
    ((order,),) = await rows(database, "SELECT rule_order FROM license_configuration")
    assert (json.loads(order) if isinstance(order, str) else order) == list(rules)


async def test_en_2_a_launch_that_is_blocked_refuses_the_whole_file(database: Database, tmp_path: Path) -> None:
    content = {
        **BASE,
        "licenseConfigurations": [LICENSE],
        "images": [IMAGE],
        "launches": [LAUNCH, {**LAUNCH, "name": "more", "count": 3}],
    }
    before = await contents(database)
    with pytest.raises(InputErrors) as refused:
        await seed(database, tmp_path, content)
    (error,) = refused.value.errors
    assert error.where == "launches[1]"
    assert error.line == 26
    assert error.message == "“licenses” has 2 of 4 licenses left (cores); 3 are needed."
    assert await contents(database) == before


async def test_what_can_be_edited_is_edited_and_what_left_the_file_stays(database: Database, tmp_path: Path) -> None:
    """LC-8"""
    whole = {
        **BASE,
        "licenseConfigurations": [LICENSE],
        "images": [{**IMAGE, "tags": {"a": "1"}}],
        "launches": [LAUNCH],
    }
    await seed(database, tmp_path, whole)
    edited = {**LICENSE, "licenseCount": 9, "hardLimit": False, "description": "More", "tags": {"b": "2"}}
    assert await seed(database, tmp_path, {"licenseConfigurations": [edited]}) == {"license configurations changed": 1}
    assert await rows(database, "SELECT license_count, description, consumed FROM license_configuration") == [
        (9, "More", 2)
    ]


@pytest.mark.parametrize(
    ("section", "entry", "field"),
    [
        ("licenseConfigurations", {**LICENSE, "countingType": "VCPU"}, "countingType"),
        ("licenseConfigurations", {**LICENSE, "rules": {"minimumCores": 2}}, "rules"),
        ("images", {**IMAGE, "platform": "Windows"}, "platform"),
        ("launchTemplates", {**PLACE, "name": "web", "instanceType": "m5.xlarge"}, "instanceType"),
        ("dedicatedHosts", {**PLACE, "name": "host", "instanceFamily": "c5"}, "instanceFamily"),
        ("launches", {**LAUNCH, "count": 1}, None),
    ],
)
async def test_what_can_t_change_is_refused_and_changes_nothing(
    database: Database, tmp_path: Path, section: str, entry: dict[str, Any], field: str | None
) -> None:
    await seed(
        database,
        tmp_path,
        {
            **BASE,
            "licenseConfigurations": [LICENSE],
            "images": [IMAGE],
            "launchTemplates": [{**PLACE, "name": "web", "image": "golden", "instanceType": "m5.large"}],
            "dedicatedHosts": [{**PLACE, "name": "host", "instanceFamily": "m5"}],
            "launches": [LAUNCH],
        },
    )
    if section == "launchTemplates":
        entry = {**entry, "image": "golden"}
    before = await contents(database)
    with pytest.raises(InputErrors) as refused:
        await seed(database, tmp_path, {section: [entry]})
    assert refused.value.errors[0].where == f"{section}[0]" + (f".{field}" if field else "")
    assert await contents(database) == before


def broken() -> list[Any]:
    """Entries that say something wrong of themselves: the content, and what is said of it."""
    return [
        ({"unknown": 1}, "seed.yaml:1: unknown: is not known here"),
        ({"accounts": [{"id": "12", "name": "x"}]}, "seed.yaml:2: accounts[0].id: string should match"),
        ({"accounts": [{"id": ACCOUNT}]}, "seed.yaml:2: accounts[0].name: field required"),
        ({"accounts": "all"}, "seed.yaml:1: accounts: input should be a valid list"),
        ([], "seed.yaml:1: input should be an object"),
        ({"accounts": ["all"]}, "seed.yaml:2: accounts[0]: input should be an object"),
        (
            {"licenseConfigurations": [{**LICENSE, "hardLimit": "yes"}]},
            "seed.yaml:7: licenseConfigurations[0].hardLimit",
        ),
        (
            {"licenseConfigurations": [{**LICENSE, "licenseCount": 1.5}]},
            "seed.yaml:6: licenseConfigurations[0].licenseC",
        ),
        ({"licenseConfigurations": [{**LICENSE, "rules": {"x": {}}}]}, "seed.yaml:8: licenseConfigurations[0].rules"),
        ({"launches": [{**LAUNCH, "tenancy": "MINE"}]}, "seed.yaml:8: launches[0].tenancy: input should be 'SHARED'"),
        (
            {"organization": {"master": {"id": ACCOUNT, "name": "x", "token": "y"}}},
            "seed.yaml:5: organization.master.to",
        ),
    ]


@pytest.mark.parametrize(("content", "said"), broken())
async def test_what_is_wrong_in_itself_is_told_with_line_and_place(
    database: Database, tmp_path: Path, content: dict[str, Any], said: str
) -> None:
    before = await contents(database)
    with pytest.raises(InputErrors) as refused:
        await seed(database, tmp_path, content)
    assert str(refused.value).removeprefix(f"{tmp_path}/").startswith(said)
    assert await contents(database) == before


def refused_by_rules() -> list[Any]:
    """Entries that the services refuse: the content, the place, and what is said of it."""
    entry = {**LICENSE, "name": "other"}
    return [
        ({"licenseConfigurations": [{**entry, "rules": {"minimumCores": 9, "maximumCores": 1}}]},
         "licenseConfigurations[0].rules.minimumCores", "is 9, above maximumCores"),
        ({"licenseConfigurations": [{**entry, "rules": {"minimumVcpus": 9}}]},
         "licenseConfigurations[0].rules.minimumVcpus", "not one of the metric CORE"),
        ({"licenseConfigurations": [{**entry, "region": "moon-1"}]}, "licenseConfigurations[0].region", "moon-1"),
        ({"licenseConfigurations": [{**entry, "account": "999999999999"}]},
         "licenseConfigurations[0].account", "Account 999999999999 was not found"),
        ({"licenseConfigurations": [{**entry, "shareWithMembers": True}]},
         "licenseConfigurations[0]", "is not in an organization"),
        ({"images": [{**IMAGE, "licenseConfigurations": ["absent"]}]},
         "images[0].licenseConfigurations[0]", "“absent” in us-east-1 was not found"),
        ({"images": [{**IMAGE, "licenseConfigurations": [], "sharedWith": [ACCOUNT], "tags": {"aws:x": "y"}}]},
         "images[0].tags", "AWS's own"),
        ({"launches": [{**LAUNCH, "image": "absent"}]}, "launches[0].image", "“absent” in us-east-1 was not found"),
        ({"launches": [{**LAUNCH, "instanceType": "m5.huge"}], "images": [{**PLACE, "name": "golden"}]},
         "launches[0].instanceType", "is not an instance type"),
        ({"resourceShares": [{**PLACE, "name": "s", "principals": ["Production"]}]},
         "resourceShares[0]", "is not in an organization"),
        ({"dedicatedHosts": [{**PLACE, "name": "h", "instanceFamily": "z99"}]},
         "dedicatedHosts[0].instanceFamily", "is not an instance family"),
        ({"managedInstances": [{**PLACE, "resourceId": "-"}]},
         "managedInstances[0].resourceId", "can't be a server's name"),
        ({"settings": [{**PLACE, "s3BucketArn": "arn:aws:s3:::mine"}]},
         "settings[0].s3BucketArn", "not the ARN of a bucket"),
    ]  # fmt: skip


@pytest.mark.parametrize(("content", "where", "said"), refused_by_rules())
async def test_what_the_rules_refuse_is_told_with_line_and_place(
    database: Database, tmp_path: Path, content: dict[str, Any], where: str, said: str
) -> None:
    await seed(database, tmp_path, BASE)
    before = await contents(database)
    with pytest.raises(InputErrors) as refused:
        await seed(database, tmp_path, content)
    error = refused.value.errors[0]
    assert error.where == where
    assert said in error.message
    assert error.line is not None
    assert await contents(database) == before


async def test_ro_2_what_needs_the_core_role_is_refused_without_it(database: Database, tmp_path: Path) -> None:
    accounts = [{"id": ACCOUNT, "name": "Example"}]
    with pytest.raises(InputErrors, match=r"licenseConfigurations\[0\]: Service role not found"):
        await seed(database, tmp_path, {"accounts": accounts, "licenseConfigurations": [LICENSE]})


async def test_units_nest_and_shares_name_them_by_their_path(database: Database, tmp_path: Path) -> None:
    members = [{"id": "222233334444", "name": "web"}]
    content: dict[str, Any] = {
        "organization": {
            "master": {"id": ACCOUNT, "name": "Example", "roles": ["CORE"]},
            "accounts": [{"id": "333344445555", "name": "beside"}],
            "units": [{"name": "Production", "units": [{"name": "Web", "accounts": members}]}],
            "linkIn": "us-east-1",
        },
        "licenseConfigurations": [LICENSE],
        "resourceShares": [
            {**PLACE, "name": "web", "licenseConfigurations": ["licenses"], "principals": ["Production/Web"]}
        ],
    }
    await seed(database, tmp_path, content)
    reached = (
        "SELECT account_id FROM resource_share_reach r JOIN resource_share s ON s.id = r.share_id WHERE s.name = 'web'"
    )
    assert await rows(database, reached) == [("222233334444",)]
    content["resourceShares"][0]["principals"] = ["Production/Web", "organization", "333344445555"]
    assert await seed(database, tmp_path, content) == {"resource shares changed": 1}
    assert await seed(database, tmp_path, content) == {}
    content["organization"]["accounts"] = []
    content["organization"]["units"].append({"name": "Beside", "accounts": [{"id": "333344445555", "name": "beside"}]})
    assert await seed(database, tmp_path, content) == {"units added": 1, "members changed": 1}


async def test_what_was_launched_as_stopped_consumes_nothing(database: Database, tmp_path: Path) -> None:
    content = {**BASE, "licenseConfigurations": [LICENSE], "images": [IMAGE], "launches": [{**LAUNCH, "stopped": 1}]}
    await seed(database, tmp_path, content)
    assert await rows(database, "SELECT consumed FROM license_configuration") == [(1,)]


async def test_a_server_s_report_is_taken_again_where_it_says_something_else(
    database: Database, tmp_path: Path
) -> None:
    """IN-4"""
    server = {**PLACE, "resourceId": "mi-1", "cores": 2, "licenseConfigurations": ["licenses"]}
    content = {**BASE, "licenseConfigurations": [LICENSE], "managedInstances": [server]}
    await seed(database, tmp_path, content)
    content["managedInstances"] = [{**server, "cores": 3, "capturedAt": "2026-01-05T09:00:00Z"}]
    assert await seed(database, tmp_path, content) == {"managed instances changed": 1}
    assert await rows(database, "SELECT consumed FROM license_configuration") == [(3,)]


async def test_au_1_each_entry_that_changes_something_leaves_a_record(database: Database, tmp_path: Path) -> None:
    content = {**BASE, "licenseConfigurations": [LICENSE], "images": [IMAGE]}
    await seed(database, tmp_path, content)
    await seed(database, tmp_path, content)
    names = await rows(database, "SELECT event_name FROM audit_event ORDER BY id")
    assert names == [
        ("CreateAccount",),
        ("CreateServiceLinkedRole",),
        ("CreateLicenseConfiguration",),
        ("RegisterImage",),
    ]
