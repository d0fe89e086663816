"""Anomalies worth an auditor's look: each a named rule with a threshold, and the cases that reach it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Final

from sqlmodel import Session, select

from app.audit import about_checks, about_rounds
from app.audit.look import Look
from app.audit.names import Thresholds
from app.audit.schemas import KEPT, Anomaly, Row
from app.registers.tables import Inspector

Find = Callable[[Look], Iterable[Row]]

FINDERS: Final[dict[str, Find]] = {
    "voids": about_rounds.voids,
    "entropy_late": about_rounds.entropy_late,
    "approval_fast": about_rounds.approval_fast,
    "same_pair": about_rounds.same_pair,
    "recorded_fast": about_checks.recorded_fast,
    "off_hours": about_checks.off_hours,
    "no_problem_rate": about_checks.no_problem_rate,
    "corrected": about_checks.corrected,
    "clock_ahead": about_checks.clock_ahead,
    "replaced": about_checks.replaced,
}
"""By the codes of `names.RULES`."""
USUAL: Final = Thresholds()


def anomalies(session: Session, limits: Thresholds = USUAL) -> Iterator[Anomaly]:
    """Every rule with its cases, those without any too. Changes nothing."""
    look = Look(session, limits, frozenset(session.exec(select(Inspector.code))))
    for code, find in FINDERS.items():
        cases = iter(find(look))
        rows = list(islice(cases, KEPT))
        yield Anomaly(code=code, count=len(rows) + sum(1 for _ in cases), rows=rows)
