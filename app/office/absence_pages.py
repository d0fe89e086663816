"""Who cannot come after all: filed here once the seats are drawn, and the reserve that steps in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import Response
from sqlmodel import col, select

from app.db.database import Database
from app.disclosure import repository as disclosure
from app.http.access import ActorDep
from app.http.dependencies import DatabaseDep, NowDep, WholeDatabaseDep
from app.office.local import FormPage, Name, vault_of
from app.office.round_view import title_of
from app.registers.tables import Inspector
from app.rounds import seats
from app.rounds.absence import Absence
from app.visits.desk import official_day
from app.web.addresses import LanguageDep, in_both_languages
from app.web.language import marked
from scheduler.lottery.replacement import Reason

REASONS: Final[Mapping[Reason, str]] = {
    "sickness": marked("生病等不能到岗"),
    "recusal": marked("与对象有利害关系，回避"),
    "certificate": marked("证件失效"),
}
Day = Annotated[date | Literal[""], Form()]

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Filed:
    """An absence that was filed, and the seats that changed hands for it: (seat, who moved in)."""

    event: Mapping[str, Any]
    moves: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Absences(FormPage):
    """The absences of a round, as far as the asker sees their inspectors."""

    template = "absences.html"
    db: Database
    seen: Database
    round_id: str

    def context(self) -> Mapping[str, object]:
        """The round and what was filed."""
        with self.db.read() as session:
            row = disclosure.round_of(session, self.round_id)
            title, events = title_of(session, row, self.language), seats.events_of(session, self.round_id)
        absent = {event["inspector"] for event in events if event["type"] == "absence"}
        with self.seen.read() as session:
            theirs = select(Inspector.code, Inspector.name).where(col(Inspector.code).in_(absent))
            people = dict(session.exec(theirs).all())
        return {
            "checkpoint": None, "row": row, "title": title, "reasons": REASONS, "people": people,
            "filed": filed(events, people), "open": row.stage == "seated" and row.status == "waiting",
            "today": official_day(self.now),
        }  # fmt: skip

    @property
    def path(self) -> str:
        """Where they stand."""
        return f"/staff/rounds/{self.round_id}/absences"


def filed(events: Sequence[Mapping[str, Any]], seen: Mapping[str, str]) -> list[Filed]:
    """The newest first; a move belongs to the newest absence of who moved out."""
    found: list[tuple[Mapping[str, Any], list[tuple[str, str]]]] = []
    for event in events:
        if event["type"] == "absence":
            found.append((event, []))
        elif event["type"] == "seat_move":
            of = next((moves for about, moves in reversed(found) if about["inspector"] == event["out"]), None)
            if of is not None:
                of.append((event["seat_id"], event["into"]))
    return [Filed(event, tuple(moves)) for event, moves in reversed(found) if event["inspector"] in seen]


def _absences(
    request: Request, db: WholeDatabaseDep, seen: DatabaseDep, language: LanguageDep, now: NowDep,
    actor: ActorDep, round_id: str,
) -> Absences:  # fmt: skip
    return Absences(request, language, now, actor, db, seen, round_id)


AbsencesDep = Annotated[Absences, Depends(_absences)]


@in_both_languages(router, "/staff/rounds/{round_id}/absences")
def absences_page(absences: AbsencesDep) -> Response:
    """Absences filed so far, and the form for another."""
    return absences.page()


@in_both_languages(router, "/staff/rounds/{round_id}/absences", post=True)
def absence_form(
    absences: AbsencesDep,
    inspector: Name,
    reason: Annotated[Reason, Form()],
    start: Day = "",
    end: Day = "",
    target: Name = "",
) -> Response:
    """File one absence: each barred seat goes to the next reserve of its class, and no other seat changes."""
    about = Absence(inspector.strip(), reason, start or None, end or None, target.strip())

    def file() -> None:
        seats.require_own(absences.seen, [about])
        vault = vault_of(absences.request)
        seats.file_absences(absences.db, vault, absences.round_id, [about], absences.now)

    return absences.done(file, absences.path)
