"""Reports of many servers are taken in one batch: what is new is written once, what changed follows (EN-10, IN-4)."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from app.compute.managed import ReportedApplication
from app.inventory.reported import Report
from app.inventory.reports import Taken, take
from app.kernel.clock import ManualClock
from app.kernel.database import Database
from app.kernel.errors import DomainError, ErrorCode
from tests.support import licenses as made
from tests.support.api import Api, Client
from tests.support.contents import contents
from tests.support.statements import executions

OWNER, REGION = "111122223333", made.REGION
SQL_SERVER = ReportedApplication("SQL Server", "2017", "Microsoft")
SEARCH = '{ resourceInventory(filter: "type:MANAGED_INSTANCE", first: 100) { edges { node { id resourceId } } } }'


def report(number: int = 1, **given: Any) -> Report:
    return Report(**{"region": REGION, "resource_id": f"mi-{number}", **given})


async def taken(database: Database, *reports: Report) -> Taken:
    return await database.write(lambda tx: take(tx, OWNER, REGION, reports))


def told(result: Taken) -> dict[str, int]:
    return {change.value: number for _, numbers in result.changes for change, number in numbers.items() if number}


async def ids(client: Client) -> dict[str, str]:
    found = await client.field(SEARCH)
    return {edge["node"]["resourceId"]: edge["node"]["id"] for edge in found["edges"]}


async def rows(database: Database, columns: str = "resource_id, cores, active") -> list[tuple[Any, ...]]:
    statement = text(f"SELECT {columns} FROM resource WHERE gone_at IS NULL ORDER BY resource_id")
    return await database.read(lambda connection: [tuple(row) for row in connection.execute(statement)])


async def test_reports_of_many_servers_are_taken_and_the_same_again_write_nothing(api: Api, clock: ManualClock) -> None:
    await api.account(OWNER)
    at = clock.now()
    reports = [
        report(number, captured_at=at, facts={"name": f"db-{number}", "cores": number}, applications=[SQL_SERVER])
        for number in range(1, 4)
    ]
    assert told(await taken(api.database, *reports)) == {"added": 3}
    before = await contents(api.database)
    clock.advance(hours=1)
    again = await taken(api.database, *reports)
    assert (bool(again.changes), again.refused) == (False, [])
    assert await contents(api.database) == before
    changed = report(2, captured_at=at, facts={"cores": 8}, applications=[])
    assert told(await taken(api.database, *reports[:1], changed)) == {"changed": 1}
    assert await rows(api.database, "resource_id, name, cores") == [
        ("mi-1", "db-1", 1),
        ("mi-2", "db-2", 8),
        ("mi-3", "db-3", 3),
    ]


async def test_the_statements_do_not_grow_with_the_servers(api: Api, clock: ManualClock) -> None:
    await api.account(OWNER)
    await taken(api.database, report(facts={"name": "db"}, applications=[SQL_SERVER]))  # the words that are kept once
    numbers = []
    for first, many in ((2, 2), (1_000, 200)):
        wanted = range(first, first + many)
        facts = {"cores": 1, "name": "db"}
        with executions() as statements:
            await taken(api.database, *(report(each, facts=facts, applications=[SQL_SERVER]) for each in wanted))
        with executions() as again:
            await taken(api.database, *(report(each, facts={"cores": 2}, applications=[]) for each in wanted))
        numbers.append((len(statements), len(again)))
    assert numbers[0] == numbers[1]


async def test_en_10_what_servers_grow_to_counts_past_a_hard_limit_and_is_an_alert(
    api: Api, clock: ManualClock
) -> None:
    owner = await api.account(OWNER)
    limited = await made.configuration(owner, countingType="CORE", licenseCount=10, hardLimit=True)
    await taken(api.database, report(1, facts={"cores": 2}), report(2, facts={"cores": 2}))
    await made.associate(owner, limited, *(await ids(owner)).values())
    clock.advance(hours=1)
    await taken(api.database, report(1, facts={"cores": 8}), report(2, facts={"cores": 8}))
    assert await made.consumed(owner, limited) == 16
    assert await made.alert_kinds(owner) == ["LIMIT_EXCEEDED"]
    assert await made.consistent(owner)


async def test_one_bad_report_is_named_and_stops_no_other(api: Api, clock: ManualClock) -> None:
    """IN-4: a capture more than 5 minutes in the future can't be; 5 minutes are a clock that is fast."""
    await api.account(OWNER)
    fast = clock.now() + timedelta(minutes=5)
    result = await taken(
        api.database,
        report(1, captured_at=fast + timedelta(seconds=1)),
        report(2, captured_at=fast),
        report(3, facts={"cores": 0, "name": ""}),
        Report(region="eu-west-1", resource_id="mi-4"),
        report(5, resource_id="mi 5"),
    )
    assert [each[0] for each in await rows(api.database)] == ["mi-2"]
    assert [(each.message.partition(":")[0], each.code, each.account_id) for each in result.refused] == [
        (name, ErrorCode.INVALID_INPUT, OWNER) for name in ("mi-1", "mi-3", "mi-3", "mi-4", "mi 5")
    ]
    assert (result.refused[0].rule, result.refused[0].remedy) == ("IN-4", "Set the server's clock.")


async def test_in_4_a_report_that_was_captured_before_what_is_known_changes_nothing(
    api: Api, clock: ManualClock
) -> None:
    await api.account(OWNER)
    now = clock.now()
    await taken(api.database, report(captured_at=now, facts={"cores": 8}))
    before = await contents(api.database)
    late = report(captured_at=now - timedelta(seconds=1), facts={"cores": 4}, applications=[SQL_SERVER], ended=True)
    assert not (await taken(api.database, late)).changes
    assert await contents(api.database) == before


async def test_reports_of_one_server_follow_in_time_whatever_their_order(api: Api, clock: ManualClock) -> None:
    await api.account(OWNER)
    now = clock.now()
    earlier = report(captured_at=now - timedelta(hours=1), facts={"cores": 4, "name": "old"}, applications=[SQL_SERVER])
    later = report(captured_at=now, facts={"cores": 8})
    assert told(await taken(api.database, later, earlier)) == {"added": 1}
    assert await rows(api.database, "name, cores") == [("old", 8)]
    applications = text("SELECT name FROM application")
    assert await api.database.read(lambda connection: list(connection.execute(applications).scalars())) == [
        "SQL Server"
    ]


async def test_in_4_a_server_that_ended_gives_its_licenses_back_and_is_there_again_when_it_reports(
    api: Api, clock: ManualClock
) -> None:
    owner = await api.account(OWNER)
    license_ = await made.configuration(owner, countingType="CORE")
    start = clock.now()
    await taken(api.database, report(captured_at=start, facts={"cores": 4, "name": "db"}))
    await made.associate(owner, license_, *(await ids(owner)).values())
    clock.advance(hours=1)
    ended = report(captured_at=clock.now(), ended=True)
    assert told(await taken(api.database, ended, report(2, ended=True))) == {"gone": 1}
    assert await made.consumed(owner, license_) == 0
    assert not (await taken(api.database, ended)).changes
    assert not (await taken(api.database, report(captured_at=start + timedelta(minutes=1)))).changes
    assert await rows(api.database) == []
    assert told(await taken(api.database, report(facts={"cores": 2}))) == {"added": 1}
    assert await rows(api.database, "resource_id, name, cores") == [("mi-1", None, 2)]
    assert await made.consistent(owner)


@pytest.mark.parametrize(("days", "active"), [(29.9, True), (30, False)])
async def test_in_4_data_is_active_for_thirty_days_from_its_capture(
    api: Api, clock: ManualClock, days: float, active: bool
) -> None:
    await api.account(OWNER)
    await taken(api.database, report(captured_at=clock.now() - timedelta(days=days), facts={"cores": 1}))
    assert await rows(api.database) == [("mi-1", 1, active)]


async def test_ro_2_reports_for_an_account_without_the_core_role_or_for_none_are_refused(api: Api) -> None:
    await api.account(OWNER, core_role=False)
    with pytest.raises(DomainError) as refused:
        await taken(api.database, report())
    assert [each.code for each in refused.value.refusals] == [ErrorCode.ROLE_MISSING]
    with pytest.raises(DomainError) as unknown:
        await api.database.write(lambda tx: take(tx, "999999999999", REGION, [report()]))
    assert [each.code for each in unknown.value.refusals] == [ErrorCode.NOT_FOUND]
