"""Plans as tables: the plan, each of its versions, the working-day calendar, and the authority's limits."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, Column
from sqlmodel import Field, SQLModel

from app.db.types import Json, UTCDateTime

PLAN_STATUSES = ("draft", "published", "withdrawn")


class Plan(SQLModel, table=True):
    """A plan as last saved. `status` is that of the newest version; the version in force is in `PlanRevision`.

    `digest`: SHA-256 of the document's canonical JSON. `recurrence`: as in the document, null where the plan's one
    round is asked for by hand.
    """

    __table_args__ = (
        CheckConstraint("status IN ('draft', 'published', 'withdrawn')", name="status_known"),
        CheckConstraint("version >= 1", name="version_counts"),
    )

    code: str = Field(primary_key=True, max_length=64)
    version: int = 1
    title_zh: str
    title_en: str = ""
    status: str = "draft"
    document: dict[str, Any] = Field(sa_column=Column(Json, nullable=False))
    digest: str = Field(max_length=64)
    recurrence: str | None = None
    starts_on: date
    created_at: datetime = Field(sa_column=Column(UTCDateTime, nullable=False))
    published_at: datetime | None = Field(default=None, sa_column=Column(UTCDateTime))


class PlanRevision(SQLModel, table=True):
    """Every version that was ever published, unchanged since; the highest of a plan not withdrawn is in force."""

    __tablename__ = "plan_revision"

    plan: str = Field(primary_key=True, foreign_key="plan.code", max_length=64)
    version: int = Field(primary_key=True)
    document: dict[str, Any] = Field(sa_column=Column(Json, nullable=False))
    digest: str = Field(max_length=64)
    items: dict[str, int] = Field(
        sa_column=Column(Json, nullable=False), description="version in force of each item at publication"
    )
    reason: str = Field(default="", description="why it replaced the version before; published")
    published_at: datetime = Field(sa_column=Column(UTCDateTime, nullable=False))


class CalendarYear(SQLModel, table=True):
    """A year of the State Council's calendar. Only a confirmed year gives deadlines that bind."""

    __tablename__ = "calendar_year"

    year: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    confirmed: bool = False
    source: str = ""
    changed_at: datetime = Field(sa_column=Column(UTCDateTime, nullable=False))


class CalendarDay(SQLModel, table=True):
    """A day that differs from its weekday: a holiday (`working` false) or a make-up day (调休, `working` true)."""

    __tablename__ = "calendar_day"

    day: date = Field(primary_key=True)
    year: int = Field(foreign_key="calendar_year.year", index=True)
    working: bool
    name: str = ""


class PlanLimit(SQLModel, table=True):
    """A limit that the authority set, replacing the default of `app.plans.limits.Limits`."""

    __tablename__ = "plan_limit"

    name: str = Field(primary_key=True, max_length=64)
    value: int
    basis: str = ""
    changed_at: datetime = Field(sa_column=Column(UTCDateTime, nullable=False))
