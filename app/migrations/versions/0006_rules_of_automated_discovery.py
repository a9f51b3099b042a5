"""Rules of automated discovery, and what a person took off."""

import sqlalchemy as sa
from alembic import op

from app.kernel.tables import UtcDateTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "taken_off",
        sa.Column("id", KEY, autoincrement=False, nullable=False),
        sa.Column("configuration_id", KEY, nullable=False),
        sa.Column("resource_id", KEY, nullable=False),
        sa.Column("account_id", sa.String(length=12), nullable=False),
        sa.Column("taken_off_at", UtcDateTime(), nullable=False),
        sa.Column("taken_off_by", sa.String(length=256), nullable=False),
        sa.ForeignKeyConstraint(
            ["configuration_id"],
            ["license_configuration.id"],
            name=op.f("fk_taken_off_configuration_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_taken_off")),
        sa.UniqueConstraint("resource_id", "configuration_id", name=op.f("uq_taken_off_resource_id_configuration_id")),
    )
    op.create_index(op.f("ix_taken_off_configuration_id_id"), "taken_off", ["configuration_id", "id"], unique=False)
    op.create_table(
        "discovery_rule",
        sa.Column("id", KEY, autoincrement=False, nullable=False),
        sa.Column("account_id", sa.String(length=12), nullable=False),
        sa.Column("configuration_id", KEY, nullable=False),
        sa.Column("region", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("filter", sa.String(length=2000), nullable=False),
        sa.Column("scope", sa.String(length=16), nullable=False),
        sa.Column("excluded_account_ids", sa.JSON(), nullable=False),
        sa.Column("excluded_tags", sa.JSON(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("previewed_at", UtcDateTime(), nullable=True),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("run_started_at", UtcDateTime(), nullable=True),
        sa.Column("run_finished_at", UtcDateTime(), nullable=True),
        sa.Column("matched", KEY, nullable=False),
        sa.Column("associated", KEY, nullable=False),
        sa.Column("already_associated", KEY, nullable=False),
        sa.Column("left_out", KEY, nullable=False),
        sa.Column("skipped", sa.JSON(), nullable=False),
        sa.CheckConstraint("scope IN ('ACCOUNT', 'ORGANIZATION')", name=op.f("ck_discovery_rule_scope_known")),
        sa.ForeignKeyConstraint(
            ["configuration_id"],
            ["license_configuration.id"],
            name=op.f("fk_discovery_rule_configuration_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_discovery_rule")),
        sa.UniqueConstraint("account_id", "name", name=op.f("uq_discovery_rule_account_id_name")),
    )
    for columns in (["account_id", "id"], ["configuration_id", "id"], ["region", "enabled"]):
        op.create_index(op.f(f"ix_discovery_rule_{'_'.join(columns)}"), "discovery_rule", columns, unique=False)


def downgrade() -> None:
    """Undo."""
    op.drop_table("discovery_rule")
    op.drop_table("taken_off")
