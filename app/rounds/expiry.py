"""What time does to rounds: those without their public values in time end void, those that waited go on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

from sqlmodel import Session

from app.db.database import Database
from app.ledger import repository as ledger
from app.rounds import repository
from app.rounds.log import entry_of, stamp
from app.rounds.story import sha
from app.rounds.tables import Round
from scheduler.encoding import Json, canonical_json


def void_row(
    session: Session,
    row: Round,
    reason: str,
    now: datetime,
    *,
    actor: str,
    kept: Sequence[Json] = (),
    persons: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Log the void and the artefacts `kept` with it, drop the checks that were planned, end the round."""
    digest = hashlib.sha256(canonical_json({"reason": reason, "round_id": row.round_id})).hexdigest()
    more: dict[str, Json] = {"reason": reason, **{name: sha(value) for name, value in persons.items()}}
    if kept:
        more["kept"] = list(kept)
    ledger.append(session, entry_of(row, "round.void", actor, now, digest, **more), now)
    repository.forget_checks(session, row.round_id)
    row.status, row.waiting_for, row.updated_at = "void", None, now
    row.problem = {"code": f"void.{reason}", **persons}
    session.add(row)
    repository.note_operation(session, row)


def expire(db: Database, now: datetime) -> list[str]:
    """Void what waited for entropy or deposits beyond its deadline; the service logs the missed deadline itself."""
    voided = []
    with db.write() as session:
        now = ledger.moment(session, now)
        for row in repository.waiting(session):
            deadline = entropy_deadline(session, row)
            if deadline is not None and now > deadline and row.waiting_for in ("deposits", "entropy"):
                reason = "deposits_incomplete" if row.waiting_for == "deposits" else "deadline_missed"
                void_row(session, row, reason, now, actor="service")
                voided.append(row.round_id)
    return voided


def entropy_deadline(session: Session, row: Round) -> datetime | None:
    """Until when a committed round takes its first public value; None in every other stage."""
    manifest = ledger.find(session, row.round_id, "manifest.json") if row.stage == "committed" else None
    return None if manifest is None else _deadline(manifest, "entropy")


def awaited(session: Session, row: Round) -> str:
    """Which announced sources have not spoken yet, and until when they may; empty where none is waited for."""
    part = row.waiting_for or ""
    manifest = ledger.find(session, row.round_id, "manifest.json")
    if part not in ("entropy", "entropy_seats") or manifest is None:
        return ""
    known = repository.entropy(session, row.round_id, part)
    names = [source["id"] for source in json.loads(manifest)[part] if source["id"] not in known]
    until = entropy_deadline(session, row)
    return "、".join(names) + (f"，截止 until {stamp(until)}" if until else "")


def _deadline(manifest: bytes, name: str) -> datetime:
    return datetime.fromisoformat(json.loads(manifest)["deadlines"][name])


def wake(db: Database, now: datetime) -> list[str]:
    """Set going again what waited only for its time to come."""
    woken = []
    with db.write() as session:
        for row in repository.waiting(session):
            manifest = ledger.find(session, row.round_id, "manifest.json")
            if row.waiting_for != "reveal" or manifest is None:
                continue
            if now >= _deadline(manifest, "reveal"):
                row.status, row.waiting_for, row.updated_at = "running", None, now
                session.add(row)
                woken.append(row.round_id)
    return woken
