"""Keep what happens to a round's seats after its freeze.

Revision ID: 0005
Revises: 0004
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.db.types import Json

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TABLE = "seat_event"


def upgrade() -> None:
    """Make the table; the database itself refuses to change or delete what it holds."""
    op.create_table(
        TABLE,
        sa.Column("round_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("event", Json, nullable=False),
        sa.Column("target_id", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["round_id"], ["round.round_id"], name=op.f("fk_seat_event_round_id_round")),
        sa.PrimaryKeyConstraint("round_id", "number", name=op.f("pk_seat_event")),
    )
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {TABLE}_no_{verb.lower()} BEFORE {verb} ON {TABLE} "
                f"BEGIN SELECT RAISE(ABORT, '{TABLE} is append-only'); END"
            )
        return
    op.execute(
        f"CREATE TRIGGER {TABLE}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {TABLE} "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )


def downgrade() -> None:
    """Remove it with what it holds."""
    op.drop_table(TABLE)
