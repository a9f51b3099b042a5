"""Tables of the audit trail."""

from datetime import datetime

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.tables import AccountId, Base, Json, Key, RegionCode, UtcDateTime


class AuditEventRow(Base):
    """One action as one account's record of it; an act across accounts has a row in each (AU-4)."""

    __tablename__ = "audit_event"
    __table_args__ = (
        Index(None, "account_id", "id"),
        Index(None, "account_id", "event_name", "id"),
        Index(None, "account_id", "principal_arn", "id"),
        Index(None, "account_id", "error_code", "id"),
        Index(None, "account_id", "event_time"),
        Index(None, "event_time"),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True, autoincrement=False)
    account_id: Mapped[str] = mapped_column(AccountId)
    event_time: Mapped[datetime] = mapped_column(UtcDateTime)
    event_name: Mapped[str] = mapped_column(String(128))
    event_source: Mapped[str] = mapped_column(String(128))
    principal_arn: Mapped[str] = mapped_column(String(256))
    caller_account_id: Mapped[str] = mapped_column(AccountId)
    region: Mapped[str] = mapped_column(RegionCode)
    source_ip_address: Mapped[str | None] = mapped_column(String(64))
    user_agent: Mapped[str | None] = mapped_column(String(512))
    error_code: Mapped[str | None] = mapped_column(String(64))
    error_message: Mapped[str | None] = mapped_column(String(4000))
    read_only: Mapped[bool]
    record: Mapped[dict[str, object]] = mapped_column(Json)


class AuditResourceRow(Base):
    """A resource that a record concerns, by ARN."""

    __tablename__ = "audit_resource"
    __table_args__ = (Index(None, "arn", "event_id"),)

    event_id: Mapped[int] = mapped_column(Key, primary_key=True)
    arn: Mapped[str] = mapped_column(String(512), primary_key=True)
