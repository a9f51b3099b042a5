"""Tasks by schedule: of several servers on one database one does each; what it leaves, another takes up."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, or_, select, update

from app.inventory.models import ScheduleRow
from app.kernel.database import Transaction
from app.kernel.tables import table_of
from app.linking.rules import next_run

schedules = table_of(ScheduleRow)
LEASE = timedelta(minutes=5)
"""A server that has not renewed its lease for so long has ended."""


def plan(tx: Transaction, name: str, cron: str) -> None:
    """Make a task known, or follow a change of its times. A new one is first done at its next time."""
    known = tx.execute(select(schedules.c.cron).where(schedules.c.name == name)).scalar()
    if known == cron:
        return
    upcoming = next_run(cron, tx.now)
    if known is None:
        free = {"last_run_at": None, "leased_by": None, "leased_until": None}
        tx.add(schedules, {"name": name, "cron": cron, "next_run_at": upcoming, **free})
    else:
        tx.execute(update(schedules).where(schedules.c.name == name).values(cron=cron, next_run_at=upcoming))


def due(connection: Connection, now: datetime) -> list[str]:
    """The names of the tasks that are due and that no server does."""
    return list(connection.execute(select(schedules.c.name).where(*_free(now)).order_by(schedules.c.name)).scalars())


def take(tx: Transaction, name: str, by: str) -> bool:
    """Take a due task; of all servers that try, one gets it."""
    free = update(schedules).where(schedules.c.name == name, *_free(tx.now))
    return tx.execute(free.values(leased_by=by, leased_until=tx.now + LEASE)).rowcount == 1


def renew(tx: Transaction, name: str, by: str) -> bool:
    """Go on with a task; False where another server has taken it since."""
    own = update(schedules).where(schedules.c.name == name, schedules.c.leased_by == by)
    return tx.execute(own.values(leased_until=tx.now + LEASE)).rowcount == 1


def finish(tx: Transaction, name: str, by: str, cron: str) -> None:
    """Note that a task is done; the next time is after now, whatever was missed."""
    own = update(schedules).where(schedules.c.name == name, schedules.c.leased_by == by)
    tx.execute(own.values(leased_by=None, leased_until=None, last_run_at=tx.now, next_run_at=next_run(cron, tx.now)))


def _free(now: datetime) -> tuple[ColumnElement[bool], ...]:
    unleased = or_(schedules.c.leased_until.is_(None), schedules.c.leased_until <= now)
    return schedules.c.next_run_at <= now, unleased
