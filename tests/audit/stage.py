"""What the tests of the audit trail share: acts that are recorded, and a destination in memory."""

import asyncio
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from sqlalchemy import RowMapping, select

from app.audit.models import AuditEventRow
from app.audit.recorder import AuditRecorder
from app.audit.trail.delivery import TrailDeliverer
from app.audit.trail.signing import PublicKeys, Signer, public_pem
from app.kernel.context import Context, Origin
from app.kernel.database import Database, Transaction
from app.kernel.errors import Refusal
from app.kernel.stores import Listed, Stored
from app.kernel.tables import table_of
from app.kernel.viewer import Permission, Viewer

OWNER = "111122223333"
OTHER = "444455556666"
THIRD = "777788889999"
EVENT = table_of(AuditEventRow)
INTERVAL = timedelta(minutes=5)
ORIGIN = Origin("3366df5f-4166-415f-9437-c38bcd0f5548", "203.0.113.83", "Coral/Netty4")


def viewer(account_id: str = OWNER, name: str = "Administrator") -> Viewer:
    """A caller of an account."""
    return Viewer(account_id, f"arn:aws:iam::{account_id}:user/{name}", Permission.ADMINISTRATOR, name, "token_1")


async def act(
    database: Database,
    action: str = "createLicenseConfiguration",
    parameters: Mapping[str, Any] | None = None,
    *,
    by: Viewer | None = None,
    concerns: Sequence[tuple[str, str]] = (),
    refusals: Sequence[Refusal] = (),
) -> None:
    """Record one action in a transaction of its own, as a mutation does."""
    recorder = AuditRecorder()
    context = Context(database, by or viewer(), ORIGIN, recorder)

    def unit(tx: Transaction) -> None:
        for arn, account_id in concerns:
            tx.concern(arn, account_id)
        recorder.record(tx, context, action, dict(parameters or {}), refusals, read_only=False)

    await database.write(unit)


async def act_everywhere(database: Database, times: int = 1) -> None:
    """A few actions in two accounts and two Regions."""
    acts = [
        act(database, parameters={"region": region, "name": f"licenses {number}"}, by=viewer(account_id))
        for number in range(times)
        for account_id in (OWNER, OTHER)
        for region in ("us-east-1", "eu-west-1")
    ]
    await asyncio.gather(*acts)


async def events(database: Database) -> list[RowMapping]:
    """All rows of event history, the oldest first."""
    return await database.read(
        lambda connection: list(connection.execute(select(EVENT).order_by(EVENT.c.id)).mappings())
    )


@dataclass
class MemoryStore:
    """A destination that forgets. A server can be made to die at one of its puts, or to get stuck at the first."""

    bucket: str = "local"
    prefix: str = ""
    objects: dict[str, bytes] = field(default_factory=dict)
    metadata: dict[str, Mapping[str, str]] = field(default_factory=dict)
    stuck_at: str | None = None
    stuck: threading.Event = field(default_factory=threading.Event)
    reached: threading.Event = field(default_factory=threading.Event)
    _until_death: int = 0
    _dies_after: bool = False

    def dies_at(self, number: int, moment: str) -> None:
        """The server is gone at its put of that number: before it has put, or after, having noted nothing of it."""
        self._until_death, self._dies_after = number, moment == "after"

    def wait_until_stuck(self) -> None:
        assert self.reached.wait(10)

    def put(self, key: str, body: bytes, metadata: Mapping[str, str] | None = None) -> None:
        self._until_death -= 1
        dies = self._until_death == 0
        if dies and not self._dies_after:
            raise ConnectionError("cut short before the put")
        if self.stuck_at and self.stuck_at in key and not self.reached.is_set():
            self.reached.set()
            assert self.stuck.wait(10)
        self.objects[key] = body
        self.metadata[key] = metadata or {}
        if dies:
            raise ConnectionError("cut short after the put")

    def get(self, key: str, at_most: int | None = None) -> Stored | None:
        return Stored(self.objects[key][:at_most], self.metadata.get(key, {})) if key in self.objects else None

    def listed(self, below: str = "") -> Iterator[Listed]:
        yield from [Listed(key, len(body), "") for key, body in self.objects.items() if key.startswith(below)]

    def folders(self, below: str = "") -> Iterator[str]:
        raise NotImplementedError


_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
SIGNER = Signer(_KEY)
KEYS = PublicKeys.parse(public_pem(SIGNER.public_key))


def deliverer(
    database: Database, store: Any, signer: Signer = SIGNER, destination: str = "memory", interval: timedelta = INTERVAL
) -> TrailDeliverer:
    """A server's deliverer to a store."""
    return TrailDeliverer(database, store, signer, destination, interval)
