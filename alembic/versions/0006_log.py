"""Keep the log's subtree heads, signed checkpoints and witnesses' cosignatures.

Revision ID: 0006
Revises: 0007
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.db.types import BigKey, UTCDateTime

revision = "0006"
down_revision = "0007"
branch_labels = None
depends_on = None

TABLES = ("log_node", "log_checkpoint", "log_cosignature")


def upgrade() -> None:
    """Make the tables; like the log itself they are only ever appended to."""
    _create_log_node()
    _create_log_checkpoint()
    _create_log_cosignature()
    _refuse_changes()


def downgrade() -> None:
    """Remove them: heads can be made again from the entries, signatures can't."""
    for table in reversed(TABLES):
        op.drop_table(table)


def _create_log_node() -> None:
    op.create_table(
        "log_node",
        sa.Column("height", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("position", BigKey, autoincrement=False, nullable=False),
        sa.Column("head", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("height", "position", name=op.f("pk_log_node")),
    )


def _create_log_checkpoint() -> None:
    op.create_table(
        "log_checkpoint",
        sa.Column("size", BigKey, autoincrement=False, nullable=False),
        sa.Column("root", sa.String(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("size", name=op.f("pk_log_checkpoint")),
    )


def _create_log_cosignature() -> None:
    op.create_table(
        "log_cosignature",
        sa.Column("size", BigKey, autoincrement=False, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("key_id", sa.String(), nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["size"], ["log_checkpoint.size"], name=op.f("fk_log_cosignature_size_log_checkpoint")
        ),
        sa.PrimaryKeyConstraint("size", "name", "key_id", name=op.f("pk_log_cosignature")),
    )


def _refuse_changes() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for table in TABLES:
            for verb in ("UPDATE", "DELETE"):
                op.execute(
                    f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                    f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
                )
        return
    for table in TABLES:
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
