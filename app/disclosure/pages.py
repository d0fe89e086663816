"""Public pages, plain HTML for GET only, in Chinese and under `/en` in English; and the work pages on loopback."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response
from sqlmodel import Session

from app.disclosure import (
    data_pages,
    handbook,
    live,
    log_pages,
    plan_pages,
    push_pages,
    replay_pages,
    repository,
    result_pages,
    seat_pages,
    solve_pages,
    team_calendar,
    views,
    why_pages,
)
from app.disclosure.calendars import ics_name, team_day_ics
from app.disclosure.result_pages import WindowDep
from app.disclosure.spreadsheets import schedule_xlsx, zipped
from app.disclosure.views import Download
from app.disclosure.work import TeamDay, Work, work_of
from app.http.access import actor_of
from app.http.dependencies import DatabaseDep, NowDep
from app.http.local import from_this_machine
from app.web.language import Language, language_of, marked
from app.web.responses import PRIVATE, download, page
from app.web.templates import Place, render

XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
ICS: Final = "text/calendar; charset=utf-8"
ZIP: Final = "application/zip"

router = APIRouter(include_in_schema=False)
router.include_router(data_pages.router)
router.include_router(handbook.router)
router.include_router(live.router)
router.include_router(log_pages.router)
router.include_router(plan_pages.router)
router.include_router(push_pages.router)
router.include_router(replay_pages.router)
router.include_router(result_pages.router)
router.include_router(seat_pages.router)
router.include_router(solve_pages.router)
router.include_router(team_calendar.router)
router.include_router(why_pages.router)

LanguageDep = Annotated[Language, Depends(language_of)]
Endpoint = Callable[..., Response]


def _in_both_languages(path: str) -> Callable[[Endpoint], Endpoint]:
    """Serve an endpoint at `path` and, in English, under `/en`."""

    def register(endpoint: Endpoint) -> Endpoint:
        for address in (path, f"/en{path}"):
            router.add_api_route(address, endpoint, methods=["GET", "HEAD"])
        return endpoint

    return register


def _place(request: Request, language: Language) -> Place:
    return Place.served(request.url.path, language, request.url.query)


def _local_only(request: Request, round_id: str) -> None:
    """Work pages show inspectors and targets before the reveal: until accounts exist, to this machine alone.

    Anybody else, a forwarded reader too, is answered as if the round were absent. With accounts the route's need and
    `_own_work` decide.
    """
    if not from_this_machine(request):
        raise repository.not_public(round_id)


def _own_work(request: Request, session: Session, language: Language, round_id: str) -> Work:
    """The work that whoever asks may see: their department's, and an auditor's not before the reveal."""
    actor = actor_of(request)
    if actor.roles == {"auditor"}:
        repository.released_round(session, round_id)
    return work_of(session, round_id, language).within(actor.scope.department)


def downloads(round_id: str) -> tuple[Download, ...]:
    """What the public may take away from a released round, the bundle first."""
    api = f"/api/v1/rounds/{round_id}"
    return (
        Download(marked("下载公开归档（ZIP）"), f"{api}/bundle"),
        Download(marked("结果表（Excel）"), f"{api}/results?format=excel"),
        Download(marked("结果表（CSV）"), f"{api}/results?format=csv"),
        Download(marked("结果（JSON）"), f"{api}/results"),
    )


@_in_both_languages("/")
def home(
    request: Request, db: DatabaseDep, language: LanguageDep, window: WindowDep, now: NowDep
) -> Response:
    """The next draw, the latest rounds and results, and the way to everything else."""
    with db.read() as session:
        context = views.home(session, language, window, now)
    return page(request, render("home.html", _place(request, language), context), language)


@_in_both_languages("/rounds/{round_id}")
def round_page(request: Request, db: DatabaseDep, language: LanguageDep, round_id: str) -> Response:
    """A round: six steps, counts against the rule, savings, downloads."""
    place = _place(request, language)
    listed = Download(marked("抽中名单"), place.link(f"/rounds/{round_id}/list"))
    people = Download(marked("人员的机会与负担"), place.link(f"/rounds/{round_id}/inspectors"))
    offered = downloads(round_id)
    replay = Download(marked("自己重算"), place.link(f"/rounds/{round_id}/replay"))
    with db.read() as session:
        void = repository.is_void(repository.round_of(session, round_id))
        why = Download(marked("为什么是我"), place.link(f"/rounds/{round_id}/why"))
        shown = (offered[0], replay, listed, why, *(() if void else (people,)), *offered[1:])
        context = views.round_page(session, round_id, language, shown)
    return page(request, render("round.html", place, context), language)


@_in_both_languages("/rounds/{round_id}/list")
def list_page(
    request: Request,
    db: DatabaseDep,
    language: LanguageDep,
    round_id: str,
    q: Annotated[str, Query(max_length=100)] = "",
    draw: Annotated[str, Query(max_length=100)] = "",
    page_number: Annotated[int, Query(alias="page", lt=1 << 31)] = 1,
) -> Response:
    """The drawn targets of a released round, a hundred at a time."""
    with db.read() as session:
        context = views.list_page(session, round_id, language, q, draw, page_number)
    return page(request, render("list.html", _place(request, language), context), language)


@_in_both_languages("/staff/rounds/{round_id}")
def work_page(
    request: Request, db: DatabaseDep, language: LanguageDep, round_id: str, department: str = ""
) -> Response:
    """Departments and their team-days, for those who do the work."""
    _local_only(request, round_id)
    with db.read() as session:
        work = _own_work(request, session, language, round_id)
        context = views.work_page(session, work, round_id, department, language)
    return page(request, render("staff.html", _place(request, language), context), language, PRIVATE)


@_in_both_languages("/staff/rounds/{round_id}/schedule.xlsx")
def schedule_file(request: Request, db: DatabaseDep, language: LanguageDep, round_id: str) -> Response:
    """The schedule as a workbook."""
    work = _work(request, db, language, round_id)
    return download(request, schedule_xlsx(work, language), XLSX, f"schedule-{round_id}.xlsx", PRIVATE)


@_in_both_languages("/staff/rounds/{round_id}/team-day.ics")
def team_day_file(
    request: Request, db: DatabaseDep, language: LanguageDep, round_id: str, route: str
) -> Response:
    """One team-day as a calendar."""
    work = _work(request, db, language, round_id)
    team = next((team for team in work.team_days if team.route_id == route), None)
    if team is None:
        raise repository.not_public(round_id)
    return download(request, team_day_ics(work, team, language), ICS, ics_name(team), PRIVATE)


@_in_both_languages("/staff/rounds/{round_id}/calendars.zip")
def calendars_file(
    request: Request, db: DatabaseDep, language: LanguageDep, round_id: str, department: str
) -> Response:
    """A department's team-days as one archive of calendars."""
    work = _work(request, db, language, round_id)
    files = calendars_zip(work, work.of(department), language)
    return download(request, files, ZIP, f"calendars-{round_id}-{department}.zip", PRIVATE)


def calendars_zip(work: Work, teams: tuple[TeamDay, ...], language: Language) -> bytes:
    """Calendars of several team-days in one archive."""
    return zipped((ics_name(team), team_day_ics(work, team, language)) for team in teams)


def _work(request: Request, db: DatabaseDep, language: Language, round_id: str) -> Work:
    _local_only(request, round_id)
    with db.read() as session:
        return _own_work(request, session, language, round_id)
