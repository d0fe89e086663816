"""The desk: its first page, and what is asked for and approved there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import Response

from app.db.database import Database
from app.errors import Refused
from app.http.access import ActorDep
from app.http.dependencies import DatabaseDep, NowDep, WholeDatabaseDep
from app.office import (
    absence_pages,
    audit_pages,
    calendar_pages,
    dashboard,
    ratio_pages,
    register_pages,
    result_pages,
    round_pages,
    trial_pages,
)
from app.office.local import FormPage, Here, Line, back
from app.people import sanctions
from app.rounds import service as rounds
from app.visits.deadlines import Terms
from app.web.addresses import LanguageDep, in_both_languages

router = APIRouter(include_in_schema=False, dependencies=[Here])
for room in (
    absence_pages,
    audit_pages,
    calendar_pages,
    ratio_pages,
    register_pages,
    result_pages,
    round_pages,
    trial_pages,
):
    router.include_router(room.router)

ASKED = Literal["round.void", "cap.exemption", "result.correction"]
Number = Annotated[int, Form(ge=1, lt=1 << 31)]


@dataclass(frozen=True)
class Desk(FormPage):
    """The desk's first page."""

    template = "office.html"
    db: Database

    def context(self) -> Mapping[str, object]:
        """What is due, rounds with their stage, deadlines, coverage."""
        terms = Terms.of(self.request.app.state.settings)
        with self.db.read() as session:
            return dashboard.dashboard(session, terms, self.now, self.language)


def _desk(request: Request, db: DatabaseDep, language: LanguageDep, now: NowDep, actor: ActorDep) -> Desk:
    return Desk(request, language, now, actor, db)


DeskDep = Annotated[Desk, Depends(_desk)]


@in_both_languages(router, "/staff")
def desk_page(desk: DeskDep) -> Response:
    """What is due, rounds with their stage, deadlines, coverage."""
    return desk.page()


@in_both_languages(router, "/staff/rounds", post=True)
def start_round(desk: DeskDep, whole: WholeDatabaseDep, plan: Line, period: Line) -> Response:
    """Ask for the one round of a plan's period."""
    try:
        row = rounds.create(whole, plan, period, desk.now, actor=desk.actor)
    except Refused as refused:
        return desk.page(refused)
    return back(f"/staff/rounds/{row.round_id}/steps", desk.language)


@in_both_languages(router, "/staff/requests", post=True)
def ask_form(
    desk: DeskDep,
    action: Annotated[ASKED, Form()],
    subject: Annotated[str, Form(min_length=1, max_length=200)],
    reason: Annotated[str, Form(min_length=1, max_length=500)],
) -> Response:
    """Ask for what another person approves and a third one carries out."""

    def ask() -> None:
        with desk.db.write() as session:
            sanctions.require_subject(session, action, subject)
            sanctions.ask(session, action, subject, reason, desk.actor, desk.now)

    return desk.done(ask, "/staff#requests")


@in_both_languages(router, "/staff/requests/approval", post=True)
def approve_form(desk: DeskDep, number: Number) -> Response:
    """Approve what another person asked for."""

    def approve() -> None:
        with desk.db.write() as session:
            sanctions.approve(session, sanctions.found(session, number, lock=True), desk.actor, desk.now)

    return desk.done(approve, "/staff#requests")
