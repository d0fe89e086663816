"""Create what firms say of their visits: once each, seen by the firm and by those who see everything.

Revision ID: 0023
Revises: 0022
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.db.types import UTCDateTime

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

MEMBER = "double_random_member"
SEEN = (
    "double_random_served(visit_rating.visit) OR coalesce(current_setting('app.target', true), '') = '' "
    "AND current_setting('app.department', true) = '*' AND current_setting('app.districts', true) = '*'"
)


def upgrade() -> None:
    """Make the table and, on PostgreSQL, bind it to its rows' readers."""
    op.create_table(
        "visit_rating",
        sa.Column("visit", sa.String(), nullable=False),
        sa.Column("score", sa.Integer(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("rated_by", sa.String(), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.CheckConstraint("score BETWEEN 1 AND 5", name=op.f("ck_visit_rating_score_known")),
        sa.ForeignKeyConstraint(["visit"], ["visit.key"], name=op.f("fk_visit_rating_visit_visit")),
        sa.PrimaryKeyConstraint("visit", name=op.f("pk_visit_rating")),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE visit_rating ENABLE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY visit_rating_scope ON visit_rating TO {MEMBER} USING ({SEEN}) WITH CHECK ({SEEN})"
        )


def downgrade() -> None:
    """Remove it with what was said."""
    op.drop_table("visit_rating")
