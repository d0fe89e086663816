"""Create visits, their records, and the published results.

Revision ID: 0010
Revises: 0009
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.db.types import Json, UTCDateTime

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "visit",
        sa.Column("key", sa.String(length=20), nullable=False),
        sa.Column("round_id", sa.String(), nullable=False),
        sa.Column("planned_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("origin", sa.String(), nullable=True),
        sa.Column("target_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("district", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("day", sa.Date(), nullable=True),
        sa.Column("start", sa.Integer(), nullable=False),
        sa.Column("nonce", sa.String(length=16), nullable=False),
        sa.Column("checklist", Json, nullable=False),
        sa.Column("proposed_by", sa.String(), nullable=True),
        sa.Column("approved_by", sa.String(), nullable=True),
        sa.Column("demo", sa.Boolean(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("notified_at", UTCDateTime(), nullable=True),
        sa.Column("arrived_at", UTCDateTime(), nullable=True),
        sa.CheckConstraint("kind IN ('drawn', 'replacement', 'recheck')", name=op.f("ck_visit_kind_known")),
        sa.ForeignKeyConstraint(["origin"], ["visit.key"], name=op.f("fk_visit_origin_visit")),
        sa.ForeignKeyConstraint(["round_id"], ["round.round_id"], name=op.f("fk_visit_round_id_round")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_visit")),
        sa.UniqueConstraint("round_id", "planned_id", name=op.f("uq_visit_round_id_planned_id")),
    )
    with op.batch_alter_table("visit", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_visit_day"), ["day"], unique=False)
        batch_op.create_index(batch_op.f("ix_visit_round_id"), ["round_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_visit_target_id"), ["target_id"], unique=False)

    op.create_table(
        "visit_answer",
        sa.Column("visit", sa.String(), nullable=False),
        sa.Column("question", sa.String(length=64), nullable=False),
        sa.Column("answer", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("answered_by", sa.String(), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.CheckConstraint(
            "answer IN ('yes', 'no', 'not_applicable')", name=op.f("ck_visit_answer_answer_known")
        ),
        sa.ForeignKeyConstraint(["visit"], ["visit.key"], name=op.f("fk_visit_answer_visit_visit")),
        sa.PrimaryKeyConstraint("visit", "question", name=op.f("pk_visit_answer")),
    )
    op.create_table(
        "visit_check",
        sa.Column("key", sa.String(length=20), nullable=False),
        sa.Column("visit", sa.String(), nullable=False),
        sa.Column("department", sa.String(), nullable=False),
        sa.Column("items", Json, nullable=False),
        sa.Column("draws", Json, nullable=False),
        sa.Column("directed", sa.Boolean(), nullable=False),
        sa.Column("route_id", sa.String(), nullable=False),
        sa.Column("seats", Json, nullable=False),
        sa.Column("crew", Json, nullable=False),
        sa.Column("present", Json, nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("legal_review", sa.Boolean(), nullable=False),
        sa.Column("result", sa.String(), nullable=True),
        sa.Column("disposition", sa.String(), nullable=True),
        sa.Column("points", Json, nullable=False),
        sa.Column("submissions", sa.Integer(), nullable=False),
        sa.Column("returned", sa.String(), nullable=True),
        sa.Column("recorded_by", sa.String(), nullable=True),
        sa.Column("reviewed_by", sa.String(), nullable=True),
        sa.Column("legal_by", sa.String(), nullable=True),
        sa.Column("disclosed_by", sa.String(), nullable=True),
        sa.Column("completed_on", sa.Date(), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("provisional", sa.Boolean(), nullable=False),
        sa.Column("disclosed_on", sa.Date(), nullable=True),
        sa.Column("expires_on", sa.Date(), nullable=True),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "state IN ('proposed', 'approved', 'notified', 'arrived', 'recorded', 'reviewed', "
            "'legally_reviewed', 'disclosed', 'withdrawn', 'replaced', 'void')",
            name=op.f("ck_visit_check_state_known"),
        ),
        sa.CheckConstraint(
            "recorded_by <> reviewed_by", name=op.f("ck_visit_check_recorder_is_not_reviewer")
        ),
        sa.CheckConstraint(
            "reviewed_by <> legal_by AND recorded_by <> legal_by",
            name=op.f("ck_visit_check_legal_is_a_third"),
        ),
        sa.ForeignKeyConstraint(
            ["department"], ["department.code"], name=op.f("fk_visit_check_department_department")
        ),
        sa.ForeignKeyConstraint(["visit"], ["visit.key"], name=op.f("fk_visit_check_visit_visit")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_visit_check")),
        sa.UniqueConstraint("visit", "department", name=op.f("uq_visit_check_visit_department")),
    )
    with op.batch_alter_table("visit_check", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_visit_check_department"), ["department"], unique=False)
        batch_op.create_index(batch_op.f("ix_visit_check_due_on"), ["due_on"], unique=False)
        batch_op.create_index(batch_op.f("ix_visit_check_state"), ["state"], unique=False)

    op.create_table(
        "visit_evidence",
        sa.Column("visit", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("department", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("question", sa.String(), nullable=False),
        sa.Column("media_type", sa.String(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=True),
        sa.Column("height", sa.Integer(), nullable=True),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("taken_at", UTCDateTime(), nullable=False),
        sa.Column("added_by", sa.String(), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('photo', 'file', 'attempt', 'signature')", name=op.f("ck_visit_evidence_kind_known")
        ),
        sa.ForeignKeyConstraint(
            ["department"], ["department.code"], name=op.f("fk_visit_evidence_department_department")
        ),
        sa.ForeignKeyConstraint(["visit"], ["visit.key"], name=op.f("fk_visit_evidence_visit_visit")),
        sa.PrimaryKeyConstraint("visit", "sha256", name=op.f("pk_visit_evidence")),
    )
    op.create_table(
        "published_result",
        sa.Column("result_id", sa.String(length=20), nullable=False),
        sa.Column("round_id", sa.String(), nullable=False),
        sa.Column("plan", sa.String(), nullable=False),
        sa.Column("period", sa.String(), nullable=False),
        sa.Column("draws", Json, nullable=False),
        sa.Column("directed", sa.Boolean(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("district", sa.String(), nullable=False),
        sa.Column("department", sa.String(), nullable=False),
        sa.Column("items", Json, nullable=False),
        sa.Column("item_codes", sa.String(), nullable=False),
        sa.Column("checked_on", sa.Date(), nullable=False),
        sa.Column("result", sa.String(), nullable=True),
        sa.Column("disposition", sa.String(), nullable=True),
        sa.Column("rectify_by", sa.Date(), nullable=True),
        sa.Column("rectified_on", sa.Date(), nullable=True),
        sa.Column("disclosed_on", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("provisional", sa.Boolean(), nullable=False),
        sa.Column("on_time", sa.Boolean(), nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=False),
        sa.Column("history", Json, nullable=False),
        sa.Column("objection", sa.String(), nullable=True),
        sa.Column("demo", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["result_id"], ["visit_check.key"], name=op.f("fk_published_result_result_id_visit_check")
        ),
        sa.ForeignKeyConstraint(
            ["round_id"], ["round.round_id"], name=op.f("fk_published_result_round_id_round")
        ),
        sa.PrimaryKeyConstraint("result_id", name=op.f("pk_published_result")),
    )
    with op.batch_alter_table("published_result", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_published_result_checked_on_result_id"), ["checked_on", "result_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_published_result_code"), ["code"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_published_result_department_checked_on_result_id"),
            ["department", "checked_on", "result_id"],
            unique=False,
        )
        batch_op.create_index(batch_op.f("ix_published_result_name"), ["name"], unique=False)
        batch_op.create_index(batch_op.f("ix_published_result_plan"), ["plan"], unique=False)
        batch_op.create_index(batch_op.f("ix_published_result_result"), ["result"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_published_result_round_id_checked_on_result_id"),
            ["round_id", "checked_on", "result_id"],
            unique=False,
        )

    op.create_table(
        "visit_objection",
        sa.Column("check_key", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("filed_by", sa.String(), nullable=False),
        sa.Column("filed_at", UTCDateTime(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("provisional", sa.Boolean(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.Column("answer", sa.String(), nullable=True),
        sa.Column("answered_by", sa.String(), nullable=True),
        sa.Column("answered_at", UTCDateTime(), nullable=True),
        sa.CheckConstraint(
            "outcome IN ('upheld', 'rejected') OR outcome IS NULL",
            name=op.f("ck_visit_objection_outcome_known"),
        ),
        sa.ForeignKeyConstraint(
            ["check_key"], ["visit_check.key"], name=op.f("fk_visit_objection_check_key_visit_check")
        ),
        sa.PrimaryKeyConstraint("check_key", "number", name=op.f("pk_visit_objection")),
    )
    op.create_table(
        "visit_rectification",
        sa.Column("check_key", sa.String(), nullable=False),
        sa.Column("points", Json, nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("recheck", sa.String(), nullable=True),
        sa.Column("cleared_on", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(
            ["check_key"], ["visit_check.key"], name=op.f("fk_visit_rectification_check_key_visit_check")
        ),
        sa.ForeignKeyConstraint(
            ["recheck"], ["visit.key"], name=op.f("fk_visit_rectification_recheck_visit")
        ),
        sa.PrimaryKeyConstraint("check_key", name=op.f("pk_visit_rectification")),
    )
    op.create_table(
        "visit_version",
        sa.Column("check_key", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("result", sa.String(), nullable=True),
        sa.Column("disposition", sa.String(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("confirmed_by", sa.String(), nullable=False),
        sa.Column("revoked_on", sa.Date(), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("provisional", sa.Boolean(), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('original', 'correction', 'withdrawal')", name=op.f("ck_visit_version_kind_known")
        ),
        sa.ForeignKeyConstraint(
            ["check_key"], ["visit_check.key"], name=op.f("fk_visit_version_check_key_visit_check")
        ),
        sa.PrimaryKeyConstraint("check_key", "number", name=op.f("pk_visit_version")),
    )
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER visit_version_no_{verb.lower()} BEFORE {verb} ON visit_version "
                "BEGIN SELECT RAISE(ABORT, 'visit_version is append-only'); END"
            )
        return
    op.execute(
        "CREATE TRIGGER visit_version_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON visit_version "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )


def downgrade() -> None:
    """Remove them with all records."""
    op.drop_table("visit_version")
    op.drop_table("visit_rectification")
    op.drop_table("visit_objection")
    with op.batch_alter_table("published_result", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_published_result_round_id_checked_on_result_id"))
        batch_op.drop_index(batch_op.f("ix_published_result_result"))
        batch_op.drop_index(batch_op.f("ix_published_result_plan"))
        batch_op.drop_index(batch_op.f("ix_published_result_name"))
        batch_op.drop_index(batch_op.f("ix_published_result_department_checked_on_result_id"))
        batch_op.drop_index(batch_op.f("ix_published_result_code"))
        batch_op.drop_index(batch_op.f("ix_published_result_checked_on_result_id"))

    op.drop_table("published_result")
    op.drop_table("visit_evidence")
    with op.batch_alter_table("visit_check", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_visit_check_state"))
        batch_op.drop_index(batch_op.f("ix_visit_check_due_on"))
        batch_op.drop_index(batch_op.f("ix_visit_check_department"))

    op.drop_table("visit_check")
    op.drop_table("visit_answer")
    with op.batch_alter_table("visit", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_visit_target_id"))
        batch_op.drop_index(batch_op.f("ix_visit_round_id"))
        batch_op.drop_index(batch_op.f("ix_visit_day"))

    op.drop_table("visit")
