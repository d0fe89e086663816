"""The log and the artefacts: appended to, never changed; the database itself refuses UPDATE and DELETE."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Column, ForeignKey, Integer, LargeBinary, Text
from sqlmodel import Field, SQLModel, UniqueConstraint

from app.db.types import BigKey, UTCDateTime, not_journaled


class LogEntry(SQLModel, table=True):
    """One entry: canonical JSON, never personal data. `index` counts from 0 without gaps."""

    __tablename__ = "log_entry"
    __table_args__ = {"info": not_journaled("the log itself: bodies, hashes and signatures are checked")}

    index: int = Field(sa_column=Column(BigKey, primary_key=True, autoincrement=False))
    type: str = Field(index=True)
    subject: str = Field(index=True)
    at: datetime = Field(sa_column=Column(UTCDateTime, nullable=False))
    body: str = Field(sa_column=Column(Text, nullable=False))
    leaf_hash: str


class Artefact(SQLModel, table=True):
    """The bytes that a stage made for a subject, under the name they have in the bundle."""

    __tablename__ = "artefact"
    __table_args__ = (
        UniqueConstraint("subject", "name"),
        {"info": not_journaled("bound by its own digest and round.stage")},
    )

    id: int | None = Field(default=None, sa_column=Column(BigKey, primary_key=True, autoincrement=True))
    subject: str = Field(index=True)
    name: str
    digest: str
    size: int
    data: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    at: datetime = Field(sa_column=Column(UTCDateTime, nullable=False))


class LogNode(SQLModel, table=True):
    """Head of a complete subtree of the log's Merkle tree: 2^height leaves from position · 2^height. Never changes."""

    __tablename__ = "log_node"
    __table_args__ = {"info": not_journaled("made again from the log's entries")}

    height: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    position: int = Field(sa_column=Column(BigKey, primary_key=True, autoincrement=False))
    head: str


class LogCheckpoint(SQLModel, table=True):
    """A signed checkpoint, once for each size that was signed. `note` is its text and the log's own signatures."""

    __tablename__ = "log_checkpoint"
    __table_args__ = {"info": not_journaled("signed")}

    size: int = Field(sa_column=Column(BigKey, primary_key=True, autoincrement=False))
    root: str
    note: str = Field(sa_column=Column(Text, nullable=False))
    at: datetime = Field(sa_column=Column(UTCDateTime, nullable=False))


class LogCosignature(SQLModel, table=True):
    """A witness's cosignature of a checkpoint: its signature line, as it came; `at` is the time that it signed."""

    __tablename__ = "log_cosignature"
    __table_args__ = {"info": not_journaled("signed")}

    size: int = Field(
        sa_column=Column(BigKey, ForeignKey("log_checkpoint.size"), primary_key=True, autoincrement=False)
    )
    name: str = Field(primary_key=True)
    key_id: str = Field(primary_key=True)
    line: str = Field(sa_column=Column(Text, nullable=False))
    at: datetime = Field(sa_column=Column(UTCDateTime, nullable=False))
