"""Pages where a firm signs in: its code, then the one-time code that came to its registered contact."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from app.errors import Refused, status_of
from app.http.dependencies import NowDep, WholeDatabaseDep
from app.people import codes
from app.people.entrance import Line, address, entered, private_page, said, secret_of
from app.web.addresses import LanguageDep, in_both_languages
from app.web.language import Language, localized

router = APIRouter(include_in_schema=False)


def _page(
    request: Request, language: Language, firm: str, asked: bool, refused: Refused | None = None
) -> Response:
    status = 200 if refused is None else status_of(refused)
    context: dict[str, object] = {"firm": firm[:64], "asked": asked, "said": said(refused, language)}
    context["oidc"] = "firm" in request.app.state.oidc
    return private_page(request, language, "firm_sign_in.html", context, status)


@in_both_languages(router, "/firm/sign-in")
def firm_sign_in_page(request: Request, language: LanguageDep) -> Response:
    """The form that asks for a code."""
    return _page(request, language, "", asked=False)


@in_both_languages(router, "/firm/sign-in/code", post=True)
def firm_code_form(
    request: Request, db: WholeDatabaseDep, language: LanguageDep, now: NowDep, firm: Line
) -> Response:
    """Send a code to the registered contact, if there is one; the answer is the same where there is none."""
    try:
        codes.ask(db, firm, address(request), now)
    except Refused as refused:
        return _page(request, language, firm, asked=False, refused=refused)
    return _page(request, language, firm, asked=True)


@in_both_languages(router, "/firm/sign-in", post=True)
def firm_sign_in_form(
    request: Request, db: WholeDatabaseDep, language: LanguageDep, now: NowDep, firm: Line, code: Line
) -> Response:
    """Sign in with the code that came: on to the firm's own record."""
    try:
        secret = codes.sign_in(db, firm, code, address(request), now, secret_of(request))
    except Refused as refused:
        return _page(request, language, firm, asked=True, refused=refused)
    return entered(request, secret, localized("/firm", language))
