"""Rounds as the API takes and shows them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from app.rounds.absence import Absence
from app.rounds.tables import Round, RoundTime

Hex64 = Field(pattern=r"^[0-9a-f]{64}$")


class CommitmentIn(BaseModel):
    """An outside party's commitment, made before the freeze (`python -m app witness commit` makes one)."""

    party: str = Field(min_length=1, max_length=64, examples=["公证处"])
    commitment: str = Hex64


class RoundIn(BaseModel):
    """Ask for the round of a plan's period."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"plan": "annual-2026", "period": "2026-Q2"}]})

    plan: str = Field(pattern=r"^[0-9A-Za-z._-]{1,64}$")
    period: str = Field(pattern=r"^[0-9A-Za-z._-]{1,32}$")
    commitments: list[CommitmentIn] = Field(default_factory=list)


class EntropyIn(BaseModel):
    """A public value, as its source's rule in the manifest says."""

    source: str = Field(examples=["witnesses-1"])
    value: str = Field(min_length=1, max_length=4000, examples=["01234567890123456789"])


class DepositIn(BaseModel):
    """A party's secret, given after the manifest is logged."""

    party: str = Field(min_length=1, max_length=64)
    secret: str = Hex64


class ApprovalIn(BaseModel):
    """Who approves the frozen round; an account signs as itself."""

    by: str = Field(min_length=1, max_length=64)


class VoidIn(BaseModel):
    """Why a round is voided, and the two persons who stand for it; with accounts they are who asked and approved."""

    reason: Literal[
        "deadline_missed", "deposits_incomplete", "frame_wrong", "plan_withdrawn", "plan_infeasible"
    ]
    by: str = Field(default="", max_length=64)
    confirmed_by: str = Field(default="", max_length=64)


class AbsenceIn(BaseModel):
    """An inspector who can't come: on which days (both included), or, by late recusal, at which target."""

    model_config = ConfigDict(populate_by_name=True)

    inspector: str = Field(min_length=1, max_length=64, examples=["P0001"])
    reason: Literal["sickness", "recusal", "certificate"]
    start: date | None = Field(default=None, alias="from")
    end: date | None = Field(
        default=None, alias="to", description="without it a certificate is missed to the end"
    )
    target_id: str = Field(default="", max_length=64, description="whom a recusal concerns; never published")

    def absence(self) -> Absence:
        """The same for the service."""
        return Absence(self.inspector, self.reason, self.start, self.end, self.target_id)


class AbsencesIn(BaseModel):
    """Absences filed together: nobody among them moves in for another."""

    absences: list[AbsenceIn] = Field(min_length=1, max_length=200)


class AbsencesOut(BaseModel):
    """How many absences were logged and how many seats moved."""

    absences: int
    moves: int


def nameless(problem: dict[str, Any] | None) -> dict[str, Any] | None:
    """Without the persons who voided a round: whoever follows it needs the reason alone."""
    return problem and {name: value for name, value in problem.items() if name not in ("by", "confirmed_by")}


class StageOut(BaseModel):
    """A stage that is done, when, and how long its work took in seconds."""

    stage: str
    at: datetime
    seconds: float


class RoundOut(BaseModel):
    """A round as everyone may see it: where it stands and what it waits for, never whom it drew."""

    round_id: str
    plan: str
    period: str
    sequence: int
    stage: str
    status: str
    waiting_for: str | None
    privacy: str
    demo: bool
    late: bool
    assurance: int
    problem: dict[str, Any] | None
    created_at: datetime
    updated_at: datetime
    stages: list[StageOut] = Field(default_factory=list)

    @classmethod
    def of(cls, row: Round, times: list[RoundTime]) -> Self:
        """From the stored row."""
        stages = [StageOut(stage=time.stage, at=time.at, seconds=time.seconds) for time in times]
        shown = row.model_dump(include=set(cls.model_fields) - {"stages", "problem"})
        return cls(**shown, problem=nameless(row.problem), stages=stages)
