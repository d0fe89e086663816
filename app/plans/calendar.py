"""The working-day calendar as editable data, seeded from `chinesecalendar` (2004 to 2026 only)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from functools import cache

from chinese_calendar.constants import Holiday, holidays, workdays
from sqlmodel import Session, col, delete, select, text

from app.db.database import Database
from app.errors import NotFound, Problem
from app.http.etag import Guard, unguarded
from app.ledger import repository as ledger
from app.plans.schemas import CalendarYearIn
from app.plans.tables import CalendarDay, CalendarYear
from scheduler.calendar import WorkCalendar, YearCalendar

PACKAGED = range(min(holidays).year, max(holidays).year + 1)
"""Years that the package knows; it refuses all others."""


def packaged(year: int) -> CalendarYearIn:
    """A year as the State Council announced it, from the package: only days that differ from their weekday."""
    off = {day: name for day, name in holidays.items() if day.year == year and day.weekday() < 5}
    makeup = {day: name for day, name in workdays.items() if day.year == year and day.weekday() >= 5}
    return CalendarYearIn(
        year=year,
        holidays={day: str(Holiday(name).chinese) for day, name in off.items()},
        makeup={day: str(Holiday(name).chinese) for day, name in makeup.items()},
        confirmed=True,
        source="chinesecalendar",
    )


def load(session: Session) -> WorkCalendar:
    """The calendar as stored; the packaged years where nothing is stored yet."""
    days: dict[int, dict[bool, set[date]]] = {}
    for row in session.exec(select(CalendarDay)):
        days.setdefault(row.year, {True: set(), False: set()})[row.working].add(row.day)
    none: dict[bool, set[date]] = {True: set(), False: set()}
    stored = [
        YearCalendar(
            year.year,
            frozenset(days.get(year.year, none)[False]),
            frozenset(days.get(year.year, none)[True]),
            year.confirmed,
        )
        for year in session.exec(select(CalendarYear))
    ]
    return WorkCalendar.of(stored or _packaged())


@cache
def _packaged() -> tuple[YearCalendar, ...]:
    """All years of the package."""
    years = [packaged(year) for year in PACKAGED]
    return tuple(YearCalendar(y.year, frozenset(y.holidays), frozenset(y.makeup)) for y in years)


def seed(session: Session, now: datetime) -> None:
    """Store the packaged years, so that they can be edited; nothing where any year is stored."""
    if session.exec(select(CalendarYear.year)).first() is None:
        for year in PACKAGED:
            _store(session, packaged(year), now)


def put_year(
    database: Database, year: CalendarYearIn, now: datetime, guard: Guard = unguarded
) -> WorkCalendar:
    """Store a year, replacing what was there, and log it. Raises Refused `calendar.*` where days contradict.

    `guard` sees the year as it stands (None: there is none), under a lock, and may refuse.
    """
    checked = YearCalendar(year.year, frozenset(year.holidays), frozenset(year.makeup), year.confirmed)
    entry = {
        "type": "calendar.year",
        "subject": f"calendar:{checked.year}",
        "at": now.isoformat(),
        "actor_role": "planner",
        "confirmed": year.confirmed,
        "source": year.source,
        "holidays": [day.isoformat() for day in sorted(year.holidays)],
        "makeup": [day.isoformat() for day in sorted(year.makeup)],
    }
    with database.write() as session:
        _lock(session)
        seed(session, now)
        guard(_year(session, year.year))
        _store(session, year, now)
        ledger.append(session, entry, now)
        return load(session)


def get_year(database: Database, year: int) -> CalendarYearIn:
    """A year as stored, else as packaged. Raises NotFound."""
    with database.read() as session:
        found = _year(session, year)
    if found is None:
        raise NotFound(_absent(year))
    return found


def _year(session: Session, year: int) -> CalendarYearIn | None:
    head = session.get(CalendarYear, year)
    if head is None:
        return _unstored(session, year)
    days = list(
        session.exec(select(CalendarDay).where(CalendarDay.year == year).order_by(col(CalendarDay.day)))
    )
    return CalendarYearIn(
        year=year,
        holidays={row.day: row.name for row in days if not row.working},
        makeup={row.day: row.name for row in days if row.working},
        confirmed=head.confirmed,
        source=head.source,
    )


def _unstored(session: Session, year: int) -> CalendarYearIn | None:
    if year not in PACKAGED or session.exec(select(CalendarYear.year)).first() is not None:
        return None
    return packaged(year)


def _lock(session: Session) -> None:
    """One change of the calendar at a time; SQLite's write transaction holds the whole file anyway."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("LOCK TABLE calendar_year IN SHARE ROW EXCLUSIVE MODE"))


def _absent(year: int) -> Problem:
    return Problem(
        "calendar.absent",
        f"没有 {year} 年的工作日历。",
        f"There is no calendar of {year}.",
        "请按国务院办公厅的放假通知录入。",
        "Enter it from the State Council's notice.",
        {"year": year},
    )


def _store(session: Session, year: CalendarYearIn, now: datetime) -> None:
    session.exec(delete(CalendarDay).where(col(CalendarDay.year) == year.year))
    session.merge(CalendarYear(year=year.year, confirmed=year.confirmed, source=year.source, changed_at=now))
    session.flush()
    session.add_all(_rows(year))
    session.flush()


def _rows(year: CalendarYearIn) -> Iterator[CalendarDay]:
    for working, days in ((False, year.holidays), (True, year.makeup)):
        for day, name in days.items():
            yield CalendarDay(day=day, year=year.year, working=working, name=name)
