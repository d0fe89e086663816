"""Published results as pages: found by filters that stand in the address, and one with all that belongs to it."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Final, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from app.disclosure import result_views
from app.http.dependencies import DatabaseDep, NowDep, WholeDatabaseDep
from app.http.pagination import Paging
from app.rounds.log import OFFICIAL
from app.visits import rating
from app.visits.published import Wanted, Window
from app.web.addresses import LanguageDep, in_both_languages, place_of
from app.web.responses import page
from app.web.templates import render

RESULTS_PAGE: Final = 50

router = APIRouter(include_in_schema=False)

Text = Annotated[str, Query(max_length=200)]
Id = Annotated[str, Query(max_length=128)]
Day = Annotated[date | Literal[""], Query()]
"""A form that is sent without a script gives an empty text for an empty field."""


def _window(request: Request, now: NowDep) -> Window:
    return Window(now.astimezone(OFFICIAL).date(), request.app.state.settings.results_before_reveal)


def _wanted(
    name: Text = "",
    code: Text = "",
    department: Text = "",
    district: Text = "",
    item: Text = "",
    result: Text = "",
    plan: Text = "",
    round_id: Id = "",
    since: Day = "",
    until: Day = "",
) -> Wanted:
    return Wanted(
        name.strip(), code.strip().upper(), department, district, item.strip(), result, plan, round_id,
        since or None, until or None,
    )  # fmt: skip


WindowDep = Annotated[Window, Depends(_window)]
WantedDep = Annotated[Wanted, Depends(_wanted)]


def asked(wanted: Wanted) -> dict[str, str]:
    """The filters that ask something, as the address has them."""
    pairs = (
        (name, getattr(wanted, name))
        for name in Wanted.__dataclass_fields__
        if name not in ("withdrawn", "changed_since")
    )
    return {name: str(value) for name, value in pairs if value}


@in_both_languages(router, "/results")
def results_page(
    request: Request,
    db: DatabaseDep,
    whole: WholeDatabaseDep,
    language: LanguageDep,
    window: WindowDep,
    wanted: WantedDep,
    cursor: Annotated[str, Query(max_length=1000)] = "",
) -> Response:
    """What matches, the newest check first, and how much of it was published in time."""
    with db.read() as session:
        lines = result_views.listed(session, window, wanted, Paging(cursor, RESULTS_PAGE), language)
    with whole.read() as session:
        ratings = {} if asked(wanted) else rating.counts(session, window.today)
    context = {**lines, "ratings": ratings}
    following = context["next"]
    onward = urlencode({**asked(wanted), "cursor": following}) if following else ""
    shown = {**context, "asked": asked(wanted), "onward": onward, "later": bool(cursor)}
    shown["first"] = urlencode(asked(wanted))
    return page(request, render("results.html", place_of(request, language), shown), language)


@in_both_languages(router, "/results/{result_id}")
def result_page(
    request: Request, db: DatabaseDep, language: LanguageDep, window: WindowDep, result_id: str
) -> Response:
    """Who, what, on which basis, with what outcome, whether in time, and what became of it."""
    with db.read() as session:
        context = result_views.one(session, window, result_id, language)
    return page(request, render("result.html", place_of(request, language), context), language)
