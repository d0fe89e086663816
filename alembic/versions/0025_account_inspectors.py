"""Say whose account is which inspector's: only who was drawn records a visit, and nobody reviews their own.

Revision ID: 0025
Revises: 0024
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def _fix_kind() -> None:
    """SQLite's batch mode makes the table anew, without its trigger."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            "CREATE TRIGGER account_kind_fixed BEFORE UPDATE OF kind ON account WHEN OLD.kind <> NEW.kind "
            "BEGIN SELECT RAISE(ABORT, 'an account stays of its kind'); END"
        )


def upgrade() -> None:
    """Nobody is linked yet: the system administrator does that."""
    with op.batch_alter_table("account") as table:
        table.add_column(sa.Column("inspector", sa.String(64), nullable=True))
        table.create_unique_constraint(op.f("uq_account_inspector"), ["inspector"])
        table.create_foreign_key(op.f("fk_account_inspector_inspector"), "inspector", ["inspector"], ["code"])
        table.create_check_constraint(
            op.f("ck_account_inspector_of_business"), "inspector IS NULL OR kind = 'business'"
        )
    _fix_kind()


def downgrade() -> None:
    """Who is who has to be said again."""
    with op.batch_alter_table("account") as table:
        table.drop_constraint(op.f("ck_account_inspector_of_business"), type_="check")
        table.drop_constraint(op.f("fk_account_inspector_inspector"), type_="foreignkey")
        table.drop_constraint(op.f("uq_account_inspector"), type_="unique")
        table.drop_column("inspector")
    _fix_kind()
