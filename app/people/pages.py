"""Pages of signing in and of one's own account; plain forms, in both languages."""

from __future__ import annotations

import hmac
from datetime import datetime
from typing import Annotated, Final

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import RedirectResponse, Response

from app.errors import Refused, status_of
from app.http.access import Actor, ActorDep, cookie_name, forbidden
from app.http.dependencies import NowDep, WholeDatabaseDep
from app.people import service, sessions
from app.web.addresses import LanguageDep, in_both_languages, place_of
from app.web.language import Language, localized
from app.web.responses import HEADERS, HTML, PRIVATE
from app.web.templates import render

router = APIRouter(include_in_schema=False)
Line = Annotated[str, Form(max_length=256)]
SECONDS: Final = int(sessions.LASTS.total_seconds())


def _page(
    request: Request, language: Language, template: str, status: int = 200, **context: object
) -> Response:
    html = render(template, place_of(request, language), context)
    return Response(html.encode(), status, {**HEADERS, "Cache-Control": PRIVATE}, HTML)


def _said(refused: Refused | None, language: Language) -> str:
    if refused is None:
        return ""
    problem = refused.problem
    return f"{problem.en} {problem.remedy_en}" if language == "en" else problem.zh + problem.remedy_zh


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


def _secret(request: Request) -> str:
    return request.cookies.get(cookie_name(request.url.scheme == "https"), "")


def own_path(wanted: str) -> str:
    """Where to go after signing in: a path of this service, or one's account."""
    ours = wanted.startswith("/") and not wanted.startswith(("//", "/\\")) and wanted.isprintable()
    return wanted if ours else "/account"


@in_both_languages(router, "/sign-in")
def sign_in_page(
    request: Request, language: LanguageDep, to: Annotated[str, Query(alias="next", max_length=500)] = ""
) -> Response:
    """The form."""
    return _page(request, language, "sign_in.html", next=to, login="", said="")


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
        secret = sessions.sign_in(db, login, password, _address(request), now, _secret(request))
    except Refused as refused:
        said, status = _said(refused, language), status_of(refused)
        return _page(request, language, "sign_in.html", status, next=to, login=login, said=said)
    answer = RedirectResponse(
        own_path(to or localized("/account", language)), 303, {"Cache-Control": PRIVATE}
    )
    secure = request.url.scheme == "https"
    answer.set_cookie(
        cookie_name(secure), secret, max_age=SECONDS, path="/", secure=secure, httponly=True, samesite="lax"
    )
    return answer


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
    _own_form(actor, csrf)
    with db.write() as session:
        sessions.end(session, _secret(request), now)
    answer = RedirectResponse(localized("/sign-in", language), 303, {"Cache-Control": PRIVATE})
    answer.delete_cookie(cookie_name(request.url.scheme == "https"), path="/")
    return answer


@in_both_languages(router, "/account")
def account_page(request: Request, language: LanguageDep, actor: ActorDep) -> Response:
    """Who one is here, and the form for a new password."""
    return _page(request, language, "account.html", who=actor, said="", changed=False)


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
    _own_form(actor, csrf)
    refused = _changed(db, actor, old, new, _address(request), now)
    status = 200 if refused is None else status_of(refused)
    said = _said(refused, language)
    return _page(request, language, "account.html", status, who=actor, said=said, changed=refused is None)


def _changed(
    db: WholeDatabaseDep, actor: Actor, old: str, new: str, address: str, now: datetime
) -> Refused | None:
    try:
        service.change_password(db, actor, old, new, address, now)
    except Refused as refused:
        return refused
    return None


def _own_form(actor: Actor, csrf: str) -> None:
    """Refuse a form that this session was not given."""
    if actor.is_operator or not hmac.compare_digest(actor.csrf.encode(), csrf.encode()):
        raise forbidden(
            "access.form",
            "该表单已过期，请重新打开页面。",
            "This form is not of your session; open the page again.",
        )
