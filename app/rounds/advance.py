"""Carrying a round forward: the stage that is next, written at once under its fence, until it waits or is done."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Executor
from datetime import datetime
from typing import Protocol

from app.db.database import Database
from app.errors import Conflict, Problem, Refused
from app.http.etag import Guard, unguarded
from app.ledger import checkpoints
from app.ledger import repository as ledger
from app.rounds import drawing, record, repository, seating
from app.rounds.log import entry_of
from app.rounds.schemas import RoundOut
from app.rounds.stages import Outcome, Waiting, Work
from app.rounds.tables import STAGES, Round
from app.rounds.vault import Vault
from optimizer.progress import Progress

Stage = Callable[[Work], Outcome | Waiting]

NEXT: dict[str, Stage] = {
    "created": drawing.freeze,
    "frozen": drawing.commit,
    "committed": drawing.take_entropy,
    "entropy": drawing.draw_targets,
    "drawn": seating.pack_visits,
    "packed": seating.take_entropy_seats,
    "entropy_seats": seating.seat,
    "seated": seating.reveal,
}
"""What is done next, by the stage that a round has behind it."""


class Clock(Protocol):
    """Gives the moment a stage is done at; the service's is the system's, a demonstration's is simulated."""

    def now(self) -> datetime:
        """An aware moment, never earlier than the one before."""


def advance(
    db: Database,
    vault: Vault,
    row: Round,
    clock: Clock,
    *,
    executor: Executor | None,
    progress: Progress,
    until: str = STAGES[-1],
) -> Round:
    """Do stage after stage until the round waits, is done or is refused, or `until` is done.

    `row` is claimed (its fence is ours).
    """
    while row.status == "running" and row.stage in NEXT and row.stage != until:
        row = _step(db, vault, row, clock, executor, progress)
    return row


def _step(
    db: Database, vault: Vault, row: Round, clock: Clock, executor: Executor | None, progress: Progress
) -> Round:
    started = time.perf_counter()
    with db.read() as session:
        document = repository.document(session, row)
    work = Work(db, vault, row, document, clock.now(), executor, progress)
    try:
        with db.read() as session:
            checkpoints.guard(session, vault.directory)
            record.require_signed_entropy(session, row)
        outcome = NEXT[row.stage](work)
        if isinstance(outcome, Waiting):
            return _write_waiting(db, row, outcome.what, work.now)
        return _write(work, outcome, time.perf_counter() - started)
    except Refused as refusal:
        return _write_refusal(db, row, refusal.problem, work.now, time.perf_counter() - started)


def _write(work: Work, outcome: Outcome, seconds: float) -> Round:
    """Write a stage's artefacts, entries, rows and state in one transaction, with the checkpoint that signs them.

    So the raw public values are signed before the next stage, which is the first to draw from them.
    """
    row = work.row
    with work.db.write() as session:
        now = ledger.moment(session, work.now, seconds)
        current = repository.fenced(session, row)
        if current.status == "void":
            return current
        for name, data in outcome.artefacts.items():
            ledger.keep(session, row.round_id, name, data, now)
        digest, more = record.stage_record(
            work.vault, row.round_id, outcome.stage, outcome.artefacts, now, seconds
        )
        ledger.append(session, entry_of(current, record.STAGE_ENTRY, "service", now, digest, **more), now)
        for line in outcome.log:
            entry = entry_of(current, line.type, line.role, now, line.digest, **line.more)
            ledger.append(session, entry, now)
        if outcome.rows is not None:
            outcome.rows(session, now)
        repository.mark(session, row.round_id, outcome.stage, now, seconds)
        current.stage = outcome.stage
        current.status = "done" if outcome.stage == STAGES[-1] else "running"
        current.waiting_for, current.problem, current.updated_at = None, None, now
        if outcome.assurance is not None:
            current.assurance = outcome.assurance
        session.add(current)
        checkpoints.make(session, work.vault.directory, now)
        return current


def _write_waiting(db: Database, row: Round, what: str, now: datetime) -> Round:
    with db.write() as session:
        current = repository.fenced(session, row)
        if current.status == "void":
            return current
        current.status, current.waiting_for, current.updated_at = "waiting", what, now
        session.add(current)
        return current


def _write_refusal(db: Database, row: Round, problem: Problem, now: datetime, seconds: float) -> Round:
    with db.write() as session:
        now = ledger.moment(session, now, seconds)
        current = repository.fenced(session, row)
        if current.status == "void":
            return current
        current.status, current.updated_at = "refused", now
        current.problem = {
            "code": problem.code,
            "zh": problem.zh,
            "en": problem.en,
            "remedy_zh": problem.remedy_zh,
            "remedy_en": problem.remedy_en,
            "params": dict(problem.params),
        }
        digest = record.problem_digest(current.problem)
        ledger.append(
            session, entry_of(current, "round.refused", "service", now, digest, code=problem.code), now
        )
        session.add(current)
        return current


def retry(db: Database, round_id: str, now: datetime, guard: Guard = unguarded) -> Round:
    """Try a refused stage again after its cause was mended. What was done before stays as it is."""
    with db.write() as session:
        row = repository.get_locked(session, round_id)
        if row is not None:
            guard(RoundOut.of(row, []))
        if row is None or row.status != "refused":
            raise Conflict(
                Problem(
                    "round.not_refused",
                    f"批次 {round_id} 没有被拒绝的步骤可重试。",
                    f"Round {round_id} has no refused step to try again.",
                    params={"round_id": round_id},
                )
            )
        row.status, row.problem, row.updated_at = "running", None, now
        session.add(row)
        repository.note_operation(session, row)
        return row
