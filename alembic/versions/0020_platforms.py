"""Create the outside platforms and their receipts.

Revision ID: 0020
Revises: 0019
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.db.types import BigKey, UTCDateTime

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "platform",
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("profile", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("secret", sa.String(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("next_index", BigKey, nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.CheckConstraint("kind IN ('files', 'http')", name=op.f("ck_platform_kind_known")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_platform")),
    )
    op.create_table(
        "platform_receipt",
        sa.Column("id", BigKey, autoincrement=True, nullable=False),
        sa.Column("platform", sa.String(length=64), nullable=False),
        sa.Column("entry", BigKey, nullable=False),
        sa.Column("result_id", sa.String(length=20), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", UTCDateTime(), nullable=False),
        sa.Column("answered", sa.Integer(), nullable=True),
        sa.Column("failure", sa.String(), nullable=False),
        sa.Column("receipt", sa.String(), nullable=False),
        sa.Column("delivered_at", UTCDateTime(), nullable=True),
        sa.CheckConstraint(
            "status IN ('waiting', 'delivered', 'dead')", name=op.f("ck_platform_receipt_status_known")
        ),
        sa.ForeignKeyConstraint(
            ["platform"], ["platform.code"], name=op.f("fk_platform_receipt_platform_platform")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_platform_receipt")),
        sa.UniqueConstraint("platform", "entry", name=op.f("uq_platform_receipt_platform_entry")),
    )
    with op.batch_alter_table("platform_receipt") as table:
        table.create_index(op.f("ix_platform_receipt_due_at"), ["due_at"])
        table.create_index(op.f("ix_platform_receipt_result_id"), ["result_id"])
    if op.get_bind().dialect.name == "postgresql":
        op.execute("REVOKE ALL ON platform FROM double_random_member")


def downgrade() -> None:
    """What was pushed stays where it went; here nothing knows of it any more."""
    op.drop_table("platform_receipt")
    op.drop_table("platform")
