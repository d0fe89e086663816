"""Visits and their checks, what was answered and proven there, and the results that the public may read.

`visit.key` and `visit_check.key` are 20 hexadecimal digits that hide round, target and department, so that they may
stand in the log and in addresses while the round is under embargo.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, Column, Index
from sqlmodel import Field, SQLModel, UniqueConstraint

from app.db.types import Json, UTCDateTime, not_journaled
from app.visits.states import STATES

KINDS = ("drawn", "replacement", "recheck")
ANSWERS = ("yes", "no", "not_applicable")
EVIDENCE_KINDS = ("photo", "file", "attempt", "signature")
VERSION_KINDS = ("original", "correction", "withdrawal")
OBJECTION_OUTCOMES = ("upheld", "rejected")
SCORES = (5, 4, 3, 2, 1)


def _one_of(column: str, values: tuple[str, ...], empty: bool = False) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    rule = f"{column} IN ({listed})" + (f" OR {column} IS NULL" if empty else "")
    return CheckConstraint(rule, name=f"{column}_known")


class Visit(SQLModel, table=True):
    """One entry at one target. `origin`: the visit that a re-check or a replacement follows from.

    `checklist`: the merged questions, `[{code, zh, en, items, departments}]`, fixed when the visit was made.
    """

    __table_args__ = (UniqueConstraint("round_id", "planned_id"), _one_of("kind", KINDS))

    key: str = Field(primary_key=True, max_length=20)
    round_id: str = Field(foreign_key="round.round_id", index=True)
    planned_id: str = Field(description="its id in visits.json; of later visits one made from their origin")
    kind: str = "drawn"
    origin: str | None = Field(default=None, foreign_key="visit.key")
    target_id: str = Field(index=True)
    name: str = Field(description="the target's name when the visit was made")
    code: str = ""
    district: str = ""
    address: str = ""
    day: date | None = Field(default=None, index=True, description="null while it is proposed")
    start: int = Field(default=0, description="minute after midnight")
    nonce: str = Field(max_length=16, description="stands in the visit code; a new one where the day changes")
    checklist: list[dict[str, Any]] = Field(sa_column=Column(Json, nullable=False))
    proposed_by: str | None = None
    approved_by: str | None = None
    demo: bool = False
    created_at: datetime = Field(sa_column=Column(UTCDateTime, nullable=False))
    notified_at: datetime | None = Field(default=None, sa_column=Column(UTCDateTime))
    arrived_at: datetime | None = Field(default=None, sa_column=Column(UTCDateTime))


class VisitCheck(SQLModel, table=True):
    """One department's part of a visit, with its own record. `result` is null until somebody records one.

    `crew`: inspectors' codes by `seats`, before moves. `points`: questions of the checklist that were answered no.
    `due_on`: last day for its disclosure; `provisional`: reckoned beyond the confirmed calendar. `number`: versions.
    """

    __tablename__ = "visit_check"
    __table_args__ = (
        UniqueConstraint("visit", "department"),
        _one_of("state", STATES),
        CheckConstraint("recorded_by <> reviewed_by", name="recorder_is_not_reviewer"),
        CheckConstraint("reviewed_by <> legal_by AND recorded_by <> legal_by", name="legal_is_a_third"),
    )

    key: str = Field(primary_key=True, max_length=20)
    visit: str = Field(foreign_key="visit.key")
    department: str = Field(foreign_key="department.code", index=True)
    items: list[str] = Field(sa_column=Column(Json, nullable=False))
    draws: list[str] = Field(sa_column=Column(Json, nullable=False))
    directed: bool = False
    route_id: str = ""
    seats: list[str] = Field(sa_column=Column(Json, nullable=False))
    crew: list[str] = Field(sa_column=Column(Json, nullable=False))
    present: list[str] = Field(sa_column=Column(Json, nullable=False), description="who was there, by code")
    state: str = Field(index=True)
    legal_review: bool = False
    result: str | None = None
    disposition: str | None = None
    points: list[str] = Field(sa_column=Column(Json, nullable=False))
    submissions: int = Field(default=0, description="records made; each is an artefact of its own")
    returned: str | None = Field(default=None, description="why it was returned last")
    recorded_by: str | None = None
    reviewed_by: str | None = None
    legal_by: str | None = None
    disclosed_by: str | None = None
    completed_on: date | None = None
    due_on: date | None = Field(default=None, index=True)
    provisional: bool = False
    disclosed_on: date | None = None
    expires_on: date | None = None
    number: int = 0


class VisitAnswer(SQLModel, table=True):
    """The answer to one question of a visit's merged checklist; asked once, whichever departments it concerns."""

    __tablename__ = "visit_answer"
    __table_args__ = (_one_of("answer", ANSWERS),)

    visit: str = Field(primary_key=True, foreign_key="visit.key")
    question: str = Field(primary_key=True, max_length=64)
    answer: str
    note: str = ""
    answered_by: str
    at: datetime = Field(sa_column=Column(UTCDateTime, nullable=False))


class VisitEvidence(SQLModel, table=True):
    """A photo or file; its bytes are the artefact `evidence/<sha256>` of the visit.

    `taken_at`: as its maker says, a phone whose clock is ahead too; `at`: when it was received, which nobody chooses.
    """

    __tablename__ = "visit_evidence"
    __table_args__ = (_one_of("kind", EVIDENCE_KINDS),)

    visit: str = Field(primary_key=True, foreign_key="visit.key")
    sha256: str = Field(primary_key=True, max_length=64)
    department: str = Field(foreign_key="department.code")
    kind: str
    question: str = ""
    media_type: str
    size: int
    width: int | None = None
    height: int | None = None
    note: str = ""
    taken_at: datetime = Field(sa_column=Column(UTCDateTime, nullable=False))
    added_by: str
    at: datetime = Field(sa_column=Column(UTCDateTime, nullable=False))

    @property
    def ahead(self) -> bool:
        """Whether its maker claims a time after its receipt: the phone's clock was wrong."""
        return self.taken_at > self.at

    @property
    def made_at(self) -> datetime:
        """The latest moment at which it can have been made: as claimed, never after its receipt."""
        return min(self.taken_at, self.at)


class VisitVersion(SQLModel, table=True):
    """A result as it was disclosed, corrected or withdrawn. Appended to, never changed."""

    __tablename__ = "visit_version"
    __table_args__ = (_one_of("kind", VERSION_KINDS),)

    check_key: str = Field(primary_key=True, foreign_key="visit_check.key")
    number: int = Field(primary_key=True, description="counts from 1")
    kind: str
    result: str | None
    disposition: str | None
    reason: str | None = Field(default=None, description="code of the reason for a change")
    made_by: str
    confirmed_by: str
    revoked_on: date | None = Field(default=None, description="a withdrawal's clock runs from here")
    due_on: date | None = None
    provisional: bool = False
    at: datetime = Field(sa_column=Column(UTCDateTime, nullable=False))


class VisitObjection(SQLModel, table=True):
    """A firm's objection to a disclosed result, and its answer. The words stay inside."""

    __tablename__ = "visit_objection"
    __table_args__ = (_one_of("outcome", OBJECTION_OUTCOMES, empty=True),)

    check_key: str = Field(primary_key=True, foreign_key="visit_check.key")
    number: int = Field(primary_key=True, description="counts from 1")
    text: str
    filed_by: str
    filed_at: datetime = Field(sa_column=Column(UTCDateTime, nullable=False))
    due_on: date
    provisional: bool = False
    outcome: str | None = None
    answer: str | None = None
    answered_by: str | None = None
    answered_at: datetime | None = Field(default=None, sa_column=Column(UTCDateTime))


class VisitRating(SQLModel, table=True):
    """What a firm said of a visit, once (好差评): 5 非常满意 to 1 非常不满意. The words stay inside."""

    __tablename__ = "visit_rating"
    __table_args__ = (CheckConstraint("score BETWEEN 1 AND 5", name="score_known"),)

    visit: str = Field(primary_key=True, foreign_key="visit.key")
    score: int
    text: str = ""
    rated_by: str
    at: datetime = Field(sa_column=Column(UTCDateTime, nullable=False))


class VisitRectification(SQLModel, table=True):
    """What has to be put right until when; `recheck` is the visit that looks at these points only."""

    __tablename__ = "visit_rectification"

    check_key: str = Field(primary_key=True, foreign_key="visit_check.key")
    points: list[str] = Field(sa_column=Column(Json, nullable=False))
    due_on: date
    recheck: str | None = Field(default=None, foreign_key="visit.key")
    cleared_on: date | None = None


class PublishedResult(SQLModel, table=True):
    """A disclosed result as the public may read it: an allow-list of fields, written when it is disclosed.

    A withdrawn one keeps its line without a result. `item_codes`: ` code code `, each between blanks.
    `history`: `[{number, kind, result, disposition, reason, on}]`.
    """

    __tablename__ = "published_result"
    __table_args__ = (
        Index(None, "checked_on", "result_id"),
        Index(None, "round_id", "checked_on", "result_id"),
        Index(None, "department", "checked_on", "result_id"),
        Index(None, "expires_on", "disclosed_on", "round_id", "result", "on_time"),
    )

    result_id: str = Field(primary_key=True, foreign_key="visit_check.key", max_length=20)
    round_id: str = Field(foreign_key="round.round_id")
    plan: str = Field(index=True)
    period: str
    draws: list[str] = Field(sa_column=Column(Json, nullable=False))
    directed: bool = False
    kind: str
    name: str
    code: str = Field(index=True)
    district: str = ""
    department: str
    items: list[str] = Field(sa_column=Column(Json, nullable=False))
    item_codes: str
    checked_on: date
    result: str | None = Field(default=None, index=True)
    disposition: str | None = None
    rectify_by: date | None = None
    rectified_on: date | None = None
    disclosed_on: date
    due_on: date
    provisional: bool = False
    on_time: bool
    expires_on: date
    history: list[dict[str, Any]] = Field(sa_column=Column(Json, nullable=False))
    objection: str | None = Field(default=None, description="open|upheld|rejected")
    changed_on: date = Field(index=True, description="when the line was written last")
    demo: bool = False


class ResultGram(SQLModel, table=True):
    """That a published line's name has these two neighbouring characters (`app.visits.search`)."""

    __tablename__ = "result_gram"
    __table_args__ = {
        "sqlite_with_rowid": False,
        "info": not_journaled("an index: made again from the names of published_result"),
    }

    gram: str = Field(primary_key=True, max_length=2)
    result_id: str = Field(
        primary_key=True, foreign_key="published_result.result_id", max_length=20, index=True
    )
