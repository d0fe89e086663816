"""Visits as the API takes and shows them, and results as the public reads them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from app.visits import states
from app.visits.tables import PublishedResult, Visit, VisitCheck, VisitEvidence

Person = Annotated[str, Field(min_length=1, max_length=64, description="who acts, by code")]
Code = Annotated[str, Field(min_length=1, max_length=64)]
Words = Annotated[str, Field(max_length=2000)]
Kind = Literal["drawn", "replacement", "recheck"]


class By(BaseModel):
    """Who does a step, and for which department (empty: any)."""

    by: Person
    role: Literal["inspector", "reviewer", "legal", "publisher", "coordinator", "firm"] = "inspector"
    department: Annotated[str, Field(max_length=32)] = ""


class ApprovalIn(By):
    """The day and crews of a proposed visit; without a day it rides along with the target's next visit."""

    day: date | None = None
    crews: dict[Code, list[Code]] = Field(examples=[{"xf": ["XF-001", "XF-002"]}])


class ArrivalIn(By):
    """Who is at the door: inspectors' codes by department."""

    present: dict[Code, list[Code]] = Field(examples=[{"xf": ["XF-001", "XF-002"]}])


class AnswerIn(BaseModel):
    """The answer to a question."""

    answer: Literal["yes", "no", "not_applicable"]
    note: Words = ""


class AnswersIn(By):
    """Answers by question; the last word on each counts."""

    answers: dict[Code, AnswerIn]


class RecordIn(By):
    """A department's record. `result` and `disposition` are never filled in by themselves."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"by": "XF-001", "result": "no_problem", "disposition": "none"}]}
    )

    result: Code
    disposition: Code
    note: Words = ""
    rectify_by: date | None = None


class ReturnIn(By):
    """Why a record is returned."""

    reason: Annotated[str, Field(min_length=1, max_length=2000)]


class CorrectionIn(By):
    """Another result, the reason's code, and the second person."""

    result: Code
    disposition: Code
    reason: Code
    confirmed_by: Person


class WithdrawalIn(By):
    """The reason's code, the day on which the decision was revoked, and the second person."""

    reason: Code
    revoked_on: date
    confirmed_by: Person


class ObjectionIn(By):
    """What the firm objects to; its words stay inside."""

    text: Annotated[str, Field(min_length=1, max_length=4000)]


class ObjectionAnswerIn(By):
    """The answer to the open objection."""

    outcome: Literal["upheld", "rejected"]
    text: Annotated[str, Field(min_length=1, max_length=4000)]


class ReplacementIn(By):
    """A reason of the closed list, and the SHA-256 of a file of the visit that proves it."""

    reason: Code
    evidence: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class QuestionOut(BaseModel):
    """A question of the merged checklist."""

    code: str
    zh: str
    en: str
    items: list[str]
    departments: list[str]


class CheckOut(BaseModel):
    """A department's check, for those who do the work; `steps`: what can be done now."""

    key: str
    visit: str
    department: str
    items: list[str]
    state: str
    steps: list[str]
    present: list[str]
    legal_review: bool
    result: str | None
    disposition: str | None
    points: list[str]
    returned: str | None
    completed_on: date | None
    due_on: date | None
    provisional: bool
    disclosed_on: date | None
    expires_on: date | None
    number: int

    @classmethod
    def of(cls, row: VisitCheck) -> CheckOut:
        """As stored."""
        steps = list(states.legal_steps(row.state, row.legal_review))
        return cls(**{name: getattr(row, name) for name in cls.model_fields if name != "steps"}, steps=steps)


class VisitLine(BaseModel):
    """A visit in a list, with its checks' states by department."""

    key: str
    round_id: str
    kind: Kind
    name: str
    code: str
    day: date | None
    start: int
    check: CheckOut

    @classmethod
    def of(cls, visit: Visit, check: VisitCheck) -> VisitLine:
        """One department's line."""
        own = {name: getattr(visit, name) for name in cls.model_fields if name != "check"}
        return cls(**own, check=CheckOut.of(check))


class EvidenceOut(BaseModel):
    """A photo or file of a visit."""

    sha256: str
    department: str
    kind: str
    question: str
    media_type: str
    size: int
    width: int | None
    height: int | None
    note: str
    taken_at: datetime
    at: datetime

    @classmethod
    def of(cls, row: VisitEvidence) -> EvidenceOut:
        """As stored."""
        return cls(**{name: getattr(row, name) for name in cls.model_fields})


class VisitOut(BaseModel):
    """A whole visit, for those who do the work."""

    key: str
    round_id: str
    kind: Kind
    origin: str | None
    name: str
    code: str
    district: str
    address: str
    day: date | None
    start: int
    checklist: list[QuestionOut]
    answers: dict[str, AnswerIn]
    evidence: list[EvidenceOut]
    checks: list[CheckOut]
    notified_at: datetime | None
    arrived_at: datetime | None


class Told(BaseModel):
    """A version of a result: original, correction or withdrawal, with the reason's code."""

    number: int
    kind: Literal["original", "correction", "withdrawal"]
    result: str | None
    disposition: str | None
    reason: str | None
    on: date
    due_on: date | None
    on_time: bool | None


class ResultOut(BaseModel):
    """A result as it is published. `result` is null once it was withdrawn."""

    result_id: str
    round_id: str
    plan: str
    period: str
    draws: list[str]
    directed: bool
    kind: Kind
    name: str
    code: str
    district: str
    department: str
    items: list[str]
    checked_on: date
    result: str | None
    disposition: str | None
    rectify_by: date | None
    rectified_on: date | None
    disclosed_on: date
    due_on: date
    provisional: bool
    on_time: bool
    expires_on: date
    history: list[Told]
    objection: Literal["open", "upheld", "rejected"] | None
    changed_on: date
    demo: bool

    @classmethod
    def of(cls, row: PublishedResult) -> ResultOut:
        """As stored; these fields are all there are."""
        return cls(**{name: getattr(row, name) for name in cls.model_fields})


class TimelinessOut(BaseModel):
    """Disclosures by how they stand; `share` is on time ÷ (on time + late)."""

    on_time: int
    late: int
    share: float | None
    by_result: dict[str, int]
