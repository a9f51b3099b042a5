"""Use over time: the ledger of changes, and the state at the end of each hour in which something changed (DB-1)."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, func, literal, select
from sqlalchemy.dialects import postgresql, sqlite

from app.kernel.database import Transaction
from app.kernel.ids import new_key
from app.kernel.tables import UtcDateTime, table_of
from app.licensing.models import ConsumptionChangeRow, UsageHourRow
from app.licensing.steps import State, hour_of

LEDGER = table_of(ConsumptionChangeRow)
HOURS = table_of(UsageHourRow)


@dataclass(frozen=True, slots=True)
class UsageChange:
    """One change of a configuration's consumption or count, and what stood after it."""

    configuration_key: int
    at: datetime
    account_id: str
    delta: int
    consumed: int
    license_count: int | None


def record_usage(tx: Transaction, changes: Sequence[UsageChange]) -> None:
    """Write changes, in their order, to the ledger, and what stands now as the state of their hours.

    For `tx.defer`: the changes of all configurations of a group in two statements.
    """
    if not changes:
        return
    states: dict[tuple[int, datetime], dict[str, Any]] = {}
    for change in changes:
        tx.add(
            LEDGER,
            {
                "id": new_key(),
                "configuration_id": change.configuration_key,
                "at": change.at,
                "account_id": change.account_id,
                "delta": change.delta,
                "consumed": change.consumed,
                "license_count": change.license_count,
            },
        )
        hour = hour_of(change.at)
        states[change.configuration_key, hour] = {
            "configuration_id": change.configuration_key,
            "hour": hour,
            "consumed": change.consumed,
            "license_count": change.license_count,
        }
    tx.execute(_upsert(tx.connection), [states[key] for key in sorted(states)])


def _upsert(connection: Connection) -> Any:
    insert: Any = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement = insert(HOURS)
    return statement.on_conflict_do_update(
        index_elements=[HOURS.c.configuration_id, HOURS.c.hour],
        set_={"consumed": statement.excluded.consumed, "license_count": statement.excluded.license_count},
    )


def remove_history(tx: Transaction, configuration_keys: Sequence[int]) -> None:
    """Take deleted configurations out of the ledger.

    For `tx.defer`: kinds are written in the order of their names, so that this follows `record_usage` of the same
    group.
    """
    for table in (LEDGER, HOURS):
        tx.execute(delete(table).where(table.c.configuration_id.in_(configuration_keys)))


def states_between(
    connection: Connection, keys: Collection[int], start: datetime, end: datetime
) -> dict[int, list[State]]:
    """The states of configurations in the hours from `start` to before `end`, each with the last before them, by time.

    One statement for all of them.
    """
    before = (
        select(HOURS.c.configuration_id.label("key"), func.max(HOURS.c.hour).label("hour"))
        .where(HOURS.c.configuration_id.in_(keys), HOURS.c.hour < start)
        .group_by(HOURS.c.configuration_id)
        .subquery()
    )
    rows = connection.execute(
        select(HOURS)
        .outerjoin(before, before.c.key == HOURS.c.configuration_id)
        .where(
            HOURS.c.configuration_id.in_(keys),
            HOURS.c.hour < end,
            HOURS.c.hour >= func.coalesce(before.c.hour, literal(start, UtcDateTime())),
        )
        .order_by(HOURS.c.configuration_id, HOURS.c.hour)
    )
    found: dict[int, list[State]] = defaultdict(list)
    for row in rows:
        found[row.configuration_id].append(State(row.hour, row.consumed, row.license_count))
    return found
