"""Working days across holidays and make-up days, and what happens beyond the confirmed years."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.plans.calendar import PACKAGED, packaged
from optimizer.errors import Refused
from scheduler.calendar import WorkCalendar, YearCalendar


def confirmed(year: int) -> YearCalendar:
    """A packaged year."""
    known = packaged(year)
    return YearCalendar(year, frozenset(known.holidays), frozenset(known.makeup))


CALENDAR = WorkCalendar.of(confirmed(year) for year in PACKAGED)
DAYS = st.dates(date(2005, 1, 1), date(2025, 12, 31))


def test_national_day_2025_closes_eight_days_and_opens_two_weekend_days() -> None:
    off = [date(2025, 10, 1) + timedelta(days=n) for n in range(8)]
    assert not any(CALENDAR.is_workday(day) for day in off)
    assert CALENDAR.is_workday(date(2025, 9, 28))  # Sunday, 调休
    assert CALENDAR.is_workday(date(2025, 10, 11))  # Saturday, 调休
    assert CALENDAR.working_days(date(2025, 9, 30), 3) == (
        date(2025, 9, 30),
        date(2025, 10, 9),
        date(2025, 10, 10),
    )


def test_twenty_working_days_across_national_day() -> None:
    deadline = CALENDAR.add_working_days(date(2025, 9, 29), 20)
    assert deadline.date == date(2025, 11, 3)
    assert not deadline.provisional


def test_spring_festival_2026() -> None:
    assert CALENDAR.add_working_days(date(2026, 2, 13), 1).date == date(2026, 2, 14)  # Saturday, 调休
    assert CALENDAR.add_working_days(date(2026, 2, 14), 1).date == date(2026, 2, 24)
    assert CALENDAR.is_workday(date(2026, 2, 28))  # Saturday, 调休
    assert CALENDAR.working_days_between(date(2026, 2, 13), date(2026, 2, 28)) == 6


def test_the_day_itself_is_not_counted_and_zero_rolls_forward() -> None:
    friday = date(2025, 6, 6)
    assert CALENDAR.add_working_days(friday, 1).date == date(2025, 6, 9)
    assert CALENDAR.add_working_days(friday, 0).date == friday
    assert CALENDAR.add_working_days(date(2025, 6, 7), 0).date == date(2025, 6, 9)
    assert CALENDAR.add_working_days(date(2025, 6, 9), -1).date == friday


def test_a_deadline_past_the_last_confirmed_year_is_refused_by_name() -> None:
    with pytest.raises(Refused) as caught:
        CALENDAR.add_working_days(date(2026, 12, 25), 10)
    problem = caught.value.problem
    assert problem.code == "calendar.unconfirmed"
    assert problem.params["year"] == 2027
    assert problem.params["last_confirmed"] == 2026
    assert "2027" in problem.zh
    assert "2027" in problem.remedy_zh


def test_or_marked_provisional_where_that_is_asked_for() -> None:
    deadline = CALENDAR.add_working_days(date(2026, 12, 25), 10, provisional=True)
    assert deadline.provisional
    assert deadline.date == date(2027, 1, 8)
    assert not CALENDAR.add_working_days(date(2026, 12, 1), 10, provisional=True).provisional


def test_year_end_is_crossed_where_both_years_are_confirmed() -> None:
    assert CALENDAR.add_working_days(date(2024, 12, 31), 1).date == date(2025, 1, 2)


def test_a_draft_year_serves_estimates_but_never_binds() -> None:
    draft = YearCalendar(2027, frozenset({date(2027, 1, 4)}), frozenset(), confirmed=False)
    calendar = WorkCalendar.of([confirmed(2026), draft])
    assert calendar.add_working_days(date(2026, 12, 31), 1, provisional=True).date == date(2027, 1, 1)
    assert not calendar.is_workday(date(2027, 1, 4), provisional=True)
    assert calendar.last_confirmed == 2026
    with pytest.raises(Refused):
        calendar.is_workday(date(2027, 1, 4))


def test_nothing_confirmed_at_all() -> None:
    with pytest.raises(Refused) as caught:
        WorkCalendar({}).is_workday(date(2026, 1, 5))
    assert caught.value.problem.params["last_confirmed"] is None


@pytest.mark.parametrize(
    ("holidays", "makeup", "code"),
    [
        ({date(2026, 1, 1)}, set(), "calendar.other_year"),
        (set(), {date(2027, 1, 4)}, "calendar.makeup_weekday"),
        ({date(2027, 1, 2)}, {date(2027, 1, 2)}, "calendar.both"),
    ],
)
def test_a_year_that_contradicts_itself_is_refused(holidays: set[date], makeup: set[date], code: str) -> None:
    with pytest.raises(Refused) as caught:
        YearCalendar(2027, frozenset(holidays), frozenset(makeup))
    assert caught.value.problem.code == code


def test_nth_working_day_from_both_ends() -> None:
    first, last = date(2025, 10, 1), date(2025, 10, 31)
    assert CALENDAR.nth_working_day(first, last, 1).date == date(2025, 10, 9)
    assert CALENDAR.nth_working_day(first, last, 3).date == date(2025, 10, 11)
    assert CALENDAR.nth_working_day(first, last, -1).date == last
    with pytest.raises(Refused) as caught:
        CALENDAR.nth_working_day(first, last, 19)
    assert caught.value.problem.code == "calendar.no_such_working_day"


@given(DAYS, st.integers(1, 60))
def test_adding_and_counting_agree(day: date, n: int) -> None:
    end = CALENDAR.add_working_days(day, n).date
    assert CALENDAR.is_workday(end)
    assert CALENDAR.working_days_between(day, end) == n
    assert CALENDAR.working_days_between(end, day) == -n


@given(DAYS, st.integers(1, 40), st.integers(1, 40))
def test_adding_in_two_steps_is_adding_at_once(day: date, first: int, second: int) -> None:
    middle = CALENDAR.add_working_days(day, first).date
    assert CALENDAR.add_working_days(middle, second) == CALENDAR.add_working_days(day, first + second)


@given(DAYS, st.integers(1, 40))
def test_working_days_are_the_days_that_adding_visits(day: date, count: int) -> None:
    days = CALENDAR.working_days(day, count)
    assert len(days) == count
    assert list(days) == sorted(set(days))
    assert CALENDAR.working_days_between(day - timedelta(days=1), days[-1]) == count
