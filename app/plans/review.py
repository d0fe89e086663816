"""Whether a plan may be published: every rule that it breaks, named with task, field, rule and remedy. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, time

from app.errors import Problem, Refused
from app.plans import review_caps, review_entropy, review_tasks
from app.plans.catalogue import Catalogue
from app.plans.limits import Limits
from app.plans.schemas import PlanDocument
from app.plans.timetable import timetable
from scheduler.calendar import ZONE, WorkCalendar
from scheduler.periods import Recurrence, parse, periods_from

PROBES = 12
"""So many of a plan's rounds to come have their deadlines computed before it is published."""


def review(
    document: PlanDocument, catalogue: Catalogue, limits: Limits, calendar: WorkCalendar
) -> tuple[Problem, ...]:
    """Every broken rule, in the document's order; empty where the plan may be published."""
    try:
        recurrence = recurrence_of(document)
    except Refused as error:
        return (*review_tasks.problems(document, catalogue, limits), error.problem)
    return (
        *review_tasks.problems(document, catalogue, limits),
        *review_caps.problems(document, catalogue),
        *review_entropy.problems(document, limits),
        *_times(document, recurrence, calendar),
    )


def recurrence_of(document: PlanDocument) -> Recurrence | None:
    """The plan's rule, None where its round is asked for by hand. Raises Refused `recurrence.*`."""
    if document.recurrence is None:
        return None
    return parse(document.recurrence, document.starts_on, document.ends_on)


def _times(
    document: PlanDocument, recurrence: Recurrence | None, calendar: WorkCalendar
) -> Iterator[Problem]:
    try:
        for moment in _freezes(document, recurrence, calendar):
            timetable(document, moment, calendar, provisional=True)
    except Refused as error:
        yield error.problem


def _freezes(
    document: PlanDocument, recurrence: Recurrence | None, calendar: WorkCalendar
) -> Iterator[datetime]:
    """When the plan's rounds would be frozen: at each of its next due times, else on the day it starts."""
    if recurrence is None:
        yield datetime.combine(document.starts_on, time(9, 0), ZONE)
        return
    coming = periods_from(recurrence, document.starts_on, calendar, provisional=True)
    for _, period in zip(range(PROBES), coming, strict=False):
        yield period.due_at
