"""The table of an account's settings in a Region."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.tables import AccountId, Base, Key, RegionCode, UtcDateTime, one_of
from app.linking.rules import DataCatalog


class ServiceSettingsRow(Base):
    """Settings of one account in one Region (ST-1); the link itself is the organization's (ST-4)."""

    __tablename__ = "service_settings"
    __table_args__ = (
        UniqueConstraint("account_id", "region"),
        one_of("data_catalog", DataCatalog),
        Index(None, "next_sync_at"),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True, autoincrement=False)
    account_id: Mapped[str] = mapped_column(AccountId, ForeignKey("account.account_id"))
    region: Mapped[str] = mapped_column(RegionCode)
    s3_bucket_arn: Mapped[str | None] = mapped_column(String(256))
    sns_topic_arn: Mapped[str | None] = mapped_column(String(256))
    data_catalog: Mapped[str] = mapped_column(String(16))
    inventory_sync_schedule: Mapped[str] = mapped_column(String(128))
    last_sync_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    next_sync_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
