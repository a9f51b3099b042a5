"""The state in AWS of accounts that can't be used there."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("account", sa.Column("closed_as", sa.String(length=32), nullable=True))


def downgrade() -> None:
    """Undo."""
    op.drop_column("account", "closed_as")
