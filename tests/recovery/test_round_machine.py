"""A round's life as hypothesis shuffles it: every step at any time, twice, in the wrong order, by services that die.

What has to hold after each step is asked in plain SQL of the database itself: one round at most of a (plan, period)
that is not void, what is written once stays as it is, stages go on and never back. At the end the log derives every
table. On PostgreSQL the same, fewer lives.
"""

from __future__ import annotations

import itertools
import os
import sqlite3
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
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
from tests.conftest import TEMPLATE, named

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


@dataclass(frozen=True)
class Place:
    """A life's database and its folder of keys; `plain` reads the database past the service."""

    url: str
    folder: Path

    def plain(self, statement: str) -> list[tuple[Any, ...]]:
        """Rows of a statement."""
        if self.url.startswith("sqlite"):
            with closing(sqlite3.connect(self.url.removeprefix("sqlite:///"))) as file:
                return file.execute(statement).fetchall()
        with psycopg.connect(plain_url(self.url)) as connection:
            return connection.execute(statement.encode()).fetchall()


def plain_url(url: str) -> str:
    """The address without the driver that SQLAlchemy names in it."""
    return url.replace("postgresql+psycopg://", "postgresql://")


class Life(RuleBasedStateMachine):
    """One plan's rounds in a database of their own; refusals are answers, anything else is a failure."""

    def __init__(self, place: Callable[[], Place]) -> None:
        super().__init__()
        self.place = place()
        self.clock = SimulatedClock(small_city.NOW)
        self.seen: Rows = {}
        self.stages: dict[str, int] = {}
        self.start()

    def start(self) -> None:
        """A service over the database."""
        self.db = Database(self.place.url)
        self.vault = Vault(self.place.folder)

    def rounds(self) -> list[tuple[str, str, str | None]]:
        """(id, status, what it waits for) of each round."""
        rows = self.sql("SELECT round_id, status, waiting_for FROM round ORDER BY created_at, sequence")
        return [(row[0], row[1], row[2]) for row in rows]

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        """Rows of the database, past the service."""
        return self.place.plain(statement)

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
        assert not counted

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


def filled(url: str) -> None:
    """The small city with a plan whose public values are given by hand."""
    with closing(Database(url)) as db:
        small_city.fill(db)
        document = plans.parse_document(small_city.plan_data(**SOURCES))
        plans.create(db, document, small_city.NOW)
        plans.publish(db, document.code, small_city.NOW)


@pytest.fixture(scope="module")
def city(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made once; lives copy the file."""
    path = tmp_path_factory.mktemp("machine") / "city.db"
    sqlite_backup(f"sqlite:///{sqlite_template}", str(path))
    filled(f"sqlite:///{path}")
    return path


def on_sqlite(city: Path, folder: Path) -> Callable[[], Place]:
    """A new copy for each life."""
    number = itertools.count()

    def place() -> Place:
        path = folder / f"life-{next(number)}" / "life.db"
        path.parent.mkdir()
        sqlite_backup(f"sqlite:///{city}", str(path))
        return Place(f"sqlite:///{path}", path.parent)

    return place


@pytest.fixture
def on_postgres(postgres_url: str, tmp_path: Path) -> Iterator[Callable[[], Place]]:
    """A new clone for each life, of a city that is made here; dropped afterwards."""
    mark, made = uuid.uuid4().hex[:12], list[str]()

    def clone(name: str, template: str) -> str:
        with psycopg.connect(postgres_url, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY wal_log'.encode())
        made.append(name)
        return named(postgres_url, name)

    def place() -> Place:
        name = f"life_{mark}_{len(made)}"
        folder = tmp_path / name
        folder.mkdir()
        return Place(clone(name, f"city_{mark}"), folder)

    filled(clone(f"city_{mark}", TEMPLATE))
    yield place
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        for name in made:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())


def lived(place: Callable[[], Place], examples: int, steps: int) -> dict[str, int]:
    """Live so many lives; which stages were reached, by how many rounds."""
    reached = dict.fromkeys(STAGES, 0)

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
    far(lived(on_sqlite(city, tmp_path), 60 if FULL else 8, 40 if FULL else 12), 8)


def test_a_rounds_life_on_postgresql(on_postgres: Callable[[], Place]) -> None:
    far(lived(on_postgres, 60 if FULL else 4, 40 if FULL else 10), 4)


def far(reached: dict[str, int], lives: int) -> None:
    assert sum(reached.values()) >= lives
    assert sum(reached[stage] for stage in STAGES[STAGES.index("drawn") :]) >= 1, "lives get somewhere"


def test_the_check_notices(city: Path, tmp_path: Path) -> None:
    """Control: a row changed past the service, a stage set back and a second round of the period are found."""
    place = tmp_path / "life.db"
    sqlite_backup(f"sqlite:///{city}", str(place))
    life = Life(lambda: Place(f"sqlite:///{place}", tmp_path))
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
