"""The desk: its first page, and what is asked for and approved there."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response

from app.errors import Refused
from app.http.access import ActorDep
from app.http.dependencies import DatabaseDep, NowDep, WholeDatabaseDep
from app.office import dashboard, ratio_pages, register_pages, result_pages, round_pages
from app.office.local import Here, Line, back, shown
from app.people import sanctions
from app.rounds import service as rounds
from app.visits.deadlines import Terms
from app.web.addresses import LanguageDep, in_both_languages
from app.web.language import Language

router = APIRouter(include_in_schema=False, dependencies=[Here])
for room in (ratio_pages, register_pages, result_pages, round_pages):
    router.include_router(room.router)

ASKED = Literal["round.void", "cap.exemption", "result.correction"]
Number = Annotated[int, Form(ge=1, lt=1 << 31)]


@in_both_languages(router, "/staff")
def desk_page(
    request: Request, db: DatabaseDep, language: LanguageDep, now: NowDep, actor: ActorDep
) -> Response:
    """What is due, rounds with their stage, deadlines, coverage."""
    return _desk(request, db, language, now, actor)


def _desk(
    request: Request,
    db: DatabaseDep,
    language: Language,
    now: NowDep,
    actor: ActorDep,
    refused: Refused | None = None,
) -> Response:
    with db.read() as session:
        context = dashboard.dashboard(session, Terms.of(request.app.state.settings), now, language)
    return shown(request, language, "office.html", {**context, "who": actor}, refused)


@in_both_languages(router, "/staff/rounds", post=True)
def start_round(
    request: Request,
    db: DatabaseDep,
    whole: WholeDatabaseDep,
    language: LanguageDep,
    now: NowDep,
    actor: ActorDep,
    plan: Line,
    period: Line,
) -> Response:
    """Ask for the one round of a plan's period."""
    try:
        row = rounds.create(whole, plan, period, now, actor=actor)
    except Refused as refused:
        return _desk(request, db, language, now, actor, refused)
    return back(f"/staff/rounds/{row.round_id}/steps", language)


@in_both_languages(router, "/staff/requests", post=True)
def ask_form(
    request: Request,
    db: DatabaseDep,
    language: LanguageDep,
    now: NowDep,
    actor: ActorDep,
    action: Annotated[ASKED, Form()],
    subject: Annotated[str, Form(min_length=1, max_length=200)],
    reason: Annotated[str, Form(min_length=1, max_length=500)],
) -> Response:
    """Ask for what another person approves and a third one carries out."""
    try:
        with db.write() as session:
            sanctions.require_subject(session, action, subject)
            sanctions.ask(session, action, subject, reason, actor, now)
    except Refused as refused:
        return _desk(request, db, language, now, actor, refused)
    return back("/staff#requests", language)


@in_both_languages(router, "/staff/requests/approval", post=True)
def approve_form(
    request: Request,
    db: DatabaseDep,
    language: LanguageDep,
    now: NowDep,
    actor: ActorDep,
    number: Number,
) -> Response:
    """Approve what another person asked for."""
    try:
        with db.write() as session:
            sanctions.approve(session, sanctions.found(session, number, lock=True), actor, now)
    except Refused as refused:
        return _desk(request, db, language, now, actor, refused)
    return back("/staff#requests", language)
