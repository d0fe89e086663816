"""The log's times never go back, whatever the clocks of those who write into it say."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from sqlmodel import col, select

from app.db.database import Database
from app.errors import Conflict
from app.ledger import repository as ledger
from app.ledger.tables import LogEntry
from app.registers.service import import_file
from app.rounds import service
from app.rounds.fsck import check_all
from app.rounds.vault import Vault
from app.whole_round import Trip, answers, carry
from tests import small_city

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


class SlowWork:
    """A clock and the progress of work that lasts long: each step takes ten minutes, and others log in the ninth."""

    def __init__(self, db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        self._db, self._passed, count = db, 0.0, time.perf_counter
        monkeypatch.setattr(time, "perf_counter", lambda: count() + self._passed)

    def now(self) -> datetime:
        """What the clock says."""
        return small_city.NOW + timedelta(seconds=self._passed)

    def step(self, stage: str, done: int, total: int, note: str = "") -> None:
        """Let ten minutes go by."""
        log(self._db, self.now() + timedelta(minutes=9))
        self._passed += 600


def test_a_round_whose_stages_last_longer_than_clocks_may_differ(
    city: Database, publish: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Packing a city takes half an hour; what others log meanwhile keeps no stage from being written."""
    slow = SlowWork(city, monkeypatch)
    made = service.create(city, publish(), "2026-Q1", small_city.NOW)
    trip = Trip(city, Vault(tmp_path), tmp_path, slow, None, slow, "审批人", "packed")
    row = carry(trip, made, answers(trip))
    assert (row.stage, row.status) == ("packed", "running"), row.problem
    assert sorted(times(city)[0]) == times(city)[0]
    with city.read() as session:
        assert list(check_all(session, Vault(tmp_path))) == []


def test_an_import_that_lasts_longer_than_clocks_may_differ(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = SlowWork(database, monkeypatch)
    listed = tmp_path / "list.csv"
    listed.write_text("企业名称,统一社会信用代码,住所\n甲,91650100000000001A,乌鲁木齐市\n", encoding="utf-8")
    began = slow.now()
    import_file(database, listed, "targets", now=began, progress=slow, folder=tmp_path / "reports")
    rows, bodies = times(database)
    assert sorted(rows) == rows
    assert bodies[-1] > began + timedelta(minutes=9)
