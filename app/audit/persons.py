"""Rules about who did what to a round, how often it was made, and what changed after its commitment."""

from __future__ import annotations

from sqlmodel import col, select

from app.audit.draws import Broken, same
from app.audit.finished import Finished
from app.people.tables import Sanction
from app.rounds.tables import Round
from app.visits.tables import Visit, VisitCheck

NEEDS_REASON = ("absence", "plan_change", "replacement", "seat_move", "void")
"""Events after the commitment that say why."""


def once(one: Finished) -> str:
    """Of a plan's period at most one round is not void, and the void ones came before it."""
    query = select(Round.round_id, Round.sequence, Round.status).where(
        Round.plan == one.row.plan, Round.period == one.row.period
    )
    rows = one.session.exec(query.order_by(col(Round.sequence))).all()
    same([number for _, number, _ in rows], list(range(1, len(rows) + 1)), "sequence")
    standing = [round_id for round_id, _, status in rows[:-1] if status != "void"]
    if standing:
        raise Broken(f"{' '.join(standing)} {rows[-1][0]}")
    made = sum(entry["type"] == "round.created" for entry in one.entries)
    same(made, 1, "round.created")
    return f"{one.row.sequence}/{len(rows)}"


def persons(one: Finished) -> str:
    """Nobody approved or carried out what they asked for, nor reviewed what they recorded."""
    checked = 0
    asked = select(Sanction).where(
        Sanction.subject == one.row.round_id, col(Sanction.action).startswith("round.")
    )
    for row in one.session.exec(asked):
        _different(f"request {row.id}", row.requested_by, row.approved_by, row.executed_by)
        checked += 1
    problem = one.row.problem or {}
    _different("void", problem.get("by"), problem.get("confirmed_by"))
    query = select(VisitCheck.key, VisitCheck.recorded_by, VisitCheck.reviewed_by, VisitCheck.legal_by)
    query = query.join(Visit, col(Visit.key) == col(VisitCheck.visit))
    for key, *signed in one.session.exec(query.where(Visit.round_id == one.row.round_id)):
        _different(f"check {key}", *signed)
        checked += 1
    return str(checked)


def _different(where: str, *signed: object) -> None:
    there = [person for person in signed if person is not None]
    if len(set(there)) < len(there):
        raise Broken(where)


def changes(one: Finished) -> str:
    """Whatever changed after the plan was committed to came after it, and says why."""
    events = one.json("events.json")
    committed = one.logged.get("round.plan") or one.logged["round.manifest"]
    for number, event in enumerate(events):
        where = f"events[{number}] {event['type']}"
        if event["type"] in NEEDS_REASON and not str(event.get("reason") or "").strip():
            raise Broken(f"{where}: no reason")
        if event["at"] < committed["at"]:
            raise Broken(f"{where}: {event['at']} < {committed['at']}")
    return str(len(events))
