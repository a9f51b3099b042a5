"""Tables of license configurations, their associations and the ledger of what was consumed."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.tables import AccountId, Base, Json, Key, RegionCode, UtcDateTime, one_of
from app.licensing.rules import CountingType, Status


class LicenseConfigurationRow(Base):
    """A license configuration. `consumed` changes by conditional statements of the gate alone (EN-11).

    `name_folded` is the name without differences of case, in any alphabet and on either database, to be searched.
    """

    __tablename__ = "license_configuration"
    __table_args__ = (
        UniqueConstraint("owner_account_id", "region", "name"),
        one_of("counting_type", CountingType),
        one_of("status", Status),
        CheckConstraint("consumed >= 0", name="consumed_not_negative"),
        CheckConstraint("license_count IS NULL OR license_count >= 0", name="count_not_negative"),
        Index(None, "owner_account_id", "region", "id"),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True, autoincrement=False)
    arn: Mapped[str] = mapped_column(String(256), unique=True)
    owner_account_id: Mapped[str] = mapped_column(AccountId)
    region: Mapped[str] = mapped_column(RegionCode)
    name: Mapped[str] = mapped_column(String(255))
    name_folded: Mapped[str] = mapped_column(String(765))
    description: Mapped[str | None] = mapped_column(String(1000))
    counting_type: Mapped[str] = mapped_column(String(16))
    minimum: Mapped[int | None]
    maximum: Mapped[int | None]
    honor_vcpu_optimization: Mapped[bool]
    allowed_tenancy: Mapped[list[str]] = mapped_column(Json)
    rule_order: Mapped[list[str]] = mapped_column(Json)
    license_count: Mapped[int | None] = mapped_column(Key)
    hard_limit: Mapped[bool]
    status: Mapped[str] = mapped_column(String(16))
    version: Mapped[int]
    consumed: Mapped[int] = mapped_column(Key)
    alert_thresholds: Mapped[list[int]] = mapped_column(Json)
    alerted: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)


class LicenseConfigurationTagRow(Base):
    """A tag of a license configuration."""

    __tablename__ = "license_configuration_tag"
    __table_args__ = (Index(None, "key", "value"),)

    configuration_id: Mapped[int] = mapped_column(
        ForeignKey("license_configuration.id", ondelete="CASCADE"), primary_key=True
    )
    key: Mapped[str] = mapped_column(String(128), primary_key=True)
    value: Mapped[str] = mapped_column(String(256))


class AssociationRow(Base):
    """A license configuration on a resource, and the licenses that it consumes there now.

    The resource's type, account, host and state are not kept here but `account_id` and `resource_type`, which never
    change: they serve the pages by account and by type.
    """

    __tablename__ = "association"
    __table_args__ = (
        UniqueConstraint("resource_id", "configuration_id"),
        CheckConstraint("consumed >= 0", name="consumed_not_negative"),
        Index(None, "configuration_id", "id"),
        Index(None, "configuration_id", "account_id", "id"),
        Index(None, "configuration_id", "resource_type", "id"),
        Index(None, "account_id"),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True, autoincrement=False)
    configuration_id: Mapped[int] = mapped_column(ForeignKey("license_configuration.id"))
    resource_id: Mapped[int] = mapped_column(Key)
    resource_type: Mapped[str] = mapped_column(String(16))
    account_id: Mapped[str] = mapped_column(AccountId)
    consumed: Mapped[int] = mapped_column(Key)
    associated_at: Mapped[datetime] = mapped_column(UtcDateTime)
    associated_by: Mapped[str] = mapped_column(String(256))


class TakenOffRow(Base):
    """That a person took a configuration off a resource: no rule of discovery puts it there again of itself."""

    __tablename__ = "taken_off"
    __table_args__ = (
        UniqueConstraint("resource_id", "configuration_id"),
        Index(None, "configuration_id", "id"),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True, autoincrement=False)
    configuration_id: Mapped[int] = mapped_column(ForeignKey("license_configuration.id", ondelete="CASCADE"))
    resource_id: Mapped[int] = mapped_column(Key)
    account_id: Mapped[str] = mapped_column(AccountId)
    taken_off_at: Mapped[datetime] = mapped_column(UtcDateTime)
    taken_off_by: Mapped[str] = mapped_column(String(256))


class ConsumptionChangeRow(Base):
    """The ledger: each change of a configuration's consumption or count, with what stood after it."""

    __tablename__ = "consumption_change"
    __table_args__ = (Index(None, "configuration_id", "id"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True, autoincrement=False)
    configuration_id: Mapped[int] = mapped_column(Key)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    account_id: Mapped[str] = mapped_column(AccountId)
    delta: Mapped[int] = mapped_column(Key)
    consumed: Mapped[int] = mapped_column(Key)
    license_count: Mapped[int | None] = mapped_column(Key)


class UsageHourRow(Base):
    """The state of a configuration at the end of an hour in which it changed (DB-1)."""

    __tablename__ = "usage_hour"

    configuration_id: Mapped[int] = mapped_column(Key, primary_key=True)
    hour: Mapped[datetime] = mapped_column(UtcDateTime, primary_key=True)
    consumed: Mapped[int] = mapped_column(Key)
    license_count: Mapped[int | None] = mapped_column(Key)


class OperationFailureRow(Base):
    """An operation on a license configuration's resources that was refused, kept for who administers it."""

    __tablename__ = "operation_failure"
    __table_args__ = (Index(None, "configuration_id", "id"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True, autoincrement=False)
    configuration_id: Mapped[int] = mapped_column(Key)
    account_id: Mapped[str] = mapped_column(AccountId)
    operation: Mapped[str] = mapped_column(String(128))
    resource_arn: Mapped[str] = mapped_column(String(512))
    resource_type: Mapped[str | None] = mapped_column(String(16))
    error_code: Mapped[str] = mapped_column(String(64))
    error_message: Mapped[str] = mapped_column(String(2000))
    requested_by: Mapped[str] = mapped_column(String(256))
    failed_at: Mapped[datetime] = mapped_column(UtcDateTime)
