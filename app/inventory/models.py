"""Tables of what is done by schedule, of the synchronisations that run, and of the rules of automated discovery."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.inventory.rules import DiscoveryScope
from app.kernel.tables import AccountId, Base, Json, Key, RegionCode, UtcDateTime, one_of

_RUNNING = text("finished_at IS NULL")


class ScheduleRow(Base):
    """A task that is done at times: of all servers on the database, the one that holds the lease does it."""

    __tablename__ = "schedule"

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    cron: Mapped[str] = mapped_column(String(128))
    next_run_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_run_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    leased_by: Mapped[str | None] = mapped_column(String(32))
    leased_until: Mapped[datetime | None] = mapped_column(UtcDateTime)


class InventorySyncRow(Base):
    """The last synchronisation of an account's inventory in a Region, or the one that runs.

    One that runs is leased, and its lease renewed as it goes on: what a server left when it ended, another takes up.
    `failures` are refusals, at most 100: what was left out, and why.
    """

    __tablename__ = "inventory_sync"
    __table_args__ = (Index(None, "leased_until", sqlite_where=_RUNNING, postgresql_where=_RUNNING),)

    id: Mapped[int] = mapped_column(Key, unique=True)
    account_id: Mapped[str] = mapped_column(AccountId, primary_key=True)
    region: Mapped[str] = mapped_column(RegionCode, primary_key=True)
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    done: Mapped[int]
    total: Mapped[int]
    failures: Mapped[list[dict[str, object]]] = mapped_column(Json)
    leased_by: Mapped[str] = mapped_column(String(32))
    leased_until: Mapped[datetime] = mapped_column(UtcDateTime)


class InventoryFileRow(Base):
    """What a source's files told of a server when they were last taken: unchanged files are not read again.

    `source` and `version` are digests: of where the source is, and of the names, times and ETags of the files.
    """

    __tablename__ = "inventory_file"

    source: Mapped[str] = mapped_column(String(64), primary_key=True)
    account_id: Mapped[str] = mapped_column(AccountId, primary_key=True)
    region: Mapped[str] = mapped_column(RegionCode, primary_key=True)
    resource_id: Mapped[str] = mapped_column(String(128), primary_key=True)
    version: Mapped[str] = mapped_column(String(64))


class DiscoveryRuleRow(Base):
    """A rule of automated discovery: what its filter finds, its license configuration is put on.

    `account_id` and `region` are the configuration's owner and Region, which never change. `version` goes up with every
    change of what the rule finds. `previewed_at` and `enabled` are of the present version. The figures are those of the
    last run that ended; `skipped` are refusals, at most 100: who was left out of it, and why.
    """

    __tablename__ = "discovery_rule"
    __table_args__ = (
        UniqueConstraint("account_id", "name"),
        one_of("scope", DiscoveryScope),
        Index(None, "account_id", "id"),
        Index(None, "configuration_id", "id"),
        Index(None, "region", "enabled"),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True, autoincrement=False)
    account_id: Mapped[str] = mapped_column(AccountId)
    configuration_id: Mapped[int] = mapped_column(ForeignKey("license_configuration.id", ondelete="CASCADE"))
    region: Mapped[str] = mapped_column(RegionCode)
    name: Mapped[str] = mapped_column(String(255))
    filter: Mapped[str] = mapped_column(String(2000))
    scope: Mapped[str] = mapped_column(String(16))
    excluded_account_ids: Mapped[list[str]] = mapped_column(Json)
    excluded_tags: Mapped[list[dict[str, str | None]]] = mapped_column(Json)
    version: Mapped[int]
    previewed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    enabled: Mapped[bool]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)
    run_started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    run_finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    matched: Mapped[int] = mapped_column(Key)
    associated: Mapped[int] = mapped_column(Key)
    already_associated: Mapped[int] = mapped_column(Key)
    left_out: Mapped[int] = mapped_column(Key)
    skipped: Mapped[list[dict[str, object]]] = mapped_column(Json)
