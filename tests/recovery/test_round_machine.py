"""A round's life as hypothesis shuffles it: every step at any time, twice, in the wrong order, by services that die.

What has to hold after each step is asked in plain SQL of the file itself: one round at most of a (plan, period) that
is not void, what is written once stays as it is, stages go on and never back. At the end the log derives every table.
"""

from __future__ import annotations

import itertools
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from app.db.database import Database, sqlite_backup
from app.errors import Refused
from app.plans import service as plans
from app.rounds import expiry, repository, service, voiding
from app.rounds.advance import retry
from app.rounds.fsck import check_all
from app.rounds.tables import STAGES
from app.rounds.vault import Vault
from app.rounds.worker import run_once
from app.whole_round import SimulatedClock, reveal_time
from optimizer.progress import Silent
from tests import small_city

FULL = os.environ.get("TRIALS") == "full"
DIGITS = {"id": "first", "kind": "witness_digits", "digits": 20}
SOURCES = {"entropy": [DIGITS], "entropy_seats": [{**DIGITS, "id": "second"}]}
KEPT = {
    "log_entry": ('"index"', "body, leaf_hash"),
    "artefact": ("subject || '/' || name", "digest, size, data"),
    "round_time": ("round_id || '/' || stage", "at"),
    "round_deposit": ("round_id || '/' || party", "commitment, own"),
    "entropy_use": ("source", "round_id, name, part, value, at"),
}
"""Tables whose rows are only ever added: their key, and the columns that stay."""
Rows = dict[str, dict[str, tuple[Any, ...]]]


class Life(RuleBasedStateMachine):
    """One plan's rounds in a database of their own; refusals are answers, anything else is a failure."""

    def __init__(self, place: Callable[[], Path]) -> None:
        super().__init__()
        self.file = place()
        self.clock = SimulatedClock(small_city.NOW)
        self.seen: Rows = {}
        self.stages: dict[str, int] = {}
        self.start()

    def start(self) -> None:
        """A service over the file."""
        self.db = Database(f"sqlite:///{self.file}")
        self.vault = Vault(self.file.parent)

    def rounds(self) -> list[tuple[str, str, str | None]]:
        """(id, status, what it waits for) of each round."""
        return list(self.sql("SELECT round_id, status, waiting_for FROM round ORDER BY created_at, sequence"))

    def sql(self, statement: str) -> Iterator[tuple[Any, ...]]:
        """Rows of the file, past the service."""
        with closing(sqlite3.connect(self.file)) as plain:
            yield from plain.execute(statement).fetchall()

    def newest(self) -> str:
        return self.rounds()[-1][0]

    @initialize(steps=st.integers(0, 7))
    def first(self, steps: int) -> None:
        """Every life begins with a round that has come some way."""
        self.create()
        for _ in range(steps):
            self.go_on()

    @rule()
    def create(self) -> None:
        with suppress(Refused):
            service.create(self.db, "spring", "2026-Q1", self.clock.now())

    @rule(by=st.sampled_from(["审批人", "另一人"]))
    def approve(self, by: str) -> None:
        with suppress(Refused):
            service.approve(self.db, self.newest(), by, self.clock.now())

    @rule(source=st.sampled_from(["first", "second"]), value=st.sampled_from(["0" * 20, "1" * 20, "x"]))
    def supply(self, source: str, value: str) -> None:
        with suppress(Refused):
            service.supply(self.db, self.newest(), source, value, self.clock.now())

    @rule()
    def work(self) -> None:
        run_once(self.db, self.vault, 60, None, self.clock, Silent())  # type: ignore[arg-type]  # a clock of ours

    @rule()
    def go_on(self) -> None:
        """What the round waits for is given as it should be, so that lives get far."""
        self.work()
        round_id, _, waits = self.rounds()[-1]
        if waits == "approval":
            self.approve("审批人")
        elif waits in ("entropy", "entropy_seats"):
            self.supply(*(("first", "0" * 20) if waits == "entropy" else ("second", "1" * 20)))
        elif waits == "reveal":
            self.clock.jump(reveal_time(self.db, round_id))
            expiry.wake(self.db, self.clock.now())
        self.work()

    @rule(hours=st.sampled_from([1, 30, 24 * 90]))
    def time_goes_by(self, hours: int) -> None:
        self.clock.jump(self.clock.now() + timedelta(hours=hours))
        expiry.expire(self.db, self.clock.now())
        expiry.wake(self.db, self.clock.now())

    @rule(reason=st.sampled_from(["frame_wrong", "no_reason"]), confirmed_by=st.sampled_from(["甲", "乙"]))
    def void(self, reason: str, confirmed_by: str) -> None:
        with suppress(Refused):
            voiding.void(self.db, self.vault, self.newest(), reason, "甲", confirmed_by, self.clock.now())

    @rule()
    def try_again(self) -> None:
        with suppress(Refused):
            retry(self.db, self.newest(), self.clock.now())

    @rule()
    def a_worker_dies_with_it(self) -> None:
        with self.db.write() as session:
            repository.claim(session, "dead", self.clock.now(), 60)

    @rule()
    def restart(self) -> None:
        self.db.close()
        self.start()

    @invariant()
    def at_most_one_round_of_a_period_is_not_void(self) -> None:
        counted = self.sql(
            "SELECT count(*) FROM round WHERE status <> 'void' GROUP BY plan, period HAVING count(*) > 1"
        )
        assert not list(counted)

    @invariant()
    def what_is_written_stays(self) -> None:
        for table, (key, columns) in KEPT.items():
            now = {str(row[0]): row[1:] for row in self.sql(f"SELECT {key}, {columns} FROM {table}")}
            before = self.seen.get(table, {})
            changed = [one for one, row in before.items() if now.get(one) != row]
            assert not changed, (table, changed)
            self.seen[table] = now

    @invariant()
    def stages_go_on(self) -> None:
        for round_id, stage in self.sql("SELECT round_id, stage FROM round"):
            place = STAGES.index(stage)
            assert self.stages.get(round_id, 0) <= place
            self.stages[round_id] = place

    def teardown(self) -> None:
        with self.db.read() as session:
            found = list(check_all(session, self.vault))
        self.db.close()
        assert not found


@pytest.fixture(scope="module")
def city(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small city with a plan whose public values are given by hand."""
    path = tmp_path_factory.mktemp("machine") / "city.db"
    sqlite_backup(f"sqlite:///{sqlite_template}", str(path))
    with closing(Database(f"sqlite:///{path}")) as db:
        small_city.fill(db)
        document = plans.parse_document(small_city.plan_data(**SOURCES))
        plans.create(db, document, small_city.NOW)
        plans.publish(db, document.code, small_city.NOW)
    return path


def lived(city: Path, folder: Path, examples: int, steps: int) -> dict[str, int]:
    """Live so many lives; which stages were reached, by how many rounds."""
    number, reached = itertools.count(), dict.fromkeys(STAGES, 0)

    def place() -> Path:
        path = folder / f"life-{next(number)}" / "life.db"
        path.parent.mkdir()
        sqlite_backup(f"sqlite:///{city}", str(path))
        return path

    class Counted(Life):
        def __init__(self) -> None:
            super().__init__(place)

        def teardown(self) -> None:
            for stage in self.stages.values():
                reached[STAGES[stage]] += 1
            super().teardown()

    run_state_machine_as_test(
        Counted,
        settings=settings(
            max_examples=examples, stateful_step_count=steps, derandomize=not FULL, deadline=None, database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip
    return reached


def test_a_rounds_life(city: Path, tmp_path: Path) -> None:
    reached = lived(city, tmp_path, 60 if FULL else 8, 40 if FULL else 12)
    assert sum(reached.values()) >= 8
    assert sum(reached[stage] for stage in STAGES[STAGES.index("drawn") :]) >= 1, "lives get somewhere"


def test_the_check_notices(city: Path, tmp_path: Path) -> None:
    """Control: a row changed past the service, a stage set back and a second round of the period are found."""
    place = tmp_path / "life.db"
    sqlite_backup(f"sqlite:///{city}", str(place))
    life = Life(lambda: place)
    life.first(1)
    life.what_is_written_stays()
    life.stages_go_on()
    with closing(sqlite3.connect(place)) as plain:
        plain.execute("UPDATE round_time SET at = '2026-01-01T00:00:00.000000+00:00'")
        plain.execute("UPDATE round SET stage = 'created'")
        columns = [row[1] for row in plain.execute("PRAGMA table_info(round)")]
        copied = ", ".join({"round_id": "'other'", "sequence": "2"}.get(name, name) for name in columns)
        plain.execute(f"INSERT INTO round SELECT {copied} FROM round")
        plain.commit()
    for broken in (
        life.what_is_written_stays, life.stages_go_on, life.at_most_one_round_of_a_period_is_not_void, life.teardown,
    ):  # fmt: skip
        with pytest.raises(AssertionError):
            broken()
