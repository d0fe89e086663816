"""What the edge itself keeps: answers to repeat, and operations that report."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Column, LargeBinary
from sqlmodel import Field, SQLModel

from app.db.types import BigKey, Json, UTCDateTime

OPERATION_STATUSES = ("running", "waiting", "done", "failed")


class KeptAnswer(SQLModel, table=True):
    """The answer to a request that had an Idempotency-Key; `status` is null while the first one is carried out.

    `scope`: SHA-256 of credentials, method, path and key. `fingerprint`: SHA-256 of what was asked for.
    """

    __tablename__ = "kept_answer"

    scope: str = Field(primary_key=True, max_length=64)
    fingerprint: str = Field(max_length=64)
    claim: str = Field(max_length=32, description="whose attempt this is: only it may keep or release")
    claimed_until: datetime = Field(sa_column=Column(UTCDateTime, nullable=False))
    created_at: datetime = Field(sa_column=Column(UTCDateTime, nullable=False, index=True))
    status: int | None = None
    headers: dict[str, str] | None = Field(default=None, sa_column=Column(Json))
    body: bytes | None = Field(default=None, sa_column=Column(LargeBinary))


class Operation(SQLModel, table=True):
    """Long work that was asked for: followed at `/api/v1/operations/{id}`.

    `done` of `total` units of `stage`; `percent` of the whole, which never falls. `payload`: what the work needs to
    be begun again by another process. `result`: what it gave.
    """

    __tablename__ = "operation"
    __table_args__ = (CheckConstraint("percent BETWEEN 0 AND 100", name="percent_range"),)

    id: int | None = Field(default=None, sa_column=Column(BigKey, primary_key=True, autoincrement=True))
    kind: str
    subject: str = Field(index=True)
    status: str = Field(default="running", description="running|waiting|done|failed")
    stage: str = ""
    done: int = 0
    total: int = 0
    percent: int = 0
    note: str = ""
    payload: dict[str, Any] | None = Field(default=None, sa_column=Column(Json))
    result: dict[str, Any] | None = Field(default=None, sa_column=Column(Json))
    problem: dict[str, Any] | None = Field(default=None, sa_column=Column(Json))
    lease_owner: str | None = None
    lease_until: datetime | None = Field(default=None, sa_column=Column(UTCDateTime))
    fence: int = 0
    created_at: datetime = Field(sa_column=Column(UTCDateTime, nullable=False))
    updated_at: datetime = Field(sa_column=Column(UTCDateTime, nullable=False))
