"""Keep why a published plan was replaced.

Revision ID: 0015
Revises: 0014
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Versions published before have no reason on record."""
    with op.batch_alter_table("plan_revision") as table:
        table.add_column(sa.Column("reason", sa.String(), nullable=False, server_default=""))
    with op.batch_alter_table("plan_revision") as table:
        table.alter_column("reason", server_default=None)


def downgrade() -> None:
    """The reasons are lost."""
    with op.batch_alter_table("plan_revision") as table:
        table.drop_column("reason")
