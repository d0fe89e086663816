"""What another calendar would move: the coming rounds of plans in force, with their days and deadlines. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Final, NamedTuple

from app.errors import Refused
from app.plans.review import recurrence_of
from app.plans.schemas import PlanDocument
from app.plans.timetable import timetable
from scheduler.calendar import ZONE, WorkCalendar
from scheduler.periods import Period, periods_from

AHEAD: Final = 4
"""So many of a plan's coming rounds are looked at."""
ORDER: Final = ("due", "entropy", "sealed_result", "first_day", "last_day", "reveal")
"""A round's dates as they follow each other."""


class Dated(NamedTuple):
    """A day, `2027-03-01`, or a moment, `2027-03-01 09:00`; whether it rests on a year that is not confirmed."""

    on: str
    provisional: bool


@dataclass(frozen=True, slots=True)
class Moved:
    """A date of a plan's coming round (`what`: one of `ORDER`) that changes.

    None: by that calendar it has no such date, for its deadlines are out of order.
    """

    plan: str
    period: str
    what: str
    before: Dated | None
    after: Dated | None


def moves(
    documents: Sequence[PlanDocument], before: WorkCalendar, after: WorkCalendar, now: datetime
) -> list[Moved]:
    """Every date that differs, by plan, period and date. Rounds that are frozen keep theirs and are not looked at."""
    found = []
    for document in documents:
        old, new = (dict(_dates(document, calendar, now)) for calendar in (before, after))
        found += [
            Moved(document.code, *key, old.get(key), new.get(key))
            for key in sorted({*old, *new}, key=lambda key: (key[0], ORDER.index(key[1])))
            if old.get(key) != new.get(key)
        ]
    return found


def _dates(
    document: PlanDocument, calendar: WorkCalendar, now: datetime
) -> Iterator[tuple[tuple[str, str], Dated]]:
    recurrence = recurrence_of(document)
    if recurrence is None:
        return
    coming = periods_from(recurrence, now.astimezone(ZONE).date(), calendar, provisional=True)
    for period in islice((one for one in coming if one.due_at > now), AHEAD):
        yield (period.id, "due"), Dated(_moment(period.due_at), period.provisional)
        for what, on, unsure in _times(document, period, calendar):
            yield (period.id, what), Dated(on, unsure)


def _times(document: PlanDocument, period: Period, calendar: WorkCalendar) -> Iterator[tuple[str, str, bool]]:
    try:
        times = timetable(document, period.due_at, calendar, provisional=True)
    except Refused:  # the freeze would say so; here the round merely has no such dates
        return
    yield "entropy", _moment(times.entropy), times.provisional
    yield "sealed_result", _moment(times.sealed_result), times.provisional
    yield "first_day", times.days[0].isoformat(), times.provisional
    yield "last_day", times.days[-1].isoformat(), times.provisional
    yield "reveal", _moment(times.reveal), times.provisional


def _moment(at: datetime) -> str:
    return at.astimezone(ZONE).strftime("%Y-%m-%d %H:%M")
