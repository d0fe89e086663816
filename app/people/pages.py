"""Pages of signing in and of one's own account; plain forms, in both languages."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import RedirectResponse, Response

from app.errors import Refused, status_of
from app.http.access import ADMINISTRATORS, FIRM, Actor, ActorDep, cookie_name
from app.http.dependencies import NowDep, WholeDatabaseDep
from app.needs import READERS
from app.people import service, sessions
from app.people.entrance import Line, address, entered, own_form, own_path, private_page, said, secret_of
from app.web.addresses import LanguageDep, in_both_languages
from app.web.language import localized
from app.web.responses import PRIVATE

router = APIRouter(include_in_schema=False)


def _form(request: Request, to: str) -> dict[str, object]:
    oidc = f"?{urlencode({'next': to})}" if "staff" in request.app.state.oidc else ""
    return {"next": to, "login": "", "said": "", "oidc": oidc}


@in_both_languages(router, "/sign-in")
def sign_in_page(
    request: Request, language: LanguageDep, to: Annotated[str, Query(alias="next", max_length=500)] = ""
) -> Response:
    """The form."""
    return private_page(request, language, "sign_in.html", _form(request, to))


@in_both_languages(router, "/sign-in", post=True)
def sign_in_form(
    request: Request,
    db: WholeDatabaseDep,
    language: LanguageDep,
    now: NowDep,
    login: Line,
    password: Line,
    to: Annotated[str, Form(alias="next", max_length=500)] = "",
) -> Response:
    """Sign in: a cookie, and on to where one wanted to go."""
    try:
        secret = sessions.sign_in(db, login, password, address(request), now, secret_of(request))
    except Refused as refused:
        context = _form(request, to) | {"login": login, "said": said(refused, language)}
        return private_page(request, language, "sign_in.html", context, status_of(refused))
    return entered(request, secret, own_path(to or localized("/account", language)))


@in_both_languages(router, "/sign-out", post=True)
def sign_out(
    request: Request,
    db: WholeDatabaseDep,
    language: LanguageDep,
    now: NowDep,
    actor: ActorDep,
    csrf: Line = "",
) -> Response:
    """End the session here and in the browser."""
    own_form(actor, csrf)
    with db.write() as session:
        sessions.end(session, secret_of(request), now)
    door = "/firm/sign-in" if actor.kind == FIRM else "/sign-in"
    answer = RedirectResponse(localized(door, language), 303, {"Cache-Control": PRIVATE})
    answer.delete_cookie(cookie_name(request.url.scheme == "https"), path="/")
    return answer


def _own(actor: Actor) -> dict[str, object]:
    works = bool(actor.roles.intersection(READERS))
    return {"who": actor, "administers": bool(actor.roles & ADMINISTRATORS), "works": works}


@in_both_languages(router, "/account")
def account_page(request: Request, language: LanguageDep, actor: ActorDep) -> Response:
    """Who one is here, and the form for a new password."""
    return private_page(request, language, "account.html", _own(actor) | {"said": "", "changed": False})


@in_both_languages(router, "/account/password", post=True)
def change_password_form(
    request: Request,
    db: WholeDatabaseDep,
    language: LanguageDep,
    now: NowDep,
    actor: ActorDep,
    old: Line,
    new: Line,
    csrf: Line = "",
) -> Response:
    """A new password of one's own."""
    own_form(actor, csrf)
    refused = _changed(db, actor, old, new, address(request), now)
    status = 200 if refused is None else status_of(refused)
    context = _own(actor) | {"said": said(refused, language), "changed": refused is None}
    return private_page(request, language, "account.html", context, status)


def _changed(
    db: WholeDatabaseDep, actor: Actor, old: str, new: str, address: str, now: datetime
) -> Refused | None:
    try:
        service.change_password(db, actor, old, new, address, now)
    except Refused as refused:
        return refused
    return None
