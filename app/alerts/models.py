"""Tables of alerts, the order in which they are fed, and what is to be delivered of them."""

from datetime import datetime

from sqlalchemy import Boolean, ForeignKey, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.alerts.rules import AlertKind, ChannelKind, DeliveryState
from app.kernel.tables import AccountId, Base, Json, Key, RegionCode, UtcDateTime, one_of


class FeedRow(Base):
    """The last position given out in a feed; its row lock makes the order of positions the order of commits."""

    __tablename__ = "feed"

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    last: Mapped[int] = mapped_column(Key)


class AlertRow(Base):
    """An alert. `position` grows in the order of commits: a reader that saw n never misses one below n (AL-2)."""

    __tablename__ = "alert"
    __table_args__ = (
        one_of("kind", AlertKind),
        Index(None, "configuration_id", "position"),
        Index(None, "owner_account_id", "position"),
        Index(None, "account_id", "position"),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True, autoincrement=False)
    position: Mapped[int] = mapped_column(Key, unique=True)
    kind: Mapped[str] = mapped_column(String(32))
    configuration_id: Mapped[int] = mapped_column(Key)
    configuration_arn: Mapped[str] = mapped_column(String(256))
    owner_account_id: Mapped[str] = mapped_column(AccountId)
    region: Mapped[str] = mapped_column(RegionCode)
    account_id: Mapped[str] = mapped_column(AccountId)
    resource_id: Mapped[int | None] = mapped_column(Key)
    message: Mapped[str] = mapped_column(String(2000))
    consumed: Mapped[int] = mapped_column(Key)
    license_count: Mapped[int | None] = mapped_column(Key)
    raised_at: Mapped[datetime] = mapped_column(UtcDateTime)
    acknowledged_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    acknowledged_by: Mapped[str | None] = mapped_column(String(256))
    note: Mapped[str | None] = mapped_column(String(1000))


class OutboxRow(Base):
    """An alert to be delivered outside, written with it; it goes once there is a delivery for each channel."""

    __tablename__ = "outbox"

    id: Mapped[int] = mapped_column(Key, primary_key=True, autoincrement=False)
    alert_id: Mapped[int] = mapped_column(ForeignKey("alert.id"))
    owner_account_id: Mapped[str] = mapped_column(AccountId)
    region: Mapped[str] = mapped_column(RegionCode)
    payload: Mapped[dict[str, object]] = mapped_column(Json)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class NotificationChannelRow(Base):
    """Where an account has its alerts sent, of one Region or of all. A webhook's secret is kept encrypted."""

    __tablename__ = "notification_channel"
    __table_args__ = (one_of("kind", ChannelKind), Index(None, "account_id", "id"))

    id: Mapped[int] = mapped_column(Key, primary_key=True, autoincrement=False)
    account_id: Mapped[str] = mapped_column(AccountId, ForeignKey("account.account_id"))
    kind: Mapped[str] = mapped_column(String(16))
    target: Mapped[str] = mapped_column(String(2048))
    region: Mapped[str | None] = mapped_column(RegionCode)
    encrypted_secret: Mapped[str | None] = mapped_column(String(1024))
    enabled: Mapped[bool] = mapped_column(Boolean)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_delivered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_failed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_error: Mapped[str | None] = mapped_column(String(512))


class DeliveryRow(Base):
    """One alert for one channel, or for the account's topic. Its id is the same at every attempt.

    `claim` names the server that has an attempt under way; `next_attempt_at` is then when that attempt counts as lost.
    """

    __tablename__ = "delivery"
    __table_args__ = (
        one_of("kind", ChannelKind),
        one_of("state", DeliveryState),
        UniqueConstraint("channel_id", "alert_id"),
        Index(None, "state", "next_attempt_at"),
        Index(None, "account_id", "state", "id"),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True, autoincrement=False)
    channel_id: Mapped[int | None] = mapped_column(ForeignKey("notification_channel.id"))
    alert_id: Mapped[int | None] = mapped_column(ForeignKey("alert.id"))
    account_id: Mapped[str] = mapped_column(AccountId)
    region: Mapped[str] = mapped_column(RegionCode)
    kind: Mapped[str] = mapped_column(String(16))
    target: Mapped[str] = mapped_column(String(2048))
    payload: Mapped[dict[str, object]] = mapped_column(Json)
    state: Mapped[str] = mapped_column(String(16))
    attempts: Mapped[int] = mapped_column(Integer)
    next_attempt_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    claim: Mapped[int | None] = mapped_column(Key)
    last_error: Mapped[str | None] = mapped_column(String(512))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
