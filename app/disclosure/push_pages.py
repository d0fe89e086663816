"""Platforms for staff: what was taken with which receipt, what waits, what was given up and can be tried again."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import RedirectResponse, Response
from sqlmodel import Session, col, func, select

from app.disclosure import push
from app.disclosure.tables import Platform, Receipt
from app.disclosure.views import Context, newest_checkpoint
from app.http.dependencies import NowDep, WholeDatabaseDep
from app.http.local import from_this_machine
from app.visits import repository as visits
from app.web.addresses import LanguageDep, in_both_languages, place_of
from app.web.language import Language, localized, marked
from app.web.responses import PRIVATE, page
from app.web.templates import render

SHOWN: Final = 100
STATUSES: Final = {
    "waiting": marked("等待送达"),
    "delivered": marked("已送达"),
    "dead": marked("已放弃"),
}

router = APIRouter(include_in_schema=False)


@in_both_languages(router, "/staff/platforms")
def platforms_page(
    request: Request,
    db: WholeDatabaseDep,
    language: LanguageDep,
    status: Annotated[str, Query(max_length=20)] = "",
    platform: Annotated[str, Query(max_length=64)] = "",
) -> Response:
    """Platforms with their counts, and the newest receipts."""
    _here(request)
    with db.read() as session:
        context = _view(session, language, status, platform)
    return page(request, render("platforms.html", place_of(request, language), context), language, PRIVATE)


@in_both_languages(router, "/staff/platforms/{code}/redelivery", post=True)
def redeliver_platform(
    request: Request,
    db: WholeDatabaseDep,
    language: LanguageDep,
    now: NowDep,
    code: Annotated[str, Path(max_length=64)],
) -> Response:
    """Try again what was given up."""
    _here(request)
    push.redeliver(db, code, now)
    return RedirectResponse(localized("/staff/platforms", language), status_code=303)


def _here(request: Request) -> None:
    """Until accounts exist for this machine alone; then the route's need decides."""
    if not from_this_machine(request):
        raise visits.absent("–")


def _view(session: Session, language: Language, status: str, platform: str) -> Context:
    query = select(Receipt).order_by(col(Receipt.id).desc()).limit(SHOWN)
    query = query.where(Receipt.status == status) if status in STATUSES else query
    query = query.where(Receipt.platform == platform) if platform else query
    counted: dict[str, dict[str, int]] = {}
    rows = session.exec(
        select(Receipt.platform, Receipt.status, func.count()).group_by(Receipt.platform, Receipt.status)
    )
    for code, state, number in rows:
        counted.setdefault(code, {})[state] = number
    return {
        "checkpoint": newest_checkpoint(session),
        "platforms": [
            (row, _name(row.profile, language), counted.get(row.code, {}))
            for row in session.exec(select(Platform).order_by(col(Platform.code)))
        ],
        "receipts": session.exec(query).all(),
        "statuses": STATUSES,
        "status": status,
    }


def _name(profile: str, language: Language) -> str:
    return str(push.PROFILES[profile]["en" if language == "en" else "zh"])
