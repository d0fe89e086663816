"""An audit of everything stored, done beside the service: asked for by the clock or a person, followed, stopped, kept.

`log fsck`, the rules of every draw and the anomalies, in this order. What it found is kept with its operation, in the
part that is not shown to those who follow operations: it is the auditors'.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy import update
from sqlmodel import Session, col, select

from app.audit.anomalies import FINDERS, anomalies
from app.audit.lines import lines
from app.audit.schemas import KEPT, Anomaly, Difference, Looked, Report
from app.db.database import Database
from app.errors import Conflict, Problem
from app.http import leases
from app.http.tables import Operation
from app.rounds.fsck import check_all
from app.rounds.vault import Vault
from optimizer.progress import SILENT, Progress

KIND: Final = "audit"
SUBJECT: Final = "log"
LEASE_SECONDS: Final = 600
"""Longer than any of its parts that reports nothing in between: one large table."""
ENDS: Final = {"log": 30, "tables": 60, "rounds": 85, "draws": 95, "anomalies": 100}
"""The stages in order, and how much of the whole is behind each."""


def looked(session: Session, progress: Progress = SILENT) -> Looked:
    """Rules of draws, and anomalies, as they follow from what is stored now."""
    held = list(lines(session, progress))
    found: list[Anomaly] = []
    for anomaly in anomalies(session):
        found.append(anomaly)
        progress.step("anomalies", len(found), len(FINDERS))
    return Looked(lines=held, anomalies=found)


def audit(session: Session, vault: Vault, progress: Progress = SILENT) -> Report:
    """All of it. Changes nothing."""
    findings, count = [], 0
    for finding in check_all(session, vault, progress):
        count += 1
        if count <= KEPT:
            findings.append(Difference.model_validate(finding, from_attributes=True))
    seen = looked(session, progress)
    return Report(differences=count, findings=findings, lines=seen.lines, anomalies=seen.anomalies)


def percent(stage: str, done: int, total: int) -> int:
    """How much of an audit is behind it."""
    stages = list(ENDS)
    place = stages.index(stage)
    begins = ENDS[stages[place - 1]] if place else 0
    return begins + (ENDS[stage] - begins) * done // max(total, 1)


def ask(db: Database, now: datetime) -> Operation:
    """The audit that is to be done or being done; a new one where there is none."""
    with db.write() as session:
        running = newest(session, "running")
        if running is not None:
            return running
        made = Operation(kind=KIND, subject=SUBJECT, created_at=now, updated_at=now)
        session.add(made)
        session.flush()
        return made


def newest(session: Session, status: str) -> Operation | None:
    """The newest audit with this status."""
    query = select(Operation).where(Operation.kind == KIND, Operation.status == status)
    return session.exec(query.order_by(col(Operation.id).desc()).limit(1)).first()


def report_of(row: Operation) -> Report:
    """What a finished audit found."""
    return Report.model_validate(row.payload)


def stop(db: Database, now: datetime) -> None:
    """Stop the audit that is waited for; its worker gives up at its next step. Raises Conflict `audit.none`."""
    ended = {"status": "failed", "problem": _STOPPED, "lease_owner": None, "lease_until": None}
    statement = update(Operation).where(col(Operation.kind) == KIND, col(Operation.status) == "running")
    with db.write() as session:
        found = session.scalars(statement.values(**ended, updated_at=now).returning(col(Operation.id))).all()
    if not found:
        raise Conflict(
            Problem(
                "audit.none",
                "没有正在进行的核查。",
                "No audit is under way.",
                "请查看最近一次核查的结果，或开始新的核查。",
                "See the newest result, or begin another audit.",
            )
        )


_STOPPED: Final = {
    "code": "audit.stopped",
    "zh": "核查已由人员停止。",
    "en": "The audit was stopped by a person.",
    "remedy_zh": "需要时请重新开始。",
    "remedy_en": "Begin another one where it is needed.",
    "params": {},
}


def any_waiting(db: Database, now: datetime) -> bool:
    """Whether there is an audit to do."""
    with db.read() as session:
        return bool(leases.waiting(session, KIND, now))


def run_once(db: Database, directory: Path, now: datetime) -> Report | None:
    """Do one audit that waits; None where there is none, or it was stopped or taken over."""
    with db.write() as session:
        free = leases.waiting(session, KIND, now)
        claimed = leases.claim(session, free[0], leases.worker_name(), now, LEASE_SECONDS) if free else None
    if claimed is None:
        return None
    progress = leases.LeasedProgress(db, claimed, LEASE_SECONDS, percent)
    try:
        with db.read() as session:
            report = audit(session, Vault(directory), progress)
        ended: dict[str, Any] = {"status": "done", "percent": 100, "payload": report.model_dump()}
        leases.end(db, claimed, ended, datetime.now(UTC))
    except leases.Lost:
        return None
    return report


def run_in_process(url: str, directory: str) -> list[str]:
    """`run_once` for a process of its own; gives what is to be said in the service's log."""
    db = Database(url)
    try:
        report = run_once(db, Path(directory), datetime.now(UTC))
        return [] if report is None else list(said(report))
    finally:
        db.close()


def said(report: Report) -> Iterator[str]:
    """A line for each difference from the log and each broken rule; anomalies are for auditors alone."""
    for row in report.findings:
        yield f"fsck: {row.table}[{row.row}].{row.column}: {row.found[:80]} ≠ {row.expected[:80]}"
    for line in report.lines:
        if not line.holds:
            yield f"draw: {line.round_id} {line.code}: {line.detail}"
