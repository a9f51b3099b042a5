"""Notification channels and dead letters over the API: an account's own, changed by administrators (AL-3, PM-1)."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from app.alerts import channels
from app.alerts.channels import MOST_CHANNELS, MOST_TESTS, NewChannel
from app.alerts.delivery.deliverer import Deliverer
from app.alerts.delivery.setup import Setup
from app.alerts.models import NotificationChannelRow
from app.alerts.rules import ChannelKind
from app.kernel.clock import ManualClock
from app.kernel.database import Database
from app.kernel.errors import DomainError
from app.kernel.ids import node_id
from app.kernel.sealing import Sealer
from app.kernel.tables import table_of
from app.kernel.viewer import Permission
from tests.alerts.raising import OTHER, OWNER, raise_alerts
from tests.alerts.receivers import SEALER, channel, deliveries, endpoint, open_account, private, run_out, viewer
from tests.support.api import Api, Client

URL = "https://hooks.example.com/tollgate"
CREATE = """
mutation($input: CreateNotificationChannelInput!) {
  createNotificationChannel(input: $input) {
    notificationChannel { id kind target region { code } enabled lastDeliveredAt lastError }
    secret
    errors { code message remedy rule field }
  }
}"""
CHANNELS = "{ notificationChannels { id kind target region { code } enabled lastDeliveredAt lastError } }"
CHANGE = """
mutation($id: ID!) { ACTION(id: $id) { notificationChannel { id enabled } errors { code message } } }"""
DELETE = "mutation($id: ID!) { deleteNotificationChannel(id: $id) { deletedId errors { code message } } }"
REPLAY = "mutation($id: ID!) { replayDeadLetter(id: $id) { replayedId errors { code message } } }"
DEAD = """
{ deadLetters(first: 10) { totalCount edges { node {
  id kind target attempts lastError channel { id } alert { id message } finishedAt } } } }"""
NODE = "query($id: ID!) { node(id: $id) { id } }"


async def created(client: Client, **given: Any) -> dict[str, Any]:
    payload: dict[str, Any] = await client.done(CREATE, input={"kind": "WEBHOOK", "target": URL, **given})
    return payload


async def test_a_webhook_s_secret_is_told_once_and_kept_encrypted(api: Api) -> None:
    """AL-3."""
    owner = await api.account(OWNER)
    payload = await created(owner, region="us-east-1")
    made, secret = payload["notificationChannel"], payload["secret"]
    assert secret.startswith("whsec_")
    assert made["region"] == {"code": "us-east-1"}
    assert await owner.field(CHANNELS) == [made]
    table = table_of(NotificationChannelRow)
    (stored,) = await api.database.read(lambda c: c.execute(select(table.c.encrypted_secret)).scalars().all())
    assert secret.removeprefix("whsec_") not in stored


async def test_channels_are_of_their_own_account_alone(api: Api) -> None:
    """PM-2: another account's is as absent, for reading and for changing."""
    owner, other = await api.account(OWNER), await api.account(OTHER)
    id_ = (await created(owner))["notificationChannel"]["id"]
    assert await owner.field(NODE, id=id_) == {"id": id_}
    assert await other.field(CHANNELS) == []
    assert await other.field(NODE, id=id_) is None
    for action in ("enableNotificationChannel", "disableNotificationChannel", "testNotificationChannel"):
        (error,) = await other.errors(CHANGE.replace("ACTION", action), id=id_)
        assert error["code"] == "NOT_FOUND"
    assert (await other.errors(DELETE, id=id_))[0]["code"] == "NOT_FOUND"


@pytest.mark.parametrize("permission", [Permission.USER, Permission.AUDITOR])
async def test_only_administrators_change_them(api: Api, permission: Permission) -> None:
    """PM-1."""
    owner = await api.account(OWNER)
    id_ = (await created(owner))["notificationChannel"]["id"]
    client = await api.client(OWNER, permission)
    assert len(await client.field(CHANNELS)) == 1
    assert (await client.errors(CREATE, input={"kind": "WEBHOOK", "target": URL}))[0]["code"] == "ACCESS_DENIED"
    assert (await client.errors(DELETE, id=id_))[0]["code"] == "ACCESS_DENIED"
    assert (await client.errors(REPLAY, id="delivery_1"))[0]["code"] == "ACCESS_DENIED"


async def test_a_channel_is_turned_off_and_on_and_deleted(api: Api) -> None:
    """AL-3: nothing is tested by one that is off."""
    owner = await api.account(OWNER)
    id_ = (await created(owner))["notificationChannel"]["id"]
    payload = await owner.done(CHANGE.replace("ACTION", "disableNotificationChannel"), id=id_)
    assert payload["notificationChannel"] == {"id": id_, "enabled": False}
    assert (await owner.errors(CHANGE.replace("ACTION", "testNotificationChannel"), id=id_))[0]["code"] == "CONFLICT"
    payload = await owner.done(CHANGE.replace("ACTION", "enableNotificationChannel"), id=id_)
    assert payload["notificationChannel"]["enabled"] is True
    assert (await owner.done(DELETE, id=id_))["deletedId"] == id_
    assert await owner.field(CHANNELS) == []


@pytest.mark.parametrize(
    "target",
    [
        "http://hooks.example.com/", "https://", "hooks.example.com", "https://user:word@hooks.example.com/",
        "https://hooks.example.com/#part", "https://127.0.0.1/", "https://[::1]/", "https://169.254.169.254/latest",
        "https://hooks.example.com/a b", "https://bücher.example/", "ftp://hooks.example.com/", "", "x" * 3000,
        "https://hooks.example.com:99999/", "https://hooks.example.com/\nx", "javascript:alert(1)",
    ],
)  # fmt: skip
async def test_a_webhook_that_can_not_be_sent_to_is_refused(database: Database, target: str) -> None:
    """AL-3, API-3."""
    await _refused(database, NewChannel(ChannelKind.WEBHOOK, target), ("input", "target"))


@pytest.mark.parametrize(
    "target",
    ["", "nobody", "@example.com", "a@", "a@b\r\nBcc: c@d", "a@example.com, b@example.com", "a" * 300 + "@b.c"],
)
async def test_an_address_that_is_none_is_refused(database: Database, target: str) -> None:
    """AL-3, API-3: and what would add a header or a recipient."""
    await _refused(database, NewChannel(ChannelKind.EMAIL, target), ("input", "target"))


async def test_a_topic_is_a_setting_and_not_a_channel(database: Database) -> None:
    """AL-3, ST-1."""
    await _refused(database, NewChannel(ChannelKind.SNS_TOPIC, "arn:aws:sns:us-east-1:1:x"), ("input", "kind"))


async def _refused(database: Database, new: NewChannel, field: tuple[str, ...]) -> None:
    await open_account(database)
    setup = Setup(SEALER, private_addresses=False, mail=True)
    with pytest.raises(DomainError) as refused:
        await database.write(lambda tx: channels.create(tx, viewer(), setup, new))
    assert [(each.code.value, each.field) for each in refused.value.refusals] == [("INVALID_INPUT", field)]


async def test_a_webhook_is_refused_where_its_secret_can_t_be_kept(database: Database, tmp_path: Path) -> None:
    """AL-3: the service has no keys, and its data directory can't be written to."""
    await open_account(database)
    (tmp_path / "file").write_text("not a directory")
    setup = Setup(Sealer([], tmp_path / "file"), private_addresses=False, mail=True)
    with pytest.raises(DomainError) as refused:
        await database.write(lambda tx: channels.create(tx, viewer(), setup, NewChannel(ChannelKind.WEBHOOK, URL)))
    (error,) = refused.value.refusals
    assert (error.code.value, "TOLLGATE_SECRET_KEYS" in (error.remedy or "")) == ("CONFLICT", True)


async def test_mail_is_refused_where_there_is_no_mail_server(api: Api) -> None:
    """AL-3."""
    owner = await api.account(OWNER)
    (error,) = await owner.errors(CREATE, input={"kind": "EMAIL", "target": "alerts@example.com"})
    assert (error["code"], "TOLLGATE_SMTP_HOST" in error["remedy"]) == ("INVALID_INPUT", True)


async def test_there_are_bounds(database: Database) -> None:
    """API-3: of an account's channels, and of tests of one that are under way."""
    made = [await channel(database, URL) for _ in range(MOST_CHANNELS)]
    with pytest.raises(DomainError, match="is the most"):
        await channel(database, URL)
    id_ = node_id("channel", made[0].key)
    for _ in range(MOST_TESTS):
        await database.write(lambda tx: channels.test(tx, viewer(), id_))
    with pytest.raises(DomainError, match="still under way"):
        await database.write(lambda tx: channels.test(tx, viewer(), id_))


async def test_a_test_goes_the_way_of_an_alert_and_the_channel_tells_how_it_ended(api: Api, clock: ManualClock) -> None:
    """AL-3."""
    answers = {"now": 500}
    owner = await api.account(OWNER)
    async with endpoint(lambda request: answers["now"]) as hook:
        made = await channel(api.database, f"http://127.0.0.1:{hook.port}/")
        deliverer = Deliverer(api.database, private())
        await api.database.write(lambda tx: channels.test(tx, viewer(), node_id("channel", made.key)))
        await _settled(deliverer)
        (found,) = await owner.field(CHANNELS)
        assert found["lastDeliveredAt"] is None
        assert found["lastError"] is not None
        answers["now"] = 204
        await run_out([deliverer], clock, api.database)
    (found,) = await owner.field(CHANNELS)
    assert found["lastDeliveredAt"] is not None
    assert found["lastError"] is None
    assert hook.requests[-1].alert["kind"] == "TEST"


async def _settled(deliverer: Deliverer) -> None:
    """Until there are deliveries, and no first attempt is under way, here or in the server beside."""
    while True:
        await deliverer.run_due()
        rows = await deliveries(deliverer._database)
        if rows and all(each.claim is None and each.attempts for each in rows):
            return
        await asyncio.sleep(0.01)


async def test_dead_letters_are_seen_and_replayed_by_their_account_alone(
    database: Database, api: Api, clock: ManualClock
) -> None:
    """AL-3, PM-2."""
    owner, other = await api.account(OWNER), await api.account(OTHER)
    async with endpoint(lambda request: 410) as hook:
        made = await channel(database, f"http://127.0.0.1:{hook.port}/")
        await raise_alerts(database, "over")
        deliverer = Deliverer(database, private())
        await _settled(deliverer)
        await run_out([deliverer], clock, database)
    found = await owner.field(DEAD)
    assert found["totalCount"] == 1
    node = found["edges"][0]["node"]
    assert (node["kind"], node["channel"]["id"], node["alert"]["message"]) == (
        "WEBHOOK",
        node_id("channel", made.key),
        "over",
    )
    assert node["lastError"] is not None
    assert (await other.field(DEAD))["totalCount"] == 0
    assert (await other.errors(REPLAY, id=node["id"]))[0]["code"] == "NOT_FOUND"
    assert (await owner.done(REPLAY, id=node["id"]))["replayedId"] == node["id"]
    assert (await owner.field(DEAD))["totalCount"] == 0
    assert (await owner.errors(REPLAY, id=node["id"]))[0]["code"] == "NOT_FOUND"
