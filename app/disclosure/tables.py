"""Outside platforms that published results are pushed to, and what they answered."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, Column
from sqlmodel import Field, SQLModel, UniqueConstraint

from app.db.types import BigKey, UTCDateTime, not_journaled

KINDS = ("files", "http")


class Platform(SQLModel, table=True):
    """A platform. `profile`: its fields (`data/platforms.toml`); `address`: a folder or an https address.

    `next_index`: the first entry of the log not yet put out for it.
    """

    __table_args__ = (CheckConstraint("kind IN ('files', 'http')", name="kind_known"),)

    code: str = Field(primary_key=True, max_length=64)
    profile: str
    kind: str
    address: str
    secret: str = Field(default="", description="signs what is sent over http; shown once, kept sealed")
    active: bool = True
    next_index: int = Field(
        default=0,
        sa_column=Column(BigKey, nullable=False, info=not_journaled("how far the outbox was filled")),
    )
    created_at: datetime = Field(sa_column=Column(UTCDateTime, nullable=False))


class Receipt(SQLModel, table=True):
    """One change of a published result for one platform, until it was taken or given up. `receipt`: as it answered."""

    __tablename__ = "platform_receipt"
    __table_args__ = (
        UniqueConstraint("platform", "entry"),
        CheckConstraint("status IN ('waiting', 'delivered', 'dead')", name="status_known"),
        {"info": not_journaled("the outbox: what was sent when; the results themselves are journaled")},
    )

    id: int | None = Field(default=None, sa_column=Column(BigKey, primary_key=True, autoincrement=True))
    platform: str = Field(foreign_key="platform.code")
    entry: int = Field(sa_column=Column(BigKey, nullable=False), description="index in the log")
    result_id: str = Field(max_length=20, index=True)
    status: str = "waiting"
    attempts: int = 0
    due_at: datetime = Field(sa_column=Column(UTCDateTime, nullable=False, index=True))
    answered: int | None = Field(default=None, description="the last status, 0: none")
    failure: str = ""
    receipt: str = ""
    delivered_at: datetime | None = Field(default=None, sa_column=Column(UTCDateTime))
