"""Index published results by pairs of characters of their names, and for their counts.

Revision ID: 0017
Revises: 0016
"""

from __future__ import annotations

from itertools import islice

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

BATCH = 2_000


def upgrade() -> None:
    """Make the index and fill it from the lines there are."""
    made = op.create_table(
        "result_gram",
        sa.Column("gram", sa.String(length=2), nullable=False),
        sa.Column("result_id", sa.String(length=20), nullable=False),
        sa.ForeignKeyConstraint(
            ["result_id"],
            ["published_result.result_id"],
            name=op.f("fk_result_gram_result_id_published_result"),
        ),
        sa.PrimaryKeyConstraint("gram", "result_id", name=op.f("pk_result_gram")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("result_gram") as table:
        table.create_index(op.f("ix_result_gram_result_id"), ["result_id"])
    with op.batch_alter_table("published_result") as table:
        table.drop_index(op.f("ix_published_result_name"))
        table.create_index(
            op.f("ix_published_result_expires_on_disclosed_on_round_id_result_on_time"),
            ["expires_on", "disclosed_on", "round_id", "result", "on_time"],
        )
    lines = iter(op.get_bind().execute(sa.text("SELECT result_id, name FROM published_result")).fetchall())
    while batch := list(islice(lines, BATCH)):
        rows = [{"gram": gram, "result_id": key} for key, name in batch for gram in sorted(_pairs(name))]
        if rows:
            op.bulk_insert(made, rows)


def _pairs(text: str) -> set[str]:
    lower = "".join(c.lower() if c.isascii() else c for c in text)
    return {lower[at : at + 2] for at in range(len(lower) - 1)}


def downgrade() -> None:
    """Search goes through all lines again."""
    op.drop_table("result_gram")
    with op.batch_alter_table("published_result") as table:
        table.drop_index(op.f("ix_published_result_expires_on_disclosed_on_round_id_result_on_time"))
        table.create_index(op.f("ix_published_result_name"), ["name"])
