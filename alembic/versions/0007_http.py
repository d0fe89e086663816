"""Keep answers for idempotency keys; let operations say percent, result and who works on them.

Revision ID: 0007
Revises: 0005
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.db.types import Json, UTCDateTime

revision = "0007"
down_revision = "0005"
branch_labels = None
depends_on = None

ADDED = ("percent", "payload", "result", "problem", "lease_owner", "lease_until", "fence")


def upgrade() -> None:
    """Make the table, widen operations."""
    op.create_table(
        "kept_answer",
        sa.Column("scope", sa.String(length=64), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("claim", sa.String(length=32), nullable=False),
        sa.Column("claimed_until", UTCDateTime(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("headers", Json, nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("scope", name=op.f("pk_kept_answer")),
    )
    op.create_index(op.f("ix_kept_answer_created_at"), "kept_answer", ["created_at"], unique=False)
    with op.batch_alter_table("operation") as operation:
        operation.add_column(sa.Column("percent", sa.Integer(), nullable=False, server_default="0"))
        operation.add_column(sa.Column("payload", Json, nullable=True))
        operation.add_column(sa.Column("result", Json, nullable=True))
        operation.add_column(sa.Column("problem", Json, nullable=True))
        operation.add_column(sa.Column("lease_owner", sa.String(), nullable=True))
        operation.add_column(sa.Column("lease_until", UTCDateTime(), nullable=True))
        operation.add_column(sa.Column("fence", sa.Integer(), nullable=False, server_default="0"))
        operation.create_check_constraint(op.f("ck_operation_percent_range"), "percent BETWEEN 0 AND 100")


def downgrade() -> None:
    """Remove what was added; running operations lose only how far they were."""
    with op.batch_alter_table("operation") as operation:
        operation.drop_constraint(op.f("ck_operation_percent_range"), type_="check")
        for column in reversed(ADDED):
            operation.drop_column(column)
    op.drop_table("kept_answer")
