"""What the public may read of results, decided here and nowhere else: `published_results`.

Lines stand in `published_result`, which holds allow-listed fields only. A line is shown from its disclosure to its
expiry, and not before its round is revealed, unless the operator set `results_before_reveal`: then what was visited
is shown while others are still to come. What is absent and what is not shown answer alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Select, func
from sqlmodel import Session, col, select

from app.errors import NotFound, Problem
from app.http.pagination import FIRST_PAGE, Paging
from app.rounds.tables import Round
from app.visits.deadlines import Timeliness, timeliness
from app.visits.tables import PublishedResult


@dataclass(frozen=True, slots=True)
class Wanted:
    """Filters; empty ones ask nothing. `name`: a part of it. `item`: its code without version. Dates included."""

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


@dataclass(frozen=True, slots=True)
class Window:
    """What is shown at all: on which day, and whether rounds that are not revealed yet count."""

    today: date
    before_reveal: bool = False


def published_results(
    session: Session, window: Window, wanted: Wanted = Wanted(), paging: Paging = FIRST_PAGE
) -> list[PublishedResult]:
    """A page of lines and one more if there are any, the newest check first. Keys: `checked_on`, `result_id`."""
    keys = [col(PublishedResult.checked_on), col(PublishedResult.result_id)]
    rows = paging.rows(session, _shown(window, wanted), keys, newest=True)
    return [row[0] for row in rows]


def all_results(session: Session, window: Window, wanted: Wanted = Wanted()) -> Iterable[PublishedResult]:
    """Every line, streamed in order of its id: for exports."""
    query = _shown(window, wanted).order_by(col(PublishedResult.result_id))
    yield from session.scalars(query.execution_options(yield_per=2_000))


def one_result(session: Session, window: Window, result_id: str) -> PublishedResult:
    """A line. Raises NotFound `result.not_public` for what is absent or not shown."""
    query = _shown(window, Wanted()).where(col(PublishedResult.result_id) == result_id)
    found: PublishedResult | None = session.scalars(query).one_or_none()
    if found is None:
        raise not_public(result_id)
    return found


def counts(session: Session, window: Window, wanted: Wanted = Wanted()) -> dict[str, int]:
    """How many lines by result code; withdrawn ones under the empty code."""
    lines = _shown(window, wanted).subquery()
    query = select(lines.c.result, func.count()).group_by(lines.c.result)
    return {code or "": number for code, number in session.execute(query)}


def on_time(session: Session, window: Window, wanted: Wanted = Wanted()) -> Timeliness:
    """Timeliness of what is shown. What is overdue and not disclosed is no line, and counted by the ladder of staff."""
    lines = _shown(window, wanted).subquery()
    rows = session.execute(select(lines.c.due_on, lines.c.disclosed_on))
    return timeliness(((due, done) for due, done in rows), window.today)


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


def _shown(window: Window, wanted: Wanted) -> Select[Any]:
    query: Select[Any] = select(PublishedResult).where(
        col(PublishedResult.expires_on) > window.today, col(PublishedResult.disclosed_on) <= window.today
    )
    if not window.before_reveal:
        revealed = select(Round.round_id).where(col(Round.stage) == "revealed")
        query = query.where(col(PublishedResult.round_id).in_(revealed))
    return query.where(*_conditions(wanted))


def _conditions(wanted: Wanted) -> Sequence[Any]:
    names = ("code", "department", "district", "result", "plan", "round_id")
    found: list[Any] = [
        col(getattr(PublishedResult, name)) == value for name in names if (value := getattr(wanted, name))
    ]
    if wanted.name:
        found.append(col(PublishedResult.name).contains(wanted.name, autoescape=True))
    if wanted.item:
        found.append(col(PublishedResult.item_codes).contains(f" {wanted.item} ", autoescape=True))
    if wanted.since:
        found.append(col(PublishedResult.checked_on) >= wanted.since)
    if wanted.until:
        found.append(col(PublishedResult.checked_on) <= wanted.until)
    if wanted.withdrawn is not None:
        found.append(col(PublishedResult.result).is_(None) == wanted.withdrawn)
    return found
