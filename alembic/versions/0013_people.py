"""Create accounts, sign-ins, firms' contacts and codes, messages, sanctions and the access record.

Revision ID: 0013
Revises: 0012
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.db.types import BigKey, Json, UTCDateTime

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

TABLES = (
    "account",
    "access_record",
    "firm_code",
    "firm_contact",
    "message",
    "oidc_trip",
    "sign_in_attempt",
    "account_role",
    "api_token",
    "sanction",
    "sign_in",
)


def upgrade() -> None:
    """Make the tables; the access record is only ever appended to, and an account's kind stays what it is."""
    _create_account()
    _create_access_record()
    _create_firm_code()
    _create_firm_contact()
    _create_message()
    _create_oidc_trip()
    _create_sign_in_attempt()
    _create_account_role()
    _create_api_token()
    _create_sanction()
    _create_sign_in()
    if op.get_bind().dialect.name == "sqlite":
        _fix_on_sqlite()
    else:
        _fix_on_postgresql()


def downgrade() -> None:
    """Remove them with what they hold."""
    for table in reversed(TABLES):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION refuse_other_kind()")


def _fix_on_sqlite() -> None:
    for verb in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER access_record_no_{verb.lower()} BEFORE {verb} ON access_record "
            "BEGIN SELECT RAISE(ABORT, 'access_record is append-only'); END"
        )
    op.execute(
        "CREATE TRIGGER account_kind_fixed BEFORE UPDATE OF kind ON account WHEN OLD.kind <> NEW.kind "
        "BEGIN SELECT RAISE(ABORT, 'an account stays of its kind'); END"
    )


def _fix_on_postgresql() -> None:
    op.execute(
        "CREATE TRIGGER access_record_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON access_record "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
    op.execute(
        "CREATE FUNCTION refuse_other_kind() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'an account stays of its kind'; END $$"
    )
    op.execute(
        "CREATE TRIGGER account_kind_fixed BEFORE UPDATE OF kind ON account FOR EACH ROW "
        "WHEN (OLD.kind <> NEW.kind) EXECUTE FUNCTION refuse_other_kind()"
    )


def _create_account() -> None:
    op.create_table(
        "account",
        sa.Column("id", BigKey, autoincrement=True, nullable=False),
        sa.Column("login", sa.String(64), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("department", sa.String(32), nullable=False),
        sa.Column("level", sa.String(), nullable=False),
        sa.Column("districts", Json, nullable=False),
        sa.Column("district_count", sa.Integer(), nullable=False),
        sa.Column("password", sa.String(), nullable=False),
        sa.Column("must_change", sa.Boolean(), nullable=False),
        sa.Column("oidc_subject", sa.String(), nullable=True),
        sa.Column("locked", sa.Boolean(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.CheckConstraint(
            "department <> '' OR kind <> 'business' OR level = 'city'",
            name=op.f("ck_account_department_named"),
        ),
        sa.CheckConstraint(
            "kind IN ('business', 'auditor', 'system_admin', 'security_admin', 'audit_admin')",
            name=op.f("ck_account_kind_known"),
        ),
        sa.CheckConstraint("level = 'city' OR district_count > 0", name=op.f("ck_account_district_named")),
        sa.CheckConstraint("level IN ('city', 'district')", name=op.f("ck_account_level_known")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
        sa.UniqueConstraint("id", "kind", name=op.f("uq_account_id_kind")),
        sa.UniqueConstraint("login", name=op.f("uq_account_login")),
        sa.UniqueConstraint("oidc_subject", name=op.f("uq_account_oidc_subject")),
    )


def _create_access_record() -> None:
    op.create_table(
        "access_record",
        sa.Column("id", BigKey, autoincrement=True, nullable=False),
        sa.Column("account", BigKey, nullable=True),
        sa.Column("firm", sa.String(), nullable=False),
        sa.Column("route", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_record")),
    )
    op.create_index(op.f("ix_access_record_account_id"), "access_record", ["account", "id"], unique=False)
    op.create_index(op.f("ix_access_record_at"), "access_record", ["at"], unique=False)


def _create_firm_code() -> None:
    op.create_table(
        "firm_code",
        sa.Column("id", BigKey, autoincrement=True, nullable=False),
        sa.Column("asked_for", sa.String(64), nullable=False),
        sa.Column("target_id", sa.String(64), nullable=True),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.Column("used_at", UTCDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_firm_code")),
    )
    op.create_index(op.f("ix_firm_code_asked_for"), "firm_code", ["asked_for"], unique=False)


def _create_firm_contact() -> None:
    op.create_table(
        "firm_contact",
        sa.Column("target_id", sa.String(64), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("oidc_subject", sa.String(), nullable=True),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("target_id", name=op.f("pk_firm_contact")),
        sa.UniqueConstraint("oidc_subject", name=op.f("uq_firm_contact_oidc_subject")),
    )


def _create_message() -> None:
    op.create_table(
        "message",
        sa.Column("id", BigKey, autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", UTCDateTime(), nullable=False),
        sa.CheckConstraint(
            "status IN ('waiting', 'sent', 'dead', 'nobody')", name=op.f("ck_message_status_known")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message")),
    )
    op.create_index(op.f("ix_message_due_at"), "message", ["due_at"], unique=False)


def _create_oidc_trip() -> None:
    op.create_table(
        "oidc_trip",
        sa.Column("state", sa.String(64), nullable=False),
        sa.Column("nonce", sa.String(), nullable=False),
        sa.Column("verifier", sa.String(), nullable=False),
        sa.Column("back_to", sa.String(), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("state", name=op.f("pk_oidc_trip")),
    )


def _create_sign_in_attempt() -> None:
    op.create_table(
        "sign_in_attempt",
        sa.Column("id", BigKey, autoincrement=True, nullable=False),
        sa.Column("who", sa.String(64), nullable=False),
        sa.Column("place", sa.String(64), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.Column("good", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_attempt")),
    )
    op.create_index(op.f("ix_sign_in_attempt_place_at"), "sign_in_attempt", ["place", "at"], unique=False)
    op.create_index(op.f("ix_sign_in_attempt_who_at"), "sign_in_attempt", ["who", "at"], unique=False)


def _create_account_role() -> None:
    op.create_table(
        "account_role",
        sa.Column("account", BigKey, autoincrement=False, nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.CheckConstraint(
            "(kind = 'business' AND role IN ('coordinator', 'planner', 'inspector', 'legal_reviewer'))"
            " OR (kind <> 'business' AND role = kind)",
            name=op.f("ck_account_role_role_of_kind"),
        ),
        sa.ForeignKeyConstraint(
            ["account", "kind"],
            ["account.id", "account.kind"],
            name=op.f("fk_account_role_account_kind_account"),
        ),
        sa.PrimaryKeyConstraint("account", "role", name=op.f("pk_account_role")),
    )


def _create_api_token() -> None:
    op.create_table(
        "api_token",
        sa.Column("id", BigKey, autoincrement=True, nullable=False),
        sa.Column("account", BigKey, nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("scopes", Json, nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("expires_at", UTCDateTime(), nullable=False),
        sa.Column("revoked_at", UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["account"], ["account.id"], name=op.f("fk_api_token_account_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_token")),
        sa.UniqueConstraint("digest", name=op.f("uq_api_token_digest")),
    )
    op.create_index(op.f("ix_api_token_account"), "api_token", ["account"], unique=False)


def _create_sanction() -> None:
    op.create_table(
        "sanction",
        sa.Column("id", BigKey, autoincrement=True, nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("subject", sa.String(200), nullable=False),
        sa.Column("reason", sa.String(500), nullable=False),
        sa.Column("requested_by", BigKey, nullable=True),
        sa.Column("requested_at", UTCDateTime(), nullable=False),
        sa.Column("approved_by", BigKey, nullable=True),
        sa.Column("approved_at", UTCDateTime(), nullable=True),
        sa.Column("executed_by", BigKey, nullable=True),
        sa.Column("executed_at", UTCDateTime(), nullable=True),
        sa.Column("withdrawn_at", UTCDateTime(), nullable=True),
        sa.CheckConstraint(
            "action IN ('round.freeze', 'round.void', 'cap.exemption', 'result.correction')",
            name=op.f("ck_sanction_action_known"),
        ),
        sa.CheckConstraint("approved_by <> requested_by", name=op.f("ck_sanction_approver_not_requester")),
        sa.CheckConstraint(
            "executed_at IS NULL OR approved_at IS NOT NULL", name=op.f("ck_sanction_approved_first")
        ),
        sa.CheckConstraint("executed_by <> approved_by", name=op.f("ck_sanction_executor_not_approver")),
        sa.CheckConstraint("executed_by <> requested_by", name=op.f("ck_sanction_executor_not_requester")),
        sa.ForeignKeyConstraint(
            ["approved_by"], ["account.id"], name=op.f("fk_sanction_approved_by_account")
        ),
        sa.ForeignKeyConstraint(
            ["executed_by"], ["account.id"], name=op.f("fk_sanction_executed_by_account")
        ),
        sa.ForeignKeyConstraint(
            ["requested_by"], ["account.id"], name=op.f("fk_sanction_requested_by_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sanction")),
    )
    op.create_index(op.f("ix_sanction_subject"), "sanction", ["subject"], unique=False)
    op.create_index(
        "uq_sanction_open",
        "sanction",
        ["action", "subject"],
        unique=True,
        sqlite_where=sa.text("executed_at IS NULL AND withdrawn_at IS NULL"),
        postgresql_where=sa.text("executed_at IS NULL AND withdrawn_at IS NULL"),
    )


def _create_sign_in() -> None:
    op.create_table(
        "sign_in",
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("account", BigKey, nullable=True),
        sa.Column("target_id", sa.String(64), nullable=True),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("seen_at", UTCDateTime(), nullable=False),
        sa.Column("ended_at", UTCDateTime(), nullable=True),
        sa.CheckConstraint("(account IS NULL) <> (target_id IS NULL)", name=op.f("ck_sign_in_of_one")),
        sa.ForeignKeyConstraint(["account"], ["account.id"], name=op.f("fk_sign_in_account_account")),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_sign_in")),
    )
    op.create_index(op.f("ix_sign_in_account"), "sign_in", ["account"], unique=False)
