"""What SSM's inventory tells is put together, server by server, and what can't be taken is named (IN-3, IN-4)."""

from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from app.compute.managed import ReportedApplication
from app.inventory.aws.shapes import Unexpected
from app.inventory.aws.ssm import APPLICATION, DETAILS, INFORMATION, Parts, report_of

REGION = "us-east-1"
NINE, TEN = "2026-01-05T09:00:00Z", "2026-01-05T10:00:00Z"
AT_TEN = datetime(2026, 1, 5, 10, tzinfo=UTC)
SQL_SERVER = {"Name": "SQL Server", "Version": "2017", "Publisher": "Microsoft", "ApplicationType": "Database"}


def section(name: str, captured: str, *content: dict[str, str]) -> dict[str, Any]:
    return {name: {"TypeName": name, "SchemaVersion": "1.0", "CaptureTime": captured, "Content": list(content)}}


def entity(*sections: dict[str, Any]) -> dict[str, Any]:
    return {"Id": "mi-1", "Data": {name: told for each in sections for name, told in each.items()}}


WHOLE = entity(
    section(APPLICATION, NINE, SQL_SERVER, {"Name": " top ", "Version": "", "Publisher": " "}),
    section(
        INFORMATION,
        TEN,
        {
            "ComputerName": "db-1.example.com",
            "PlatformName": "Microsoft Windows Server 2019 Datacenter",
            "PlatformType": "Windows",
            "PlatformVersion": "10.0.17763",
            "InstanceStatus": "Active",
        },
    ),
    section(DETAILS, NINE, {"CPUs": "16", "CPUCores": "8", "CPUSockets": "2", "CPUHyperThreadEnabled": "true"}),
)


def test_the_types_of_a_server_make_one_report_captured_when_the_latest_was() -> None:
    report, faults = report_of(WHOLE, REGION)
    assert faults == []
    assert (report.region, report.resource_id, report.captured_at, report.ended) == (REGION, "mi-1", AT_TEN, False)
    assert report.facts == {
        "name": "db-1.example.com",
        "platform": "Microsoft Windows Server 2019 Datacenter",
        "vcpus": 16,
        "cores": 8,
        "sockets": 2,
    }
    assert report.applications == [
        ReportedApplication("SQL Server", "2017", "Microsoft"),
        ReportedApplication("top", None, None),
    ]


def test_what_get_inventory_answers_by_botocores_model_is_taken() -> None:
    client = boto3.client("ssm", region_name=REGION, aws_access_key_id="a", aws_secret_access_key="b")
    with Stubber(client) as stubber:
        stubber.add_response("get_inventory", {"Entities": [WHOLE]})
        (answered,) = client.get_inventory()["Entities"]
    assert report_of(answered, REGION) == report_of(WHOLE, REGION)


def test_a_type_that_is_not_told_leaves_what_is_known_and_one_without_entries_says_there_is_nothing() -> None:
    silent, _ = report_of(entity(section(DETAILS, NINE, {"CPUs": "2"})), REGION)
    assert (silent.applications, silent.facts) == (None, {"vcpus": 2, "cores": None, "sockets": None})
    empty, _ = report_of(entity(section(APPLICATION, NINE)), REGION)
    assert (empty.applications, empty.facts) == ([], {})


@pytest.mark.parametrize("figure", ["", " ", "0", "-"])
def test_en_4_a_figure_that_an_agent_could_not_find_is_not_reported(figure: str) -> None:
    report, faults = report_of(entity(section(DETAILS, NINE, {"CPUs": "4", "CPUSockets": figure})), REGION)
    assert (faults, report.facts["sockets"], report.facts["vcpus"]) == ([], None, 4)


def test_entries_that_cannot_be_taken_are_named_and_the_rest_is_taken() -> None:
    report, faults = report_of(
        entity(
            section(APPLICATION, NINE, {"Version": "1"}, SQL_SERVER, {"Name": "n" * 257}, {"Name": "a\x00"}),
            section(DETAILS, NINE, {"CPUs": "many"}),
        ),
        REGION,
    )
    assert report.applications == [ReportedApplication("SQL Server", "2017", "Microsoft")]
    assert report.facts == {}
    assert [fault.path for fault in faults] == [
        ("Data", APPLICATION, "Content", 0, "Name"),
        ("Data", APPLICATION, "Content", 2, "Name"),
        ("Data", APPLICATION, "Content", 3, "Name"),
        ("Data", DETAILS, "Content", 0, "CPUs"),
    ]


def test_api_3_applications_past_the_most_are_named_and_left_out() -> None:
    many = [{"Name": f"package-{number}"} for number in range(5_002)]
    report, faults = report_of(entity(section(APPLICATION, NINE, *many)), REGION)
    assert report.applications is not None
    assert (len(report.applications), [fault.path[-2] for fault in faults]) == (5_000, [5_000, 5_001])


def test_in_4_a_server_that_was_terminated_has_ended() -> None:
    report, _ = report_of(entity(section(INFORMATION, NINE, {"InstanceStatus": "Terminated"})), REGION)
    assert report.ended


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b'{"Name": "cut',
        b"[]",
        b"null",
        b'"text"',
        b"\xff\xfe",
        b'{"Name": "\\ud800"}',
        b'{"Name": "a", "captureTime": "yesterday"}',
        b'{"Name": "a", "captureTime": "2026-01-05T09:00:00"}',
        b'{"Name": "a", "captureTime": "0001-01-01T00:00:00+05:00"}',
    ],
)
def test_a_line_that_is_no_entry_is_refused_and_leaves_no_trace(line: bytes) -> None:
    parts = Parts(REGION, "mi-1")
    parts.add(APPLICATION, b'{"Name": "top", "resourceId": "mi-1", "captureTime": "2026-01-05T10:00:00Z"}')
    with pytest.raises(Unexpected):
        parts.add(APPLICATION, line)
    assert (parts.report().applications, parts.report().captured_at) == ([ReportedApplication("top")], AT_TEN)
