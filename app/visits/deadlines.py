"""The law's clocks, in working days of the confirmed calendar; beyond it a date is marked provisional."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Literal

from app.settings import Settings
from scheduler.calendar import Deadline, WorkCalendar

Standing = Literal["ahead", "soon", "late", "met", "met_late"]


@dataclass(frozen=True, slots=True)
class Terms:
    """How long things may take; all but `display_days` in working days, the first one the day after."""

    disclosure: int = 20
    withdrawal: int = 3
    objection: int = 20
    warning: int = 5
    display_days: int = 1_096

    @classmethod
    def of(cls, settings: Settings) -> Terms:
        """As the operator set them."""
        return cls(
            settings.disclosure_working_days,
            settings.withdrawal_working_days,
            settings.objection_working_days,
            settings.warning_working_days,
            settings.display_days,
        )


@dataclass(frozen=True, slots=True)
class Timeliness:
    """Disclosures by how they stand; `share` of those that are due or done which were on time, None without any."""

    on_time: int
    late: int
    overdue: int
    ahead: int

    @property
    def share(self) -> float | None:
        """On time ÷ (on time + late + overdue)."""
        due = self.on_time + self.late + self.overdue
        return self.on_time / due if due else None


def due(calendar: WorkCalendar, start: date, working_days: int) -> Deadline:
    """The last day for what has to follow `start` within so many working days, provisional beyond the calendar."""
    return calendar.add_working_days(start, working_days, provisional=True)


def standing(
    calendar: WorkCalendar, due_on: date, today: date, done_on: date | None, warning: int
) -> Standing:
    """How a deadline stands: met, met late, late, near (within `warning` working days), or ahead."""
    if done_on is not None:
        return "met" if done_on <= due_on else "met_late"
    if today > due_on:
        return "late"
    return "soon" if days_left(calendar, due_on, today) <= warning else "ahead"


def days_left(calendar: WorkCalendar, due_on: date, today: date) -> int:
    """Working days that are left after `today`; below 0: so many too late."""
    return calendar.working_days_between(today, due_on, provisional=True)


RUNGS: Final = (-5, -1, 0, 2, 5, 10)
"""Upper ends of a ladder's rungs in working days that are left, the most urgent first; what is above stands last."""


def rungs(calendar: WorkCalendar, dues: Iterable[date], today: date) -> list[tuple[int | None, int]]:
    """How many deadlines stand on each rung: (its upper end or None, count)."""
    left = [days_left(calendar, due_on, today) for due_on in dues]
    ends: list[int | None] = [*RUNGS, None]
    found = Counter(next((end for end in RUNGS if days <= end), None) for days in left)
    return [(end, found[end]) for end in ends]


def expiry(disclosed_on: date, terms: Terms) -> date:
    """The first day on which a result is no longer shown."""
    return disclosed_on + timedelta(days=terms.display_days)


def timeliness(rows: Iterable[tuple[date, date | None]], today: date) -> Timeliness:
    """Count (due on, disclosed on) pairs; what is not disclosed and past its day counts against the share."""
    counted = {"on_time": 0, "late": 0, "overdue": 0, "ahead": 0}
    for due_on, done_on in rows:
        if done_on is None:
            counted["overdue" if today > due_on else "ahead"] += 1
        else:
            counted["on_time" if done_on <= due_on else "late"] += 1
    return Timeliness(**counted)
