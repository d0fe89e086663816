"""The log for readers: its newest checkpoint, keys and witnesses, entries, and the proof that one of them is in it."""

from __future__ import annotations

import json
from typing import Annotated, Final

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response
from sqlmodel import Session, col, select

from app.disclosure.log_kinds import KINDS
from app.disclosure.views import Context, newest_checkpoint
from app.http.dependencies import DatabaseDep
from app.ledger import checkpoints, keys
from app.ledger.tables import LogCosignature, LogEntry
from app.web.addresses import LanguageDep, in_both_languages, place_of
from app.web.responses import page
from app.web.templates import render

ENTRIES: Final = 50
LARGEST: Final = 2**53 - 1

router = APIRouter(include_in_schema=False)


@in_both_languages(router, "/log")
def log_page(
    request: Request,
    db: DatabaseDep,
    language: LanguageDep,
    before: Annotated[int, Query(ge=0, le=LARGEST)] = LARGEST,
) -> Response:
    """The newest entries that are signed, or those `before` one."""
    with db.read() as session:
        context = _list_view(session, before)
    return page(request, render("log.html", place_of(request, language), context), language)


@in_both_languages(router, "/log/{index}")
def log_entry_page(
    request: Request, db: DatabaseDep, language: LanguageDep, index: Annotated[int, Path(ge=0, le=LARGEST)]
) -> Response:
    """One entry with the proof that it is in the newest checkpoint."""
    with db.read() as session:
        context = _entry_view(session, index)
    return page(request, render("log_entry.html", place_of(request, language), context), language)


def _list_view(session: Session, before: int) -> Context:
    newest = checkpoints.latest(session)
    size = newest.size if newest else 0
    end = min(before, size)
    number = col(LogEntry.index)
    rows = select(LogEntry).where(number < end, number >= end - ENTRIES).order_by(number.desc())
    return {
        "checkpoint": newest_checkpoint(session),
        "note": str(checkpoints.cosigned(session, newest)) if newest else "",
        "signed_at": newest.at if newest else None,
        "keys": [key.text for key in keys.announced(session)],
        "witnesses": [(key.text, _seen(session, key.name)) for key in keys.witnesses(session)],
        "rows": [(row, json.loads(row.body)) for row in session.exec(rows)],
        "size": size,
        "kinds": KINDS,
        "older": end - ENTRIES if end > ENTRIES else None,
        "later": end < size,
    }


def _seen(session: Session, name: str) -> int | None:
    """The largest checkpoint that the witness cosigned."""
    query = select(LogCosignature.size).where(LogCosignature.name == name)
    return session.exec(query.order_by(col(LogCosignature.size).desc()).limit(1)).first()


def _entry_view(session: Session, index: int) -> Context:
    """Raises NotFound `log.no_checkpoint`, `log.no_entry`."""
    row = checkpoints.found(session)
    note = str(checkpoints.cosigned(session, row))
    proof = str(checkpoints.inclusion(session, index, row, note))
    entry = session.get_one(LogEntry, index)
    return {
        "checkpoint": newest_checkpoint(session),
        "row": entry,
        "kinds": KINDS,
        "fields": sorted(json.loads(entry.body).items()),
        "proof": proof,
        "size": row.size,
    }
