"""Rates with their intervals as pages: for everybody, and with the internal class for staff."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from app.disclosure import repository as disclosed
from app.estimates import views
from app.estimates.schemas import By
from app.estimates.views import Asked, rate_text
from app.http.dependencies import DatabaseDep
from app.http.local import from_this_machine
from app.web.addresses import LanguageDep, in_both_languages, place_of
from app.web.responses import PRIVATE, page
from app.web.templates import render

router = APIRouter(include_in_schema=False)

Id = Annotated[str, Query(max_length=128)]


def asked_for(
    plan: Id = "",
    round_id: Id = "",
    draw: Id = "",
    item: Id = "",
    by: Annotated[By | Literal[""], Query()] = "",
) -> Asked:
    """The filters of the address."""
    return Asked(plan, round_id, draw, item, by)


AskedDep = Annotated[Asked, Depends(asked_for)]


@in_both_languages(router, "/estimates")
def estimates_page(request: Request, db: DatabaseDep, language: LanguageDep, asked: AskedDep) -> Response:
    """What the samples say about all the others, and what they can't say."""
    with db.read() as session:
        context = views.estimates_page(session, asked, language)
    shown = {**context, "rate_text": rate_text}
    return page(request, render("estimates.html", place_of(request, language), shown), language)


@in_both_languages(router, "/staff/estimates/{plan}/{draw}")
def class_page(
    request: Request,
    db: DatabaseDep,
    language: LanguageDep,
    plan: str,
    draw: str,
    item: Id = "",
    round_id: Id = "",
) -> Response:
    """A draw's rates by credit class: for those who plan ratios, never for the public."""
    if not from_this_machine(request):
        raise disclosed.not_public(plan)
    with db.read() as session:
        context = views.estimates_page(
            session, Asked(plan, round_id, draw, item, "credit"), language, internal=True
        )
    shown = {**context, "rate_text": rate_text}
    return page(request, render("estimates.html", place_of(request, language), shown), language, PRIVATE)
