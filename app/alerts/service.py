"""Alerts are written in the transaction of what causes them, in the order of commits (AL-1, AL-2)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, update

from app.alerts.models import AlertRow, FeedRow, OutboxRow
from app.alerts.rules import AlertKind
from app.kernel.clock import iso
from app.kernel.database import Transaction
from app.kernel.events import Signal
from app.kernel.ids import new_key, node_id
from app.kernel.tables import table_of

ALERT = table_of(AlertRow)
FEED = table_of(FeedRow)
OUTBOX = table_of(OutboxRow)
ALERTS_FEED = "alerts"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertDraft:
    """An alert to be: what it tells, about which configuration, and what stood at that moment."""

    kind: AlertKind
    configuration_key: int
    configuration_arn: str
    owner_account_id: str
    region: str
    account_id: str
    resource_key: int | None
    message: str
    consumed: int
    license_count: int | None


def raise_alert(tx: Transaction, draft: AlertDraft) -> None:
    """Write an alert, and what is to be delivered of it, with the group that the transaction commits in."""
    tx.defer(write_alerts, draft)


def write_alerts(tx: Transaction, drafts: Sequence[AlertDraft]) -> None:
    """Give each alert its position under the feed's row lock, which is held until the commit: no gap can fill later."""
    position = _advance(tx, len(drafts)) - len(drafts)
    for draft in drafts:
        position += 1
        key = new_key()
        tx.add(ALERT, _row(tx, draft, key, position))
        tx.add(OUTBOX, _delivery(tx, draft, key))
    tx.announce(Signal("alerts", frozenset({position})))


def _advance(tx: Transaction, number: int) -> int:
    """The last position once some more are given out."""
    tx.flush()
    moved = tx.connection.execute(update(FEED).where(FEED.c.name == ALERTS_FEED).values(last=FEED.c.last + number))
    if moved.rowcount == 0:
        tx.connection.execute(FEED.insert(), {"name": ALERTS_FEED, "last": number})
    last: int = tx.connection.execute(select(FEED.c.last).where(FEED.c.name == ALERTS_FEED)).scalar_one()
    return last


def _row(tx: Transaction, draft: AlertDraft, key: int, position: int) -> dict[str, Any]:
    return {
        "id": key,
        "position": position,
        "kind": draft.kind.value,
        "configuration_id": draft.configuration_key,
        "configuration_arn": draft.configuration_arn,
        "owner_account_id": draft.owner_account_id,
        "region": draft.region,
        "account_id": draft.account_id,
        "resource_id": draft.resource_key,
        "message": draft.message,
        "consumed": draft.consumed,
        "license_count": draft.license_count,
        "raised_at": tx.now,
        "acknowledged_at": None,
        "acknowledged_by": None,
        "note": None,
    }


def _delivery(tx: Transaction, draft: AlertDraft, key: int) -> dict[str, Any]:
    return {
        "id": new_key(),
        "alert_id": key,
        "owner_account_id": draft.owner_account_id,
        "region": draft.region,
        "payload": {
            "id": node_id("alert", key),
            "kind": draft.kind.value,
            "licenseConfigurationArn": draft.configuration_arn,
            "ownerAccountId": draft.owner_account_id,
            "accountId": draft.account_id,
            "region": draft.region,
            "message": draft.message,
            "consumedLicenses": draft.consumed,
            "licenseCount": draft.license_count,
            "raisedAt": iso(tx.now),
        },
        "created_at": tx.now,
    }
