"""The steps of checks as the log has them: nobody chooses its times."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from math import inf

from sqlmodel import Session, col, select

from app.ledger.tables import LogEntry

STEPS = ("arrive", "record", "review")


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a check, and the newest of each step before it."""

    key: str
    name: str
    at: datetime
    before: dict[str, datetime]

    def since(self, earlier: str) -> float:
        """Seconds since that step; infinite where it was not taken."""
        at = self.before.get(earlier)
        return inf if at is None else (self.at - at).total_seconds()


def check_steps(session: Session) -> Iterator[Step]:
    """Arrivals, records and reviews in the order of the log."""
    kinds = [f"visit.{name}" for name in STEPS]
    query = select(LogEntry.type, LogEntry.subject, LogEntry.at).where(col(LogEntry.type).in_(kinds))
    taken: dict[str, dict[str, datetime]] = {}
    for kind, subject, at in session.exec(
        query.order_by(col(LogEntry.index)).execution_options(yield_per=5000)
    ):
        key, name = subject.removeprefix("check:"), kind.removeprefix("visit.")
        known = taken.setdefault(key, {})
        yield Step(key, name, at, dict(known))
        known[name] = at
