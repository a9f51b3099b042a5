"""Notification channels and dead letters of an account (AL-3)."""

import base64
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.headerregistry import Address
from typing import Any

import httpx2
import structlog
from sqlalchemy import delete, func, select, update

from app.alerts.delivery.addresses import NOT_PUBLIC, is_address, is_public
from app.alerts.delivery.queue import test_row
from app.alerts.delivery.setup import Setup
from app.alerts.models import DeliveryRow, NotificationChannelRow
from app.alerts.rules import ChannelKind, DeliveryState
from app.kernel.database import Transaction
from app.kernel.errors import DomainError, ErrorCode, Refusal, invalid, not_found
from app.kernel.events import Signal
from app.kernel.ids import key_of, new_key, node_id
from app.kernel.regions import region as region_of
from app.kernel.regions import regions
from app.kernel.sealing import Sealer
from app.kernel.tables import table_of
from app.kernel.viewer import Viewer
from app.settings import SettingsError

log = structlog.get_logger(__name__)
Work = Callable[[Transaction, Viewer], int]
CHANNEL, DELIVERY = table_of(NotificationChannelRow), table_of(DeliveryRow)
MOST_CHANNELS = 20
MOST_TESTS = 5
LONGEST_URL = 2_048
LONGEST_ADDRESS = 254
SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class NewChannel:
    """What a channel is to be. `region` None: alerts of every Region."""

    kind: ChannelKind
    target: str
    region: str | None = None


@dataclass(frozen=True, slots=True)
class Created:
    """A channel that was made; the secret of a webhook is never told again."""

    key: int
    secret: str | None


def create(tx: Transaction, viewer: Viewer, setup: Setup, new: NewChannel) -> Created:
    """Have the account's alerts sent somewhere from now on."""
    if new.region is not None:
        region_of(new.region, "input", "region")
    target = _checked(new, setup)
    count = select(func.count()).select_from(CHANNEL).where(CHANNEL.c.account_id == viewer.account_id)
    if tx.execute(count).scalar_one() >= MOST_CHANNELS:
        raise _conflict(f"The account has {MOST_CHANNELS} notification channels, which is the most.", "Delete one.")
    secret = None
    if new.kind is ChannelKind.WEBHOOK:
        secret = "whsec_" + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()
    key = new_key()
    row = {
        "id": key,
        "account_id": viewer.account_id,
        "kind": new.kind.value,
        "target": target,
        "region": new.region,
        "encrypted_secret": _sealed(secret, setup.sealer) if secret else None,
        "enabled": True,
        "created_at": tx.now,
        "last_delivered_at": None,
        "last_failed_at": None,
        "last_error": None,
    }
    tx.add(CHANNEL, row)
    return Created(key, secret)


def test(tx: Transaction, viewer: Viewer, id: str) -> int:
    """Send something that says that it is a test, by the way that alerts go. Returns the channel's key."""
    channel = _own(tx, viewer, id)
    if not channel["enabled"]:
        raise _conflict("The notification channel is disabled.", "Enable it first.", "id")
    waiting = select(func.count()).where(
        DELIVERY.c.channel_id == channel["id"],
        DELIVERY.c.alert_id.is_(None),
        DELIVERY.c.state == DeliveryState.PENDING,
    )
    if tx.execute(waiting).scalar_one() >= MOST_TESTS:
        raise _conflict(f"{MOST_TESTS} tests of the channel are still under way.", "Wait for them.", "id")
    tx.add(DELIVERY, test_row(tx, channel, channel["region"] or regions()[0].code))
    tx.announce(Signal("deliveries"))
    return int(channel["id"])


def enable(tx: Transaction, viewer: Viewer, id: str, enabled: bool) -> int:
    """Turn a channel on or off. What waits for it goes on waiting while it is off. Returns its key."""
    channel = _own(tx, viewer, id)
    tx.execute(update(CHANNEL).where(CHANNEL.c.id == channel["id"]).values(enabled=enabled))
    tx.announce(Signal("deliveries"))
    return int(channel["id"])


def remove(tx: Transaction, viewer: Viewer, id: str) -> str:
    """Delete a channel, with what waits for it and its dead letters. Returns its global id."""
    channel = _own(tx, viewer, id)
    tx.execute(delete(DELIVERY).where(DELIVERY.c.channel_id == channel["id"]))
    tx.execute(delete(CHANNEL).where(CHANNEL.c.id == channel["id"]))
    return node_id("channel", channel["id"])


def replay(tx: Transaction, viewer: Viewer, id: str) -> str:
    """Deliver a dead letter again, with as many attempts as a new one. Returns its global id."""
    key = key_of(id, "delivery", "The dead letter", "id")
    written = tx.execute(
        update(DELIVERY)
        .where(
            DELIVERY.c.id == key,
            DELIVERY.c.account_id == viewer.account_id,
            DELIVERY.c.state == DeliveryState.DEAD,
        )
        .values(state=DeliveryState.PENDING.value, attempts=0, next_attempt_at=tx.now, finished_at=None)
    )
    if written.rowcount == 0:
        raise not_found("The dead letter", "id")
    tx.announce(Signal("deliveries"))
    return node_id("delivery", key)


def _own(tx: Transaction, viewer: Viewer, id: str) -> Any:
    """The account's own channel, held until the unit ends; another's is as absent (PM-2)."""
    key = key_of(id, "channel", "The notification channel", "id")
    own = select(CHANNEL).where(CHANNEL.c.id == key, CHANNEL.c.account_id == viewer.account_id)
    found = tx.execute(own.with_for_update()).mappings().first()
    if found is None:
        raise not_found("The notification channel", "id")
    return found


def _sealed(secret: str, sealer: Sealer) -> str:
    try:
        return sealer.seal(secret)
    except SettingsError as error:
        log.error("a secret can't be kept", reason=str(error))
        raise _conflict(
            "The service can't keep the webhook's secret.",
            "Its operator sets TOLLGATE_SECRET_KEYS, or a TOLLGATE_DATA_DIRECTORY that can be written to.",
        ) from None


def _conflict(message: str, remedy: str, *field: str) -> DomainError:
    return DomainError(
        Refusal(code=ErrorCode.CONFLICT, message=message, remedy=remedy, rule="AL-3", field=field or None)
    )


# ------------------------------------------------------------ targets


def _checked(new: NewChannel, setup: Setup) -> str:
    match new.kind:
        case ChannelKind.WEBHOOK:
            return _webhook(new.target, private=setup.private_addresses)
        case ChannelKind.EMAIL if not setup.mail:
            raise _target("The service has no mail server.", "Its operator sets TOLLGATE_SMTP_HOST.")
        case ChannelKind.EMAIL:
            return _mailbox(new.target)
        case _:
            raise invalid(
                "A topic is not a channel: each account has one in its settings.",
                "input",
                "kind",
                remedy="Set snsTopicArn with updateServiceSettings.",
                rule="AL-3",
            )


def _webhook(text: str, *, private: bool) -> str:
    """A URL that may be sent to; what its name resolves to is asked at each attempt."""
    remedy = "Give a URL such as https://example.com/alerts."
    if not 1 <= len(text) <= LONGEST_URL or not text.isascii() or not text.isprintable() or " " in text:
        raise _target(f"The webhook's URL must be of 1 to {LONGEST_URL} printable ASCII characters.", remedy)
    try:
        url = httpx2.URL(text)
        host, port = url.host, url.port
    except (httpx2.InvalidURL, ValueError):
        raise _target("The webhook's URL is not one.", remedy) from None
    if url.scheme != "https" and not (private and url.scheme == "http"):
        raise _target("Webhooks are sent by https alone.", remedy)
    if not host or url.userinfo or url.fragment or not (port is None or 1 <= port <= 65_535):
        raise _target("The webhook's URL must have a host, and no user or fragment.", remedy)
    if not private and is_address(host) and not is_public(host):
        raise _target(NOT_PUBLIC, "Name a public host, or have TOLLGATE_WEBHOOK_ALLOW_PRIVATE_ADDRESSES set.")
    return text


def _mailbox(text: str) -> str:
    remedy = "Give an address such as alerts@example.com."
    try:
        address = Address(addr_spec=text) if len(text) <= LONGEST_ADDRESS and text.isascii() else None
    except (ValueError, IndexError, HeaderParseError):
        address = None
    if address is None or not address.domain or address.addr_spec != text or not text.isprintable():
        raise _target("The e-mail address is not one.", remedy)
    return text


def _target(message: str, remedy: str) -> DomainError:
    return invalid(message, "input", "target", remedy=remedy, rule="AL-3")
