"""Registers as tables: departments and their inspectors, targets and their credit classes, check items, rules.

Districts are six-digit codes of GB/T 2260 (`650102`); `650100`, the city's own code, means "in the city, district
not established", and the empty text means "outside the city". Names of districts: `gazetteer.district_name`.
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, Column, Index, String, UniqueConstraint
from sqlmodel import Field, SQLModel

from app.db.types import BigKey, Json, UTCDateTime

TARGET_KINDS = ("firm", "sole_trader", "project", "product", "premises")
TARGET_STATUSES = ("active", "cancelled", "revoked", "moved_out", "closed", "outside")
PLACE_SOURCES = ("given", "gazetteer", "estimated")
DISTRICT_SOURCES = ("given", "address", "zone", "gazetteer", "code", "none")
ITEM_METHODS = ("on_site", "paper", "online", "sampling")
ITEM_KINDS = ("key", "general")
ITEM_STATUSES = ("draft", "reviewed", "published", "withdrawn")
CREDIT_CLASSES = ("A", "B", "C", "D")


def _one_of(column: str, values: tuple[str, ...]) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=f"{column}_known")


class Department(SQLModel, table=True):
    """A department that supervises targets; `role` is its field of work (`market`, `fire`, `health`, …)."""

    code: str = Field(primary_key=True, max_length=32)
    name_zh: str
    name_en: str = ""
    role: str = ""
    active: bool = True


class Inspector(SQLModel, table=True):
    """One person of a roster. Only a certified officer (`officer`) counts as one of the two at a visit.

    `lead`: may head a crew. `cap`: most seats in one round, 0 for no cap. `district`: home district, empty for any.
    """

    code: str = Field(primary_key=True, max_length=64)
    department: str = Field(foreign_key="department.code", index=True)
    name: str = ""
    certificate_no: str = ""
    certificate_expires: date | None = None
    specialties: list[str] = Field(default_factory=list, sa_column=Column(Json, nullable=False))
    district: str = ""
    officer: bool = True
    lead: bool = False
    cap: int = 0
    active: bool = True


class InspectorLeave(SQLModel, table=True):
    """Days, first and last included, on which an inspector can't be seated."""

    __tablename__ = "inspector_leave"
    __table_args__ = (
        UniqueConstraint("inspector", "start", "end"),
        CheckConstraint('start <= "end"', name="in_order"),
    )

    id: int | None = Field(default=None, sa_column=Column(BigKey, primary_key=True))
    inspector: str = Field(foreign_key="inspector.code")
    start: date
    end: date
    reason: str = ""


class Target(SQLModel, table=True):
    """Somebody or something that is supervised. `target_id` is its identity in every frame (`[0-9A-Z._:-]{1,64}`).

    Places are millionths of a degree (WGS 84); `place_source` and `district_source` say how far to trust them.
    `digest` fingerprints the stored row: the same list twice changes nothing. `people_cap`: heads at once.
    """

    __table_args__ = (
        _one_of("kind", TARGET_KINDS),
        _one_of("status", TARGET_STATUSES),
        _one_of("place_source", PLACE_SOURCES),
        _one_of("district_source", DISTRICT_SOURCES),
    )

    id: int | None = Field(default=None, sa_column=Column(BigKey, primary_key=True))
    target_id: str = Field(sa_column=Column(String(64), nullable=False, unique=True))
    kind: str
    name: str
    code: str = ""
    enterprise_type: str = ""
    scope: str = ""
    trade: str = ""
    district: str = ""
    district_source: str
    address: str = ""
    longitude_e6: int
    latitude_e6: int
    place_source: str
    registered_on: date | None = None
    status: str = "active"
    closed_weekdays: list[int] = Field(default_factory=list, sa_column=Column(Json, nullable=False))
    people_cap: int | None = None
    digest: str = Field(max_length=32)
    changed_at: datetime = Field(sa_column=Column(UTCDateTime, nullable=False))


class CreditClass(SQLModel, table=True):
    """A target's credit-risk class from `since` on. Internal: it leaves the service in no public form."""

    __tablename__ = "credit_class"
    __table_args__ = (_one_of("credit", CREDIT_CLASSES), {"sqlite_with_rowid": False})

    target: int = Field(sa_type=BigKey, foreign_key="target.id", primary_key=True)
    since: date = Field(primary_key=True)
    credit: str
    source: str = ""


class CheckItem(SQLModel, table=True):
    """A version of a check item (抽查事项). A published version never changes: a new version supersedes it.

    `minutes` on site, `officers` needed (two at least), `cap`: most checks of one target in a year, empty for none.
    """

    __tablename__ = "check_item"
    __table_args__ = (
        _one_of("method", ITEM_METHODS),
        _one_of("kind", ITEM_KINDS),
        _one_of("status", ITEM_STATUSES),
        CheckConstraint("officers >= 2", name="two_officers"),
    )

    code: str = Field(primary_key=True, max_length=64)
    version: int = Field(primary_key=True)
    title_zh: str
    title_en: str = ""
    content: str = ""
    procedure: str = ""
    method: str = "on_site"
    legal_basis: str = ""
    kind: str = "general"
    department: str = Field(foreign_key="department.code", index=True)
    partners: list[str] = Field(default_factory=list, sa_column=Column(Json, nullable=False))
    minutes: int = 30
    officers: int = 2
    specialties: list[str] = Field(default_factory=list, sa_column=Column(Json, nullable=False))
    cap: int | None = None
    status: str = "draft"
    changed_at: datetime = Field(sa_column=Column(UTCDateTime, nullable=False))


class SupervisionRule(SQLModel, table=True):
    """Who supervises whom, as data: targets that meet `condition` are under `department` for `items` (codes)."""

    __tablename__ = "supervision_rule"

    code: str = Field(primary_key=True, max_length=64)
    department: str = Field(foreign_key="department.code", index=True)
    items: list[str] = Field(default_factory=list, sa_column=Column(Json, nullable=False))
    condition: dict[str, object] = Field(default_factory=dict, sa_column=Column(Json, nullable=False))
    reason_zh: str = ""
    reason_en: str = ""
    active: bool = True


class Supervision(SQLModel, table=True):
    """A target tagged by a rule."""

    __table_args__ = (Index(None, "rule", "target"), {"sqlite_with_rowid": False})

    target: int = Field(sa_type=BigKey, foreign_key="target.id", primary_key=True)
    rule: str = Field(foreign_key="supervision_rule.code", primary_key=True)


class Recusal(SQLModel, table=True):
    """A conflict of interest that bars an inspector from a target (回避)."""

    __table_args__ = {"sqlite_with_rowid": False}

    inspector: str = Field(foreign_key="inspector.code", primary_key=True)
    target_id: str = Field(foreign_key="target.target_id", primary_key=True)
    reason: str = ""


class RegisterImport(SQLModel, table=True):
    """What one import did: which file (by its SHA-256), into which register, with what counts."""

    __tablename__ = "register_import"

    id: int | None = Field(default=None, sa_column=Column(BigKey, primary_key=True))
    register_name: str
    file_name: str
    file_sha256: str = Field(max_length=64)
    counts: dict[str, int] = Field(default_factory=dict, sa_column=Column(Json, nullable=False))
    refusals_file: str = ""
    at: datetime = Field(sa_column=Column(UTCDateTime, nullable=False))
