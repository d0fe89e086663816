"""Create the sheets of estimates, which are made again from results whenever they are missing.

Revision ID: 0021
Revises: 0020
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.db.types import Json, UTCDateTime

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "estimate_sheet",
        sa.Column("plan", sa.String(), nullable=False),
        sa.Column("draw_id", sa.String(), nullable=False),
        sa.Column("item", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("internal", sa.Boolean(), nullable=False),
        sa.Column("about", Json, nullable=False),
        sa.Column("cells", Json, nullable=False),
        sa.Column("made_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("plan", "draw_id", "item", "by", name=op.f("pk_estimate_sheet")),
    )
    op.create_table(
        "estimate_mark",
        sa.Column("plan", sa.String(), nullable=False),
        sa.Column("through", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("plan", name=op.f("pk_estimate_mark")),
    )


def downgrade() -> None:
    """Remove them; nothing depends on either."""
    op.drop_table("estimate_mark")
    op.drop_table("estimate_sheet")
