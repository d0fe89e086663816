"""A draw as the ceremony's screen shows it: which step it is at, who has deposited, which public values have come.

Everything here is public anyway: values stand in the log from the moment they are supplied; whom they draw is
shown after the reveal only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response
from sqlmodel import Session

from app.disclosure import facts, repository
from app.disclosure.listing import Drawn, drawn_list
from app.disclosure.views import Context, newest_checkpoint
from app.http.dependencies import DatabaseDep
from app.ledger import repository as ledger
from app.rounds.repository import deposits
from app.rounds.tables import Round
from app.web.addresses import LanguageDep, in_both_languages, place_of
from app.web.language import Language
from app.web.responses import page
from app.web.templates import render

SHOWN: Final = 60
"""Drawn targets on the screen; the list has all of them."""
REVALIDATED: Final = "no-cache"

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Called:
    """A source of public values. `value` and `at` are empty until it was supplied; `digits`: it is called by dice."""

    id: str
    rule: str
    bits: int
    value: str
    at: str
    digits: bool


@in_both_languages(router, "/rounds/{round_id}/live")
def live_page(request: Request, db: DatabaseDep, language: LanguageDep, round_id: str) -> Response:
    """The round now; a reader's browser asks again every few seconds, with or without script."""
    with db.read() as session:
        context = view(session, round_id, language)
    html = render("live.html", place_of(request, language), context)
    return page(request, html, language, REVALIDATED)


def view(session: Session, round_id: str, language: Language) -> Context:
    """Steps, parties, public values; the drawn list once the round is released."""
    row = repository.round_of(session, round_id)
    rules = repository.manifest(session, row) or {}
    steps = facts.steps(session, row)
    released = repository.released(row)
    drawn: list[Drawn] = drawn_list(session, round_id, language) if released else []
    return {
        "checkpoint": newest_checkpoint(session),
        "row": row,
        "title": facts.title_in(language, rules, round_id),
        "says": facts.waiting(row),
        "steps": steps,
        "current": next((place for place, step in enumerate(steps) if step.at is None), len(steps)),
        "deposits": _deposits(session, row, rules),
        "targets": called(session, round_id, rules, "entropy"),
        "seats": called(session, round_id, rules, "entropy_seats"),
        "until": _until(row, rules),
        "released": released,
        "drawn": drawn[:SHOWN],
        "count": len(drawn),
        "over": row.status in ("done", "void", "refused"),
    }


def _deposits(session: Session, row: Round, rules: Mapping[str, Any]) -> list[tuple[str, bool]]:
    """Each party of the manifest, and whether its secret is deposited."""
    given = {row.party for row in deposits(session, row.round_id) if row.own or row.sealed_secret is not None}
    done = repository.reached(row, "entropy")
    return [(item["party"], done or item["party"] in given) for item in rules.get("commitments", ())]


def called(session: Session, round_id: str, rules: Mapping[str, Any], part: str) -> list[Called]:
    """The sources of a part in the manifest's order, each with its value once that is in the log."""
    supplied: dict[str, tuple[str, str]] = {}
    for row in ledger.entries(session, round_id):
        entry = row["entry"]
        if entry["type"] == "round.supplied" and entry["part"] == part:
            supplied[entry["id"]] = (entry["value"], entry["at"])
        if entry["type"] == f"round.{part}":
            supplied |= {one["id"]: (one["value"], entry["at"]) for one in entry["values"]}
    return [
        Called(
            source["id"], source["rule"], source["bits"], *supplied.get(source["id"], ("", "")),
            digits="digit" in source["rule"],
        )
        for source in rules.get(part, ())
    ]  # fmt: skip


def _until(row: Round, rules: Mapping[str, Any]) -> datetime | None:
    """The deadline that the step now under way has to keep."""
    if row.stage != "committed" or not rules:
        return None
    return datetime.fromisoformat(rules["deadlines"]["entropy"])
