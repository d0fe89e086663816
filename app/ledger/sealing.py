"""The journal of state in the log: what changed is sealed by an entry before each checkpoint."""

from __future__ import annotations

import hashlib
from datetime import datetime

from sqlalchemy import delete
from sqlmodel import Session, col, select

from app.db.journal import StateChange, StatePending
from app.ledger import repository
from scheduler.encoding import Json, canonical_json

SEALED = "state.sealed"


def any_pending(session: Session) -> bool:
    """Whether rows changed that no entry has sealed yet."""
    return session.exec(select(StatePending.number).limit(1)).first() is not None


def seal(session: Session, now: datetime) -> None:
    """Name every change that is not sealed yet in one entry: `changes` is a list of [number, digest]."""
    query = select(StateChange.number, StateChange.digest).join(
        StatePending, col(StatePending.number) == col(StateChange.number)
    )
    pending = session.exec(query.order_by(col(StateChange.number))).all()
    if not pending:
        return
    changes: list[Json] = [[number, digest] for number, digest in pending]
    digest = hashlib.sha256(canonical_json(changes)).hexdigest()
    entry = {
        "type": SEALED,
        "subject": "state",
        "actor_role": "service",
        "digest": digest,
        "changes": changes,
    }
    repository.append(session, entry, now)
    session.connection().execute(
        delete(StatePending).where(col(StatePending.number).in_([number for number, _ in pending]))
    )
