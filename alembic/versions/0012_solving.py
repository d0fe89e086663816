"""Create what is seen of packing while it runs, and who stopped it.

Revision ID: 0012
Revises: 0011
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.db.types import UTCDateTime

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "solve_point",
        sa.Column("round_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("cell", sa.String(), nullable=False),
        sa.Column("value", sa.Integer(), nullable=False),
        sa.Column("bound", sa.Integer(), nullable=False),
        sa.Column("missing", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["round_id"], ["round.round_id"], name=op.f("fk_solve_point_round_id_round")),
        sa.PrimaryKeyConstraint("round_id", "number", name=op.f("pk_solve_point")),
    )
    op.create_table(
        "solve_stop",
        sa.Column("round_id", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["round_id"], ["round.round_id"], name=op.f("fk_solve_stop_round_id_round")),
        sa.PrimaryKeyConstraint("round_id", name=op.f("pk_solve_stop")),
    )


def downgrade() -> None:
    """Remove them; no plan depends on either."""
    op.drop_table("solve_stop")
    op.drop_table("solve_point")
