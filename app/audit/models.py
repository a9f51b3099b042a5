"""Tables of the audit trail. Records are written once and never changed."""

from datetime import datetime

from sqlalchemy import Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.tables import AccountId, Base, Key, RegionCode, UtcDateTime

UNDELIVERED = 0
REFUSED = text("error_code IS NOT NULL")
_REFUSALS = ("account_id", "id", "event_name", "principal_arn", "error_code")


class AuditEventRow(Base):
    """One action as one account's record of it; an act across accounts has a row in each (AU-4).

    `id` grows with `event_time`: see keys. `record` is the whole record, JSON in CloudTrail's format.
    """

    __tablename__ = "audit_event"
    __table_args__ = (
        Index(None, "account_id", "id"),
        Index(None, "account_id", "event_name", "id"),
        Index(None, "account_id", "principal_arn", "id"),
        # Refusals are few: their index answers other filters too, without a look at the rows.
        Index("ix_audit_event_refused", *_REFUSALS, sqlite_where=REFUSED, postgresql_where=REFUSED),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True, autoincrement=False)
    account_id: Mapped[str] = mapped_column(AccountId)
    event_time: Mapped[datetime] = mapped_column(UtcDateTime)
    event_name: Mapped[str] = mapped_column(String(128))
    event_source: Mapped[str] = mapped_column(String(128))
    principal_arn: Mapped[str] = mapped_column(String(256))
    region: Mapped[str] = mapped_column(RegionCode)
    source_ip_address: Mapped[str | None] = mapped_column(String(64))
    user_agent: Mapped[str | None] = mapped_column(String(512))
    error_code: Mapped[str | None] = mapped_column(String(64))
    error_message: Mapped[str | None] = mapped_column(String(4000))
    read_only: Mapped[bool]
    record: Mapped[str] = mapped_column(Text)


class AuditResourceRow(Base):
    """A resource that a record concerns, by ARN."""

    __tablename__ = "audit_resource"
    __table_args__ = {"sqlite_with_rowid": False}

    arn: Mapped[str] = mapped_column(String(512), primary_key=True)
    account_id: Mapped[str] = mapped_column(AccountId, primary_key=True)
    event_id: Mapped[int] = mapped_column(Key, primary_key=True, autoincrement=False)


class TrailQueueRow(Base):
    """A record that is still to be delivered, written with it; gone once its log file stands at the destination.

    Records commit out of order, so no number tells which were seen: each waits here, with `file_id` 0, for its file.
    """

    __tablename__ = "trail_queue"
    __table_args__ = {"sqlite_with_rowid": False}

    file_id: Mapped[int] = mapped_column(Key, primary_key=True, autoincrement=False)
    event_id: Mapped[int] = mapped_column(Key, primary_key=True, autoincrement=False)


class TrailRow(Base):
    """The one trail of an installation: which server delivers now, and until when it may; how far it got."""

    __tablename__ = "trail"

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    destination: Mapped[str] = mapped_column(String(1024))
    holder: Mapped[str | None] = mapped_column(String(32))
    held_until: Mapped[datetime] = mapped_column(UtcDateTime)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    digests_due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    sequence: Mapped[int] = mapped_column(Key)


class TrailFileRow(Base):
    """A log file, from when its records are chosen until a digest that has it stands at the destination."""

    __tablename__ = "trail_file"
    __table_args__ = (Index(None, "digest_id", "id"), Index(None, "delivered_at"))

    id: Mapped[int] = mapped_column(Key, primary_key=True, autoincrement=False)
    account_id: Mapped[str] = mapped_column(AccountId)
    region: Mapped[str] = mapped_column(RegionCode)
    key: Mapped[str] = mapped_column(String(512), unique=True)
    records: Mapped[int]
    oldest: Mapped[datetime] = mapped_column(UtcDateTime)
    newest: Mapped[datetime] = mapped_column(UtcDateTime)
    delivered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    content_hash: Mapped[str | None] = mapped_column(String(64))
    packed_hash: Mapped[str | None] = mapped_column(String(64))
    digest_id: Mapped[int | None] = mapped_column(Key)


class TrailDigestRow(Base):
    """A digest; of each chain those are kept that are still to be delivered, and the last one that was."""

    __tablename__ = "trail_digest"
    __table_args__ = (Index(None, "account_id", "region", "id"), Index(None, "delivered_at"))

    id: Mapped[int] = mapped_column(Key, primary_key=True, autoincrement=False)
    account_id: Mapped[str] = mapped_column(AccountId)
    region: Mapped[str] = mapped_column(RegionCode)
    key: Mapped[str] = mapped_column(String(512), unique=True)
    ended_at: Mapped[datetime] = mapped_column(UtcDateTime)
    content: Mapped[str] = mapped_column(Text)
    content_hash: Mapped[str] = mapped_column(String(64))
    packed_hash: Mapped[str | None] = mapped_column(String(64))
    signature: Mapped[str] = mapped_column(String(1024))
    delivered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
