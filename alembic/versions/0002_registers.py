"""Create the registers.

Revision ID: 0002
Revises: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.db.types import BigKey, Json, UTCDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    _create_department()
    _create_register_import()
    _create_target()
    _create_check_item()
    _create_credit_class()
    _create_inspector()
    _create_supervision_rule()
    _create_inspector_leave()
    _create_recusal()
    _create_supervision()


def downgrade() -> None:
    """Remove them with what they hold."""
    op.drop_table("supervision")
    op.drop_table("recusal")
    op.drop_table("inspector_leave")
    op.drop_table("supervision_rule")
    op.drop_table("inspector")
    op.drop_table("credit_class")
    op.drop_table("check_item")
    op.drop_table("target")
    op.drop_table("register_import")
    op.drop_table("department")


def _create_department() -> None:
    op.create_table(
        "department",
        sa.Column("code", sa.String(length=32), nullable=False),
        sa.Column("name_zh", sa.String(), nullable=False),
        sa.Column("name_en", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_department")),
    )


def _create_register_import() -> None:
    op.create_table(
        "register_import",
        sa.Column("id", BigKey, nullable=False),
        sa.Column("register_name", sa.String(), nullable=False),
        sa.Column("file_name", sa.String(), nullable=False),
        sa.Column("file_sha256", sa.String(length=64), nullable=False),
        sa.Column("counts", Json, nullable=False),
        sa.Column("refusals_file", sa.String(), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_register_import")),
    )


def _create_target() -> None:
    op.create_table(
        "target",
        sa.Column("id", BigKey, nullable=False),
        sa.Column("target_id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("enterprise_type", sa.String(), nullable=False),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("trade", sa.String(), nullable=False),
        sa.Column("district", sa.String(), nullable=False),
        sa.Column("district_source", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("longitude_e6", sa.Integer(), nullable=False),
        sa.Column("latitude_e6", sa.Integer(), nullable=False),
        sa.Column("place_source", sa.String(), nullable=False),
        sa.Column("registered_on", sa.Date(), nullable=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("closed_weekdays", Json, nullable=False),
        sa.Column("people_cap", sa.Integer(), nullable=True),
        sa.Column("digest", sa.String(length=32), nullable=False),
        sa.Column("changed_at", UTCDateTime(), nullable=False),
        sa.CheckConstraint(
            "district_source IN ('given', 'address', 'zone', 'gazetteer', 'code', 'none')",
            name=op.f("ck_target_district_source_known"),
        ),
        sa.CheckConstraint(
            "kind IN ('firm', 'sole_trader', 'project', 'product', 'premises')",
            name=op.f("ck_target_kind_known"),
        ),
        sa.CheckConstraint(
            "place_source IN ('given', 'gazetteer', 'estimated')", name=op.f("ck_target_place_source_known")
        ),
        sa.CheckConstraint(
            "status IN ('active', 'cancelled', 'revoked', 'moved_out', 'closed', 'outside')",
            name=op.f("ck_target_status_known"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_target")),
        sa.UniqueConstraint("target_id", name=op.f("uq_target_target_id")),
    )


def _create_check_item() -> None:
    op.create_table(
        "check_item",
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("title_zh", sa.String(), nullable=False),
        sa.Column("title_en", sa.String(), nullable=False),
        sa.Column("content", sa.String(), nullable=False),
        sa.Column("procedure", sa.String(), nullable=False),
        sa.Column("method", sa.String(), nullable=False),
        sa.Column("legal_basis", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("department", sa.String(), nullable=False),
        sa.Column("partners", Json, nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("officers", sa.Integer(), nullable=False),
        sa.Column("specialties", Json, nullable=False),
        sa.Column("cap", sa.Integer(), nullable=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("changed_at", UTCDateTime(), nullable=False),
        sa.CheckConstraint("kind IN ('key', 'general')", name=op.f("ck_check_item_kind_known")),
        sa.CheckConstraint(
            "method IN ('on_site', 'paper', 'online', 'sampling')", name=op.f("ck_check_item_method_known")
        ),
        sa.CheckConstraint(
            "status IN ('draft', 'reviewed', 'published', 'withdrawn')",
            name=op.f("ck_check_item_status_known"),
        ),
        sa.CheckConstraint("officers >= 2", name=op.f("ck_check_item_two_officers")),
        sa.ForeignKeyConstraint(
            ["department"], ["department.code"], name=op.f("fk_check_item_department_department")
        ),
        sa.PrimaryKeyConstraint("code", "version", name=op.f("pk_check_item")),
    )
    op.create_index(op.f("ix_check_item_department"), "check_item", ["department"], unique=False)


def _create_credit_class() -> None:
    op.create_table(
        "credit_class",
        sa.Column("target", BigKey, nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("credit", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.CheckConstraint("credit IN ('A', 'B', 'C', 'D')", name=op.f("ck_credit_class_credit_known")),
        sa.ForeignKeyConstraint(["target"], ["target.id"], name=op.f("fk_credit_class_target_target")),
        sa.PrimaryKeyConstraint("target", "since", name=op.f("pk_credit_class")),
        sqlite_with_rowid=False,
    )


def _create_inspector() -> None:
    op.create_table(
        "inspector",
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("department", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("certificate_no", sa.String(), nullable=False),
        sa.Column("certificate_expires", sa.Date(), nullable=True),
        sa.Column("specialties", Json, nullable=False),
        sa.Column("district", sa.String(), nullable=False),
        sa.Column("officer", sa.Boolean(), nullable=False),
        sa.Column("lead", sa.Boolean(), nullable=False),
        sa.Column("cap", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["department"], ["department.code"], name=op.f("fk_inspector_department_department")
        ),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_inspector")),
    )
    op.create_index(op.f("ix_inspector_department"), "inspector", ["department"], unique=False)


def _create_supervision_rule() -> None:
    op.create_table(
        "supervision_rule",
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("department", sa.String(), nullable=False),
        sa.Column("items", Json, nullable=False),
        sa.Column("condition", Json, nullable=False),
        sa.Column("reason_zh", sa.String(), nullable=False),
        sa.Column("reason_en", sa.String(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["department"], ["department.code"], name=op.f("fk_supervision_rule_department_department")
        ),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_supervision_rule")),
    )
    op.create_index(op.f("ix_supervision_rule_department"), "supervision_rule", ["department"], unique=False)


def _create_inspector_leave() -> None:
    op.create_table(
        "inspector_leave",
        sa.Column("id", BigKey, nullable=False),
        sa.Column("inspector", sa.String(), nullable=False),
        sa.Column("start", sa.Date(), nullable=False),
        sa.Column("end", sa.Date(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.CheckConstraint('start <= "end"', name=op.f("ck_inspector_leave_in_order")),
        sa.ForeignKeyConstraint(
            ["inspector"], ["inspector.code"], name=op.f("fk_inspector_leave_inspector_inspector")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inspector_leave")),
        sa.UniqueConstraint("inspector", "start", "end", name=op.f("uq_inspector_leave_inspector_start_end")),
    )


def _create_recusal() -> None:
    op.create_table(
        "recusal",
        sa.Column("inspector", sa.String(), nullable=False),
        sa.Column("target_id", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["inspector"], ["inspector.code"], name=op.f("fk_recusal_inspector_inspector")
        ),
        sa.ForeignKeyConstraint(
            ["target_id"], ["target.target_id"], name=op.f("fk_recusal_target_id_target")
        ),
        sa.PrimaryKeyConstraint("inspector", "target_id", name=op.f("pk_recusal")),
        sqlite_with_rowid=False,
    )


def _create_supervision() -> None:
    op.create_table(
        "supervision",
        sa.Column("target", BigKey, nullable=False),
        sa.Column("rule", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["rule"], ["supervision_rule.code"], name=op.f("fk_supervision_rule_supervision_rule")
        ),
        sa.ForeignKeyConstraint(["target"], ["target.id"], name=op.f("fk_supervision_target_target")),
        sa.PrimaryKeyConstraint("target", "rule", name=op.f("pk_supervision")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_supervision_rule_target"), "supervision", ["rule", "target"], unique=False)
