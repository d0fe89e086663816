"""Create rounds.

Revision ID: 0004
Revises: 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.db.types import BigKey, Json, UTCDateTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    _create_operation()
    _create_round()
    _create_entropy_use()
    _create_planned_check()
    _create_round_deposit()
    _create_round_time()


def downgrade() -> None:
    """Remove them with what they hold."""
    op.drop_table("round_time")
    op.drop_table("round_deposit")
    op.drop_table("planned_check")
    op.drop_table("entropy_use")
    op.drop_table("round")
    op.drop_table("operation")


def _create_operation() -> None:
    op.create_table(
        "operation",
        sa.Column("id", BigKey, autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("updated_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operation")),
    )
    op.create_index(op.f("ix_operation_subject"), "operation", ["subject"], unique=False)


def _create_round() -> None:
    op.create_table(
        "round",
        sa.Column("round_id", sa.String(), nullable=False),
        sa.Column("plan", sa.String(), nullable=False),
        sa.Column("plan_digest", sa.String(), nullable=False),
        sa.Column("period", sa.String(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("waiting_for", sa.String(), nullable=True),
        sa.Column("privacy", sa.String(), nullable=False),
        sa.Column("demo", sa.Boolean(), nullable=False),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.Column("assurance", sa.Integer(), nullable=False),
        sa.Column("problem", Json, nullable=True),
        sa.Column("approved_by", sa.String(), nullable=True),
        sa.Column("due_at", UTCDateTime(), nullable=True),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("updated_at", UTCDateTime(), nullable=False),
        sa.Column("lease_owner", sa.String(), nullable=True),
        sa.Column("lease_until", UTCDateTime(), nullable=True),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("round_id", name=op.f("pk_round")),
        sa.UniqueConstraint("plan", "period", "sequence", name=op.f("uq_round_plan_period_sequence")),
    )
    op.create_index(op.f("ix_round_plan"), "round", ["plan"], unique=False)
    op.create_index(op.f("ix_round_status"), "round", ["status"], unique=False)


def _create_entropy_use() -> None:
    op.create_table(
        "entropy_use",
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("round_id", sa.String(), nullable=False),
        sa.Column("part", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["round_id"], ["round.round_id"], name=op.f("fk_entropy_use_round_id_round")),
        sa.PrimaryKeyConstraint("source", name=op.f("pk_entropy_use")),
    )
    op.create_index(op.f("ix_entropy_use_round_id"), "entropy_use", ["round_id"], unique=False)


def _create_planned_check() -> None:
    op.create_table(
        "planned_check",
        sa.Column("round_id", sa.String(), nullable=False),
        sa.Column("check_id", sa.String(), nullable=False),
        sa.Column("target_id", sa.String(), nullable=False),
        sa.Column("department", sa.String(), nullable=False),
        sa.Column("items", Json, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(
            ["round_id"], ["round.round_id"], name=op.f("fk_planned_check_round_id_round")
        ),
        sa.PrimaryKeyConstraint("round_id", "check_id", name=op.f("pk_planned_check")),
    )
    op.create_index(op.f("ix_planned_check_day"), "planned_check", ["day"], unique=False)
    op.create_index(op.f("ix_planned_check_target_id"), "planned_check", ["target_id"], unique=False)


def _create_round_deposit() -> None:
    op.create_table(
        "round_deposit",
        sa.Column("round_id", sa.String(), nullable=False),
        sa.Column("party", sa.String(), nullable=False),
        sa.Column("commitment", sa.String(), nullable=False),
        sa.Column("own", sa.Boolean(), nullable=False),
        sa.Column("sealed_secret", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["round_id"], ["round.round_id"], name=op.f("fk_round_deposit_round_id_round")
        ),
        sa.PrimaryKeyConstraint("round_id", "party", name=op.f("pk_round_deposit")),
    )


def _create_round_time() -> None:
    op.create_table(
        "round_time",
        sa.Column("round_id", sa.String(), nullable=False),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["round_id"], ["round.round_id"], name=op.f("fk_round_time_round_id_round")),
        sa.PrimaryKeyConstraint("round_id", "stage", name=op.f("pk_round_time")),
    )
