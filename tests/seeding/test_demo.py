"""The demo organization shows what the README and GraphiQL's tabs tell to try."""

import re
from pathlib import Path
from typing import Any

import pytest
from graphql import parse, print_ast

from app.api import graphiql
from app.kernel.clock import ManualClock
from app.kernel.errors import DomainError
from app.organizations.accounts import create_standalone
from app.seeding.demo import MASTER, demo_token, ensure_demo
from tests.support.api import Api, Client

README = Path(__file__).parents[2] / "README.md"
QUERIES = sorted((Path(graphiql.__file__).parent / "queries").glob("*.graphql"))


@pytest.fixture
async def master(api: Api) -> Client:
    assert await ensure_demo(api.database)
    return Client(api.http, MASTER, await demo_token(api.database))


def steps() -> list[str]:
    """The documents of the README's first steps, in order."""
    (block,) = re.findall(r"^```graphql\n(.*?)^```$", README.read_text(), re.DOTALL | re.MULTILINE)
    return [print_ast(definition) for definition in parse(block).definitions]


async def test_the_readme_s_first_steps_go_through(master: Client) -> None:
    create, find, preview = steps()
    made = await master.done(create)
    license_id = made["licenseConfiguration"]["id"]
    images = (await master.field(find))["edges"]
    assert images
    foreseen = await master.field(preview, license=license_id, image=images[0]["node"]["id"])
    assert foreseen == {"allowed": True, "consumption": [{"licenses": 8, "remainingAfter": 0}], "violations": []}


async def test_each_of_graphiql_s_queries_has_something_to_show(master: Client) -> None:
    for file in QUERIES:
        document = file.read_text()
        if "subscription" in document:
            continue
        answer: Any = await master(document)
        shown = [field for field in answer.values() if isinstance(field, dict) and "edges" in field]
        assert answer
        assert all(field["edges"] for field in shown), file.name


async def test_the_demo_has_alerts_of_what_is_nearly_used_up_and_of_what_is_overrun(master: Client) -> None:
    alerts = await master("{ alerts(first: 20) { edges { node { kind } } } }")
    kinds = {each["node"]["kind"] for each in alerts["alerts"]["edges"]}
    assert {"LIMIT_APPROACHING", "LIMIT_EXCEEDED", "RULE_VIOLATED"} <= kinds


async def test_the_demo_s_own_license_lets_two_more_servers_in_and_no_third(master: Client, api: Api) -> None:
    """LC-12: 64 of 96 cores are used; two of 16 cores fit, and the next is blocked."""
    find = "query($filter: String) { resourceInventory(filter: $filter, first: 20) { edges { node { id } } } }"
    member = await api.client("222233334444")
    golden = (await master.field(find, filter="name:windows-server-2019-golden"))["edges"][0]["node"]["id"]
    host = (await member.field(find, filter="type:DEDICATED_HOST"))["edges"][0]["node"]["id"]
    launch = """mutation($input: LaunchInstancesInput!) {
      launchInstances(input: $input) { instances { id } errors { code } }
    }"""
    wanted = {"region": "us-east-1", "imageId": golden, "instanceType": "m5.8xlarge", "hostId": host, "count": 2}
    assert len((await member.field(launch, input=wanted))["instances"]) == 2
    refused = await member.field(launch, input={**wanted, "count": 1})
    assert [each["code"] for each in refused["errors"]] == ["LIMIT_EXCEEDED"]


async def test_the_demo_is_made_once_and_only_in_an_empty_database(api: Api, clock: ManualClock) -> None:
    await api.database.write(lambda tx: create_standalone(tx, "999988887777", "Mine"))
    with pytest.raises(DomainError, match="holds other accounts"):
        await ensure_demo(api.database)


async def test_a_new_demo_token_ends_the_one_before(master: Client, api: Api) -> None:
    assert await ensure_demo(api.database) is None
    second = Client(api.http, MASTER, await demo_token(api.database))
    assert await second("{ viewer { permission } }") == {"viewer": {"permission": "ADMINISTRATOR"}}
    assert "errors" in await master.raw("{ viewer { permission } }")
