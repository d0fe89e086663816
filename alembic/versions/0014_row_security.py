"""Say again in PostgreSQL which rows a department sees (`app/db/scope.py`); nothing on SQLite.

Sessions with a scope take the role `double_random_member`, which owns nothing, so that the policies bind even where
the service itself connects as owner or superuser. Without its settings the role sees no such row at all. Tables of
accounts, secrets and the access record are not granted to it.

Revision ID: 0014
Revises: 0013
"""

from __future__ import annotations

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

MEMBER = "double_random_member"
OWN = "current_setting('app.department', true) IN ('*', {})"
DISTRICTS = "current_setting('app.districts', true)"
PERSON = f"EXISTS (SELECT FROM inspector p WHERE p.code = inspector AND {OWN.format('p.department')})"
RULE = f"EXISTS (SELECT FROM supervision_rule r WHERE r.code = rule AND {OWN.format('r.department')})"
SUPERVISED = (
    "current_setting('app.department', true) = '*' OR EXISTS (SELECT FROM supervision s JOIN supervision_rule r "
    "ON r.code = s.rule WHERE s.target = target.id AND r.department = current_setting('app.department', true))"
)
HERE = f"{DISTRICTS} = '*' OR district = ANY(string_to_array({DISTRICTS}, ','))"
CHECK = f"EXISTS (SELECT FROM visit_check c WHERE c.key = check_key AND {OWN.format('c.department')})"
OF_VISIT = "EXISTS (SELECT FROM visit_check c WHERE c.visit = {} AND " + OWN.format("c.department") + ")"
POLICIES = {
    "inspector": OWN.format("department"),
    "inspector_leave": PERSON,
    "recusal": PERSON,
    "supervision": RULE,
    "target": f"target_id = current_setting('app.target', true) OR (({SUPERVISED}) AND ({HERE}))",
    "credit_class": (
        "current_setting('app.target', true) = '' AND EXISTS (SELECT FROM target t WHERE t.id = target)"
    ),
    "check_item": f"status IN ('published', 'withdrawn') OR {OWN.format('department')}",
    "planned_check": OWN.format("department"),
    "visit": OF_VISIT.format("visit.key"),
    "visit_check": OWN.format("department"),
    "visit_answer": OF_VISIT.format("visit_answer.visit"),
    "visit_evidence": OWN.format("department"),
    "visit_objection": CHECK,
    "visit_rectification": CHECK,
    "visit_version": CHECK,
    "register_import": f"{OWN.format(repr('*'))} AND {DISTRICTS} = '*'",
}
SECRET = (
    "account", "account_role", "sign_in", "api_token", "sign_in_attempt", "oidc_trip", "firm_contact", "firm_code",
    "message", "access_record",
)  # fmt: skip


def upgrade() -> None:
    """Make the role, grant it what it may touch, and let the policies bind it."""
    if op.get_bind().dialect.name != "postgresql":
        return
    op.execute(
        f"DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{MEMBER}') "
        f"THEN CREATE ROLE {MEMBER} NOLOGIN; END IF; "
        "EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
    )
    op.execute(f"GRANT {MEMBER} TO CURRENT_USER")
    op.execute(f"GRANT USAGE ON SCHEMA public TO {MEMBER}")
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {MEMBER}")
    op.execute(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {MEMBER}")
    op.execute(f"ALTER DEFAULT PRIVILEGES GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {MEMBER}")
    op.execute(f"ALTER DEFAULT PRIVILEGES GRANT USAGE ON SEQUENCES TO {MEMBER}")
    op.execute(f"REVOKE ALL ON {', '.join(SECRET)} FROM {MEMBER}")
    for table, seen in POLICIES.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY {table}_scope ON {table} TO {MEMBER} USING ({seen}) WITH CHECK ({seen})")


def downgrade() -> None:
    """Take the policies and grants away; the role stays, for other databases of the server may use it."""
    if op.get_bind().dialect.name != "postgresql":
        return
    for table in POLICIES:
        op.execute(f"DROP POLICY {table}_scope ON {table}")
        op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
    op.execute(f"DROP OWNED BY {MEMBER}")
