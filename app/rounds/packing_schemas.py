"""Plans as the API shows and changes them."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date, datetime
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field

from app.rounds.changes import Proposal
from app.rounds.changing import Asked, Move, Urgent
from app.rounds.solving import Course
from optimizer.explain import Explanation
from optimizer.say import Said

Confirm = Field(
    default="", max_length=64, description="what the answer without it gave; without it nothing changes"
)
Reason = Field(
    min_length=1, max_length=500, examples=["暴雨红色预警"], description="published with the round"
)


class MeasuresOut(BaseModel):
    """The four measures of a plan, and the most people at one visit."""

    entries: int
    inspector_days: int
    travel_min: int
    host_min: int
    people_per_visit_max: int


class PointOut(BaseModel):
    """How good the plan was at a moment; `cell` "" is the whole."""

    seconds: float
    cell: str
    value: int
    bound: int
    missing: int


class PackingOut(BaseModel):
    """The committed plan's report, null before it is made, and the course of its packing."""

    round_id: str
    report: dict[str, Any] | None
    stopped_at: datetime | None
    course: list[PointOut]

    @classmethod
    def of(cls, round_id: str, report: dict[str, Any] | None, course: Course) -> Self:
        """From what is stored."""
        points = [PointOut(**point.model_dump(exclude={"round_id", "number"})) for point in course.points]
        return cls(round_id=round_id, report=report, stopped_at=course.stopped_at, course=points)


class StopIn(BaseModel):
    """Who asks to take the best plan so far."""

    by: str = Field(min_length=1, max_length=64)


class SaidOut(BaseModel):
    """A rule or a remedy: its name, by how much, and a sentence in both languages."""

    name: str
    amount: int
    zh: str
    en: str

    @classmethod
    def of(cls, said: Said) -> Self:
        """The same for the API."""
        return cls(**asdict(said))


class ExplanationOut(BaseModel):
    """Why a check has no visit (`unscheduled`), or why two visits of a target are not one (`apart`)."""

    kind: str
    code: str
    target_id: str
    checks: list[str]
    visits: list[str]
    rules: list[SaidOut]
    remedies: list[SaidOut]

    @classmethod
    def of(cls, found: Explanation) -> Self:
        """The same for the API."""
        return cls(
            kind=found.kind,
            code=found.code,
            target_id=found.target_id,
            checks=list(found.checks),
            visits=list(found.visits),
            rules=[SaidOut.of(rule) for rule in found.rules],
            remedies=[SaidOut.of(remedy) for remedy in found.remedies],
        )


class MoveIn(BaseModel):
    """A visit to be on a day, or not to be on one."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"visit_id": "V00017", "to": "2026-03-19", "reason": "业主要求改期"}]}
    )

    visit_id: str = Field(min_length=1, max_length=64)
    to: date | None = None
    avoid: date | None = None
    reason: str = Reason
    confirm: str = Confirm

    def asked(self) -> Asked:
        """The same for the service."""
        move = Move(
            self.visit_id,
            self.to.isoformat() if self.to else "",
            self.avoid.isoformat() if self.avoid else "",
        )
        return Asked(self.reason, move)


class ClosedIn(BaseModel):
    """A target, or a district, where nobody can go on a day."""

    place: str = Field(min_length=1, max_length=64)
    date: date


class FewerIn(BaseModel):
    """Officers of a department who cannot come on a day."""

    department: str = Field(min_length=1, max_length=64)
    date: date
    officers: int = Field(ge=1, le=10_000)


class UrgentIn(BaseModel):
    """A check that cannot wait: published items of one department at a target of the round."""

    target_id: str = Field(min_length=1, max_length=64)
    items: list[str] = Field(min_length=1, max_length=50)


class ReplanIn(BaseModel):
    """What has happened: the plan is fitted to it with as few changes as possible."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"closed": [{"place": "650102", "date": "2026-03-19"}], "reason": "暴雨红色预警"}]
        }
    )

    cancel: list[str] = Field(
        default_factory=list, max_length=200, description="visits that can't be on their day"
    )
    closed: list[ClosedIn] = Field(default_factory=list, max_length=200)
    fewer: list[FewerIn] = Field(default_factory=list, max_length=200)
    urgent: list[UrgentIn] = Field(default_factory=list, max_length=50)
    reason: str = Reason
    confirm: str = Confirm

    def asked(self) -> Asked:
        """The same for the service."""
        return Asked(
            self.reason,
            None,
            tuple(self.cancel),
            tuple((row.place, row.date.isoformat()) for row in self.closed),
            tuple((row.department, row.date.isoformat(), row.officers) for row in self.fewer),
            tuple(Urgent(row.target_id, tuple(row.items)) for row in self.urgent),
        )


class ChangeOut(BaseModel):
    """A change and its cost on all measures. `taken` false: only shown; send it again with `confirm` to take it."""

    round_id: str
    taken: bool
    confirm: str
    changed: list[str]
    cancelled: list[str]
    added: list[str]
    told: list[str]
    unscheduled: list[dict[str, Any]]
    before: MeasuresOut
    after: MeasuresOut

    @classmethod
    def of(cls, round_id: str, made: Proposal, taken: bool) -> Self:
        """From what was proposed."""
        return cls(
            round_id=round_id,
            taken=taken,
            confirm=made.confirm,
            changed=list(made.found.changed),
            cancelled=list(made.found.cancelled),
            added=list(made.found.added),
            told=list(made.found.told),
            unscheduled=list(made.event["unscheduled"]),
            before=MeasuresOut(**asdict(made.before)),
            after=MeasuresOut(**asdict(made.after)),
        )
