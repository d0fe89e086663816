"""Keep the journal of state: which rows each transaction left.

Revision ID: 0011
Revises: 0010
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.db.types import BigKey

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables; the journal is only ever appended to. Rows that are there are journaled after the upgrade."""
    op.create_table(
        "state_change",
        sa.Column("number", BigKey, autoincrement=True, nullable=False),
        sa.Column("table_name", sa.String(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("rows", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_state_change")),
    )
    op.create_index(op.f("ix_state_change_table_name"), "state_change", ["table_name"], unique=False)
    op.create_table(
        "state_pending",
        sa.Column("number", BigKey, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_state_pending")),
    )
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER state_change_no_{verb.lower()} BEFORE {verb} ON state_change "
                "BEGIN SELECT RAISE(ABORT, 'state_change is append-only'); END"
            )
        return
    op.execute(
        "CREATE TRIGGER state_change_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON state_change "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )


def downgrade() -> None:
    """Remove the journal; after an upgrade the rows are journaled anew, as they are then."""
    op.drop_table("state_pending")
    op.drop_table("state_change")
