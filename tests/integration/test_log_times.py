"""The log's times never go back, whatever the clocks of those who write into it say."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from sqlmodel import col, select

from app.db.database import Database
from app.errors import Conflict
from app.ledger import repository as ledger
from app.ledger.tables import LogEntry

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def log(db: Database, at: datetime) -> None:
    """Append an entry that says its own time, as rounds do."""
    said = at.astimezone(ledger.OFFICIAL).isoformat(timespec="seconds")
    with db.write() as session:
        entry = {"type": "test", "subject": "s", "at": said, "actor_role": "service", "digest": "00"}
        ledger.append(session, entry, at)


def times(db: Database) -> tuple[list[datetime], list[datetime]]:
    """Times of the rows and of the bodies, in order of index."""
    with db.read() as session:
        rows = session.exec(select(LogEntry).order_by(col(LogEntry.index))).all()
        return [row.at for row in rows], [datetime.fromisoformat(json.loads(row.body)["at"]) for row in rows]


def test_an_entry_of_a_slower_clock_takes_the_time_before_it(database: Database) -> None:
    log(database, NOON)
    log(database, NOON - timedelta(minutes=4))
    assert times(database) == ([NOON, NOON], [NOON, NOON])


def test_a_clock_that_is_wrong_is_refused_and_leaves_nothing(database: Database) -> None:
    log(database, NOON)
    with pytest.raises(Conflict, match=r"log\.clock_behind"):
        log(database, NOON - timedelta(minutes=6))
    assert times(database) == ([NOON], [NOON])


def test_writers_with_skewed_clocks_leave_times_in_order(database: Database) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: log(database, NOON + timedelta(seconds=(n * 37) % 60)), range(40)))
    for found in times(database):
        assert len(found) == 40
        assert all(earlier <= later for earlier, later in pairwise(found))
