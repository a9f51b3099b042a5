"""The rows of settings: one for each account and Region, there from the account's first moment (ST-1)."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, or_, select, update

from app.kernel.database import Transaction
from app.kernel.ids import new_key
from app.kernel.regions import regions
from app.kernel.tables import table_of
from app.linking.models import ServiceSettingsRow
from app.linking.rules import DataCatalog, next_run
from app.linking.schedule import usual_schedule

rows = table_of(ServiceSettingsRow)
_AT_ONCE = 10_000  # databases bound the parameters of a statement


@dataclass(frozen=True, slots=True)
class Settings:
    """An account's settings in a Region."""

    key: int
    account_id: str
    region: str
    s3_bucket_arn: str | None
    sns_topic_arn: str | None
    data_catalog: DataCatalog
    inventory_sync_schedule: str
    last_sync_at: datetime | None
    next_sync_at: datetime | None


def create(tx: Transaction, account_id: str) -> None:
    """Give an account its settings in every Region."""
    upcoming = next_run(usual_schedule(), tx.now)
    for region in regions():
        tx.add(rows, _defaults(account_id, region.code, upcoming))


def _defaults(account_id: str, region: str, upcoming: datetime) -> dict[str, Any]:
    return {
        "id": new_key(),
        "account_id": account_id,
        "region": region,
        "s3_bucket_arn": None,
        "sns_topic_arn": None,
        "data_catalog": DataCatalog.ATHENA_MANAGED,
        "inventory_sync_schedule": usual_schedule(),
        "last_sync_at": None,
        "next_sync_at": upcoming,
    }


def own(tx: Transaction, account_id: str, region: str) -> Settings:
    """An account's settings in a Region; an account that is older than the Region gets them now."""
    tx.flush()
    found = settings(tx.connection, account_id, region)
    if found is None:
        tx.add(rows, _defaults(account_id, region, next_run(usual_schedule(), tx.now)))
        tx.flush()
        found = settings(tx.connection, account_id, region)
        assert found is not None
    return found


def settings(connection: Connection, account_id: str, region: str) -> Settings | None:
    """An account's settings in a Region; None for an account that does not exist."""
    found = settings_of(connection, account_id, [region])
    return found[0] if found else None


def settings_of(connection: Connection, account_id: str, codes: Collection[str]) -> list[Settings]:
    """An account's settings in some Regions."""
    statement = select(rows).where(rows.c.account_id == account_id, rows.c.region.in_(codes)).order_by(rows.c.id)
    return [_settings(row) for row in connection.execute(statement)]


def change(tx: Transaction, key: int, **values: Any) -> None:
    """Write some of the settings of a row."""
    tx.execute(update(rows).where(rows.c.id == key).values(**values))


def set_bucket_where_none(tx: Transaction, account_id: str, bucket: str, codes: Collection[str]) -> None:
    """Set the bucket in the Regions in which the account has none yet."""
    unset = rows.c.s3_bucket_arn.is_(None)
    mine = rows.c.account_id == account_id
    tx.execute(update(rows).where(mine, unset, rows.c.region.in_(codes)).values(s3_bucket_arn=bucket))


# ------------------------------------------------------------ the inventory's schedule, for the inventory slice


def take_due(tx: Transaction, most: int) -> list[Settings]:
    """Take the synchronisations that are due, the longest due first, and set their next runs.

    Of several servers that take at once, each gets others.
    """
    waiting = select(rows).where(rows.c.next_sync_at <= tx.now).order_by(rows.c.next_sync_at, rows.c.id).limit(most)
    taken = [_settings(row) for row in tx.execute(waiting.with_for_update(skip_locked=True))]
    for schedule in {each.inventory_sync_schedule for each in taken}:
        keys = [each.key for each in taken if each.inventory_sync_schedule == schedule]
        upcoming = next_run(schedule, tx.now)
        for start in range(0, len(keys), _AT_ONCE):
            some = rows.c.id.in_(keys[start : start + _AT_ONCE])
            tx.execute(update(rows).where(some).values(next_sync_at=upcoming))
    return taken


def note_synced(tx: Transaction, synced: Collection[tuple[str, str]]) -> None:
    """Note that the inventory of accounts in Regions, pairs of account id and Region, is up to date now (TR-5)."""
    pairs = sorted(set(synced))
    for start in range(0, len(pairs), 400):
        some = pairs[start : start + 400]
        these = or_(*[and_(rows.c.account_id == account_id, rows.c.region == code) for account_id, code in some])
        tx.execute(update(rows).where(these).values(last_sync_at=tx.now))


def _settings(row: Any) -> Settings:
    return Settings(
        key=row.id,
        account_id=row.account_id,
        region=row.region,
        s3_bucket_arn=row.s3_bucket_arn,
        sns_topic_arn=row.sns_topic_arn,
        data_catalog=DataCatalog(row.data_catalog),
        inventory_sync_schedule=row.inventory_sync_schedule,
        last_sync_at=row.last_sync_at,
        next_sync_at=row.next_sync_at,
    )
