"""Working days by the State Council's calendar: holidays, make-up Saturdays and Sundays (调休), confirmed years.

A date of a year that is not confirmed is refused, or, where the caller asks for it, computed from what is known
(weekdays where nothing is) and marked provisional; it is never guessed silently. Official time is Asia/Shanghai.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from optimizer.errors import Refused, refuse

ZONE = ZoneInfo("Asia/Shanghai")
DAY = timedelta(days=1)
CLOSE = time(18, 0)
"""When a day of office ends: a deadline in working days falls then (民法典 203)."""


@dataclass(frozen=True, slots=True)
class YearCalendar:
    """One year: weekdays off (`holidays`), weekend days worked (`makeup`). Raises Refused if they contradict."""

    year: int
    holidays: frozenset[date]
    makeup: frozenset[date]
    confirmed: bool = True

    def __post_init__(self) -> None:
        for day in sorted(self.holidays | self.makeup):
            if day.year != self.year:
                raise _refuse_day(
                    "calendar.other_year", day, "不属于该年度", "lies outside the year", self.year
                )
        for day in sorted(self.makeup):
            if day.weekday() < 5:
                raise _refuse_day(
                    "calendar.makeup_weekday", day, "本来就是工作日", "is no weekend day", self.year
                )
        for day in sorted(self.holidays & self.makeup):
            raise _refuse_day(
                "calendar.both", day, "既是假日又是调休上班日", "is both off and worked", self.year
            )

    def is_workday(self, day: date) -> bool:
        """A make-up day, or a weekday that is no holiday."""
        return day in self.makeup or (day.weekday() < 5 and day not in self.holidays)


@dataclass(frozen=True, slots=True)
class Deadline:
    """A date, and whether it rests on a year that is not confirmed."""

    date: date
    provisional: bool = False

    def moment(self, at: time = CLOSE) -> datetime:
        """That date's moment in official time."""
        return datetime.combine(self.date, at, ZONE)


@dataclass(frozen=True, slots=True)
class WorkCalendar:
    """The years that are known. `provisional` in every method: compute beyond confirmed years instead of refusing."""

    years: Mapping[int, YearCalendar]

    @classmethod
    def of(cls, years: Iterable[YearCalendar]) -> WorkCalendar:
        """A calendar of these years."""
        return cls({year.year: year for year in sorted(years, key=lambda year: year.year)})

    @property
    def last_confirmed(self) -> int | None:
        """The last confirmed year, None where there is none."""
        return max((year.year for year in self.years.values() if year.confirmed), default=None)

    def confirmed(self, year: int) -> bool:
        """Whether dates of that year bind."""
        return year in self.years and self.years[year].confirmed

    def is_workday(self, day: date, *, provisional: bool = False) -> bool:
        """Whether offices work on `day`. Raises Refused `calendar.unconfirmed`."""
        if not provisional and not self.confirmed(day.year):
            raise self._unconfirmed(day)
        known = self.years.get(day.year)
        return known.is_workday(day) if known else day.weekday() < 5

    def _walk(self, start: date, step: int, provisional: bool) -> Iterator[date]:
        """Working days from `start` (itself included) forwards or backwards."""
        day = start
        while True:
            if self.is_workday(day, provisional=provisional):
                yield day
            day += step * DAY

    def working_days(self, start: date, count: int, *, provisional: bool = False) -> tuple[date, ...]:
        """The first `count` working days on or after `start`."""
        days = self._walk(start, 1, provisional)
        return tuple(next(days) for _ in range(count))

    def add_working_days(self, day: date, n: int, *, provisional: bool = False) -> Deadline:
        """The n-th working day after `day`, which itself is not counted (before it, where n is negative).

        n = 0: `day`, or the next working day where it is none.
        """
        step = -1 if n < 0 else 1
        days = self._walk(day if n == 0 else day + step * DAY, step, provisional)
        found = [next(days) for _ in range(max(abs(n), 1))][-1]
        return Deadline(found, self._unconfirmed_between(min(day, found), max(day, found)))

    def working_days_between(self, start: date, end: date, *, provisional: bool = False) -> int:
        """Working days after `start` up to and with `end`, so that adding as many to `start` ends at or before `end`.

        Negative where `end` lies before `start`.
        """
        if end < start:
            return -self.working_days_between(end, start, provisional=provisional)
        span = ((start + offset * DAY) for offset in range(1, (end - start).days + 1))
        return sum(self.is_workday(day, provisional=provisional) for day in span)

    def nth_working_day(self, first: date, last: date, n: int, *, provisional: bool = False) -> Deadline:
        """The n-th working day from `first` to `last`, from the end where n is negative. Raises Refused."""
        length = (last - first).days + 1
        span = (first + o * DAY if n > 0 else last - o * DAY for o in range(length))
        days = (day for day in span if self.is_workday(day, provisional=provisional))
        found = next(islice(days, abs(n) - 1, None), None)
        if found is None:
            raise _no_such_day(first, last, n)
        begin = first if n > 0 else last
        return Deadline(found, self._unconfirmed_between(min(begin, found), max(begin, found)))

    def _unconfirmed_between(self, first: date, last: date) -> bool:
        return not all(self.confirmed(year) for year in range(first.year, last.year + 1))

    def _unconfirmed(self, day: date) -> Refused:
        last = self.last_confirmed
        return refuse(
            "calendar.unconfirmed",
            f"{day.isoformat()} 所在的 {day.year} 年工作日历尚未确认（已确认至 {last or '无'}），不能据此计算期限。",
            f"{day.isoformat()} lies in {day.year}, whose working-day calendar is not confirmed "
            f"(confirmed up to {last or 'none'}); no deadline can rest on it.",
            f"国务院办公厅公布放假安排后，请录入并确认 {day.year} 年日历。",
            f"Enter and confirm {day.year}'s calendar once the State Council has announced it.",
            year=day.year,
            date=day.isoformat(),
            last_confirmed=last,
        )


def _refuse_day(code: str, day: date, zh: str, en: str, year: int) -> Refused:
    return refuse(
        code,
        f"{year} 年日历中的 {day.isoformat()} {zh}。",
        f"{day.isoformat()} in the calendar of {year} {en}.",
        "请对照国务院办公厅的放假通知改正。",
        "Correct it against the State Council's notice.",
        year=year,
        date=day.isoformat(),
    )


def _no_such_day(first: date, last: date, n: int) -> Refused:
    return refuse(
        "calendar.no_such_working_day",
        f"{first.isoformat()} 至 {last.isoformat()} 之间没有第 {n} 个工作日。",
        f"There is no working day number {n} from {first.isoformat()} to {last.isoformat()}.",
        "请改用较小的序号。",
        "Use a smaller number.",
        n=n,
        first=first.isoformat(),
        last=last.isoformat(),
    )
