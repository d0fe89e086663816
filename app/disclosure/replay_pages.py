"""The replay: a second verifier of bundles in the reader's own browser, on a round's page and as one saved file."""

from __future__ import annotations

import base64
import hashlib

from fastapi import APIRouter, Request
from fastapi.responses import Response
from markupsafe import Markup

from app.disclosure import repository
from app.disclosure.views import newest_checkpoint
from app.http.dependencies import DatabaseDep
from app.web.language import language_of
from app.web.responses import HTML, download, page
from app.web.static import address, contents
from app.web.templates import Place, render

router = APIRouter(include_in_schema=False)


@router.api_route("/rounds/{round_id}/replay", methods=["GET", "HEAD"])
@router.api_route("/en/rounds/{round_id}/replay", methods=["GET", "HEAD"])
def replay_page(request: Request, db: DatabaseDep, round_id: str) -> Response:
    """A released round's public bundle, derived again step by step by the reader's browser."""
    language = language_of(request)
    with db.read() as session:
        repository.released_round(session, round_id)
        checkpoint = newest_checkpoint(session)
    context = {
        "checkpoint": checkpoint,
        "round_id": round_id,
        "bundle": f"/api/v1/rounds/{round_id}/bundle",
        "source": address("replay.js"),
    }
    place = Place.served(request.url.path, language)
    return page(request, render("replay.html", place, context), language)


@router.api_route("/replay.html", methods=["GET", "HEAD"])
@router.api_route("/en/replay.html", methods=["GET", "HEAD"])
def replay_file(request: Request) -> Response:
    """The same verifier as one file that needs no network: its own policy allows its own script and nothing else."""
    language = language_of(request)
    script, style = (contents(name).decode() for name in ("replay.js", "style.css"))
    context = {
        "round_id": "",
        "bundle": "",
        "script": Markup(script),  # noqa: S704  # our own file, checked to hold no end tag
        "style": Markup(style),  # noqa: S704  # as above
        "script_hash": _source(script),
        "style_hash": _source(style),
    }
    place = Place(language, "data:,", "data:,", None, Place.served("/replay.html", language).alternates)
    return download(request, render("replay_offline.html", place, context).encode(), HTML, "replay.html")


def _source(text: str) -> str:
    """What a content-security policy calls a text by (CSP level 3, section 2.3.1)."""
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
