"""Keep when a published line was written last, so that readers can ask for what changed.

Revision ID: 0019
Revises: 0018
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Of lines that there are, the day of disclosure: a later change of theirs is in their history."""
    with op.batch_alter_table("published_result") as table:
        table.add_column(sa.Column("changed_on", sa.Date(), nullable=True))
    op.execute("UPDATE published_result SET changed_on = disclosed_on")
    with op.batch_alter_table("published_result") as table:
        table.alter_column("changed_on", existing_type=sa.Date(), nullable=False)
        table.create_index(op.f("ix_published_result_changed_on"), ["changed_on"])


def downgrade() -> None:
    """What changed since can't be asked any more."""
    with op.batch_alter_table("published_result") as table:
        table.drop_index(op.f("ix_published_result_changed_on"))
        table.drop_column("changed_on")
