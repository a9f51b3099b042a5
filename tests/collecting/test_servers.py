"""What SSM's agents report of servers is taken with what EC2 tells (IN-1, IN-3, EN-10)."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import boto3
from botocore.stub import Stubber

from app.inventory.aws.clients import Asker, Cloud
from app.inventory.aws.observing import Told, observe
from app.inventory.aws.permissions import INFORMATION, INVENTORY
from app.inventory.sources import Target
from tests.collecting.amazon import MASTER, REGION, Amazon, server
from tests.collecting.stage import Stage, messages, told

AT = datetime(2026, 1, 5, 8, tzinfo=UTC)


def entity(number: int, name: str = "MSSQL") -> dict[str, Any]:
    return server(
        f"mi-{number:017x}",
        Application=[{"Name": name, "Version": "15.0", "Publisher": "Microsoft"}],
        InstanceInformation=[{"ComputerName": f"db{number}", "PlatformName": "Windows Server", "AgentType": "x"}],
        InstanceDetailedInformation=[{"CPUs": "16", "CPUCores": "8", "CPUSockets": "2"}],
    )


async def test_in_3_servers_outside_aws_are_managed_instances(stage: Stage) -> None:
    """All pages, and the three types of each server put together."""
    await stage.open("ann")
    (ann,) = stage.members
    stage.amazon.inventory[ann, REGION] = [entity(number) for number in range(5)]
    synced = await stage.synchronise()
    assert messages(synced.failures) == []
    assert told(synced.changes) == {"managed instances added": 5}
    facts = "SELECT DISTINCT platform, vcpus, cores, sockets, account_id FROM resource WHERE type = 'MANAGED_INSTANCE'"
    assert await stage.cloud.rows(facts) == [("Windows Server", 16, 8, 2, ann)]
    assert told((await stage.synchronise()).changes) == {}
    stage.amazon.inventory[ann, REGION][0] = entity(0, "Oracle")
    assert told((await stage.synchronise()).changes) == {"managed instances changed": 1}


async def test_in_1_what_is_installed_on_an_instance_is_the_instance_s_own(stage: Stage) -> None:
    await stage.open()
    (running,) = stage.amazon.run(stage.amazon.image())
    stage.amazon.inventory[MASTER, REGION] = [server(running, Application=[{"Name": "nginx", "Version": "1.2"}])]
    await stage.synchronise()
    found = "SELECT r.resource_id, r.type, a.name FROM application a JOIN resource r ON r.id = a.resource_id"
    assert await stage.cloud.rows(found) == [(running, "INSTANCE", "nginx")]
    assert await stage.cloud.rows("SELECT id FROM resource WHERE type = 'MANAGED_INSTANCE'") == []
    assert told((await stage.synchronise()).changes) == {}


async def test_where_inventory_is_denied_the_rest_is_in_and_no_server_is_lost(stage: Stage) -> None:
    await stage.open()
    stage.amazon.inventory[MASTER, REGION] = [entity(1)]
    await stage.synchronise()
    stage.amazon.run(stage.amazon.image())
    stage.amazon.refuse("ssm:GetInventory", MASTER, "AccessDeniedException")
    run = await stage.collect()
    assert messages(run.left_out) == [
        f"AWS denied ssm:GetInventory in account {MASTER}, Region {REGION}: AccessDeniedException."
    ]
    assert (set(run.left_out), run.failures) == ({Target(MASTER, REGION)}, {})
    assert told(run.changes) == {"images added": 1, "instances added": 1}
    there = "SELECT resource_id FROM resource WHERE type = 'MANAGED_INSTANCE' AND gone_at IS NULL"
    assert len(await stage.cloud.rows(there)) == 1


# ------------------------------------------------------------ by answers that botocore's model of SSM allows


@contextmanager
def stubbed(amazon: Amazon, *allowed: str) -> Iterator[tuple[Asker, Stubber]]:
    """SSM, whose answers are held against botocore's model; EC2 is denied."""
    asker = Asker(Cloud(amazon.settings()), MASTER, REGION, None, {*allowed})
    for service in ("ec2", "ssm"):
        asker._clients[service] = boto3.client(service, region_name=REGION, endpoint_url=amazon.url)
    with Stubber(asker._clients["ssm"]) as ssm, Stubber(asker._clients["ec2"]) as ec2:
        for operation in ("describe_instances", "describe_hosts", "describe_images"):
            ec2.add_client_error(operation, "UnauthorizedOperation")
        yield asker, ssm
        ssm.assert_no_pending_responses()
    asker.close()


def inventory(stub: Stubber, type_name: str, *pages: list[dict[str, Any]]) -> None:
    """GetInventory's pages for a type."""
    for number, entities in enumerate(pages):
        more = {"NextToken": str(number + 1)} if number + 1 < len(pages) else {}
        wanted = {"ResultAttributes": [{"TypeName": type_name}], "MaxResults": 50}
        token = {"NextToken": str(number)} if number else {}
        stub.add_response("get_inventory", {"Entities": entities, **more}, {**wanted, **token})


def part(id_: str, type_name: str, *content: dict[str, str]) -> dict[str, Any]:
    section = {"TypeName": type_name, "SchemaVersion": "1.1", "CaptureTime": "2026-01-05T08:00:00Z"}
    return {"Id": id_, "Data": {type_name: {**section, "ContentHash": "0a", "Content": list(content)}}}


def observed(asker: Asker) -> Told:
    return observe(asker, MASTER, REGION)


def test_the_types_of_a_server_are_one_report_however_its_pages_fall(amazon: Amazon) -> None:
    with stubbed(amazon, INVENTORY) as (asker, ssm):
        first = part("mi-1", "AWS:Application", {"Name": "MSSQL", "Version": "15", "Publisher": "Microsoft"})
        second = part("mi-2", "AWS:Application", {"Name": "nginx"})
        inventory(ssm, "AWS:Application", [first], [second])
        inventory(ssm, "AWS:InstanceInformation", [part("mi-2", "AWS:InstanceInformation", {"ComputerName": "web"})])
        details = {"CPUs": "4", "CPUCores": "2", "CPUSockets": "1"}
        inventory(
            ssm, "AWS:InstanceDetailedInformation", [], [part("mi-1", "AWS:InstanceDetailedInformation", details)]
        )
        found = {each.resource_id: each for each in observed(asker).reports}
    assert found["mi-1"].facts == {"vcpus": 4, "cores": 2, "sockets": 1}
    assert found["mi-2"].facts == {"name": "web", "platform": None}
    assert [each.name for each in found["mi-1"].applications or ()] == ["MSSQL"]
    assert {each.captured_at for each in found.values()} == {AT}


def test_an_agent_that_reported_no_inventory_is_known_where_the_operator_allows_it(amazon: Amazon) -> None:
    """DescribeInstanceInformation is granted by no role's policy."""
    agents = [
        {"InstanceId": "mi-00000000000000001", "PlatformName": "Ubuntu", "ComputerName": "web", "LastPingDateTime": AT},
        {"InstanceId": "mi-00000000000000002", "PlatformName": "Ubuntu", "ComputerName": "no", "LastPingDateTime": AT},
    ]
    with stubbed(amazon, INVENTORY, INFORMATION) as (asker, ssm):
        inventory(ssm, "AWS:Application", [])
        known = part("mi-00000000000000002", "AWS:InstanceInformation", {"ComputerName": "app"})
        inventory(ssm, "AWS:InstanceInformation", [known])
        inventory(ssm, "AWS:InstanceDetailedInformation", [])
        ssm.add_response("describe_instance_information", {"InstanceInformationList": agents}, {"MaxResults": 50})
        found = {each.resource_id: each for each in observed(asker).reports}
    assert {id_: each.facts["name"] for id_, each in found.items()} == {
        "mi-00000000000000001": "web",
        "mi-00000000000000002": "app",
    }
    assert found["mi-00000000000000001"].captured_at == AT


def test_a_type_whose_pages_break_off_is_named_and_the_others_are_taken(amazon: Amazon) -> None:
    with stubbed(amazon, INVENTORY) as (asker, ssm):
        ssm.add_client_error("get_inventory", "InternalServerError", "secret words")
        inventory(ssm, "AWS:InstanceInformation", [part("mi-1", "AWS:InstanceInformation", {"ComputerName": "web"})])
        ssm.add_client_error("get_inventory", "ThrottlingException")
        all_of_it = observed(asker)
    assert [each.facts["name"] for each in all_of_it.reports] == ["web"]
    told_of = [each.message for each in all_of_it.refusals if "ssm:" in each.message]
    assert [each.rsplit(": ", 1)[1] for each in told_of] == ["InternalServerError.", "ThrottlingException."]
    assert all_of_it.reports[0].applications is None


def test_an_entry_that_cant_be_taken_is_named_by_its_place(amazon: Amazon) -> None:
    with stubbed(amazon, INVENTORY) as (asker, ssm):
        inventory(ssm, "AWS:Application", [part("mi-1", "AWS:Application", {"Name": "nginx"}, {"Version": "1"})])
        inventory(ssm, "AWS:InstanceInformation", [])
        inventory(ssm, "AWS:InstanceDetailedInformation", [])
        all_of_it = observed(asker)
    (refusal,) = (each for each in all_of_it.refusals if "ssm:" in each.message)
    assert "Data.AWS:Application.Content[1].Name" in refusal.message
    assert [each.name for each in all_of_it.reports[0].applications or ()] == ["nginx"]
