"""Rounds, what they wait for, the secrets they hold, the checks they planned, and operations that report."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import Column, LargeBinary
from sqlmodel import Field, SQLModel, UniqueConstraint

from app.db.types import Json, UTCDateTime, not_journaled

STAGES = (
    "created",
    "frozen",
    "committed",
    "entropy",
    "drawn",
    "packed",
    "entropy_seats",
    "seated",
    "revealed",
)
"""What a round has behind it, in order. `stage` names the last one done."""


class Round(SQLModel, table=True):
    """One round of one plan. A second row of a (plan, period) can exist only after a published void."""

    __tablename__ = "round"
    __table_args__ = (
        UniqueConstraint("plan", "period", "sequence"),
        {"info": not_journaled("derived from the round's entries")},
    )

    round_id: str = Field(primary_key=True)
    plan: str = Field(index=True)
    plan_digest: str = Field(description="the version that the round keeps to, whatever is published later")
    period: str
    sequence: int
    stage: str = Field(default="created")
    status: str = Field(default="running", index=True, description="running|waiting|done|void|refused")
    waiting_for: str | None = Field(
        default=None, description="approval|deposits|entropy|entropy_seats|reveal"
    )
    privacy: str = "sealed"
    demo: bool = False
    late: bool = Field(default=False, description="made after its period's due time had passed by a day")
    assurance: int = 0
    problem: dict[str, Any] | None = Field(default=None, sa_column=Column(Json))
    approved_by: str | None = None
    due_at: datetime | None = Field(default=None, sa_column=Column(UTCDateTime))
    created_at: datetime = Field(sa_column=Column(UTCDateTime, nullable=False))
    updated_at: datetime = Field(sa_column=Column(UTCDateTime, nullable=False))
    lease_owner: str | None = None
    lease_until: datetime | None = Field(default=None, sa_column=Column(UTCDateTime))
    fence: int = 0
    takeovers: int = Field(default=0, description="claims after a worker that died; of no legal meaning")


class RoundTime(SQLModel, table=True):
    """When each stage of a round was done."""

    __tablename__ = "round_time"
    __table_args__ = {"info": not_journaled("bound by round.stage")}

    round_id: str = Field(primary_key=True, foreign_key="round.round_id")
    stage: str = Field(primary_key=True)
    at: datetime = Field(sa_column=Column(UTCDateTime, nullable=False))
    seconds: float = Field(default=0.0, description="wall seconds of the stage's work")


class Deposit(SQLModel, table=True):
    """A party's secret (or the round's salt, party ""), encrypted to the service's key."""

    __tablename__ = "round_deposit"
    __table_args__ = {"info": not_journaled("derived from commitments as logged and frozen")}

    round_id: str = Field(primary_key=True, foreign_key="round.round_id")
    party: str = Field(primary_key=True)
    commitment: str
    own: bool = Field(default=False, description="made by the service; all such count as one party")
    sealed_secret: bytes | None = Field(default=None, sa_column=Column(LargeBinary))


class EntropyUse(SQLModel, table=True):
    """A public value that a round took. `source` names the real-world source (an issue, a drand round): used once."""

    __tablename__ = "entropy_use"
    __table_args__ = {"info": not_journaled("derived from round.supplied and round.entropy")}

    source: str = Field(primary_key=True)
    name: str = Field(description="the source's id in the manifest")
    round_id: str = Field(foreign_key="round.round_id", index=True)
    part: str = Field(description="entropy|entropy_seats")
    value: str
    at: datetime = Field(sa_column=Column(UTCDateTime, nullable=False))


class PlannedCheck(SQLModel, table=True):
    """One department's check of one target as packed: what cool-down and caps of later rounds count."""

    __tablename__ = "planned_check"
    __table_args__ = {"info": not_journaled("derived from visits.json")}

    round_id: str = Field(primary_key=True, foreign_key="round.round_id")
    check_id: str = Field(primary_key=True)
    target_id: str = Field(index=True)
    department: str
    items: list[str] = Field(sa_column=Column(Json, nullable=False))
    day: date = Field(index=True)


class SeatEvent(SQLModel, table=True):
    """An absence or a seat's move after the freeze, as events.json will publish it. Appended to, never changed."""

    __tablename__ = "seat_event"
    __table_args__ = {"info": not_journaled("bound by round.absence and round.seat_move")}

    round_id: str = Field(primary_key=True, foreign_key="round.round_id")
    number: int = Field(primary_key=True, description="counts from 0 in order of filing")
    event: dict[str, Any] = Field(sa_column=Column(Json, nullable=False))
    target_id: str | None = Field(
        default=None, description="a late recusal's target, which is never published"
    )


class SolvePoint(SQLModel, table=True):
    """How good a round's plan was while it was made: a cell's inspector-days beside what is proven necessary."""

    __tablename__ = "solve_point"
    __table_args__ = {"info": not_journaled("a course with measured seconds; nothing is derived from it")}

    round_id: str = Field(primary_key=True, foreign_key="round.round_id")
    number: int = Field(primary_key=True, description="counts from 0 as the plan improves")
    seconds: float = Field(description="since packing began")
    cell: str = Field(description="a district or a part of one; empty: the whole plan")
    value: int
    bound: int
    missing: int = Field(description="visits without a place so far")


class SolveStop(SQLModel, table=True):
    """That somebody asked to take the best plan so far."""

    __tablename__ = "solve_stop"

    round_id: str = Field(primary_key=True, foreign_key="round.round_id")
    by: str
    at: datetime = Field(sa_column=Column(UTCDateTime, nullable=False))
