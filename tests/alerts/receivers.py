"""What receives deliveries in the tests: an HTTP endpoint, and a deliverer on a clock of the test."""

import asyncio
import json
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pydantic import SecretStr
from sqlalchemy import Connection, select

from app.alerts import channels
from app.alerts.channels import Created, NewChannel
from app.alerts.delivery.deliverer import Deliverer
from app.alerts.delivery.setup import Setup
from app.alerts.models import DeliveryRow, NotificationChannelRow
from app.alerts.rules import ChannelKind
from app.kernel.clock import ManualClock
from app.kernel.database import Database, Transaction
from app.kernel.sealing import Sealer
from app.kernel.tables import table_of
from app.kernel.viewer import Permission, Viewer
from app.organizations.accounts import create_standalone
from app.organizations.service import account_exists
from app.settings import Settings
from tests.alerts.raising import OWNER

CHANNEL, DELIVERY = table_of(NotificationChannelRow), table_of(DeliveryRow)
KEY = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
SEALER = Sealer([KEY], Path("unused"))


@dataclass
class Endpoint:
    """An HTTP server that remembers what it was sent and answers as told."""

    answer: Callable[["Request"], int | None] = lambda request: 204
    """The status; None: break off the connection."""
    requests: list["Request"] = field(default_factory=list)
    port: int = 0

    def delivered(self) -> Counter[str]:
        """How often each delivery was taken."""
        return Counter(each.headers["webhook-id"] for each in self.requests if each.status in (200, 204))

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            first, *lines = head.split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines if line)}
            body = (await reader.readexactly(int(headers.get("content-length", "0")))).decode()
            request = Request(first, headers, body)
            self.requests.append(request)
            request.status = self.answer(request)
            if request.status is not None:
                writer.write(f"HTTP/1.1 {request.status} X\r\nlocation: /x\r\ncontent-length: 0\r\n\r\n".encode())
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@dataclass
class Request:
    """One request, and how it was answered."""

    line: str
    headers: dict[str, str]
    body: str
    status: int | None = None

    @property
    def alert(self) -> Any:
        """What the body tells of the alert."""
        return json.loads(self.body)["data"]


@asynccontextmanager
async def endpoint(
    answer: Callable[[Request], int | None] = lambda request: 204, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Endpoint]:
    """An endpoint on this machine."""
    made = Endpoint(answer)
    server = await asyncio.start_server(made.handle, "127.0.0.1", 0, ssl=tls)
    made.port = server.sockets[0].getsockname()[1]
    async with server:
        yield made


def private(**given: Any) -> Settings:
    """Settings that let webhooks go to this machine."""
    usual = {"webhook_allow_private_addresses": True, "secret_keys": (SecretStr(KEY),), "delivery_attempts": 4}
    return Settings(_env_file=None, **{**usual, **given})


def viewer(account_id: str = OWNER) -> Viewer:
    return Viewer(account_id, f"arn:aws:iam::{account_id}:user/ada", Permission.ADMINISTRATOR, "ada", "token_1")


async def open_account(database: Database, account_id: str = OWNER) -> None:
    """Make an account exist."""

    def work(tx: Transaction) -> None:
        if not account_exists(tx.connection, account_id):
            create_standalone(tx, account_id, "an account")

    await database.write(work)


async def channel(
    database: Database, target: str, kind: ChannelKind = ChannelKind.WEBHOOK, account_id: str = OWNER, **given: Any
) -> Created:
    """A channel of an account, which comes to exist."""
    await open_account(database, account_id)
    setup = Setup(SEALER, private_addresses=True, mail=True)
    new = NewChannel(kind, target, **given)
    return await database.write(lambda tx: channels.create(tx, viewer(account_id), setup, new))


async def deliveries(database: Database) -> Sequence[Any]:
    """The rows of all deliveries, the oldest first."""

    def work(connection: Connection) -> Sequence[Any]:
        return connection.execute(select(DELIVERY).order_by(DELIVERY.c.id)).all()

    return await database.read(work)


async def last_error(database: Database, key: int) -> str | None:
    """What the latest attempt to reach a channel ended in."""

    def work(connection: Connection) -> str | None:
        error: str | None = connection.execute(select(CHANNEL.c.last_error).where(CHANNEL.c.id == key)).scalar_one()
        return error

    return await database.read(work)


async def run_out(deliverers: Sequence[Deliverer], clock: ManualClock, database: Database) -> None:
    """Let time pass until nothing waits any more."""
    while any(each.state == "PENDING" for each in await deliveries(database)):
        clock.advance(timedelta(hours=2))
        await asyncio.gather(*(each.run_due() for each in deliverers))


def certified(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """TLS of a server with a certificate of a name, which the machine is made to believe."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    today = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName(name), x509.IPAddress(ip_address("127.0.0.9"))]), False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    pem = folder / "certificate.pem"
    pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private = folder / "key.pem"
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, private)
    return context
