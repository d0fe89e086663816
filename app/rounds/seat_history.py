"""Seats that inspectors served in a plan's earlier rounds, as published: what today's weights follow from."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from sqlmodel import Session

from app.ledger import repository as ledger
from app.rounds import repository
from app.rounds.tables import Round
from scheduler.encoding import Json
from scheduler.lottery.roster import Roster
from scheduler.lottery.weights import carried_over, history_of


def weights_extra(session: Session, row: Round, roster: Roster) -> dict[str, Json]:
    """The manifest's `seat_history` and `seat_weights` for a round about to be frozen; nothing where nobody served.

    Only revealed rounds count: the manifest is public, and a round under embargo must not be told by its sums.
    Voided rounds never count.
    """
    departments = {person.code: person.department for person in roster.inspectors}
    history = history_of((served_in(session, other) for other in _before(session, row)), departments)
    if not history:
        return {}
    rows: list[Json] = [
        {"code": code, "department": departments[code], "seats": seats} for code, seats in history.items()
    ]
    return {"seat_history": rows, "seat_weights": dict(carried_over(history, departments))}


def _before(session: Session, row: Round) -> Iterable[Round]:
    return (other for other in repository.revealed(session, row.plan) if other.round_id != row.round_id)


def served_in(session: Session, row: Round) -> dict[str, int]:
    """Seats served in a revealed round, 0 of those who could have but didn't, moves after the freeze included."""
    lottery, events = (
        json.loads(ledger.load(session, row.round_id, name)) for name in ("lottery.json", "events.json")
    )
    return served(lottery, events)


def served(lottery: Mapping[str, Any], events: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """The same from the two files."""
    held = Counter(after_moves(lottery["assignment"], events).values())
    return {code: held[code] for group in lottery["groups"] for code in group["members"]}


def after_moves(assignment: Mapping[str, str], events: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Who holds each seat when all seat moves among the events are made."""
    moved = {event["seat_id"]: event["into"] for event in events if event["type"] == "seat_move"}
    return {**assignment, **moved}
