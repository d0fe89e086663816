"""Let a firm see its own visits once their notice is served; contacts go by SMS or mail; a message has its time.

Revision ID: 0016
Revises: 0015
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.db.types import UTCDateTime

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

MEMBER = "double_random_member"
OWN = "current_setting('app.department', true) IN ('*', {})"
FIRM = "coalesce(current_setting('app.target', true), '')"
SERVED = FIRM + " <> '' AND {0}.target_id = " + FIRM + " AND {0}.notified_at IS NOT NULL"
OF_CHECK = "EXISTS (SELECT FROM visit_check c WHERE c.key = check_key{})"
BEFORE = {
    "visit": "EXISTS (SELECT FROM visit_check c WHERE c.visit = visit.key AND "
    + OWN.format("c.department")
    + ")",
    "visit_check": OWN.format("department"),
    **dict.fromkeys(
        ("visit_objection", "visit_rectification", "visit_version"),
        OF_CHECK.format(" AND " + OWN.format("c.department")),
    ),
}
AFTER = {
    "visit": f"({SERVED.format('visit')}) OR {FIRM} = '' AND double_random_joins(visit.key)",
    "visit_check": f"{FIRM} = '' AND {OWN.format('department')} OR double_random_served(visit_check.visit)",
    **dict.fromkeys(("visit_objection", "visit_rectification", "visit_version"), OF_CHECK.format("")),
}
"""A visit asks for its checks and a check for its visit, so each asks past the other's policy, in a function."""


def upgrade() -> None:
    """Add what firms' sign-in needs, and their policies."""
    with op.batch_alter_table("firm_contact") as batch:
        batch.create_check_constraint(op.f("ck_firm_contact_channel_known"), "channel IN ('sms', 'email')")
    with op.batch_alter_table("message") as batch:
        batch.add_column(sa.Column("until", UTCDateTime(), nullable=True))
    op.execute("UPDATE message SET until = due_at")
    with op.batch_alter_table("message") as batch:
        batch.alter_column("until", existing_type=UTCDateTime(), nullable=False)
    if op.get_bind().dialect.name == "postgresql":
        _functions()
        _policies(AFTER)


def downgrade() -> None:
    """As it was."""
    if op.get_bind().dialect.name == "postgresql":
        _policies(BEFORE)
        op.execute("DROP FUNCTION double_random_joins(varchar)")
        op.execute("DROP FUNCTION double_random_served(varchar)")
    with op.batch_alter_table("message") as batch:
        batch.drop_column("until")
    with op.batch_alter_table("firm_contact") as batch:
        batch.drop_constraint(op.f("ck_firm_contact_channel_known"), type_="check")


def _functions() -> None:
    for name, found in (
        ("joins", f"visit_check c WHERE c.visit = k AND {OWN.format('c.department')}"),
        ("served", f"visit v WHERE v.key = k AND {SERVED.format('v')}"),
    ):
        op.execute(_function(name, found))


def _function(name: str, found: str) -> str:
    head = f"CREATE FUNCTION double_random_{name}(k varchar) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER"
    return f"{head} SET search_path = public, pg_temp AS $$ SELECT EXISTS (SELECT FROM {found}) $$"  # noqa: S608  no value from outside


def _policies(seen: dict[str, str]) -> None:
    for table, rule in seen.items():
        op.execute(f"DROP POLICY {table}_scope ON {table}")
        op.execute(f"CREATE POLICY {table}_scope ON {table} TO {MEMBER} USING ({rule}) WITH CHECK ({rule})")
