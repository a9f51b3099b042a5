"""Event history: who sees which records, by which filters, page by page, off an index (AU-2, PM-2, API-1)."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import combinations
from typing import Any

import pytest
from sqlalchemy import Connection, RowMapping

from app.audit.history import SAMPLE
from app.kernel.clock import ManualClock
from app.kernel.errors import ErrorCode, Refusal
from tests.audit.stage import OTHER, OWNER, act, events, viewer
from tests.sharing.test_api import ANN, MASTER, organization
from tests.support.api import Api, Client, Failed
from tests.support.statements import reads_of

EVENTS = """query($filter: AuditEventFilter, $first: Int, $after: String) {
  auditEvents(filter: $filter, first: $first, after: $after) {
    edges { cursor node { id eventTime eventName eventSource principalArn accountId region sourceIpAddress userAgent
      errorCode errorMessage readOnly record } }
    pageInfo { hasNextPage hasPreviousPage endCursor } } }"""
CONFIGURATION = f"arn:aws:license-manager:us-east-1:{OWNER}:license-configuration:lic-1"
START = datetime(2026, 1, 6, tzinfo=UTC)


async def listed(client: Client, first: int = 100, **filter: Any) -> list[dict[str, Any]]:
    """All records that a filter finds, page by page."""
    found: list[dict[str, Any]] = []
    after = None
    while True:
        page = await client.field(EVENTS, filter=filter, first=first, after=after)
        found += [edge["node"] for edge in page["edges"]]
        assert len(page["edges"]) == first or not page["pageInfo"]["hasNextPage"]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            return found


async def history(api: Api, clock: ManualClock, accounts: Sequence[str] = (OWNER,), times: int = 24) -> None:
    """Acts of two callers in each account, one a minute from START, some refused, some on a configuration."""
    refused = Refusal(code=ErrorCode.LIMIT_EXCEEDED, message="None are left.")
    clock.advance(START - clock.now())
    for number in range(times):
        for account_id in accounts:
            await act(
                api.database,
                ("launchInstances", "stopInstances", "tagResource")[number % 3],
                by=viewer(account_id, ("Alice", "Bob")[number % 2]),
                concerns=[(CONFIGURATION, account_id)] if number % 4 == 0 else [],
                refusals=[refused] if number % 5 == 0 else [],
            )
        clock.advance(minutes=1)


async def test_a_record_has_the_fields_of_its_columns_and_the_whole_of_it(api: Api) -> None:
    owner = await api.account(OWNER)
    (node,) = await listed(owner, eventName="CreateServiceLinkedRole")
    assert node.pop("record")["eventTime"] == "2026-01-05T09:00:00Z"
    assert node == {
        "id": node["id"],
        "eventTime": "2026-01-05T09:00:00.000000Z",
        "eventName": "CreateServiceLinkedRole",
        "eventSource": "iam.amazonaws.com",
        "principalArn": f"arn:aws:iam::{OWNER}:user/administrator",
        "accountId": OWNER,
        "region": "us-east-1",
        "sourceIpAddress": "127.0.0.1",
        "userAgent": node["userAgent"],
        "errorCode": None,
        "errorMessage": None,
        "readOnly": False,
    }


FILTERS: Mapping[str, Any] = {
    "eventName": "StopInstances",
    "principalArn": f"arn:aws:iam::{OWNER}:user/Alice",
    "resourceArn": CONFIGURATION,
    "refusedOnly": True,
    "from": "2026-01-06T00:04:00Z",
    "to": "2026-01-06T00:20:00Z",
    "accountId": OWNER,
}


def passes(row: RowMapping, given: Mapping[str, Any]) -> bool:
    """What the contract says of a filter, asked of a row."""
    asked = {
        "eventName": row["event_name"] == given.get("eventName"),
        "principalArn": row["principal_arn"] == given.get("principalArn"),
        "resourceArn": CONFIGURATION in row["record"],
        "refusedOnly": row["error_code"] is not None,
        "from": row["event_time"] >= START + timedelta(minutes=4),
        "to": row["event_time"] < START + timedelta(minutes=20),
        "accountId": row["account_id"] == given.get("accountId"),
    }
    return all(asked[name] for name in given)


async def test_every_combination_of_filters_finds_what_it_says_newest_first(api: Api, clock: ManualClock) -> None:
    owner = await api.account(OWNER)
    await history(api, clock, times=60)
    rows = [row for row in await events(api.database) if row["event_time"] >= START]
    for count in range(1, len(FILTERS) + 1):
        for names in combinations(FILTERS, count):
            given = {name: FILTERS[name] for name in names}
            expected = [f"event_{row['id']}" for row in reversed(rows) if passes(row, given)]
            page = await owner.field(EVENTS, filter={"from": "2026-01-06T00:00:00Z", **given}, first=100)
            found = [edge["node"] for edge in page["edges"]]
            # The reads of this test are themselves recorded.
            assert [each["id"] for each in found if each["eventName"] != "LookupEvents"] == expected, names


async def test_pages_follow_one_another_without_gap_or_repetition(api: Api, clock: ManualClock) -> None:
    owner = await api.account(OWNER)
    await history(api, clock)
    whole = [each["id"] for each in await listed(owner, principalArn=FILTERS["principalArn"])]
    assert len(whole) == 12
    for first in (1, 5, 12, 13):
        assert [each["id"] for each in await listed(owner, first, principalArn=FILTERS["principalArn"])] == whole
    last = await owner.field(EVENTS, filter={"eventName": "StopInstances"}, first=8)
    assert last["pageInfo"]["hasNextPage"] is False


async def test_an_account_sees_its_own_records_alone(api: Api, clock: ManualClock) -> None:
    owner, other = await api.account(OWNER), await api.account(OTHER)
    await history(api, clock, accounts=(OWNER, OTHER))
    for client in (owner, other):
        assert {each["accountId"] for each in await listed(client)} == {client.account_id}
    assert await listed(other, accountId=OWNER) == []
    assert {each["accountId"] for each in await listed(other, resourceArn=CONFIGURATION)} == {OTHER}


async def test_a_record_of_another_account_is_as_one_that_never_was(api: Api) -> None:
    owner, other = await api.account(OWNER), await api.account(OTHER)
    (mine, *_) = await listed(owner)
    node = "query($id: ID!) { node(id: $id) { id ... on AuditEvent { eventName } } }"
    assert await owner.field(node, id=mine["id"]) == {"id": mine["id"], "eventName": mine["eventName"]}
    assert await other.field(node, id=mine["id"]) is None
    assert await other.field(node, id="event_1") is None


async def test_the_master_sees_its_organization_s_records_in_one_order(api: Api, clock: ManualClock) -> None:
    master, ann = await organization(api, ANN)
    outsider = await api.account(OTHER)
    await history(api, clock, accounts=(MASTER, ANN, OTHER))
    found = await listed(master, 7, eventName="StopInstances")
    assert {each["accountId"] for each in found} == {MASTER, ANN}
    assert len(found) == 16
    assert [each["eventTime"] for each in found] == sorted([each["eventTime"] for each in found], reverse=True)
    assert {each["accountId"] for each in await listed(master, accountId=ANN)} == {ANN}
    assert {each["accountId"] for each in await listed(ann)} == {ANN}
    assert {each["accountId"] for each in await listed(outsider)} == {OTHER}


@pytest.mark.parametrize("given", [{"first": 101}, {"first": -1}, {"after": "nonsense"}])
async def test_api_1_a_page_out_of_bounds_is_refused(api: Api, given: dict[str, Any]) -> None:
    owner = await api.account(OWNER)
    with pytest.raises(Failed) as refused:
        await owner(EVENTS, **given)
    assert refused.value.errors[0]["extensions"]["code"] == "INVALID_INPUT"


async def test_a_page_takes_one_statement_and_a_sample_for_each_of_several_filters(
    api: Api, clock: ManualClock
) -> None:
    owner = await api.account(OWNER)
    await history(api, clock)
    for given, count in (
        ({}, 1),
        ({"eventName": "StopInstances"}, 1),
        ({"eventName": "StopInstances", "refusedOnly": True}, 3),
    ):
        with reads_of("audit_event") as statements:
            await owner.field(EVENTS, filter=given, first=5)
        assert len(statements) == count


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_no_filter_reads_or_sorts_the_whole_history(api: Api, clock: ManualClock) -> None:
    """Each account's records are read off an index in its order; there is no scan, and no order to be made of them."""
    owner = await api.account(OWNER)
    await history(api, clock, times=3)
    for count in range(3):
        for names in combinations(FILTERS, count):
            with reads_of("audit_event") as statements:
                await owner.field(EVENTS, filter={name: FILTERS[name] for name in names})
            for statement in statements:
                assert_read_off_an_index(await plan(api, statement))


async def plan(api: Api, statement: str) -> list[str]:
    """How SQLite would find the answer, a step a line."""
    parameters = tuple("1" for _ in range(statement.count("?")))

    def explain(connection: Connection) -> list[str]:
        return [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)]

    return await api.database.read(explain)


def assert_read_off_an_index(steps: list[str]) -> None:
    newest = steps[steps.index("CO-ROUTINE newest") + 1 :]
    newest = newest[: newest.index("SCAN newest")]
    assert all(step.startswith("SEARCH") and "USING" in step for step in newest), newest
    assert not any(step.startswith(("SCAN r", "SCAN c", "SCAN audit")) for step in steps), steps


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_of_several_filters_the_one_is_followed_that_finds_least(api: Api, clock: ManualClock) -> None:
    owner = await api.account(OWNER)
    clock.advance(START - clock.now())
    rare = viewer(OWNER, "Rare")
    for number in range(SAMPLE + 10):
        await act(api.database, "launchInstances", by=rare if number % 20 == 0 else viewer(OWNER, "Often"))
        clock.advance(minutes=1)
    for name in ("Rare", "Often"):
        given = {"eventName": "RunInstances", "principalArn": viewer(OWNER, name).principal_arn}
        with reads_of("audit_event") as statements:
            page = await owner.field(EVENTS, filter=given)
        assert {edge["node"]["principalArn"] for edge in page["edges"]} == {given["principalArn"]}
        followed = next(step for step in await plan(api, statements[-1]) if step.startswith("SEARCH r"))
        assert "principal_arn=?" in followed
