"""The queue of deliveries: made from the outbox, claimed by one server at a time, settled by who claimed (AL-3)."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, or_, select, update

from app.alerts.models import DeliveryRow, NotificationChannelRow, OutboxRow
from app.alerts.rules import ChannelKind, DeliveryState
from app.kernel.clock import iso
from app.kernel.database import Transaction
from app.kernel.ids import new_key
from app.kernel.tables import table_of
from app.linking.settings import settings_of

OUTBOX, CHANNEL, DELIVERY = table_of(OutboxRow), table_of(NotificationChannelRow), table_of(DeliveryRow)
AT_ONCE = 200
KEPT = timedelta(days=7)
_OPEN = or_(DELIVERY.c.channel_id.is_(None), CHANNEL.c.enabled)


Receiver = int | str


@dataclass(frozen=True, slots=True)
class Slots:
    """How many attempts a server may begin: of all, and beside those under way for a receiver."""

    free: int
    each: int
    """Under way at once for one receiver, so that a slow one leaves slots to others."""
    under_way: Counter[Receiver] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery that this server is to attempt; `attempts` counts this one."""

    key: int
    claim: int
    channel_key: int | None
    account_id: str
    region: str
    kind: ChannelKind
    target: str
    encrypted_secret: str | None
    payload: Mapping[str, Any]
    attempts: int

    @property
    def receiver(self) -> Receiver:
        """The channel, or the topic of settings."""
        return self.target if self.channel_key is None else self.channel_key


@dataclass(frozen=True, slots=True)
class Settled:
    """How an attempt ended. No error: delivered. No `retry_at`: it is not tried again."""

    delivery: Claimed
    error: str | None = None
    retry_at: datetime | None = None
    gone: bool = False


def fan_out(tx: Transaction) -> int:
    """Make a delivery of each waiting alert for each channel of its owner and its topic; how many alerts it were."""
    waiting = select(OUTBOX).order_by(OUTBOX.c.id).limit(AT_ONCE).with_for_update(skip_locked=True)
    alerts = tx.execute(waiting).mappings().all()
    if not alerts:
        return 0
    owners = {row["owner_account_id"] for row in alerts}
    open_to = select(CHANNEL).where(CHANNEL.c.account_id.in_(owners), CHANNEL.c.enabled).order_by(CHANNEL.c.id)
    channels = tx.execute(open_to.with_for_update(read=True)).mappings().all()
    topics = {(each, region): topic for each in owners for region, topic in _topics(tx, each, alerts)}
    for alert in alerts:
        owner, region = alert["owner_account_id"], alert["region"]
        for channel in channels:
            if channel["account_id"] == owner and channel["region"] in (None, region):
                tx.add(DELIVERY, _row(tx, alert, channel["id"], channel["kind"], channel["target"]))
        topic = topics.get((owner, region))
        if topic is not None:
            tx.add(DELIVERY, _row(tx, alert, None, ChannelKind.SNS_TOPIC.value, topic))
    tx.execute(delete(OUTBOX).where(OUTBOX.c.id.in_([row["id"] for row in alerts])))
    return len(alerts)


def _topics(tx: Transaction, account_id: str, alerts: Sequence[Any]) -> list[tuple[str, str]]:
    regions = {row["region"] for row in alerts if row["owner_account_id"] == account_id}
    found = settings_of(tx.connection, account_id, regions)
    return [(each.region, each.sns_topic_arn) for each in found if each.sns_topic_arn is not None]


def _row(tx: Transaction, alert: Any, channel_key: int | None, kind: str, target: str) -> dict[str, Any]:
    payload = {"type": "alert.raised", "timestamp": alert["payload"]["raisedAt"], "data": alert["payload"]}
    return delivery_row(
        tx,
        channel_id=channel_key,
        alert_id=alert["alert_id"],
        account_id=alert["owner_account_id"],
        region=alert["region"],
        kind=kind,
        target=target,
        payload=payload,
    )


def delivery_row(tx: Transaction, **given: Any) -> dict[str, Any]:
    """The row of a new delivery, due now."""
    return {
        "id": new_key(),
        **given,
        "state": DeliveryState.PENDING.value,
        "attempts": 0,
        "next_attempt_at": tx.now,
        "claim": None,
        "last_error": None,
        "created_at": tx.now,
        "finished_at": None,
    }


def test_row(tx: Transaction, channel: Any, region: str) -> dict[str, Any]:
    """The row of a trial of a channel: no alert, and said to be none."""
    data = {"kind": "TEST", "accountId": channel["account_id"], "message": "This is a test of a notification channel."}
    return delivery_row(
        tx,
        channel_id=channel["id"],
        alert_id=None,
        account_id=channel["account_id"],
        region=region,
        kind=channel["kind"],
        target=channel["target"],
        payload={"type": "channel.test", "timestamp": iso(tx.now), "data": data},
    )


def claim(tx: Transaction, slots: Slots, lease: timedelta) -> list[Claimed]:
    """Take deliveries that are due, for one attempt each; where none of this server ends by then, anyone may again."""
    claimed: list[Claimed] = []
    under_way = slots.under_way.copy()
    while len(claimed) < slots.free:
        full = [receiver for receiver, count in under_way.items() if count >= slots.each]
        chosen = []
        for each in _due(tx, slots.free - len(claimed), full):
            if under_way[each.receiver] < slots.each:
                under_way[each.receiver] += 1
                chosen.append(each)
        if not chosen:
            break
        tx.execute(
            update(DELIVERY)
            .where(DELIVERY.c.id.in_([each.key for each in chosen]))
            .values(claim=chosen[0].claim, attempts=DELIVERY.c.attempts + 1, next_attempt_at=tx.now + lease)
        )
        claimed += chosen
    return claimed


def _due(tx: Transaction, most: int, full: Sequence[Receiver]) -> list[Claimed]:
    """The deliveries that have been due the longest, but for some receivers', as they will be claimed."""
    channels = [each for each in full if isinstance(each, int)]
    topics = [each for each in full if isinstance(each, str)]
    due = (
        select(DELIVERY, CHANNEL.c.encrypted_secret)
        .outerjoin(CHANNEL, CHANNEL.c.id == DELIVERY.c.channel_id)
        .where(DELIVERY.c.state == DeliveryState.PENDING, DELIVERY.c.next_attempt_at <= tx.now, _OPEN)
        .where(or_(DELIVERY.c.channel_id.is_(None), DELIVERY.c.channel_id.not_in(channels)))
        .where(or_(DELIVERY.c.channel_id.is_not(None), DELIVERY.c.target.not_in(topics)))
        .order_by(DELIVERY.c.next_attempt_at, DELIVERY.c.id)
        .limit(most)
        .with_for_update(skip_locked=True, of=DELIVERY)
    )
    mark = new_key()
    return [
        Claimed(
            key=row["id"],
            claim=mark,
            channel_key=row["channel_id"],
            account_id=row["account_id"],
            region=row["region"],
            kind=ChannelKind(row["kind"]),
            target=row["target"],
            encrypted_secret=row["encrypted_secret"],
            payload=row["payload"],
            attempts=row["attempts"] + 1,
        )
        for row in tx.execute(due).mappings().all()
    ]


def settle(tx: Transaction, ends: Sequence[Settled]) -> list[None]:
    """Write how attempts ended; of one whose claim was lost meanwhile, nothing (a batch of the writer's)."""
    for end in ends:
        mine = (DELIVERY.c.id == end.delivery.key, DELIVERY.c.claim == end.delivery.claim)
        written = tx.execute(update(DELIVERY).where(*mine).values(claim=None, **_end(tx, end)))
        if written.rowcount and end.delivery.channel_key is not None:
            own = CHANNEL.c.id == end.delivery.channel_key
            tx.execute(update(CHANNEL).where(own).values(**_told(tx, end)))
    return [None] * len(ends)


def _end(tx: Transaction, end: Settled) -> dict[str, Any]:
    if end.error is None:
        state = DeliveryState.DELIVERED
    else:
        state = DeliveryState.DEAD if end.retry_at is None else DeliveryState.PENDING
    finished = None if state is DeliveryState.PENDING else tx.now
    return {
        "state": state.value,
        "next_attempt_at": end.retry_at,
        "last_error": end.error,
        "finished_at": finished,
    }


def _told(tx: Transaction, end: Settled) -> dict[str, Any]:
    if end.error is None:
        return {"last_delivered_at": tx.now, "last_error": None}
    told: dict[str, Any] = {"last_failed_at": tx.now, "last_error": end.error}
    return {**told, "enabled": False} if end.gone else told


def take(tx: Transaction, slots: Slots, lease: timedelta) -> tuple[int, list[Claimed]]:
    """Fan out what waits, then claim what is due: how many alerts, and the deliveries."""
    moved = fan_out(tx)
    return moved, claim(tx, slots, lease)


def waits(connection: Connection, now: datetime) -> bool:
    """Whether there is anything to take: a look that writes nothing."""
    if connection.execute(select(OUTBOX.c.id).limit(1)).first() is not None:
        return True
    due = next_due(connection)
    return due is not None and due <= now


def next_due(connection: Connection) -> datetime | None:
    """When the next delivery is due; None where none waits."""
    waiting = (
        select(DELIVERY.c.next_attempt_at)
        .outerjoin(CHANNEL, CHANNEL.c.id == DELIVERY.c.channel_id)
        .where(DELIVERY.c.state == DeliveryState.PENDING, _OPEN)
    )
    return connection.execute(waiting.order_by(DELIVERY.c.next_attempt_at).limit(1)).scalar()


def purge(tx: Transaction) -> int:
    """Forget what was delivered some days ago; dead letters stay until they are replayed or their channel goes."""
    old = DELIVERY.c.finished_at < tx.now - KEPT
    return tx.execute(delete(DELIVERY).where(DELIVERY.c.state == DeliveryState.DELIVERED, old)).rowcount
