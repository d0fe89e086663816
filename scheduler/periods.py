"""When a plan's rounds are due: recurrence rules, and the periods that fall due between two moments.

What is due is computed from the rule alone, never remembered: ask for (since, now] and every period in between
comes back in order, those that were missed included. Official time is Asia/Shanghai.

A rule in one line: `annual|quarterly|monthly [day N|working-day N] [HH:MM]` or `once YYYY-MM-DD [HH:MM]`. N counts
from the period's first day, from its last where negative; without more, `working-day 1 09:00`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Literal, cast

from optimizer.errors import Refused, refuse
from scheduler.calendar import DAY, ZONE, Deadline, WorkCalendar

Kind = Literal["annual", "quarterly", "monthly", "once"]
Counting = Literal["day", "working-day"]
MONTHS: dict[Kind, int] = {"annual": 12, "quarterly": 3, "monthly": 1}
DAYS_MOST: dict[tuple[Kind, Counting], int] = {
    ("annual", "day"): 365,
    ("quarterly", "day"): 90,
    ("monthly", "day"): 28,
    ("annual", "working-day"): 240,
    ("quarterly", "working-day"): 50,
    ("monthly", "working-day"): 15,
}
"""Largest N that every period of the kind has (October and February are short of working days)."""

_REPEATED = re.compile(
    r"(annual|quarterly|monthly)(?: (day|working-day) (-?[1-9][0-9]{0,2}))?(?: ([01][0-9]|2[0-3]):([0-5][0-9]))?",
    re.ASCII,
)
_ONCE = re.compile(r"once ([0-9]{4}-[0-9]{2}-[0-9]{2})(?: ([01][0-9]|2[0-3]):([0-5][0-9]))?", re.ASCII)
_NAMED = re.compile(r"([0-9]{4})(?:-Q([1-4])|-(0[1-9]|1[0-2]))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Recurrence:
    """A rule. The first period is the first that begins on or after `starts_on`; the last begins by `ends_on`."""

    kind: Kind
    starts_on: date
    ends_on: date | None = None
    counting: Counting = "working-day"
    n: int = 1
    at: time = time(9, 0)

    def __post_init__(self) -> None:
        if self.kind != "once" and not 1 <= abs(self.n) <= DAYS_MOST[self.kind, self.counting]:
            raise _too_far(self.kind, self.counting, self.n)
        if self.ends_on is not None and self.ends_on < self.starts_on:
            raise _ends_early(self.starts_on, self.ends_on)

    @property
    def text(self) -> str:
        """The rule in one line; `parse` gives it back."""
        at = f"{self.at:%H:%M}"
        if self.kind == "once":
            return f"once {self.starts_on.isoformat()} {at}"
        return f"{self.kind} {self.counting} {self.n} {at}"


@dataclass(frozen=True, slots=True)
class Period:
    """A stretch of days (`start` and `end` included) and when its round is due.

    `id`: `2027`, `2027-Q1`, `2027-03`, or the date of a single round. `provisional`: due by an unconfirmed calendar.
    """

    id: str
    start: date
    end: date
    due_at: datetime
    provisional: bool = False


def parse(text: str, starts_on: date, ends_on: date | None = None) -> Recurrence:
    """Read a rule in one line. Raises Refused `recurrence.*`."""
    once = _ONCE.fullmatch(text)
    if once:
        return Recurrence("once", _date(once[1], text), None, "day", 1, _time(once[2], once[3]))
    match = _REPEATED.fullmatch(text)
    if not match:
        raise _unreadable(text)
    kind, counting, n, hour, minute = match.groups()
    return Recurrence(
        cast("Kind", kind),
        starts_on,
        ends_on,
        cast("Counting", counting or "working-day"),
        int(n or 1),
        _time(hour, minute),
    )


def _time(hour: str | None, minute: str | None) -> time:
    return time(int(hour), int(minute)) if hour and minute else time(9, 0)


def _date(text: str, whole: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise _unreadable(whole) from None


def span(period: str) -> tuple[date, date] | None:
    """First and last day of `2027`, `2027-Q1` or `2027-03`; None for a name that says no dates."""
    match = _NAMED.fullmatch(period)
    if not match or not 1 <= int(match[1]) <= 9998:
        return None
    year = int(match[1])
    if match[2]:
        return _months(year, 3 * int(match[2]) - 2, 3)
    return _months(year, int(match[3]), 1) if match[3] else _months(year, 1, 12)


def _months(year: int, month: int, count: int) -> tuple[date, date]:
    after = month + count
    beyond = date(year + (after > 12), after - 12 if after > 12 else after, 1)
    return date(year, month, 1), beyond - DAY


def _name(kind: Kind, start: date) -> str:
    if kind == "annual":
        return f"{start.year:04d}"
    return f"{start.year:04d}-Q{start.month // 3 + 1}" if kind == "quarterly" else f"{start:%Y-%m}"


def _spans(recurrence: Recurrence, first: date) -> Iterator[tuple[str, date, date]]:
    """Periods of the rule from the one that holds `first` on, without end."""
    months = MONTHS[recurrence.kind]
    start, end = _months(first.year, first.month - (first.month - 1) % months, months)
    while True:
        if recurrence.ends_on is not None and start > recurrence.ends_on:
            return
        if start >= recurrence.starts_on:
            yield _name(recurrence.kind, start), start, end
        beyond = end + DAY
        start, end = _months(beyond.year, beyond.month, months)


def _due(
    recurrence: Recurrence, start: date, end: date, calendar: WorkCalendar, provisional: bool
) -> Deadline:
    if recurrence.counting == "working-day":
        return calendar.nth_working_day(start, end, recurrence.n, provisional=provisional)
    offset = recurrence.n - 1 if recurrence.n > 0 else (end - start).days + recurrence.n + 1
    return Deadline(start + offset * DAY)


def periods_from(
    recurrence: Recurrence,
    first: date,
    calendar: WorkCalendar,
    *,
    last: date | None = None,
    provisional: bool = False,
) -> Iterator[Period]:
    """Periods in order, lazily: from the one that holds `first` (or the rule's first) to the one that holds `last`.

    A period's calendar is looked at only when it is reached. Raises Refused `calendar.unconfirmed`.
    """
    if recurrence.kind == "once":
        day = recurrence.starts_on
        yield Period(day.isoformat(), day, day, Deadline(day).moment(recurrence.at))
        return
    for name, start, end in _spans(recurrence, max(first, recurrence.starts_on)):
        if last is not None and start > last:
            return
        due = _due(recurrence, start, end, calendar, provisional)
        yield Period(name, start, end, due.moment(recurrence.at), due.provisional)


def periods_due(
    recurrence: Recurrence,
    since: datetime | None,
    now: datetime,
    calendar: WorkCalendar,
    *,
    provisional: bool = False,
) -> tuple[Period, ...]:
    """Every period with `since < due_at <= now`, in order (from the rule's beginning where `since` is None).

    Both moments are aware. Raises Refused `calendar.unconfirmed` where a working-day rule meets a year that is not
    confirmed, unless `provisional` asks for a marked estimate: such a period may be shown, not run.
    """
    first = recurrence.starts_on if since is None else since.astimezone(ZONE).date()
    last = now.astimezone(ZONE).date()
    reached = periods_from(recurrence, first, calendar, last=last, provisional=provisional)
    return tuple(p for p in reached if (since is None or since < p.due_at) and p.due_at <= now)


def _unreadable(text: str) -> Refused:
    return refuse(
        "recurrence.unreadable",
        f"无法识别的周期规则“{text}”。",
        f"{text!r} is no recurrence rule.",
        "请写成如 annual day 10 09:00、quarterly working-day 3、monthly working-day -5 14:30 或 once 2027-05-12。",
        "Write e.g. annual day 10 09:00, quarterly working-day 3, monthly working-day -5 14:30 or once 2027-05-12.",
        field="recurrence",
        value=text,
    )


def _too_far(kind: Kind, counting: Counting, n: int) -> Refused:
    most = DAYS_MOST[kind, counting]
    return refuse(
        "recurrence.too_far",
        f"{kind} 周期不一定有第 {n} 个{'工作日' if counting == 'working-day' else '日'}。",
        f"Not every {kind} period has a {counting} number {n}.",
        f"请在 1 至 {most}（或 -1 至 -{most}）之间取值。",
        f"Choose between 1 and {most} (or -1 and -{most}).",
        field="recurrence",
        n=n,
        most=most,
    )


def _ends_early(starts_on: date, ends_on: date) -> Refused:
    return refuse(
        "recurrence.ends_early",
        f"结束日期 {ends_on.isoformat()} 早于开始日期 {starts_on.isoformat()}。",
        f"ends_on {ends_on.isoformat()} lies before starts_on {starts_on.isoformat()}.",
        "请把结束日期改到开始日期之后，或不填。",
        "Put the end after the beginning, or leave it out.",
        field="ends_on",
        starts_on=starts_on.isoformat(),
        ends_on=ends_on.isoformat(),
    )
