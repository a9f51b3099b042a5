"""Alembic's entry: always online, on the connection that it is given."""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext

from app.kernel.tables import UtcDateTime
from app.migrations import compared
from app.models import metadata


def render_item(kind: str, item: Any, autogen_context: AutogenContext) -> str | Literal[False]:
    """Write the project's own column types by their names."""
    if kind == "type" and isinstance(item, UtcDateTime):
        autogen_context.imports.add("from app.kernel.tables import UtcDateTime")
        return "UtcDateTime()"
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_item=render_item,
    compare_type=True,
    include_name=compared,
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
