"""A small city's round with its visits made: what tests of the visits begin with."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from app.db.database import Database, sqlite_backup
from app.plans import service as plans
from app.rounds import service as rounds
from app.rounds.tables import Round
from app.rounds.vault import Vault
from app.visits import opening, repository, steps
from app.visits.desk import Actor, Desk
from app.visits.tables import Visit, VisitCheck
from app.whole_round import SimulatedClock, Trip, answers, carry
from optimizer.progress import Silent
from tests import small_city
from tests.conftest import TEMPLATE, named

CLERK = Actor("clerk", "coordinator")


@dataclass(frozen=True)
class Visited:
    """A seated round, its desk, and the clock that it goes by."""

    desk: Desk
    round_id: str
    trip: Trip

    def on(self, db: Database, folder: Path) -> Visited:
        """The same in a copy of its database, with a copy of its keys and of what was signed."""
        for path in self.desk.vault.directory.iterdir():
            if path.is_file() and path.suffix != ".db":
                shutil.copy(path, folder)
        vault = Vault(folder)
        trip = replace(self.trip, db=db, vault=vault, out=folder)
        return replace(self, desk=replace(self.desk, db=db, vault=vault), trip=trip)

    def checks(self) -> list[tuple[Visit, VisitCheck]]:
        with self.desk.db.read() as session:
            return repository.of_round(session, self.round_id)

    def visit(self, departments: int = 1, skip: int = 0) -> tuple[Visit, list[VisitCheck]]:
        """The first visits at which so many departments come together."""
        found: dict[str, tuple[Visit, list[VisitCheck]]] = {}
        for visit, check in self.checks():
            found.setdefault(visit.key, (visit, []))[1].append(check)
        return [pair for pair in found.values() if len(pair[1]) == departments][skip]

    def crews(self, key: str) -> dict[str, list[str]]:
        with self.desk.db.read() as session:
            visit = repository.visit(session, key)
            return {c.department: steps.crew(session, visit, c) for c in repository.checks_of(session, key)}

    def at(self, visit: Visit, minutes: int = 0) -> datetime:
        """A moment of the visit's day, later than all before."""
        assert visit.day is not None
        start = datetime.combine(visit.day, datetime.min.time(), tzinfo=self.trip.clock.now().tzinfo)
        return start + timedelta(hours=2, minutes=minutes)


def seated(city: Database, code: str, now: datetime, folder: Path) -> Visited:
    """The city's round of the plan `code` carried until its seats are sealed, with its visits made."""
    clock = SimulatedClock(now)
    trip = Trip(city, Vault(folder), folder, Silent(), None, clock, approved_by="审批人")
    answer = answers(trip)
    row = rounds.create(city, code, "2026-Q1", now)
    row = carry(trip, row, lambda row: row.waiting_for != "reveal" and answer(row))
    assert row.stage == "seated", row.problem
    desk = Desk(city, trip.vault)
    opening.open_visits(desk, row.round_id, clock.now())
    return Visited(desk, row.round_id, trip)


def reveal(visited: Visited, now: datetime) -> Round:
    """Carry the round on to its end."""
    desk, clock = visited.desk, SimulatedClock(now)
    trip = Trip(desk.db, desk.vault, visited.trip.out, Silent(), None, clock, approved_by="审批人")
    row = carry(trip, rounds.get(desk.db, visited.round_id), answers(trip))
    assert row.status == "done", row.problem
    return row


def _filled(db: Database) -> str:
    small_city.fill(db)
    document = plans.parse_document(small_city.plan_data())
    plans.create(db, document, small_city.NOW)
    plans.publish(db, document.code, small_city.NOW)
    return document.code


@pytest.fixture(scope="session")
def visited_sqlite(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Visited:
    """Made once; tests copy the file."""
    folder = tmp_path_factory.mktemp("visited")
    sqlite_backup(f"sqlite:///{sqlite_template}", str(folder / "visited.db"))
    db = Database(f"sqlite:///{folder / 'visited.db'}")
    made = seated(db, _filled(db), small_city.NOW, folder)
    db.close()
    return made


@pytest.fixture(scope="session")
def visited_postgres(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Visited:
    """Made once; tests clone the database."""
    folder = tmp_path_factory.mktemp("visited")
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS visited_template")
        connection.execute(f'CREATE DATABASE visited_template TEMPLATE "{TEMPLATE}" STRATEGY wal_log')
    db = Database(named(postgres_url, "visited_template"))
    made = seated(db, _filled(db), small_city.NOW, folder)
    db.close()
    return made


@pytest.fixture
def visited_of_its_own(visited_sqlite: Visited, tmp_path: Path) -> Iterator[Visited]:
    """The small city's round with its visits made, on SQLite alone."""
    sqlite_backup(visited_sqlite.desk.db.url, str(tmp_path / "own.db"))
    db = Database(f"sqlite:///{tmp_path / 'own.db'}")
    yield visited_sqlite.on(db, tmp_path)
    db.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def visited(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Visited]:
    """The small city's round with its visits made, in a database of the test's own, on both."""
    if request.param == "sqlite":
        made: Visited = request.getfixturevalue("visited_sqlite")
        sqlite_backup(made.desk.db.url, str(tmp_path / "test.db"))
        db = Database(f"sqlite:///{tmp_path / 'test.db'}")
        yield made.on(db, tmp_path)
        db.close()
        return
    made = request.getfixturevalue("visited_postgres")
    url, name = request.getfixturevalue("postgres_url"), f"test_{uuid.uuid4().hex}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE visited_template STRATEGY wal_log')
    db = Database(named(url, name))
    yield made.on(db, tmp_path)
    db.close()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
