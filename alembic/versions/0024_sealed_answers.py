"""Drop the answers kept to be repeated: from now on each is sealed to the request that it answers.

They live for a day; whoever repeats a request of before is told what its unique keys say.

Revision ID: 0024
Revises: 0023
"""

from __future__ import annotations

from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """None of them is sealed."""
    op.execute("DELETE FROM kept_answer")


def downgrade() -> None:
    """None of them can be read by what came before."""
    op.execute("DELETE FROM kept_answer")
