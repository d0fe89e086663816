"""Operations that one worker at a time holds: leased, renewed by their progress, taken over from the dead."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import update
from sqlmodel import Session, col, select

from app.db.database import Database
from app.http.tables import Operation


class Lost(Exception):  # noqa: N818  not an error: another worker has taken over, or somebody stopped it
    """The operation is no longer this worker's."""


def worker_name() -> str:
    """This process, as a lease names its holder."""
    return f"{socket.gethostname()}:{os.getpid()}"


def waiting(session: Session, kind: str, now: datetime) -> list[Operation]:
    """Operations to be done that nobody holds, the oldest first."""
    free = (col(Operation.lease_until).is_(None)) | (col(Operation.lease_until) < now)
    query = select(Operation).where(Operation.kind == kind, Operation.status == "running", free)
    return list(session.exec(query.order_by(col(Operation.id))))


def claim(
    session: Session, row: Operation, owner: str, now: datetime, lease_seconds: int
) -> Operation | None:
    """Lease an operation; the fence grows, so an earlier holder writes no more. None where another was quicker."""
    until = now + timedelta(seconds=lease_seconds)
    statement = (
        update(Operation)
        .where(
            col(Operation.id) == row.id, col(Operation.fence) == row.fence, col(Operation.status) == "running"
        )
        .values(lease_owner=owner, lease_until=until, fence=Operation.fence + 1)
        .returning(Operation)
        .execution_options(populate_existing=True)
    )
    return session.scalars(statement).one_or_none()


def write(db: Database, claimed: Operation, values: dict[str, Any], now: datetime) -> None:
    """Change a leased operation. Raises Lost where it is no longer held or was stopped."""
    statement = update(Operation).where(
        col(Operation.id) == claimed.id,
        col(Operation.fence) == claimed.fence,
        col(Operation.status) == "running",
    )
    with db.write() as session:
        written = session.scalars(
            statement.values(**values, updated_at=now).returning(col(Operation.id))
        ).one_or_none()
    if written is None:
        raise Lost(claimed.id)


def end(db: Database, claimed: Operation, values: dict[str, Any], now: datetime) -> None:
    """Change a leased operation for the last time and give it back. Raises Lost as `write` does."""
    write(db, claimed, {**values, "lease_owner": None, "lease_until": None}, now)


class LeasedProgress:
    """Progress in the operation's row, which also renews the lease. `percent`: of the whole, by stage, done, total."""

    def __init__(
        self, db: Database, claimed: Operation, lease_seconds: int, percent: Callable[[str, int, int], int]
    ) -> None:
        self._db, self._claimed, self._lease, self._last = db, claimed, lease_seconds, 0.0
        self._percent = percent

    def step(self, stage: str, done: int, total: int, note: str = "") -> None:
        """Store the newest step, at most twice a second. Raises Lost where another worker has taken over."""
        if time.monotonic() - self._last < 0.5:
            return
        self._last = time.monotonic()
        now = datetime.now(UTC)
        values = {
            "stage": stage, "done": done, "total": total, "note": note,
            "percent": min(99, self._percent(stage, done, total)),
            "lease_until": now + timedelta(seconds=self._lease),
        }  # fmt: skip
        write(self._db, self._claimed, values, now)
