"""Tables of what is done by schedule, and of the synchronisations that run."""

from datetime import datetime

from sqlalchemy import Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.tables import AccountId, Base, Json, Key, RegionCode, UtcDateTime

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
