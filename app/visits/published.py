"""What the public may read of results, decided here and nowhere else: `published_results`.

Lines stand in `published_result`, which holds allow-listed fields only. A line is shown from its disclosure to its
expiry, its round revealed or not: the law's clock runs from the visit. An operator who unset `results_before_reveal`
shows it after the reveal only. docs/visits.md says why the one is the default. What is absent and what is not shown
answer alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import Select, func
from sqlmodel import Session, col, select

from app.errors import NotFound, Problem
from app.http.pagination import FIRST_PAGE, Paging
from app.ledger.tree import entry_count
from app.rounds.tables import Round
from app.visits import search
from app.visits.deadlines import Timeliness
from app.visits.tables import PublishedResult
from app.web.kept import Kept


@dataclass(frozen=True, slots=True)
class Wanted:
    """Filters; empty ones ask nothing. `name`: a part of it. `item`: its code without version. Dates included.

    `changed_since`: lines that were disclosed or changed on that day or later.
    """

    name: str = ""
    code: str = ""
    department: str = ""
    district: str = ""
    item: str = ""
    result: str = ""
    plan: str = ""
    round_id: str = ""
    since: date | None = None
    until: date | None = None
    withdrawn: bool | None = None
    changed_since: date | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """What is shown at all: on which day, and whether rounds that are not revealed yet count."""

    today: date
    before_reveal: bool = True


def published_results(
    session: Session, window: Window, wanted: Wanted = Wanted(), paging: Paging = FIRST_PAGE
) -> list[PublishedResult]:
    """A page of lines and one more if there are any, the newest check first. Keys: `checked_on`, `result_id`."""
    keys = [col(PublishedResult.checked_on), col(PublishedResult.result_id)]
    rows = paging.rows(session, _shown(session, window, wanted), keys, newest=True)
    return [row[0] for row in rows]


def all_results(session: Session, window: Window, wanted: Wanted = Wanted()) -> Iterable[PublishedResult]:
    """Every line, streamed in order of its id: for exports."""
    query = _shown(session, window, wanted).order_by(col(PublishedResult.result_id))
    yield from session.scalars(query.execution_options(yield_per=2_000))


def one_result(session: Session, window: Window, result_id: str) -> PublishedResult:
    """A line. Raises NotFound `result.not_public` for what is absent or not shown."""
    query = _shown(session, window, Wanted()).where(col(PublishedResult.result_id) == result_id)
    found: PublishedResult | None = session.scalars(query).one_or_none()
    if found is None:
        raise not_public(result_id)
    return found


def counts(session: Session, window: Window, wanted: Wanted = Wanted()) -> dict[str, int]:
    """How many lines by result code; withdrawn ones under the empty code."""
    lines = _shown(session, window, wanted).subquery()
    query = select(lines.c.result, func.count()).group_by(lines.c.result)
    return {code or "": number for code, number in session.execute(query)}


def on_time(session: Session, window: Window, wanted: Wanted = Wanted()) -> Timeliness:
    """Timeliness of what is shown. What is overdue and not disclosed is no line, and counted by the ladder of staff."""
    lines = _shown(session, window, wanted).subquery()
    rows = session.execute(select(lines.c.on_time, func.count()).group_by(lines.c.on_time))
    counted = {bool(kept): number for kept, number in rows}
    return Timeliness(counted.get(True, 0), counted.get(False, 0), 0, 0)


@dataclass(frozen=True, slots=True)
class Summary:
    """How many lines match, and how many of them were in time. `more`: counting ended at `COUNTED`."""

    lines: int
    timeliness: Timeliness
    more: bool


COUNTED: Final = 5_000
"""A search by name or item is counted no further: its page is for reading, and the whole is told without filters."""


_WHOLE: Final[Kept[Summary]] = Kept(8)


def summary(session: Session, window: Window, wanted: Wanted = Wanted()) -> Summary:
    """The line above a page of results, in one query; without filters it is kept until the log grows.

    Nothing is disclosed, corrected or withdrawn without an entry of the log.
    """
    if wanted != Wanted():
        return _counted(session, window, wanted)
    key = (str(session.get_bind().engine.url), entry_count(session), window)
    return _WHOLE.get(key, lambda: _counted(session, window, wanted))


def _counted(session: Session, window: Window, wanted: Wanted) -> Summary:
    query = _shown(session, window, wanted, all_of_them=True).with_only_columns(col(PublishedResult.on_time))
    ends = bool(wanted.name or wanted.item)
    lines = (query.limit(COUNTED + 1) if ends else query).subquery()
    rows = session.execute(select(lines.c.on_time, func.count()).group_by(lines.c.on_time))
    counted = {bool(kept): number for kept, number in rows}
    total = sum(counted.values())
    more = ends and total > COUNTED
    kept = Timeliness(counted.get(True, 0), counted.get(False, 0), 0, 0)
    return Summary(COUNTED if more else total, kept, more)


def not_public(result_id: str) -> NotFound:
    """The one answer for what is absent and for what is not shown."""
    return NotFound(
        Problem(
            "result.not_public",
            f"没有编号为 {result_id} 的公示结果，或尚未公示、已过公示期。",
            f"There is no published result {result_id}, or it is not published yet or no longer shown.",
            "请核对编号，或从结果查询进入。",
            "Check the id, or look for it in the results.",
            {"result_id": result_id},
        )
    )


def _shown(session: Session, window: Window, wanted: Wanted, *, all_of_them: bool = False) -> Select[Any]:
    query: Select[Any] = select(PublishedResult).where(
        col(PublishedResult.expires_on) > window.today, col(PublishedResult.disclosed_on) <= window.today
    )
    if not window.before_reveal:
        revealed = select(Round.round_id).where(col(Round.stage) == "revealed")
        query = query.where(col(PublishedResult.round_id).in_(revealed))
    return query.where(*_conditions(session, wanted, all_of_them))


def _conditions(session: Session, wanted: Wanted, all_of_them: bool) -> Sequence[Any]:
    names = ("code", "department", "district", "result", "plan", "round_id")
    found: list[Any] = [
        col(getattr(PublishedResult, name)) == value for name in names if (value := getattr(wanted, name))
    ]
    if wanted.name:
        found += search.named(session, wanted.name, all_of_them=all_of_them)
    if wanted.item:
        found.append(col(PublishedResult.item_codes).contains(f" {wanted.item} ", autoescape=True))
    if wanted.since:
        found.append(col(PublishedResult.checked_on) >= wanted.since)
    if wanted.until:
        found.append(col(PublishedResult.checked_on) <= wanted.until)
    if wanted.changed_since:
        found.append(col(PublishedResult.changed_on) >= wanted.changed_since)
    if wanted.withdrawn is not None:
        found.append(col(PublishedResult.result).is_(None) == wanted.withdrawn)
    return found
