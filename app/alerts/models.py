"""Tables of alerts, the order in which they are fed, and what is to be delivered of them."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.alerts.rules import AlertKind
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
    """An alert to be delivered outside, written with it; a deliverer takes it from here."""

    __tablename__ = "outbox"
    __table_args__ = (Index(None, "fanned_out_at", "id"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True, autoincrement=False)
    alert_id: Mapped[int] = mapped_column(ForeignKey("alert.id"))
    owner_account_id: Mapped[str] = mapped_column(AccountId)
    region: Mapped[str] = mapped_column(RegionCode)
    payload: Mapped[dict[str, object]] = mapped_column(Json)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    fanned_out_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
