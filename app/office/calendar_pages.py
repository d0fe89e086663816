"""The working-day calendar on the desk: a year as it stands, and another one looked at before it is put in force."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ValidationError

from app.db.database import Database
from app.errors import Conflict, NotFound, Problem, Refused, refuse
from app.http.access import ActorDep, of_all_departments
from app.http.dependencies import NowDep, WholeDatabaseDep
from app.http.etag import tag_of
from app.office.local import FormPage, Line
from app.plans import calendar, calendar_effect
from app.plans import repository as plans
from app.plans.schemas import CalendarYearIn, PlanDocument
from app.visits.desk import official_day
from app.web.addresses import LanguageDep, in_both_languages
from app.web.language import marked
from scheduler.calendar import WorkCalendar, YearCalendar

router = APIRouter(include_in_schema=False)
LINE: Final = re.compile(r"(\d{4}-\d{2}-\d{2})\s*(.*)", re.ASCII)
WHATS: Final = {
    "due": marked("建立批次"),
    "entropy": marked("公共随机数最迟"),
    "sealed_result": marked("封存最迟"),
    "first_day": marked("首个检查日"),
    "last_day": marked("最后检查日"),
    "reveal": marked("公开"),
}
Days = Annotated[str, Form(max_length=20_000)]
YearForm = Annotated[int, Form(ge=2000, le=2200)]


@dataclass(frozen=True, slots=True)
class Given:
    """What the form holds: days as lines `2027-01-01 元旦`; `seen`: the year as it stood when the form was made."""

    year: int
    holidays: str = ""
    makeup: str = ""
    source: str = ""
    confirmed: bool = False
    seen: str = ""

    def read(self) -> CalendarYearIn:
        """As the calendar takes it. Raises Refused `calendar.line`, `calendar.text`, `calendar.*`."""
        holidays, makeup = days_of(self.holidays), days_of(self.makeup)
        YearCalendar(self.year, frozenset(holidays), frozenset(makeup), self.confirmed)
        source = unicodedata.normalize("NFC", self.source.strip())
        try:
            return CalendarYearIn(
                year=self.year, holidays=holidays, makeup=makeup, confirmed=self.confirmed, source=source
            )
        except ValidationError:
            raise _no_text() from None


@dataclass(frozen=True)
class CalendarPage(FormPage):
    """A year of the calendar; with `looked` what the form would change."""

    template = "calendar.html"
    db: Database
    year: int
    given: Given | None = None
    looked: CalendarYearIn | None = None

    def context(self) -> Mapping[str, object]:
        """The year month by month, the form, and, looked at, what would change."""
        with self.db.read() as session:
            known = calendar.load(session)
            documents = [PlanDocument.model_validate(row.document) for row in plans.all_in_force(session)]
        stands = standing(self.db, self.year)
        shown = stands or CalendarYearIn(year=self.year)
        titles = {one.code: (self.language == "en" and one.title_en) or one.title_zh for one in documents}
        moved = (
            calendar_effect.moves(documents, known, with_year(known, self.looked), self.now)
            if self.looked
            else []
        )
        return {
            "checkpoint": None,
            "year": self.year,
            "years": sorted({*known.years, max(known.years, default=self.year) + 1, self.year})[-6:],
            "known": stands is not None,
            "stands": shown,
            "months": months(shown),
            "given": self.given or form_of(shown, stands),
            "looked": self.looked,
            "changed": differences(shown, self.looked) if self.looked else [],
            "moved": moved,
            "whats": WHATS,
            "titles": titles,
            "may_put": self.actor.is_operator or "coordinator" in self.actor.roles,
        }


def _calendar(
    request: Request,
    db: WholeDatabaseDep,
    language: LanguageDep,
    now: NowDep,
    actor: ActorDep,
    year: Annotated[int | None, Query(ge=2000, le=2200)] = None,
) -> CalendarPage:
    return CalendarPage(request, language, now, actor, db, year or official_day(now).year)


CalendarDep = Annotated[CalendarPage, Depends(_calendar)]


def _given(
    year: YearForm,
    holidays: Days = "",
    makeup: Days = "",
    source: Line = "",
    confirmed: Annotated[bool, Form()] = False,
    seen: Line = "",
) -> Given:
    return Given(year, holidays, makeup, source, confirmed, seen)


GivenDep = Annotated[Given, Depends(_given)]
WHOLE: Final = Depends(of_all_departments)


@in_both_languages(router, "/staff/calendar")
def calendar_page(calendar_of: CalendarDep) -> Response:
    """A year: whether it binds, working days by month, holidays, make-up days."""
    return calendar_of.page()


@in_both_languages(router, "/staff/calendar/preview", post=True)
def preview_calendar(calendar_of: CalendarDep, given: GivenDep, _: Annotated[None, WHOLE]) -> Response:
    """What the form would change: days, and dates of coming rounds. Writes nothing."""
    asked = replace(calendar_of, year=given.year, given=given)
    try:
        return replace(asked, looked=given.read()).page()
    except Refused as refused:
        return asked.page(refused)


@in_both_languages(router, "/staff/calendar", post=True)
def put_calendar_form(calendar_of: CalendarDep, given: GivenDep, _: Annotated[None, WHOLE]) -> Response:
    """Put the year in force as it was looked at."""

    def unchanged(now: BaseModel | None) -> None:
        if given.seen != (tag_of(now) if now else ""):
            raise _changed(given.year)

    def put() -> None:
        calendar.put_year(calendar_of.db, given.read(), calendar_of.now, unchanged)

    asked = replace(calendar_of, year=given.year, given=given)
    return asked.done(put, f"/staff/calendar?year={given.year}")


def standing(db: Database, year: int) -> CalendarYearIn | None:
    """The year as stored or packaged; None where there is none."""
    try:
        return calendar.get_year(db, year)
    except NotFound:
        return None


def form_of(shown: CalendarYearIn, stands: CalendarYearIn | None) -> Given:
    """The form as it begins: the year as it stands."""
    holidays, makeup = (
        "\n".join(f"{day} {name}".rstrip() for day, name in sorted(days.items()))
        for days in (shown.holidays, shown.makeup)
    )
    return Given(
        shown.year, holidays, makeup, shown.source, shown.confirmed, tag_of(stands) if stands else ""
    )


def days_of(lines: str) -> dict[date, str]:
    """Days with their names, one a line, empty lines left out. Raises Refused `calendar.line`."""
    found: dict[date, str] = {}
    for number, line in enumerate(unicodedata.normalize("NFKC", lines).splitlines(), 1):
        if not line.strip():
            continue
        read = LINE.fullmatch(line.strip())
        try:
            day = date.fromisoformat(read[1]) if read else None
        except ValueError:
            day = None
        if read is None or day is None or day in found:
            raise _no_day(number, line)
        found[day] = read[2]
    return found


def months(year: CalendarYearIn) -> list[tuple[str, int, list[tuple[date, str]], list[tuple[date, str]]]]:
    """(month, working days, holidays, make-up days) of each month."""
    known = YearCalendar(year.year, frozenset(year.holidays), frozenset(year.makeup), year.confirmed)
    first = date(year.year, 1, 1)
    every = [first + timedelta(days=n) for n in range((date(year.year + 1, 1, 1) - first).days)]
    return [
        (
            f"{year.year}-{month:02d}",
            sum(known.is_workday(day) for day in every if day.month == month),
            sorted(pair for pair in year.holidays.items() if pair[0].month == month),
            sorted(pair for pair in year.makeup.items() if pair[0].month == month),
        )
        for month in range(1, 13)
    ]


def differences(before: CalendarYearIn, after: CalendarYearIn) -> list[tuple[date, bool, bool]]:
    """(day, worked before, worked after) of every day that changes."""
    old, new = (
        YearCalendar(one.year, frozenset(one.holidays), frozenset(one.makeup)) for one in (before, after)
    )
    touched = sorted({*before.holidays, *before.makeup, *after.holidays, *after.makeup})
    pairs = ((day, old.is_workday(day), new.is_workday(day)) for day in touched)
    return [pair for pair in pairs if pair[1] != pair[2]]


def with_year(known: WorkCalendar, year: CalendarYearIn) -> WorkCalendar:
    """The calendar with one year in place of what it holds of it."""
    made = YearCalendar(year.year, frozenset(year.holidays), frozenset(year.makeup), year.confirmed)
    return WorkCalendar({**known.years, year.year: made})


def _no_day(number: int, line: str) -> Refused:
    return refuse(
        "calendar.line",
        f"第 {number} 行“{line[:40]}”不是一个日期加名称，或日期重复。",
        f"Line {number}, {line[:40]!r}, is no date with a name, or the date stands there twice.",
        "每行一天，例如 2027-01-01 元旦。",
        "One day a line, such as 2027-01-01 元旦.",
        line=number,
    )


def _no_text() -> Refused:
    return refuse(
        "calendar.text",
        "名称或依据含有不可见字符，或超过 400 字。",
        "A name or the source holds invisible characters, or more than 400.",
        "请重新键入，不要从排版文件粘贴。",
        "Type it anew instead of pasting it from a typeset file.",
    )


def _changed(year: int) -> Conflict:
    return Conflict(
        Problem(
            "calendar.changed",
            f"{year} 年的日历在此期间已被修改，没有保存。",
            f"The calendar of {year} was changed meanwhile; nothing was saved.",
            "请重新打开本页，再改。",
            "Open this page anew and change it again.",
            {"year": year},
        )
    )
