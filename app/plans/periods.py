"""Which periods a plan has: a round is made for one of them and for nothing else, else a new name were a new draw."""

from __future__ import annotations

from datetime import date

from app.errors import Refused, refuse
from app.plans.review import recurrence_of
from app.plans.schemas import PlanDocument
from scheduler.calendar import WorkCalendar
from scheduler.periods import periods_from


def require_period(document: PlanDocument, period: str, today: date, calendar: WorkCalendar) -> None:
    """Refuse a period that the plan doesn't have, or that hasn't begun by `today`: `round.unknown_period`."""
    recurrence = recurrence_of(document)
    if recurrence is None:
        known = [document.period]
    else:
        begun = periods_from(recurrence, recurrence.starts_on, calendar, last=today, provisional=True)
        known = [each.id for each in begun if each.start <= today]
    if period not in known:
        raise _unknown(document, period, known[-1] if known else None)


def _unknown(document: PlanDocument, period: str, latest: str | None) -> Refused:
    return refuse(
        "round.unknown_period",
        f"计划 {document.code} 没有期次 {period}，或该期尚未开始。",
        f"Plan {document.code} has no period {period}, or it has not begun.",
        f"可用的期次是 {latest}。" if latest else f"该计划首期不早于 {document.starts_on}，请届时再建批次。",
        f"Its period is {latest}."
        if latest
        else f"Its first period begins on or after {document.starts_on}.",
        plan=document.code,
        period=period,
    )
