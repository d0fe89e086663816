"""What the pages of signing in share: private answers, the session's cookie, forms that a session was given."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final

from fastapi import Depends, Form, Request
from fastapi.responses import RedirectResponse, Response

from app.db.database import Database
from app.errors import Refused, status_of
from app.http.access import Actor, ActorDep, cookie_name, forbidden
from app.http.dependencies import NowDep, WholeDatabaseDep
from app.people import sessions
from app.web.addresses import LanguageDep, place_of
from app.web.language import Language, localized
from app.web.responses import HEADERS, HTML, PRIVATE
from app.web.templates import render

Line = Annotated[str, Form(max_length=256)]
SECONDS: Final = int(sessions.LASTS.total_seconds())


def private_page(
    request: Request, language: Language, template: str, context: Mapping[str, object], status: int = 200
) -> Response:
    """A page that nobody keeps."""
    html = render(template, place_of(request, language), context)
    return Response(html.encode(), status, {**HEADERS, "Cache-Control": PRIVATE}, HTML)


def said(refused: Refused | None, language: Language) -> str:
    """A refusal and its remedy in one language; nothing where there is none."""
    if refused is None:
        return ""
    problem = refused.problem
    return f"{problem.en} {problem.remedy_en}" if language == "en" else problem.zh + problem.remedy_zh


def address(request: Request) -> str:
    """Where the request comes from."""
    return request.client.host if request.client else ""


def secret_of(request: Request) -> str:
    """The session's secret that the browser has."""
    return request.cookies.get(cookie_name(request.url.scheme == "https"), "")


def own_path(wanted: str, otherwise: str = "/account") -> str:
    """Where to go after signing in: a path of this service, or `otherwise`."""
    ours = wanted.startswith("/") and not wanted.startswith(("//", "/\\")) and wanted.isprintable()
    return wanted if ours else otherwise


def entered(request: Request, secret: str, to: str) -> Response:
    """On to where one wanted to go, with the session's cookie."""
    answer = RedirectResponse(to, 303, {"Cache-Control": PRIVATE})
    secure = request.url.scheme == "https"
    answer.set_cookie(
        cookie_name(secure), secret, max_age=SECONDS, path="/", secure=secure, httponly=True, samesite="lax"
    )
    return answer


def own_form(actor: Actor, csrf: str) -> None:
    """Refuse a form that this session was not given."""
    if actor.is_operator or not hmac.compare_digest(actor.csrf.encode(), csrf.encode()):
        raise forbidden(
            "access.form",
            "该表单已过期，请重新打开页面。",
            "This form is not of your session; open the page again.",
        )


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks for a page of one's own account or of all, in which language and when."""

    request: Request
    db: Database
    language: Language
    actor: Actor
    now: datetime

    def page(self, template: str, context: Mapping[str, object], refused: Refused | None = None) -> Response:
        """A page for them alone; `refused` is said on it and is its status."""
        told = {**context, "who": self.actor, "said": said(refused, self.language)}
        status = status_of(refused) if refused else 200
        return private_page(self.request, self.language, template, told, status)

    def onward(self, path: str) -> RedirectResponse:
        """After a form: on to another page, in the same language."""
        return RedirectResponse(localized(path, self.language), 303, {"Cache-Control": PRIVATE})


def _caller(
    request: Request, db: WholeDatabaseDep, language: LanguageDep, actor: ActorDep, now: NowDep
) -> Caller:
    return Caller(request, db, language, actor, now)


CallerDep = Annotated[Caller, Depends(_caller)]


def _by_form(caller: CallerDep, csrf: Line = "") -> Caller:
    own_form(caller.actor, csrf)
    return caller


FormDep = Annotated[Caller, Depends(_by_form)]
"""Who sends a form that this session was given; any other form is refused."""
