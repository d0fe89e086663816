"""Which periods fall due: every one, in order, however the time is cut."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.plans.calendar import PACKAGED, packaged
from optimizer.errors import Refused
from scheduler.calendar import WorkCalendar, YearCalendar
from scheduler.periods import DAYS_MOST, Recurrence, parse, periods_due, periods_from, span

ZONE = ZoneInfo("Asia/Shanghai")
YEARS = {year: packaged(year) for year in PACKAGED}
CALENDAR = WorkCalendar.of(
    YearCalendar(year, frozenset(known.holidays), frozenset(known.makeup)) for year, known in YEARS.items()
)
START = date(2020, 1, 1)


@st.composite
def recurrences(draw: st.DrawFn) -> Recurrence:
    """Any repeated rule from 2020 on."""
    kind, counting = draw(st.sampled_from(sorted(DAYS_MOST)))
    n = draw(st.integers(1, DAYS_MOST[kind, counting])) * draw(st.sampled_from((1, -1)))
    return Recurrence(kind, START, None, counting, n, draw(st.sampled_from((time(0), time(9), time(23, 59)))))


MOMENTS = st.integers(0, 7 * 365 * 1440).map(
    lambda minutes: datetime(2020, 1, 1, tzinfo=ZONE) + timedelta(minutes=minutes)
)


def at(text: str) -> datetime:
    """A moment of official time."""
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


def test_quarters_fall_due_on_their_third_working_day() -> None:
    rule = parse("quarterly working-day 3 09:00", date(2025, 1, 1))
    found = periods_due(rule, None, at("2025-12-31T00:00"), CALENDAR)
    assert [period.id for period in found] == ["2025-Q1", "2025-Q2", "2025-Q3", "2025-Q4"]
    assert [period.due_at for period in found] == [
        at("2025-01-06T09:00"),
        at("2025-04-03T09:00"),
        at("2025-07-03T09:00"),
        at("2025-10-11T09:00"),  # the Saturday that makes up for National Day
    ]
    assert (found[1].start, found[1].end) == (date(2025, 4, 1), date(2025, 6, 30))


def test_three_months_down_gives_each_missed_month_once_in_order() -> None:
    rule = parse("monthly day 5 10:00", date(2025, 1, 1))
    found = periods_due(rule, at("2025-02-05T10:00"), at("2025-05-05T10:00"), CALENDAR)
    assert [period.id for period in found] == ["2025-03", "2025-04", "2025-05"]


def test_official_time_decides_the_day_not_utc() -> None:
    rule = parse("annual day 1 00:00", date(2025, 1, 1))
    utc = ZoneInfo("UTC")
    assert not periods_due(rule, None, datetime(2024, 12, 31, 15, 59, tzinfo=utc), CALENDAR)
    found = periods_due(rule, None, datetime(2024, 12, 31, 16, 0, tzinfo=utc), CALENDAR)
    assert [period.id for period in found] == ["2025"]


def test_once() -> None:
    rule = parse("once 2025-05-12 14:30", date(2025, 1, 1))
    assert rule.text == "once 2025-05-12 14:30"
    assert not periods_due(rule, None, at("2025-05-12T14:29"), CALENDAR)
    found = periods_due(rule, None, at("2025-05-12T14:30"), CALENDAR)
    assert [period.id for period in found] == ["2025-05-12"]
    assert not periods_due(rule, at("2025-05-12T14:30"), at("2030-01-01T00:00"), CALENDAR)


def test_the_first_period_begins_on_or_after_the_start_and_the_last_by_the_end() -> None:
    rule = parse("monthly", date(2025, 2, 2), date(2025, 4, 30))
    found = periods_due(rule, None, at("2026-12-31T00:00"), CALENDAR)
    assert [period.id for period in found] == ["2025-03", "2025-04"]


def test_an_unconfirmed_year_is_refused_or_marked() -> None:
    rule = parse("quarterly working-day 1", date(2026, 10, 1))
    with pytest.raises(Refused) as caught:
        periods_due(rule, None, at("2027-02-01T00:00"), CALENDAR)
    assert caught.value.problem.code == "calendar.unconfirmed"
    found = periods_due(rule, None, at("2027-02-01T00:00"), CALENDAR, provisional=True)
    assert [(period.id, period.provisional) for period in found] == [("2026-Q4", False), ("2027-Q1", True)]


def test_calendar_days_need_no_confirmed_year() -> None:
    rule = parse("monthly day -1 18:00", date(2027, 2, 1), date(2027, 2, 28))
    found = periods_due(rule, None, at("2028-01-01T00:00"), CALENDAR)
    assert [(period.due_at, period.provisional) for period in found] == [(at("2027-02-28T18:00"), False)]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("weekly", "recurrence.unreadable"),
        ("monthly day 0", "recurrence.unreadable"),
        ("monthly day １", "recurrence.unreadable"),
        ("monthly working-day 1 24:00", "recurrence.unreadable"),
        ("once 2027-02-30", "recurrence.unreadable"),
        ("monthly day 29", "recurrence.too_far"),
        ("quarterly working-day -51", "recurrence.too_far"),
    ],
)
def test_rules_that_cannot_be_kept_are_refused(text: str, code: str) -> None:
    with pytest.raises(Refused) as caught:
        parse(text, START)
    assert caught.value.problem.code == code
    assert caught.value.problem.remedy_zh


def test_an_end_before_the_start_is_refused() -> None:
    with pytest.raises(Refused) as caught:
        parse("monthly", date(2027, 1, 1), date(2026, 12, 31))
    assert caught.value.problem.code == "recurrence.ends_early"


def test_spans_of_named_periods() -> None:
    assert span("2027") == (date(2027, 1, 1), date(2027, 12, 31))
    assert span("2027-Q4") == (date(2027, 10, 1), date(2027, 12, 31))
    assert span("2028-02") == (date(2028, 2, 1), date(2028, 2, 29))
    assert span("spring") is None
    assert span("2027-Q5") is None


@given(recurrences())
def test_the_text_of_a_rule_gives_the_rule_back(rule: Recurrence) -> None:
    assert parse(rule.text, rule.starts_on) == rule


@given(recurrences(), MOMENTS)
def test_periods_have_no_gap_no_overlap_and_are_due_within_themselves(
    rule: Recurrence, now: datetime
) -> None:
    found = periods_due(rule, None, now, CALENDAR)
    for before, after in pairwise(found):
        assert after.start == before.end + timedelta(days=1)
        assert before.due_at < after.due_at
    for period in found:
        assert period.start <= period.due_at.astimezone(ZONE).date() <= period.end
        assert span(period.id) == (period.start, period.end)


@given(recurrences(), st.lists(MOMENTS, min_size=1, max_size=6))
def test_however_time_is_cut_each_period_comes_once(rule: Recurrence, moments: list[datetime]) -> None:
    moments.sort()
    pieces = list(periods_due(rule, None, moments[0], CALENDAR))
    for since, now in pairwise(moments):
        pieces += periods_due(rule, since, now, CALENDAR)
    assert tuple(pieces) == periods_due(rule, None, moments[-1], CALENDAR)


@given(recurrences(), MOMENTS)
def test_what_is_due_is_what_comes_up_to_now(rule: Recurrence, now: datetime) -> None:
    coming = periods_from(rule, START, CALENDAR, provisional=True)
    expected = []
    for period in coming:
        if period.start > now.date():
            break
        if period.due_at <= now:
            expected.append(period)
    assert periods_due(rule, None, now, CALENDAR) == tuple(expected)
