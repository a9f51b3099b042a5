"""The one metadata of all tables, and the column types that both databases keep alike."""

from datetime import UTC, datetime
from typing import Any, cast

from sqlalchemy import JSON, BigInteger, CheckConstraint, DateTime, Dialect, Integer, MetaData, String, Table
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator, TypeEngine

from app.kernel.clock import iso

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Base(DeclarativeBase):
    """What every row class extends."""

    metadata = metadata


class UtcDateTime(TypeDecorator[datetime]):
    """An instant, always UTC: timestamptz on PostgreSQL; on SQLite the very text that transports print, which sorts."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(String(27))
        return dialect.type_descriptor(DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime is not an instant")
        return iso(value) if dialect.name == "sqlite" else value.astimezone(UTC)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if isinstance(value, str):
            return datetime.fromisoformat(value)
        assert isinstance(value, datetime)
        return value.astimezone(UTC)


Key = BigInteger().with_variant(Integer(), "sqlite")
"""A key of 64 bits. SQLite keeps a table by it, without an index beside, only where its type is INTEGER by name."""

AccountId = String(12)
RegionCode = String(32)
Json = JSON


def one_of(column: str, values: type[Any], *, nullable: bool = False) -> CheckConstraint:
    """A CHECK that a text column holds a member of an enum; backs up what rules and input types validate."""
    listed = ", ".join(f"'{member.value}'" for member in values)
    test = f"{column} IN ({listed})"
    return CheckConstraint(f"{column} IS NULL OR {test}" if nullable else test, name=f"{column}_known")


def table_of(row: type[Base]) -> Table:
    """The table of a row class, for statements that don't make objects."""
    return cast(Table, row.__table__)
