"""Whether the database takes writes: a real one that changes a row of its own."""

from datetime import datetime

from sqlalchemy import update
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.database.transaction import Transaction
from app.kernel.tables import Base, UtcDateTime, table_of


class WriteProbeRow(Base):
    """One row, touched by each readiness check."""

    __tablename__ = "write_probe"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    touched_at: Mapped[datetime] = mapped_column(UtcDateTime)


def probe(tx: Transaction) -> None:
    """Touch the probe's row, or write it the first time."""
    changed = tx.execute(update(WriteProbeRow).where(WriteProbeRow.id == 1).values(touched_at=tx.now))
    if changed.rowcount == 0:
        tx.add(table_of(WriteProbeRow), {"id": 1, "touched_at": tx.now})
