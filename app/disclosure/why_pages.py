"""The public page that answers "why me, why not me" for a released round."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from app.disclosure import why
from app.http.dependencies import DatabaseDep
from app.web.addresses import LanguageDep, in_both_languages, place_of
from app.web.responses import page
from app.web.templates import render

router = APIRouter(include_in_schema=False)


@in_both_languages(router, "/rounds/{round_id}/why")
def why_page(
    request: Request,
    db: DatabaseDep,
    language: LanguageDep,
    round_id: str,
    code: Annotated[str, Query(max_length=64)] = "",
) -> Response:
    """A firm's number, rank and the cut-off in an open round; in a sealed one what can be told, and to whom."""
    with db.read() as session:
        context = why.page_view(session, round_id, language, code)
    return page(request, render("why.html", place_of(request, language), context), language)
