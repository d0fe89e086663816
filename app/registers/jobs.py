"""Imports in the background: an upload waits in the data folder, a worker claims it, reports, and takes over.

Importing a list again changes nothing that is stored already, so an import that was cut off is simply begun again.
Only uploads that lie in this machine's data folder are claimed.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlmodel import Session

from app.db.database import Database
from app.errors import Problem, Refused
from app.http import leases
from app.http.tables import Operation
from app.registers import service
from app.registers.schemas import ImportReport

KIND = "import"
_SERVER_PATHS = {"refusals_file", "notes_file"}


def shown(report: ImportReport) -> dict[str, Any]:
    """A report without the server's own paths."""
    return report.model_dump(mode="json", by_alias=True, exclude=_SERVER_PATHS)


def enqueue(db: Database, upload: Path, register: str, file_name: str, now: datetime) -> Operation:
    """Note an upload, which now belongs to the worker, as an operation to be done."""
    payload = {"path": str(upload.resolve()), "register": register, "file_name": file_name}
    made = Operation(
        kind=KIND, subject=f"register:{register}", payload=payload, created_at=now, updated_at=now
    )
    with db.write() as session:
        session.add(made)
        session.flush()
        return made


def _waiting(session: Session, now: datetime) -> Operation | None:
    """The oldest import that nobody holds and whose upload is here."""
    rows = leases.waiting(session, KIND, now)
    return next((row for row in rows if Path((row.payload or {})["path"]).is_file()), None)


def any_waiting(db: Database, now: datetime) -> bool:
    """Whether there is an import to do."""
    with db.read() as session:
        return _waiting(session, now) is not None


def claim(session: Session, owner: str, now: datetime, lease_seconds: int) -> Operation | None:
    """Lease the oldest import whose upload is here; the fence grows, so an earlier holder writes no more."""
    row = _waiting(session, now)
    return None if row is None else leases.claim(session, row, owner, now, lease_seconds)


def _percent(stage: str, done: int, total: int) -> int:
    return 100 * done // total if total and stage == "import" else 0


def run_once(db: Database, data_dir: Path, lease_seconds: int) -> int | None:
    """Do one waiting import; its operation's id, None when there is none."""
    with db.write() as session:
        claimed = claim(session, leases.worker_name(), datetime.now(UTC), lease_seconds)
    if claimed is None:
        return None
    try:
        _carry_out(db, claimed, data_dir, lease_seconds)
    except leases.Lost:
        return claimed.id
    Path((claimed.payload or {})["path"]).unlink(missing_ok=True)
    return claimed.id


def _carry_out(db: Database, claimed: Operation, data_dir: Path, lease_seconds: int) -> None:
    given = claimed.payload or {}
    try:
        report = service.import_file(
            db,
            Path(given["path"]),
            given["register"],
            now=datetime.now(UTC),
            progress=leases.LeasedProgress(db, claimed, lease_seconds, _percent),
            folder=data_dir / "imports",
            file_name=given["file_name"],
        )
        ended: dict[str, Any] = {"status": "done", "percent": 100, "result": shown(report)}
        ended |= {"done": report.rows, "total": report.rows, "stage": "import"}
    except Refused as refusal:
        ended = {"status": "failed", "problem": _stored(refusal.problem)}
    leases.end(db, claimed, ended, datetime.now(UTC))


def _stored(problem: Problem) -> dict[str, Any]:
    return {
        "code": problem.code,
        "zh": problem.zh,
        "en": problem.en,
        "remedy_zh": problem.remedy_zh,
        "remedy_en": problem.remedy_en,
        "params": dict(problem.params),
    }


def run_in_process(url: str, directory: str, lease_seconds: int) -> int | None:
    """`run_once` for a process of its own."""
    db = Database(url)
    try:
        return run_once(db, Path(directory), lease_seconds)
    finally:
        db.close()


def place_for(data_dir: Path) -> Path:
    """A new name in the folder where uploads wait."""
    folder = data_dir / "uploads"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / uuid.uuid4().hex
