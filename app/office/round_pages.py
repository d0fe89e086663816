"""A round through pages: its tasks, and the forms of the one that is next."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from app.errors import Refused
from app.http.access import ActorDep
from app.http.dependencies import NowDep, WholeDatabaseDep
from app.office import round_view
from app.office.local import Line, Name, back, shown, vault_of
from app.rounds import advance, service, voiding
from app.web.addresses import LanguageDep, in_both_languages
from app.web.language import Language

router = APIRouter(include_in_schema=False)


@in_both_languages(router, "/staff/rounds/{round_id}/steps")
def steps_page(
    request: Request, db: WholeDatabaseDep, language: LanguageDep, actor: ActorDep, round_id: str
) -> Response:
    """The tasks."""
    return _page(request, db, language, actor, round_id)


def _page(
    request: Request,
    db: WholeDatabaseDep,
    language: Language,
    actor: ActorDep,
    round_id: str,
    refused: Refused | None = None,
) -> Response:
    with db.read() as session:
        context = round_view.page_view(session, round_id, language)
    return shown(request, language, "round_steps.html", {**context, "who": actor}, refused)


@in_both_languages(router, "/staff/rounds/{round_id}/approval", post=True)
def approve_round_form(
    request: Request,
    db: WholeDatabaseDep,
    language: LanguageDep,
    now: NowDep,
    actor: ActorDep,
    round_id: str,
    by: Name = "",
) -> Response:
    """Approve the frozen round; an account signs as itself."""
    try:
        service.approve(db, round_id, by.strip() or "–", now, actor=actor)
    except Refused as refused:
        return _page(request, db, language, actor, round_id, refused)
    return back(f"/staff/rounds/{round_id}/steps", language)


@in_both_languages(router, "/staff/rounds/{round_id}/entropy", post=True)
def entropy_form(
    request: Request,
    db: WholeDatabaseDep,
    language: LanguageDep,
    now: NowDep,
    actor: ActorDep,
    round_id: str,
    source: Line,
    value: Line,
) -> Response:
    """Enter the public value of a source, called by dice or read from its announcement."""
    try:
        service.supply(db, round_id, source, value, now, actor)
    except Refused as refused:
        return _page(request, db, language, actor, round_id, refused)
    return back(f"/staff/rounds/{round_id}/steps", language)


@in_both_languages(router, "/staff/rounds/{round_id}/retry", post=True)
def retry_form(
    request: Request,
    db: WholeDatabaseDep,
    language: LanguageDep,
    now: NowDep,
    actor: ActorDep,
    round_id: str,
) -> Response:
    """Try a refused stage again, its cause mended."""
    try:
        advance.retry(db, round_id, now)
    except Refused as refused:
        return _page(request, db, language, actor, round_id, refused)
    return back(f"/staff/rounds/{round_id}/steps", language)


@in_both_languages(router, "/staff/rounds/{round_id}/void", post=True)
def void_form(
    request: Request,
    db: WholeDatabaseDep,
    language: LanguageDep,
    now: NowDep,
    actor: ActorDep,
    round_id: str,
    reason: Line,
    by: Name = "",
    confirmed_by: Name = "",
) -> Response:
    """Void the round: with accounts what two others asked for and approved."""
    try:
        names = by.strip(), confirmed_by.strip()
        voiding.void(db, vault_of(request), round_id, reason, *names, now, actor=actor)
    except Refused as refused:
        return _page(request, db, language, actor, round_id, refused)
    return back(f"/staff/rounds/{round_id}/steps", language)
