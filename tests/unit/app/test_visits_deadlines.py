"""The law's clocks across holidays, make-up Saturdays, the year's end and a year that nobody confirmed."""

from __future__ import annotations

from datetime import date

import pytest

from app.plans.calendar import packaged
from app.visits.deadlines import Terms, days_left, due, expiry, standing, timeliness
from scheduler.calendar import WorkCalendar, YearCalendar


def calendar() -> WorkCalendar:
    years = [packaged(year) for year in (2025, 2026)]
    return WorkCalendar.of(YearCalendar(y.year, frozenset(y.holidays), frozenset(y.makeup)) for y in years)


@pytest.mark.parametrize(
    ("start", "days", "expected", "provisional"),
    [
        (date(2026, 3, 2), 20, date(2026, 3, 30), False),  # four plain weeks
        (date(2026, 9, 29), 1, date(2026, 9, 30), False),
        (date(2026, 9, 30), 1, date(2026, 10, 8), False),  # National Day week, 1 to 7 October
        (date(2026, 9, 30), 3, date(2026, 10, 10), False),  # Saturday 10 October is worked
        (date(2026, 9, 14), 20, date(2026, 10, 16), False),  # 20 September and 10 October are worked
        (date(2026, 2, 13), 1, date(2026, 2, 14), False),  # Saturday 14 February is worked
        (date(2026, 2, 14), 1, date(2026, 2, 24), False),  # Spring Festival, 15 to 23 February
        (date(2026, 2, 10), 20, date(2026, 3, 16), False),  # Saturdays 14 and 28 February are worked
        (date(2025, 12, 31), 3, date(2026, 1, 6), False),  # 1 to 3 January off, Sunday 4 January worked
        (date(2026, 12, 31), 1, date(2027, 1, 1), True),  # nobody announced 2027: said to be provisional
        (date(2026, 12, 10), 20, date(2027, 1, 7), True),
        (date(2026, 12, 1), 20, date(2026, 12, 29), False),
    ],
)
def test_working_days_are_counted_from_the_day_after(
    start: date, days: int, expected: date, provisional: bool
) -> None:
    found = due(calendar(), start, days)
    assert (found.date, found.provisional) == (expected, provisional)
    assert days_left(calendar(), expected, start) == days


@pytest.mark.parametrize(
    ("today", "done", "expected"),
    [
        (date(2026, 9, 21), None, "ahead"),
        (date(2026, 9, 24), None, "soon"),  # 28, 29, 30 September, 8, 9 October are left
        (date(2026, 10, 9), None, "soon"),
        (date(2026, 10, 10), None, "late"),
        (date(2026, 10, 12), date(2026, 10, 9), "met"),
        (date(2026, 10, 12), date(2026, 10, 10), "met_late"),
    ],
)
def test_a_deadline_warns_ahead_and_stays_late(today: date, done: date | None, expected: str) -> None:
    assert standing(calendar(), date(2026, 10, 9), today, done, Terms().warning) == expected


def test_what_is_overdue_counts_against_the_share_and_what_is_ahead_does_not() -> None:
    day = date(2026, 10, 9)
    rows = [(day, day), (day, date(2026, 10, 10)), (day, None), (date(2026, 12, 1), None)]
    found = timeliness(rows, date(2026, 10, 12))
    assert (found.on_time, found.late, found.overdue, found.ahead) == (1, 1, 1, 1)
    assert found.share == pytest.approx(1 / 3)
    assert timeliness([], day).share is None


def test_a_result_is_shown_for_as_many_days_as_the_terms_say() -> None:
    assert expiry(date(2026, 3, 2), Terms(display_days=365)) == date(2027, 3, 2)
