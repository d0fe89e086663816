"""Say for whom somebody goes to an OpenID provider: at the door of staff or of firms.

Revision ID: 0018
Revises: 0017
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nobody is on the way meanwhile: what is there is minutes old."""
    op.execute("DELETE FROM oidc_trip")
    with op.batch_alter_table("oidc_trip") as batch:
        batch.add_column(sa.Column("door", sa.String(), nullable=False))
        batch.create_check_constraint(op.f("ck_oidc_trip_door_known"), "door IN ('staff', 'firm')")


def downgrade() -> None:
    """As it was."""
    op.execute("DELETE FROM oidc_trip")
    with op.batch_alter_table("oidc_trip") as batch:
        batch.drop_constraint(op.f("ck_oidc_trip_door_known"), type_="check")
        batch.drop_column("door")
