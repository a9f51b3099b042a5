"""The operator sets at which percentages new license configurations alert, unless their makers name others (AL-1)."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from graphql import print_schema
from pydantic import SecretStr

from app.api.schema import schema, tell_usual_thresholds
from app.kernel.clock import ManualClock
from app.licensing.definition import DEFAULT_THRESHOLDS
from app.licensing.thresholds import set_usual_thresholds
from app.main import build
from app.seeding.apply import apply, read
from app.settings import Settings
from scripts.sdl import SNAPSHOT
from tests.licensing import configurations as of
from tests.support.api import Api, Client

OWNER = "111122223333"
PLACE = {"account": OWNER, "region": "us-east-1"}
LITERAL = """
mutation {{ createLicenseConfiguration(input: {{region: "us-east-1", name: "literal", countingType: CORE {more}}}) {{
  licenseConfiguration {{ alertThresholds }} errors {{ message }} }} }}"""


@pytest.fixture
async def early(database_url: str, clock: ManualClock) -> AsyncIterator[Api]:
    """The application of an operator who wants to be told at half of the count and at nine tenths."""
    server = build(
        Settings(database_url=SecretStr(database_url), alert_thresholds=(50, 90), _env_file=None), clock=clock
    )
    async with (
        server.application.router.lifespan_context(server.application),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(server.application), base_url="http://tollgate.test") as http,
    ):
        yield Api(http, server.database)
    set_usual_thresholds(DEFAULT_THRESHOLDS)
    tell_usual_thresholds()


LIST = "{ licenseConfigurations { edges { node { name alertThresholds } } } }"


async def named(owner: Client, **given: Any) -> Any:
    return (await of.create(owner, **given))["alertThresholds"]


async def test_al_1_where_no_thresholds_are_named_the_operators_hold(early: Api) -> None:
    owner = await early.account(OWNER)
    assert await named(owner, name="none") == [50, 90]
    assert await named(owner, name="null", alertThresholds=None) == [50, 90]
    literal = await owner.done(LITERAL.format(more=""))
    assert literal["licenseConfiguration"]["alertThresholds"] == [50, 90]


async def test_al_1_thresholds_that_are_named_hold_even_where_they_are_the_built_in_ones(early: Api) -> None:
    owner = await early.account(OWNER)
    assert await named(owner, name="built in", alertThresholds=[80, 95]) == [80, 95]
    assert await named(owner, name="without", alertThresholds=[]) == []
    literal = await owner.done(LITERAL.format(more=", alertThresholds: [80, 95]"))
    assert literal["licenseConfiguration"]["alertThresholds"] == [80, 95]


async def test_the_served_schema_tells_the_default_that_holds(early: Api) -> None:
    owner = await early.account(OWNER)
    asked = await owner('{ __type(name: "CreateLicenseConfigurationInput") { inputFields { name defaultValue } } }')
    told = {each["name"]: each["defaultValue"] for each in asked["__type"]["inputFields"]}
    assert told["alertThresholds"] == "[50, 90]"


async def test_the_default_is_the_published_one_unless_it_was_set(api: Api) -> None:
    assert "alertThresholds: [Int!] = [80, 95]" in print_schema(schema._schema)
    assert schema.as_str() + "\n" == SNAPSHOT.read_text("utf-8")
    assert await named(await api.account(OWNER)) == [80, 95]


async def test_a_seed_file_that_names_no_thresholds_follows_the_setting_once(early: Api, tmp_path: Path) -> None:
    """What is there keeps its thresholds, as with all else that a file does not name."""

    async def seeded(**given: Any) -> dict[str, Any]:
        entries = [{**PLACE, "name": "silent", "countingType": "CORE", **given}]
        content = {
            "accounts": [{"id": OWNER, "name": "Owner", "roles": ["CORE"]}],
            "licenseConfigurations": [*entries, {**entries[0], "name": "named", "alertThresholds": [80, 95]}],
        }
        file.write_text(json.dumps(content))
        await early.database.write(lambda tx: apply(tx, read(file)))
        found = await owner.field(LIST)
        return {each["node"]["name"]: each["node"]["alertThresholds"] for each in found["edges"]}

    file = tmp_path / "seed.json"
    owner = await early.account(OWNER)
    assert await seeded() == {"silent": [50, 90], "named": [80, 95]}
    set_usual_thresholds((80, 95))
    assert await seeded(licenseCount=3) == {"silent": [50, 90], "named": [80, 95]}
