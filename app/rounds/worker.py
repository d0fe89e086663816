"""Workers: each claims a round, keeps its lease while a stage runs, and takes over from those that died."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy.exc import OperationalError

from app.db.database import Database
from app.executors import solving
from app.rounds import repository
from app.rounds.advance import advance
from app.rounds.tables import Round
from app.rounds.vault import Vault
from app.settings import settings
from optimizer.progress import Progress

log = logging.getLogger(__name__)


class SystemClock:
    """The system's clock, in UTC."""

    def now(self) -> datetime:
        """This moment."""
        return datetime.now(UTC)


class OperationProgress:
    """Writes progress into the round's operation row, at most twice a second, so that anybody can follow it."""

    def __init__(self, db: Database, round_id: str) -> None:
        self._db, self._round_id, self._last = db, round_id, 0.0

    def step(self, stage: str, done: int, total: int, note: str = "") -> None:
        """Store the newest step."""
        if time.monotonic() - self._last < 0.5:
            return
        self._last = time.monotonic()
        with self._db.write() as session:
            row = repository.operation_of(session, self._round_id)
            if row is not None:
                row.stage, row.done, row.total, row.note = stage, done, total, note
                behind = repository.get(session, self._round_id)
                if behind is not None:
                    row.percent = max(row.percent, repository.percent(behind.stage, done, total))
                row.updated_at = datetime.now(UTC)
                session.add(row)


def owner_name() -> str:
    """Who holds a lease: host, process and thread."""
    return f"{socket.gethostname()}:{os.getpid()}:{threading.get_ident()}"


def run_once(
    db: Database,
    vault: Vault,
    lease_seconds: int,
    executor: Executor | None,
    clock: SystemClock | None = None,
    progress: Progress | None = None,
) -> Round | None:
    """Claim one round with work to do and carry it as far as it goes; None when there is none."""
    at = clock or SystemClock()
    with db.write() as session:
        row = repository.claim(session, owner_name(), at.now(), lease_seconds)
    if row is None:
        return None
    try:
        with renewing(db, row, lease_seconds):
            row = advance(
                db,
                vault,
                row,
                at,
                executor=executor,
                progress=progress or OperationProgress(db, row.round_id),
            )
    except repository.Lost:
        return None
    with db.write() as session:
        repository.release(session, row.round_id, row.fence)
        repository.note_operation(session, row)
    return row


@contextmanager
def renewing(db: Database, row: Round, lease_seconds: int) -> Iterator[None]:
    """Renew the lease from a thread of its own while the stage computes; a database that is away is asked again."""
    stop = threading.Event()

    def renew() -> None:
        held = True
        while held and not stop.wait(lease_seconds / 3):
            try:
                held = _renewed(db, row, lease_seconds)
            except OperationalError:
                log.warning("the lease of %s could not be renewed; it is tried again", row.round_id)

    thread = threading.Thread(target=renew, name=f"lease-{row.round_id}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _renewed(db: Database, row: Round, lease_seconds: int) -> bool:
    with db.write() as session:
        until = datetime.now(UTC) + timedelta(seconds=lease_seconds)
        return repository.renew(session, row.round_id, row.fence, until)


def run_in_process(url: str, directory: str, lease_seconds: int) -> str | None:
    """`run_once` for a process of its own: the round's id and status, None when nothing was to do."""
    db = Database(url)
    try:
        with solving(settings()) as executor:
            row = run_once(db, Vault(Path(directory)), lease_seconds, executor)
    finally:
        db.close()
    return None if row is None else f"{row.round_id} {row.status}"
