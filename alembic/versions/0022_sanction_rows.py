"""Keep requests for a second person to those who see what they are about, in PostgreSQL too; nothing on SQLite.

Revision ID: 0022
Revises: 0021
"""

from __future__ import annotations

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

MEMBER = "double_random_member"
SEEN = (
    "action IN ('round.freeze', 'round.void') AND current_setting('app.department', true) <> '' "
    "OR action = 'result.correction' AND EXISTS (SELECT FROM visit_check c WHERE c.key = subject) "
    "OR action = 'cap.exemption' AND EXISTS (SELECT FROM target t WHERE t.target_id = subject)"
)
"""The policies of `visit_check` and `target` (0014) bind what this one reads."""


def upgrade() -> None:
    """Let a policy bind the member's role (`_sanction` in `app/db/scope.py` says the same)."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE sanction ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY sanction_scope ON sanction TO {MEMBER} USING ({SEEN}) WITH CHECK ({SEEN})")


def downgrade() -> None:
    """Take the policy away."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP POLICY sanction_scope ON sanction")
        op.execute("ALTER TABLE sanction DISABLE ROW LEVEL SECURITY")
