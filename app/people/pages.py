"""Pages of signing in and of one's own account; plain forms, in both languages."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import Response

from app.errors import Refused, status_of
from app.http.access import ADMINISTRATORS, FIRM, cookie_name
from app.http.dependencies import NowDep, WholeDatabaseDep
from app.needs import READERS
from app.people import service, sessions
from app.people.entrance import (
    Caller,
    CallerDep,
    FormDep,
    Line,
    address,
    entered,
    own_path,
    private_page,
    said,
    secret_of,
)
from app.web.addresses import LanguageDep, in_both_languages
from app.web.language import localized

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
def sign_out(caller: FormDep) -> Response:
    """End the session here and in the browser."""
    with caller.db.write() as session:
        sessions.end(session, secret_of(caller.request), caller.now)
    answer = caller.onward("/firm/sign-in" if caller.actor.kind == FIRM else "/sign-in")
    answer.delete_cookie(cookie_name(caller.request.url.scheme == "https"), path="/")
    return answer


def _own(caller: Caller, changed: bool, refused: Refused | None = None) -> Response:
    roles = caller.actor.roles
    context = {
        "administers": bool(roles & ADMINISTRATORS),
        "works": bool(roles.intersection(READERS)),
        "changed": changed,
    }
    return caller.page("account.html", context, refused)


@in_both_languages(router, "/account")
def account_page(caller: CallerDep) -> Response:
    """Who one is here, and the form for a new password."""
    return _own(caller, changed=False)


@in_both_languages(router, "/account/password", post=True)
def change_password_form(caller: FormDep, old: Line, new: Line) -> Response:
    """A new password of one's own."""
    refused = _changed(caller, old, new)
    return _own(caller, changed=refused is None, refused=refused)


def _changed(caller: Caller, old: str, new: str) -> Refused | None:
    try:
        service.change_password(caller.db, caller.actor, old, new, address(caller.request), caller.now)
    except Refused as refused:
        return refused
    return None
