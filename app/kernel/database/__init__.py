"""The database: reads apart from one writer that commits in groups; the same code on SQLite and PostgreSQL."""

from app.kernel.database.core import Database
from app.kernel.database.transaction import Transaction

__all__ = ["Database", "Transaction"]
