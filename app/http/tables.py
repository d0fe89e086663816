"""What the edge itself keeps: answers to repeat, and operations that report."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Column, ForeignKey, LargeBinary, UniqueConstraint
from sqlmodel import Field, SQLModel

from app.db.types import BigKey, Json, UTCDateTime, not_journaled

OPERATION_STATUSES = ("running", "waiting", "done", "failed")


class KeptAnswer(SQLModel, table=True):
    """The answer to a request that had an Idempotency-Key; `status` is null while the first one is carried out.

    `scope`: SHA-256 of credentials, method, path and key. `fingerprint`: SHA-256 of what was asked for.
    `body` is sealed to those credentials and that key.
    """

    __tablename__ = "kept_answer"
    __table_args__ = {"info": not_journaled("answers to repeat, gone after a day")}

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
    be begun again by another process, or found for those alone who may see it. `result`: what it gave.
    """

    __tablename__ = "operation"
    __table_args__ = (
        CheckConstraint("percent BETWEEN 0 AND 100", name="percent_range"),
        {"info": not_journaled("how far work has come; nothing is derived from it")},
    )

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


class Webhook(SQLModel, table=True):
    """A receiver of the log's entries. `next_index`: the first entry not yet put out for it."""

    __tablename__ = "webhook"

    id: int | None = Field(default=None, sa_column=Column(BigKey, primary_key=True, autoincrement=True))
    url: str
    secret: str = Field(description="signs what is sent; shown once, kept sealed")
    types: list[str] = Field(default_factory=list, sa_column=Column(Json, nullable=False))
    active: bool = True
    next_index: int = Field(
        default=0,
        sa_column=Column(BigKey, nullable=False, info=not_journaled("how far the outbox was filled")),
    )
    created_at: datetime = Field(sa_column=Column(UTCDateTime, nullable=False))


class Delivery(SQLModel, table=True):
    """The outbox: one entry for one receiver, until it was taken or given up."""

    __tablename__ = "webhook_delivery"
    __table_args__ = (
        UniqueConstraint("webhook", "entry"),
        CheckConstraint("status IN ('waiting', 'delivered', 'dead')", name="status_known"),
        {"info": not_journaled("the outbox: what was sent when; the entries themselves stand in the log")},
    )

    id: int | None = Field(default=None, sa_column=Column(BigKey, primary_key=True, autoincrement=True))
    webhook: int = Field(sa_column=Column(BigKey, ForeignKey("webhook.id"), nullable=False))
    entry: int = Field(sa_column=Column(BigKey, nullable=False), description="index in the log")
    status: str = Field(default="waiting")
    attempts: int = 0
    due_at: datetime = Field(sa_column=Column(UTCDateTime, nullable=False, index=True))
    answered: int | None = Field(default=None, description="the receiver's last status, 0: none")
    failure: str = ""
