"""A disclosed result for those who answer for it: its versions, a correction or withdrawal, the firm's objections."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Form, Path, Request
from fastapi.responses import Response
from sqlmodel import Session

from app.errors import Refused
from app.http.access import ActorDep
from app.http.dependencies import NowDep
from app.office.local import Line, Name, back, shown
from app.people import sanctions
from app.visits import codes, repository, service, states
from app.visits.api import DeskDep
from app.visits.desk import Desk, official_day
from app.visits.service import Change
from app.visits.views import Context
from app.web.addresses import LanguageDep, in_both_languages
from app.web.language import Language, marked

router = APIRouter(include_in_schema=False)

Key = Annotated[str, Path(pattern=r"^[0-9a-f]{20}$")]
Words = Annotated[str, Form(min_length=1, max_length=2000)]
KINDS: Final = {
    "original": marked("首次公示"),
    "correction": marked("已更正"),
    "withdrawal": marked("已撤销公示"),
}
OUTCOMES: Final = {"upheld": marked("成立"), "rejected": marked("不成立")}


@in_both_languages(router, "/staff/results/{key}")
def decision_page(
    request: Request, desk: DeskDep, language: LanguageDep, now: NowDep, actor: ActorDep, key: Key
) -> Response:
    """The result with everything that may be decided about it."""
    return _page(request, desk, language, now, actor, key)


def _page(
    request: Request,
    desk: Desk,
    language: Language,
    now: NowDep,
    actor: ActorDep,
    key: str,
    refused: Refused | None = None,
) -> Response:
    with desk.seen.read() as session:
        context = view(session, key, language, official_day(now))
    return shown(request, language, "decision.html", {**context, "who": actor}, refused)


def view(session: Session, key: str, language: Language, today: date) -> Context:
    """What the page shows. Raises NotFound `visit.absent`."""
    check = repository.check(session, key)
    visit = repository.visit(session, check.visit)
    department = repository.departments(session)[check.department]
    return {
        "checkpoint": None,
        "check": check,
        "visit": visit,
        "department": (language == "en" and department.name_en) or department.name_zh,
        "state": states.NAMES[check.state][language == "en"],
        "allowed": states.legal_steps(check.state, check.legal_review),
        "versions": repository.versions(session, key),
        "objections": repository.objections(session, key),
        "asked": sanctions.standing(session, sanctions.CORRECTION, key),
        "results": codes.RESULTS,
        "dispositions": codes.DISPOSITIONS,
        "changes": codes.CHANGES,
        "kinds": KINDS,
        "outcomes": OUTCOMES,
        "today": today,
    }


@in_both_languages(router, "/staff/results/{key}/correction", post=True)
def correction_form(
    request: Request,
    desk: DeskDep,
    language: LanguageDep,
    now: NowDep,
    actor: ActorDep,
    key: Key,
    result: Line,
    disposition: Line,
    reason: Line,
    by: Name = "",
    confirmed_by: Name = "",
) -> Response:
    """Replace the result by another; both stay to be seen."""
    change = Change(reason, confirmed_by.strip(), result, disposition)
    try:
        service.correct(desk, key, change, desk.actor(by.strip(), "publisher"), now)
    except Refused as refused:
        return _page(request, desk, language, now, actor, key, refused)
    return back(f"/staff/results/{key}", language)


@in_both_languages(router, "/staff/results/{key}/withdrawal", post=True)
def withdrawal_form(
    request: Request,
    desk: DeskDep,
    language: LanguageDep,
    now: NowDep,
    actor: ActorDep,
    key: Key,
    reason: Line,
    revoked_on: Annotated[date, Form()],
    by: Name = "",
    confirmed_by: Name = "",
) -> Response:
    """Take the result back; the line stays, without it."""
    change = Change(reason, confirmed_by.strip(), revoked_on=revoked_on)
    try:
        service.withdraw(desk, key, change, desk.actor(by.strip(), "publisher"), now)
    except Refused as refused:
        return _page(request, desk, language, now, actor, key, refused)
    return back(f"/staff/results/{key}", language)


@in_both_languages(router, "/staff/results/{key}/answer", post=True)
def answer_form(
    request: Request,
    desk: DeskDep,
    language: LanguageDep,
    now: NowDep,
    actor: ActorDep,
    key: Key,
    outcome: Annotated[Literal["upheld", "rejected"], Form()],
    text: Words,
    by: Name = "",
) -> Response:
    """Answer the firm's open objection; not by who recorded the result."""
    try:
        service.answer_objection(desk, key, outcome, text, desk.actor(by.strip(), "reviewer"), now)
    except Refused as refused:
        return _page(request, desk, language, now, actor, key, refused)
    return back(f"/staff/results/{key}", language)
