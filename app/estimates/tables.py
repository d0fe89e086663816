"""Estimates as they are shown: made from published results now and then, never while somebody waits for a page."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Column
from sqlmodel import Field, SQLModel

from app.db.types import BigKey, Json, UTCDateTime, not_journaled

MADE_AGAIN = not_journaled("made again from results, draws and visits")


class EstimateSheet(SQLModel, table=True):
    """The rates of one draw of a plan by one attribute, its rounds and all of them together, with every margin.

    `item`: code of a check item, empty: anything found. `by`: a column. `internal`: for staff alone, for the column is
    one that law keeps internal. `about`: titles, rounds and counts; `cells`: `[{round_id, value, …}]`, where an empty
    text means all.
    """

    __tablename__ = "estimate_sheet"
    __table_args__ = {"info": MADE_AGAIN}

    plan: str = Field(primary_key=True)
    draw_id: str = Field(primary_key=True)
    item: str = Field(primary_key=True)
    by: str = Field(primary_key=True)
    internal: bool = False
    about: dict[str, Any] = Field(sa_column=Column(Json, nullable=False))
    cells: list[dict[str, Any]] = Field(sa_column=Column(Json, nullable=False))
    made_at: datetime = Field(sa_column=Column(UTCDateTime, nullable=False))


class EstimateMark(SQLModel, table=True):
    """Up to which log entry a plan's sheets take everything into account."""

    __tablename__ = "estimate_mark"
    __table_args__ = {"info": MADE_AGAIN}

    plan: str = Field(primary_key=True)
    through: int = Field(sa_type=BigKey, nullable=False)
