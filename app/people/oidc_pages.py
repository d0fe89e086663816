"""The way to an OpenID provider and back, for staff and for firms."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response

from app.http.dependencies import NowDep, WholeDatabaseDep
from app.people import attempts, oidc
from app.people.entrance import address, entered, own_path, secret_of
from app.people.oidc import Door, Returned
from app.web.responses import PRIVATE

router = APIRouter(include_in_schema=False)
Text = Annotated[str, Query(max_length=4000)]
BACK: Final[dict[Door, str]] = {"staff": "/sign-in/oidc/back", "firm": "/firm/sign-in/oidc/back"}
HOME: Final[dict[Door, str]] = {"staff": "/account", "firm": "/firm"}
SECONDS: Final = int(oidc.LIFE.total_seconds())


def _cookie(request: Request) -> str:
    return "__Host-oidc" if request.url.scheme == "https" else "oidc"


def _back(request: Request, door: Door) -> str:
    return str(request.base_url.replace(path=BACK[door], query=""))


def _start(request: Request, db: WholeDatabaseDep, now: NowDep, door: Door, wanted: str) -> Response:
    provider = oidc.provider_of(request.app.state.oidc, door)
    attempts.succeeded_at_once(db, f"oidc:{door}", address(request), now)
    to, state = oidc.start(db, provider, _back(request, door), own_path(wanted, HOME[door]), now)
    answer = RedirectResponse(to, 303, {"Cache-Control": PRIVATE})
    secure = request.url.scheme == "https"
    answer.set_cookie(
        _cookie(request), state, max_age=SECONDS, path="/", secure=secure, httponly=True, samesite="lax"
    )
    return answer


def _finish(request: Request, db: WholeDatabaseDep, now: NowDep, door: Door, returned: Returned) -> Response:
    secret, to = oidc.finish(
        db,
        oidc.provider_of(request.app.state.oidc, door),
        _back(request, door),
        returned,
        now,
        secret_of(request),
    )
    answer = entered(request, secret, own_path(to, HOME[door]))
    answer.delete_cookie(_cookie(request), path="/")
    return answer


def _returned(request: Request, code: str, state: str, issuer: str) -> Returned:
    return Returned(code, state, request.cookies.get(_cookie(request), ""), issuer)


@router.get("/sign-in/oidc")
def oidc_start(
    request: Request, db: WholeDatabaseDep, now: NowDep, to: Annotated[Text, Query(alias="next")] = ""
) -> Response:
    """Off to the provider of staff."""
    return _start(request, db, now, "staff", to)


@router.get("/sign-in/oidc/back")
def oidc_back(
    request: Request, db: WholeDatabaseDep, now: NowDep, code: Text = "", state: Text = "", iss: Text = ""
) -> Response:
    """Back from it."""
    return _finish(request, db, now, "staff", _returned(request, code, state, iss))


@router.get("/firm/sign-in/oidc")
def firm_oidc_start(request: Request, db: WholeDatabaseDep, now: NowDep) -> Response:
    """Off to the provider of firms."""
    return _start(request, db, now, "firm", "")


@router.get("/firm/sign-in/oidc/back")
def firm_oidc_back(
    request: Request, db: WholeDatabaseDep, now: NowDep, code: Text = "", state: Text = "", iss: Text = ""
) -> Response:
    """Back from it."""
    return _finish(request, db, now, "firm", _returned(request, code, state, iss))
