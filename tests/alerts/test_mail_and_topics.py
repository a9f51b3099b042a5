"""Alerts by e-mail through a real SMTP server, and published to a topic of moto's SNS (AL-3)."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import boto3
import pytest
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword
from moto import mock_aws
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.sns.models import sns_backends
from pydantic import SecretStr

from app.alerts.delivery.deliverer import Deliverer
from app.alerts.delivery.failures import Undelivered
from app.alerts.rules import ChannelKind
from app.kernel.clock import ManualClock
from app.kernel.database import Database
from app.kernel.ids import node_id
from app.linking import service
from app.linking.service import SettingsChange
from app.roles.rules import ServiceLinkedRoleKind
from app.roles.service import ensure_many
from tests.alerts.raising import OWNER, REGION, raise_alerts
from tests.alerts.receivers import certified, channel, deliveries, endpoint, open_account, private, run_out, viewer

NAME = "aws-license-manager-service-alerts"
TOPIC = f"arn:aws:sns:{REGION}:{DEFAULT_ACCOUNT_ID}:{NAME}"


class Mailbox:
    """What the SMTP server took, and what it answers."""

    def __init__(self) -> None:
        self.messages: list[Any] = []
        self.answers = ["250 OK"]

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer.startswith("250"):
            self.messages.append((envelope, message_from_bytes(envelope.content, policy=default)))
        return answer


@pytest.fixture
async def mailbox() -> AsyncIterator[tuple[Mailbox, int]]:
    handler = Mailbox()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(handler, loop=loop), "127.0.0.1", 0)
    async with server:
        yield handler, server.sockets[0].getsockname()[1]


async def test_an_alert_goes_by_mail_once_the_server_takes_it(
    database: Database, clock: ManualClock, mailbox: tuple[Mailbox, int]
) -> None:
    """AL-3: under one Message-ID at every attempt; what the alert says can't add headers."""
    box, port = mailbox
    box.answers = ["451 Try again later", "250 OK"]
    await channel(database, "alerts@example.com", ChannelKind.EMAIL)
    await raise_alerts(database, "Ünlimited\nBcc: everyone@example.com")
    deliverer = Deliverer(database, private(smtp_host="127.0.0.1", smtp_port=port, smtp_tls="none"))
    await deliverer.run_due()
    (waiting,) = await deliveries(database)
    assert waiting.last_error == "The mail server answered 451."
    await run_out([deliverer], clock, database)
    ((envelope, message),) = box.messages
    assert envelope.rcpt_tos == ["alerts@example.com"]
    assert message["Subject"] == "[Tollgate] License limit exceeded"
    assert message["Message-ID"] == f"<{node_id('delivery', waiting.id)}@tollgate>"
    assert message["Bcc"] is None
    assert "Ünlimited" in message.get_content()


@pytest.mark.filterwarnings("ignore:Requiring AUTH")
@pytest.mark.parametrize("mode", ["none", "starttls", "tls"])
async def test_mail_is_encrypted_and_authenticated_as_set(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    """AL-3: a server that wants TLS and a password gets both, under a certificate of its name."""
    tls = certified("localhost", tmp_path, monkeypatch)
    box, loop, logins = Mailbox(), asyncio.get_running_loop(), []

    def login(_server: Any, session: Any, _envelope: Any, _mechanism: str, given: LoginPassword) -> AuthResult:
        logins.append((given.login, given.password, session.ssl is not None))
        return AuthResult(success=True)

    def smtp() -> SMTP:
        starttls = tls if mode == "starttls" else None
        return SMTP(
            box,
            loop=loop,
            tls_context=starttls,
            require_starttls=mode == "starttls",
            authenticator=login,
            auth_required=True,
            auth_require_tls=mode == "starttls",
        )

    async with await loop.create_server(smtp, "127.0.0.1", 0, ssl=tls if mode == "tls" else None) as server:
        await channel(database, "alerts@example.com", ChannelKind.EMAIL)
        await raise_alerts(database, "over")
        chosen = private(
            smtp_host="localhost",
            smtp_port=server.sockets[0].getsockname()[1],
            smtp_tls=mode,
            smtp_user="tollgate",
            smtp_password=SecretStr("hunter2"),
        )
        await Deliverer(database, chosen).run_due()
    assert [each.last_error for each in await deliveries(database)] == [None]
    assert len(box.messages) == 1
    assert logins == [(b"tollgate", b"hunter2", mode == "starttls")]


async def test_mail_without_a_mail_server_is_a_failure_like_another(database: Database, clock: ManualClock) -> None:
    """AL-3: a setting that is taken away loses nothing."""
    await channel(database, "alerts@example.com", ChannelKind.EMAIL)
    await raise_alerts(database, "over")
    deliverer = Deliverer(database, private())
    await deliverer.run_due()
    await run_out([deliverer], clock, database)
    (dead,) = await deliveries(database)
    assert dead.state == "DEAD"
    assert "TOLLGATE_SMTP_HOST" in dead.last_error


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """AWS by moto, with the topic."""
    for name, value in (("AWS_ACCESS_KEY_ID", "testing"), ("AWS_SECRET_ACCESS_KEY", "testing")):
        monkeypatch.setenv(name, value)
    with mock_aws():
        boto3.client("sns", region_name=REGION).create_topic(Name=NAME)
        yield


def published() -> list[Any]:
    """What the topic was sent, oldest first: the message and its attributes."""
    sent = sns_backends[DEFAULT_ACCOUNT_ID][REGION].topics[TOPIC].sent_notifications
    return [(json.loads(message), attributes) for _, message, _, attributes, *_ in sent]


async def set_topic(database: Database, *, core_role: bool = True) -> None:
    await open_account(database)
    if core_role:
        await database.write(lambda tx: ensure_many(tx, [OWNER], ServiceLinkedRoleKind.CORE))
    change = SettingsChange(region=REGION, sns_topic_arn=TOPIC)
    await database.write(lambda tx: service.update(tx, viewer(), change))


@pytest.mark.usefixtures("aws")
async def test_an_alert_is_published_to_the_topic_of_its_account_and_region(database: Database) -> None:
    """AL-3, ST-1."""
    await set_topic(database)
    await raise_alerts(database, "over")
    await raise_alerts(database, "elsewhere", region="eu-west-1")
    assert await Deliverer(database, private()).run_due() == 1
    ((message, attributes),) = published()
    (row,) = await deliveries(database)
    assert message["data"]["message"] == "over"
    assert attributes["deliveryId"]["Value"] == node_id("delivery", row.id)
    assert attributes["kind"]["Value"] == "LIMIT_EXCEEDED"


@pytest.mark.usefixtures("aws")
async def test_nothing_is_published_but_by_the_core_role_and_later_what_waited(
    database: Database, clock: ManualClock
) -> None:
    """AL-3, RO-6, RO-5: without the role it waits; once the role is there it goes."""
    await set_topic(database, core_role=False)
    await raise_alerts(database, "over")
    deliverer = Deliverer(database, private())
    await deliverer.run_due()
    assert published() == []
    (waiting,) = await deliveries(database)
    assert (waiting.state, "role" in waiting.last_error) == ("PENDING", True)
    await database.write(lambda tx: ensure_many(tx, [OWNER], ServiceLinkedRoleKind.CORE))
    await run_out([deliverer], clock, database)
    assert len(published()) == 1


@pytest.mark.usefixtures("aws")
async def test_a_topic_that_is_not_there_makes_a_dead_letter(database: Database, clock: ManualClock) -> None:
    """AL-3: it says what SNS answered."""
    await set_topic(database)
    boto3.client("sns", region_name=REGION).delete_topic(TopicArn=TOPIC)
    await raise_alerts(database, "over")
    deliverer = Deliverer(database, private())
    await deliverer.run_due()
    await run_out([deliverer], clock, database)
    (dead,) = await deliveries(database)
    assert (dead.state, dead.last_error) == ("DEAD", "SNS answered NotFound.")


async def test_sns_is_asked_once_an_attempt(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """AL-3: trying again is the queue's to do, with its pauses; and no SNS at all is a failure like another."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    await set_topic(database)
    async with endpoint(lambda request: 500) as sns:
        await raise_alerts(database, "one")
        address = f"http://127.0.0.1:{sns.port}"
        await Deliverer(database, private(aws_endpoint_url=address)).run_due()
        assert len(sns.requests) == 1
    await raise_alerts(database, "two")
    await Deliverer(database, private(aws_endpoint_url=address)).run_due()
    one, two = await deliveries(database)
    assert (one.state, one.last_error) == ("PENDING", "SNS answered 500.")
    assert (two.state, two.last_error) == ("PENDING", "SNS could not be asked: EndpointConnectionError.")


def test_what_an_account_is_told_of_a_failure_is_bounded() -> None:
    assert str(Undelivered("x" * 1_000)) == "x" * 500
