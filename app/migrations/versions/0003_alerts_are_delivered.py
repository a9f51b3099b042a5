"""Channels that alerts are delivered to, and their deliveries."""

import sqlalchemy as sa
from alembic import op
from app.kernel.tables import UtcDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "notification_channel",
        sa.Column("id", KEY, autoincrement=False, nullable=False),
        sa.Column("account_id", sa.String(length=12), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("target", sa.String(length=2048), nullable=False),
        sa.Column("region", sa.String(length=32), nullable=True),
        sa.Column("encrypted_secret", sa.String(length=1024), nullable=True),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("last_delivered_at", UtcDateTime(), nullable=True),
        sa.Column("last_failed_at", UtcDateTime(), nullable=True),
        sa.Column("last_error", sa.String(length=512), nullable=True),
        sa.CheckConstraint(
            "kind IN ('WEBHOOK', 'EMAIL', 'SNS_TOPIC')", name=op.f("ck_notification_channel_kind_known")
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.account_id"], name=op.f("fk_notification_channel_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notification_channel")),
    )
    op.create_index(
        op.f("ix_notification_channel_account_id_id"), "notification_channel", ["account_id", "id"], unique=False
    )
    op.create_table(
        "delivery",
        sa.Column("id", KEY, autoincrement=False, nullable=False),
        sa.Column("channel_id", KEY, nullable=True),
        sa.Column("alert_id", KEY, nullable=True),
        sa.Column("account_id", sa.String(length=12), nullable=False),
        sa.Column("region", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("target", sa.String(length=2048), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", UtcDateTime(), nullable=True),
        sa.Column("claim", KEY, nullable=True),
        sa.Column("last_error", sa.String(length=512), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("kind IN ('WEBHOOK', 'EMAIL', 'SNS_TOPIC')", name=op.f("ck_delivery_kind_known")),
        sa.CheckConstraint("state IN ('PENDING', 'DELIVERED', 'DEAD')", name=op.f("ck_delivery_state_known")),
        sa.ForeignKeyConstraint(["alert_id"], ["alert.id"], name=op.f("fk_delivery_alert_id")),
        sa.ForeignKeyConstraint(["channel_id"], ["notification_channel.id"], name=op.f("fk_delivery_channel_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery")),
        sa.UniqueConstraint("channel_id", "alert_id", name=op.f("uq_delivery_channel_id_alert_id")),
    )
    op.create_index(op.f("ix_delivery_account_id_state_id"), "delivery", ["account_id", "state", "id"], unique=False)
    op.create_index(op.f("ix_delivery_state_next_attempt_at"), "delivery", ["state", "next_attempt_at"], unique=False)
    op.drop_index(op.f("ix_outbox_fanned_out_at_id"), table_name="outbox")
    op.drop_column("outbox", "fanned_out_at")
    # The row whose lock orders alerts is there before the first: two servers never race to make it.
    op.execute(
        "INSERT INTO feed (name, last) SELECT 'alerts', 0 WHERE NOT EXISTS (SELECT 1 FROM feed WHERE name = 'alerts')"
    )


def downgrade() -> None:
    """Undo."""
    op.add_column("outbox", sa.Column("fanned_out_at", UtcDateTime(), nullable=True))
    op.create_index(op.f("ix_outbox_fanned_out_at_id"), "outbox", ["fanned_out_at", "id"], unique=False)
    op.drop_index(op.f("ix_delivery_state_next_attempt_at"), table_name="delivery")
    op.drop_index(op.f("ix_delivery_account_id_state_id"), table_name="delivery")
    op.drop_table("delivery")
    op.drop_index(op.f("ix_notification_channel_account_id_id"), table_name="notification_channel")
    op.drop_table("notification_channel")
