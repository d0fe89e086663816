"""What an audit gives: codes and figures alone, so that it can be kept, shown and printed."""

from __future__ import annotations

from typing import Final

from pydantic import BaseModel

KEPT: Final = 200
"""So many findings, and rows of an anomaly, are kept; all are counted."""


class Difference(BaseModel):
    """What `log fsck` found: table, row and column whose contents do not follow from the log."""

    table: str
    row: str
    column: str
    found: str
    expected: str


class Line(BaseModel):
    """A rule that every draw obeys, in one finished round. `detail`: figures, or where it is broken."""

    code: str
    round_id: str
    holds: bool
    detail: str


class Row(BaseModel):
    """A case of an anomaly. `where`: `round:`, `check:`, `visit:`, `item:` or `plan:` and its id; `who`: by code."""

    where: str
    who: str = ""
    figure: str = ""


class Anomaly(BaseModel):
    """A rule of `app.audit.names.RULES` with its cases: the first `KEPT`, and how many there are."""

    code: str
    count: int
    rows: list[Row]


class Looked(BaseModel):
    """Rules of draws and anomalies, as they follow from what is stored."""

    lines: list[Line]
    anomalies: list[Anomaly]


class Report(Looked):
    """An audit: differences from the log (the first `KEPT`, and how many), rules, anomalies."""

    differences: int
    findings: list[Difference]
