"""What a source's files told is remembered, so that unchanged files are not read again."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "inventory_file",
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.String(length=12), nullable=False),
        sa.Column("region", sa.String(length=32), nullable=False),
        sa.Column("resource_id", sa.String(length=128), nullable=False),
        sa.Column("version", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("source", "account_id", "region", "resource_id", name=op.f("pk_inventory_file")),
    )


def downgrade() -> None:
    """Undo."""
    op.drop_table("inventory_file")
