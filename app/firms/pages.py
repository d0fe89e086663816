"""A firm's own record: what was done there, what came of it, its objections, and its proof in a sealed round."""

from __future__ import annotations

import json
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from app.disclosure import why
from app.disclosure.service import firm_opening
from app.errors import Refused, status_of
from app.firms import views
from app.http.access import FIRM, Actor, ActorDep, sign_in_needed
from app.http.dependencies import DatabaseDep, NowDep, WholeDatabaseDep
from app.people import contacts
from app.people.entrance import Line, own_form, private_page, said
from app.people.tables import FirmContact
from app.visits import forms, rating, repository, service
from app.visits.desk import Actor as Signer
from app.visits.desk import Desk, official_day
from app.visits.published import Window
from app.visits.visit_code import CodeKey, qr_svg
from app.web.addresses import LanguageDep, in_both_languages
from app.web.language import Language, localized
from app.web.responses import PRIVATE, download

router = APIRouter(include_in_schema=False)


def _firm(actor: Actor) -> str:
    """The firm that has signed in; the operator of a machine is none."""
    if actor.kind != FIRM:
        raise sign_in_needed()
    return actor.scope.target_id


def _page(
    request: Request,
    db: DatabaseDep,
    whole: WholeDatabaseDep,
    language: Language,
    now: NowDep,
    actor: Actor,
    refused: Refused | None = None,
) -> Response:
    window = Window(official_day(now), request.app.state.settings.results_before_reveal)
    with whole.read() as session:
        contact = session.get(FirmContact, _firm(actor))
    with db.read() as session:
        context = views.record(session, _firm(actor), window, language)
    context |= {"csrf": actor.csrf, "contact": contacts.masked(contact) if contact else ""}
    context["said"] = said(refused, language)
    return private_page(request, language, "firm.html", context, status_of(refused) if refused else 200)


@in_both_languages(router, "/firm")
def firm_page(
    request: Request,
    db: DatabaseDep,
    whole: WholeDatabaseDep,
    language: LanguageDep,
    now: NowDep,
    actor: ActorDep,
) -> Response:
    """The record."""
    return _page(request, db, whole, language, now, actor)


@in_both_languages(router, "/firm/visits/{key}/notice")
def firm_notice(
    request: Request,
    db: DatabaseDep,
    whole: WholeDatabaseDep,
    language: LanguageDep,
    actor: ActorDep,
    key: str,
) -> Response:
    """The notice of a visit, as it was served."""
    _firm(actor)
    with db.read() as session:
        repository.visit(session, key)
    with whole.read() as session:
        papers = forms.papers(session, key)
    code = CodeKey(request.app.state.settings.data_dir).sign(papers.visit) if papers.visit.day else ""
    shown = qr_svg(str(request.base_url.replace(path="/visit-code", query=f"code={code}"))) if code else ""
    context = {"form": forms.form(papers, "notice"), "qr": shown, "key": key, "kind": ""}
    return private_page(request, language, "visit_form.html", context)


@in_both_languages(router, "/firm/checks/{key}/objection", post=True)
def firm_objection(
    request: Request,
    db: DatabaseDep,
    whole: WholeDatabaseDep,
    language: LanguageDep,
    now: NowDep,
    actor: ActorDep,
    key: str,
    text: Annotated[str, Form(min_length=1, max_length=2000)],
    csrf: Line = "",
) -> Response:
    """Object to a disclosed result of one's own."""
    _firm(actor)
    own_form(actor, csrf)
    with db.read() as session:
        repository.check(session, key)
    try:
        desk = Desk.of(whole, request.app.state.settings, actor)
        service.object_to(desk, key, text, Signer(actor.signature, FIRM), now)
    except Refused as refused:
        return _page(request, db, whole, language, now, actor, refused)
    return RedirectResponse(localized("/firm", language), 303, {"Cache-Control": PRIVATE})


@in_both_languages(router, "/firm/visits/{key}/rating", post=True)
def firm_rating(
    request: Request,
    db: DatabaseDep,
    whole: WholeDatabaseDep,
    language: LanguageDep,
    now: NowDep,
    actor: ActorDep,
    key: str,
    score: Annotated[int, Form(lt=100)],
    text: Annotated[str, Form(max_length=rating.LONGEST)] = "",
    csrf: Line = "",
) -> Response:
    """Rate a visit of one's own, once."""
    _firm(actor)
    own_form(actor, csrf)
    with db.read() as session:
        repository.visit(session, key)
    try:
        desk = Desk.of(whole, request.app.state.settings, actor)
        rating.rate(desk, key, score, text.strip(), Signer(actor.signature, FIRM), now)
    except Refused as refused:
        return _page(request, db, whole, language, now, actor, refused)
    return RedirectResponse(localized("/firm", language), 303, {"Cache-Control": PRIVATE})


@in_both_languages(router, "/firm/rounds/{round_id}")
def firm_round_page(
    request: Request, whole: WholeDatabaseDep, language: LanguageDep, actor: ActorDep, round_id: str
) -> Response:
    """Whether the firm was in a sealed round's frames and whether it was drawn, each with its proof."""
    with whole.read() as session:
        context = why.firm_view(session, round_id, _firm(actor), language)
    return private_page(request, language, "firm_round.html", context)


@in_both_languages(router, "/firm/rounds/{round_id}/openings/{draw_id}.json")
def firm_opening_file(
    request: Request, whole: WholeDatabaseDep, actor: ActorDep, round_id: str, draw_id: str
) -> Response:
    """The firm's OPENING.json: its proof, for itself alone."""
    opening = firm_opening(whole, round_id, draw_id, _firm(actor))
    body = json.dumps(opening, ensure_ascii=False, indent=1).encode()
    return download(request, body, "application/json", f"opening-{round_id}-{draw_id}.json", PRIVATE)
