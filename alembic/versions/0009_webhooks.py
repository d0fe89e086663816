"""Create webhooks and their outbox.

Revision ID: 0009
Revises: 0008
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.db.types import BigKey, Json, UTCDateTime

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "webhook",
        sa.Column("id", BigKey, autoincrement=True, nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("secret", sa.String(), nullable=False),
        sa.Column("types", Json, nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("next_index", BigKey, nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook")),
    )
    op.create_table(
        "webhook_delivery",
        sa.Column("id", BigKey, autoincrement=True, nullable=False),
        sa.Column("webhook", BigKey, nullable=False),
        sa.Column("entry", BigKey, nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", UTCDateTime(), nullable=False),
        sa.Column("answered", sa.Integer(), nullable=True),
        sa.Column("failure", sa.String(), nullable=False),
        sa.CheckConstraint(
            "status IN ('waiting', 'delivered', 'dead')", name=op.f("ck_webhook_delivery_status_known")
        ),
        sa.ForeignKeyConstraint(
            ["webhook"], ["webhook.id"], name=op.f("fk_webhook_delivery_webhook_webhook")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_delivery")),
        sa.UniqueConstraint("webhook", "entry", name=op.f("uq_webhook_delivery_webhook_entry")),
    )
    op.create_index(op.f("ix_webhook_delivery_due_at"), "webhook_delivery", ["due_at"], unique=False)


def downgrade() -> None:
    """Remove them with what was not delivered yet."""
    op.drop_table("webhook_delivery")
    op.drop_table("webhook")
