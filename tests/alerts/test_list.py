"""Alerts listed by their filters, and acknowledged once by a person (AL-3, PM-2)."""

import asyncio
from typing import Any

import pytest

from app.alerts.rules import AlertKind
from app.kernel.clock import ManualClock
from app.kernel.ids import key_of
from app.kernel.viewer import Permission
from tests.alerts.raising import OTHER, OWNER, SHAREE, raise_alerts
from tests.alerts.test_feed import share
from tests.support.api import Api, Client
from tests.support.licenses import configuration
from tests.support.twin import twin

LIST = """
query($kind: AlertKind, $configuration: ID, $account: AccountId, $acknowledged: Boolean, $from: DateTime, $to: DateTime,
  $first: Int, $after: String) {
  alerts(kind: $kind, licenseConfigurationId: $configuration, accountId: $account, acknowledged: $acknowledged,
    from: $from, to: $to, first: $first, after: $after) {
    totalCount pageInfo { hasNextPage endCursor }
    edges { cursor node { id message account { accountId } acknowledgedAt acknowledgedBy note } }
  }
}"""
ACKNOWLEDGE = """
mutation($id: ID!, $note: String) {
  acknowledgeAlert(id: $id, note: $note) {
    alert { id acknowledgedAt acknowledgedBy note } errors { code message rule field }
  }
}"""


async def listed(client: Client, **filters: Any) -> list[str]:
    """The messages of what the filters keep, newest first."""
    found = await client.field(LIST, **filters)
    messages = [edge["node"]["message"] for edge in found["edges"]]
    assert found["totalCount"] == len(messages)
    return messages


async def newest(client: Client) -> dict[str, Any]:
    found = await client.field(LIST, first=1)
    node: dict[str, Any] = found["edges"][0]["node"]
    return node


async def test_alerts_are_filtered_by_each_of_their_sides(api: Api, clock: ManualClock) -> None:
    """By kind, configuration, account, whether acknowledged, and time: from it on, up to but not at it."""
    owner = await api.account(OWNER)
    await raise_alerts(api.database, "approaching", kind=AlertKind.LIMIT_APPROACHING)
    clock.advance(hours=1)
    await raise_alerts(api.database, "other licenses", configuration_key=8)
    await raise_alerts(api.database, "by another", account_id=SHAREE)
    clock.advance(hours=1)
    await raise_alerts(api.database, "later")
    assert await listed(owner) == ["later", "by another", "other licenses", "approaching"]
    assert await listed(owner, kind="LIMIT_APPROACHING") == ["approaching"]
    assert await listed(owner, configuration="lc_8") == ["other licenses"]
    assert await listed(owner, configuration="nonsense") == []
    assert await listed(owner, account=SHAREE) == ["by another"]
    assert await listed(owner, **{"from": "2026-01-05T10:00:00Z"}) == ["later", "by another", "other licenses"]
    assert await listed(owner, to="2026-01-05T10:00:00Z") == ["approaching"]
    assert await listed(owner, account=OWNER, to="2026-01-05T10:30:00Z") == ["other licenses", "approaching"]
    await owner.done(ACKNOWLEDGE, id=(await newest(owner))["id"])
    assert await listed(owner, acknowledged=True) == ["later"]
    assert await listed(owner, acknowledged=False) == ["by another", "other licenses", "approaching"]


async def test_pages_of_alerts_join_without_gap_or_repeat(api: Api) -> None:
    """API-1: while new ones come in."""
    owner = await api.account(OWNER)
    await raise_alerts(api.database, *(str(n) for n in range(7)))
    seen: list[str] = []
    after = None
    while True:
        page = await owner.field(LIST, first=3, after=after)
        seen += [edge["node"]["message"] for edge in page["edges"]]
        await raise_alerts(api.database, "new")
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert seen == [str(n) for n in reversed(range(7))]


async def test_a_sharee_sees_its_own_and_how_the_limit_stands_and_not_who_else_uses_it(api: Api) -> None:
    """SH-3, PM-2: of other accounts' blocked launches it learns nothing; the owner stands for all."""
    owner, sharee = await api.account(OWNER), await api.account(SHAREE)
    shared = await configuration(owner)
    key = key_of(shared, "lc", "The license configuration")
    await share(owner, sharee, shared)
    for message, kind, account in (
        ("its own", AlertKind.LAUNCH_BLOCKED, SHAREE),
        ("another's", AlertKind.LAUNCH_BLOCKED, OTHER),
        ("the limit", AlertKind.LIMIT_EXCEEDED, OTHER),
    ):
        await raise_alerts(api.database, message, kind=kind, account_id=account, configuration_key=key)
    found = await sharee.field(LIST)
    assert [(edge["node"]["message"], edge["node"]["account"]["accountId"]) for edge in found["edges"]] == [
        ("the limit", OWNER),
        ("its own", SHAREE),
    ]
    assert await listed(sharee, account=OTHER) == []
    assert len(await listed(owner)) == 3


async def test_an_alert_is_acknowledged_by_a_person_with_a_note(api: Api, clock: ManualClock) -> None:
    """AL-3: who, when and why stand on it."""
    owner = await api.account(OWNER)
    await raise_alerts(api.database, "over")
    id_ = (await newest(owner))["id"]
    payload = await owner.done(ACKNOWLEDGE, id=id_, note="Bought ten more.")
    assert payload["alert"] == {
        "id": id_,
        "acknowledgedAt": "2026-01-05T09:00:00.000000Z",
        "acknowledgedBy": f"arn:aws:iam::{OWNER}:user/administrator",
        "note": "Bought ten more.",
    }
    (error,) = await owner.errors(ACKNOWLEDGE, id=id_, note="Me too.")
    assert (error["code"], error["rule"]) == ("CONFLICT", "AL-3")
    assert (await newest(owner))["note"] == "Bought ten more."


async def test_of_two_who_acknowledge_at_once_one_does(api: Api, database_url: str, clock: ManualClock) -> None:
    """AL-3: also at two servers; the other is told, and its note is not kept."""
    here = await api.account(OWNER)
    async with twin(database_url, here, clock) as there:
        for number in range(10):
            await raise_alerts(api.database, str(number))
            id_ = (await newest(here))["id"]
            payloads = await asyncio.gather(
                *(client.field(ACKNOWLEDGE, id=id_, note=note) for client, note in ((here, "here"), (there, "there")))
            )
            codes = [[error["code"] for error in payload["errors"]] for payload in payloads]
            assert sorted(codes) == [[], ["CONFLICT"]]
            winner = "here" if codes[0] == [] else "there"
            assert (await newest(here))["note"] == winner


async def test_acknowledging_is_for_administrators_of_whom_it_concerns(api: Api) -> None:
    """PM-1, PM-2, API-3."""
    owner, other = await api.account(OWNER), await api.account(OTHER)
    await raise_alerts(api.database, "over")
    id_ = (await newest(owner))["id"]
    assert (await other.errors(ACKNOWLEDGE, id=id_))[0]["code"] == "NOT_FOUND"
    assert (await owner.errors(ACKNOWLEDGE, id="alert_1"))[0]["code"] == "NOT_FOUND"
    assert (await owner.errors(ACKNOWLEDGE, id=id_, note="x" * 1001))[0]["code"] == "INVALID_INPUT"
    user = await api.client(OWNER, Permission.USER)
    assert (await user.errors(ACKNOWLEDGE, id=id_))[0]["code"] == "ACCESS_DENIED"
    assert (await newest(owner))["acknowledgedAt"] is None


async def test_a_sharee_acknowledges_what_it_caused_and_leaves_how_the_limit_stands_to_others(api: Api) -> None:
    """AL-3: what it sees it is refused in plain words, what it does not see is not there (PM-2)."""
    owner, sharee = await api.account(OWNER), await api.account(SHAREE)
    shared = await configuration(owner)
    await share(owner, sharee, shared)
    key = key_of(shared, "lc", "it")
    for message, kind, account_id in (
        ("its own", AlertKind.LAUNCH_BLOCKED, SHAREE),
        ("the owner's", AlertKind.LAUNCH_BLOCKED, OWNER),
        ("the limit", AlertKind.LIMIT_EXCEEDED, OWNER),
    ):
        await raise_alerts(api.database, message, kind=kind, configuration_key=key, account_id=account_id)
    found = (await owner.field(LIST))["edges"]
    ids = {edge["node"]["message"]: edge["node"]["id"] for edge in found}
    (unseen,) = await sharee.errors(ACKNOWLEDGE, id=ids["the owner's"])
    assert unseen["code"] == "NOT_FOUND"
    (seen,) = await sharee.errors(ACKNOWLEDGE, id=ids["the limit"])
    assert (seen["code"], seen["rule"], seen["field"]) == ("ACCESS_DENIED", "AL-3", ["id"])
    await sharee.done(ACKNOWLEDGE, id=ids["its own"])
    await owner.done(ACKNOWLEDGE, id=ids["the limit"])


@pytest.mark.parametrize("variables", [{"first": 101}, {"after": "nonsense"}, {"first": -1}])
async def test_pages_have_bounds(api: Api, variables: dict[str, Any]) -> None:
    """API-1, API-3."""
    owner = await api.account(OWNER)
    answer = await owner.raw(LIST, variables)
    assert answer["errors"][0]["extensions"]["code"] == "INVALID_INPUT"
