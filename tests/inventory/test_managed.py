"""Servers report their inventory, are counted as they report, and are deregistered (EN-4, EN-10, IN-4, RO-2)."""

from typing import Any

import pytest

from app.kernel.clock import ManualClock, iso
from app.kernel.viewer import Permission
from tests.inventory.reports import DEREGISTER, NAME, refused, reported, server
from tests.support import licenses as made
from tests.support.api import Api

OWNER, OTHER = "111122223333", "444455556666"
SQL_SERVER = {"name": "SQL Server", "version": "2017", "publisher": "Microsoft"}
UNKNOWN = {"name": "top", "version": None, "publisher": None}


async def test_a_server_is_known_by_what_it_reports(api: Api, clock: ManualClock) -> None:
    user = await _user(api)
    captured_at = iso(clock.now())
    found = await reported(
        user, name="db-1", platform="Windows", vcpus=8, cores=4, sockets=1, applications=[SQL_SERVER, {"name": "top"}]
    )
    assert found == {
        "id": found["id"],
        "arn": f"arn:aws:ssm:{made.REGION}:{OWNER}:managed-instance/{NAME}",
        "resourceId": NAME,
        "resourceType": "MANAGED_INSTANCE",
        "name": "db-1",
        "platform": "Windows",
        "vcpus": 8,
        "cores": 4,
        "sockets": 1,
        "active": True,
        "capturedAt": captured_at,
        "applications": [SQL_SERVER, UNKNOWN],
        "licenseConfigurations": [],
        "account": {"accountId": OWNER},
        "region": {"code": made.REGION},
    }
    assert await server(user, found["id"]) == found


async def test_a_report_replaces_what_it_tells_and_keeps_the_rest(api: Api, clock: ManualClock) -> None:
    owner = await api.account(OWNER)
    first = await reported(owner, name="db-1", cores=4, platform="Windows", applications=[SQL_SERVER])
    clock.advance(hours=1)
    second = await reported(owner, cores=8, platform=None)
    assert second == {**first, "cores": 8, "platform": None, "capturedAt": iso(clock.now())}
    third = await reported(owner, applications=[{"name": "top"}, SQL_SERVER, {"name": "top"}])
    assert third["applications"] == [UNKNOWN, SQL_SERVER]
    assert (await reported(owner, applications=[]))["applications"] == []


async def test_a_server_is_one_in_its_account_and_region(api: Api) -> None:
    owner, other = await api.account(OWNER), await api.account(OTHER)
    ids = {
        (await reported(owner))["id"],
        (await reported(owner, region="eu-west-1"))["id"],
        (await reported(owner, resourceId="mi-1"))["id"],
        (await reported(other))["id"],
    }
    assert len(ids) == 4
    assert (await reported(owner))["id"] in ids


async def test_a_report_that_comes_late_changes_nothing(api: Api, clock: ManualClock) -> None:
    """IN-4: what was captured before the data that is known is out of date already."""
    owner = await api.account(OWNER)
    earlier = iso(clock.now())
    clock.advance(hours=1)
    known = await reported(owner, cores=8, applications=[SQL_SERVER])
    assert await reported(owner, cores=4, applications=[], capturedAt=earlier) == known
    assert (await reported(owner, cores=4, capturedAt=known["capturedAt"]))["cores"] == 4


async def test_in_4_a_report_from_the_future_is_refused_but_for_a_clock_that_is_fast(
    api: Api, clock: ManualClock
) -> None:
    owner = await api.account(OWNER)
    clock.advance(minutes=6)
    future = iso(clock.now())
    clock.advance(minutes=-6)
    (error,) = await refused(owner, capturedAt=future)
    assert (error["code"], error["rule"], error["field"]) == ("INVALID_INPUT", "IN-4", ["input", "capturedAt"])
    clock.advance(minutes=1)
    assert (await reported(owner, capturedAt=future))["capturedAt"] == future


async def test_in_4_data_that_is_too_old_already_makes_no_active_instance(api: Api, clock: ManualClock) -> None:
    owner = await api.account(OWNER)
    old = iso(clock.now())
    clock.advance(days=30)
    found = await reported(owner, cores=4, capturedAt=old)
    assert (found["active"], found["capturedAt"]) == (False, old)
    assert (await reported(owner))["active"] is True


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"resourceId": ""}, ["input", "resourceId"]),
        ({"resourceId": "mi 1"}, ["input", "resourceId"]),
        ({"resourceId": "mi/1"}, ["input", "resourceId"]),
        ({"resourceId": "mi-"}, ["input", "resourceId"]),
        ({"resourceId": "ü"}, ["input", "resourceId"]),
        ({"resourceId": "m" * 129}, ["input", "resourceId"]),
        ({"region": "xx-north-1"}, ["input", "region"]),
        ({"name": ""}, ["input", "name"]),
        ({"name": "n" * 256}, ["input", "name"]),
        ({"platform": "p" * 129}, ["input", "platform"]),
        ({"vcpus": 0}, ["input", "vcpus"]),
        ({"cores": -1}, ["input", "cores"]),
        ({"sockets": 100_001}, ["input", "sockets"]),
        ({"applications": [SQL_SERVER, {"name": ""}]}, ["input", "applications", "1", "name"]),
        ({"applications": [{"name": "n" * 257}]}, ["input", "applications", "0", "name"]),
        ({"applications": [{**SQL_SERVER, "version": "v" * 129}]}, ["input", "applications", "0", "version"]),
        ({"applications": [{**SQL_SERVER, "publisher": "\x00"}]}, ["input", "applications", "0", "publisher"]),
    ],
)
async def test_api_3_a_report_out_of_bounds_is_refused(api: Api, given: dict[str, Any], field: list[str]) -> None:
    owner = await api.account(OWNER)
    (error,) = await refused(owner, **given)
    assert (error["code"], error["field"]) == ("INVALID_INPUT", field)


async def test_every_fault_of_a_report_is_told_at_once(api: Api) -> None:
    owner = await api.account(OWNER)
    errors = await refused(owner, resourceId="?", cores=0, vcpus=0, name="")
    assert [error["field"][1] for error in errors] == ["resourceId", "name", "vcpus", "cores"]


async def test_api_3_a_report_names_five_thousand_applications_at_most(api: Api) -> None:
    owner = await api.account(OWNER)
    many = [{"name": f"package-{number}"} for number in range(5_001)]
    (error,) = await refused(owner, applications=many)
    assert (error["code"], error["field"]) == ("INVALID_INPUT", ["input", "applications"])
    assert len((await reported(owner, applications=many[1:]))["applications"]) == 5_000


async def test_ro_2_without_the_core_role_inventory_is_refused(api: Api) -> None:
    owner = await api.account(OWNER, core_role=False)
    (error,) = await refused(owner)
    assert (error["code"], error["rule"]) == ("ROLE_MISSING", "RO-2")
    (error,) = await owner.errors(DEREGISTER, id="res_1")
    assert error["code"] == "ROLE_MISSING"


async def test_en_10_what_a_server_grows_to_counts_past_a_hard_limit_and_is_an_alert(api: Api) -> None:
    owner = await api.account(OWNER)
    limited = await made.configuration(owner, countingType="CORE", licenseCount=10, hardLimit=True)
    found = await reported(owner, cores=4)
    await made.associate(owner, limited, found["id"])
    assert await made.consumed(owner, limited) == 4
    await reported(owner, cores=16)
    assert await made.consumed(owner, limited) == 16
    assert await made.alert_kinds(owner) == ["LIMIT_EXCEEDED"]
    await reported(owner, cores=2)
    assert await made.consumed(owner, limited) == 2
    assert await made.consistent(owner)


async def test_en_4_a_figure_that_is_not_reported_any_more_is_a_violation_once(api: Api) -> None:
    owner = await api.account(OWNER)
    counted = await made.configuration(owner, countingType="CORE")
    found = await reported(owner, cores=4)
    await made.associate(owner, counted, found["id"])
    await reported(owner, cores=None)
    assert await made.consumed(owner, counted) == 0
    assert await made.alert_kinds(owner) == ["RULE_VIOLATED"]
    await reported(owner)
    assert await made.alert_kinds(owner) == ["RULE_VIOLATED"]


async def test_in_4_deregistering_releases_at_once_and_a_new_report_begins_anew(api: Api) -> None:
    owner = await api.account(OWNER)
    counted = await made.configuration(owner, countingType="CORE")
    found = await reported(owner, name="db-1", cores=4, applications=[SQL_SERVER])
    await made.associate(owner, counted, found["id"])
    assert (await owner.done(DEREGISTER, id=found["id"]))["deletedId"] == found["id"]
    assert await made.consumed(owner, counted) == 0
    assert await server(owner, found["id"]) is None
    assert [error["code"] for error in await owner.errors(DEREGISTER, id=found["id"])] == ["NOT_FOUND"]
    again = await reported(owner, cores=2)
    assert (again["name"], again["cores"], again["applications"]) == (None, 2, [])
    assert again["licenseConfigurations"] == []
    assert await made.consumed(owner, counted) == 0
    assert await made.consistent(owner)


async def test_pm_1_a_user_reports_and_only_an_administrator_of_its_account_deregisters(api: Api) -> None:
    user, other = await _user(api), await api.account(OTHER)
    auditor = await api.client(OWNER, Permission.AUDITOR)
    found = await reported(user)
    assert [error["code"] for error in await refused(auditor)] == ["ACCESS_DENIED"]
    assert [error["code"] for error in await user.errors(DEREGISTER, id=found["id"])] == ["ACCESS_DENIED"]
    assert [error["code"] for error in await other.errors(DEREGISTER, id=found["id"])] == ["NOT_FOUND"]
    assert await server(other, found["id"]) is None
    assert await server(auditor, found["id"]) == found


async def _user(api: Api) -> Any:
    """A client that may report but not administer."""
    await api.account(OWNER)
    return await api.client(OWNER, Permission.USER)
