"""Dedicated Hosts are allocated by family, carry instances, and are released when empty (EN-4, IN-5, PM-1)."""

from typing import Any

import pytest

from app.compute.hosts import hosts_for
from app.compute.resources import load, running_on
from app.kernel.ids import node_id
from app.kernel.viewer import Permission
from tests.support import licenses as made
from tests.support.api import Api, Client

OWNER, OTHER = "111122223333", "444455556666"
HOST = """id arn resourceId resourceType instanceFamily sockets cores vcpus account { accountId } region { code }
  instances { id state }"""
ERRORS = "errors { code message rule field nodeIds }"
ALLOCATE = f"mutation($input: AllocateHostsInput!) {{ allocateHosts(input: $input) {{ hosts {{ {HOST} }} {ERRORS} }} }}"
RELEASE = f"mutation($id: ID!) {{ releaseHost(id: $id) {{ deletedId {ERRORS} }} }}"
NODE = f"query($id: ID!) {{ node(id: $id) {{ ... on DedicatedHost {{ {HOST} }} }} }}"


async def allocated(client: Client, **given: Any) -> list[dict[str, Any]]:
    """New hosts, as the payload shows them."""
    payload = await client.done(ALLOCATE, input={"region": made.REGION, "instanceFamily": "m5", **given})
    hosts: list[dict[str, Any]] = payload["hosts"]
    return hosts


async def on_host(client: Client, image_id: str, host_id: str, **given: Any) -> str:
    """An instance launched on a host."""
    (instance_id,) = await made.launched(client, image_id, tenancy="DEDICATED_HOST", hostId=host_id, **given)
    return instance_id


async def test_a_host_has_the_figures_of_its_family(api: Api) -> None:
    owner = await api.account(OWNER)
    hosts = await allocated(owner, count=2)
    assert len({host["resourceId"] for host in hosts}) == 2
    for host in hosts:
        assert host["resourceId"].startswith("h-")
        assert host["arn"] == f"arn:aws:ec2:{made.REGION}:{OWNER}:dedicated-host/{host['resourceId']}"
        assert (host["instanceFamily"], host["sockets"], host["cores"], host["vcpus"]) == ("m5", 2, 48, 96)
        assert (host["resourceType"], host["instances"]) == ("DEDICATED_HOST", [])
        assert await owner.field(NODE, id=host["id"]) == host


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"count": 0}, "count"),
        ({"count": 101}, "count"),
        ({"count": -1}, "count"),
        ({"instanceFamily": "m5.large"}, "instanceFamily"),
        ({"instanceFamily": "t3"}, "instanceFamily"),
        ({"instanceFamily": ""}, "instanceFamily"),
        ({"region": "xx-north-1"}, "region"),
    ],
)
async def test_hosts_out_of_bounds_are_refused(api: Api, given: dict[str, Any], field: str) -> None:
    owner = await api.account(OWNER)
    (error,) = await owner.errors(ALLOCATE, input={"region": made.REGION, "instanceFamily": "m5", **given})
    assert (error["code"], error["field"]) == ("INVALID_INPUT", ["input", field])


async def test_a_hundred_hosts_are_allocated_at_once(api: Api) -> None:
    owner = await api.account(OWNER)
    assert len(await allocated(owner, count=100)) == 100


async def test_a_host_shows_what_runs_or_is_stopped_on_it(api: Api) -> None:
    owner = await api.account(OWNER)
    host_id, image_id = await made.host(owner), await made.image(owner)
    running, stopped, ended = [await on_host(owner, image_id, host_id) for _ in range(3)]
    await made.change(owner, "stopInstances", stopped)
    await made.change(owner, "terminateInstances", ended)
    assert (await owner.field(NODE, id=host_id))["instances"] == [
        {"id": running, "state": "RUNNING"},
        {"id": stopped, "state": "STOPPED"},
    ]
    query = "query($id: ID!) { node(id: $id) { ... on Instance { tenancy host { id instanceFamily } } } }"
    host = {"id": host_id, "instanceFamily": "m5"}
    assert await owner.field(query, id=running) == {"tenancy": "DEDICATED_HOST", "host": host}


async def test_a_host_is_released_only_once_nothing_runs_or_is_stopped_on_it(api: Api) -> None:
    owner = await api.account(OWNER)
    host_id, image_id = await made.host(owner), await made.image(owner)
    running, stopped = [await on_host(owner, image_id, host_id) for _ in range(2)]
    await made.change(owner, "stopInstances", stopped)
    (error,) = await owner.errors(RELEASE, id=host_id)
    assert (error["code"], error["field"], error["nodeIds"]) == ("CONFLICT", ["id"], [running, stopped])
    await made.change(owner, "terminateInstances", running, stopped)
    assert (await owner.done(RELEASE, id=host_id))["deletedId"] == host_id
    assert await owner.field(NODE, id=host_id) is None
    refused = await made.launch(owner, image_id, tenancy="DEDICATED_HOST", hostId=host_id)
    assert [each["code"] for each in refused["errors"]] == ["NOT_FOUND"]


async def test_in_5_a_released_host_gives_its_licenses_back(api: Api) -> None:
    owner = await api.account(OWNER)
    configuration_id, host_id = await made.configuration(owner, countingType="CORE"), await made.host(owner)
    await made.associate(owner, configuration_id, host_id)
    assert await made.consumed(owner, configuration_id) == 48
    await owner.done(RELEASE, id=host_id)
    assert await made.consumed(owner, configuration_id) == 0
    assert await made.consistent(owner)


async def test_pm_1_and_pm_2_only_an_administrator_of_its_account_releases_a_host(api: Api) -> None:
    owner, other = await api.account(OWNER), await api.account(OTHER)
    user = await api.client(OWNER, Permission.USER)
    host_id = await made.host(owner)
    assert [error["code"] for error in await other.errors(RELEASE, id=host_id)] == ["NOT_FOUND"]
    assert [error["code"] for error in await user.errors(RELEASE, id=host_id)] == ["ACCESS_DENIED"]
    wanted = {"region": made.REGION, "instanceFamily": "m5"}
    assert [error["code"] for error in await user.errors(ALLOCATE, input=wanted)] == ["ACCESS_DENIED"]
    assert (await owner.field(NODE, id=host_id))["id"] == host_id


async def test_a_launch_is_placed_on_the_host_with_the_fewest_running_vcpus(api: Api) -> None:
    owner = await api.account(OWNER)
    image_id = await made.image(owner)
    first, second = [host["id"] for host in await allocated(owner, count=2)]
    await allocated(owner, instanceFamily="c5")
    assert await _placed(api, "m5") == first
    (busy,) = [await on_host(owner, image_id, first)]
    assert await _placed(api, "m5") == second
    await on_host(owner, image_id, second, instanceType="m5.xlarge")
    assert await _placed(api, "m5") == first
    await made.change(owner, "stopInstances", busy)
    assert await _placed(api, "m5") == first
    assert await _placed(api, "r5") is None


async def test_en_4_what_runs_on_a_host_is_told_host_by_host(api: Api) -> None:
    owner = await api.account(OWNER)
    image_id = await made.image(owner)
    first, second, empty = [host["id"] for host in await allocated(owner, count=3)]
    on_first = [await on_host(owner, image_id, first) for _ in range(2)]
    on_second, stopped = [await on_host(owner, image_id, second) for _ in range(2)]
    await made.change(owner, "stopInstances", stopped)
    keys = {each: int(each.removeprefix("res_")) for each in (first, second, empty, on_second, *on_first)}
    found = await api.database.read(
        lambda connection: running_on(connection, [keys[first], keys[second], keys[empty], 1])
    )
    assert found == {keys[first]: [keys[each] for each in on_first], keys[second]: [keys[on_second]]}


async def _placed(api: Api, family: str) -> str | None:
    found = await api.database.read(lambda connection: hosts_for(connection, [(OWNER, made.REGION)], hold=False))
    host = found.get((OWNER, made.REGION, family))
    if host is None:
        return None
    assert await api.database.read(lambda connection: load(connection, [host.key])) == {host.key: host}
    return node_id("res", host.key)
