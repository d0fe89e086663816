"""A database locked for too long, and disks without room: refused with a remedy, nothing half written, done later.

Other processes hold real locks; room ends by SQLite's `max_page_count` and by the kernel's limit to a file's size
(EFBIG, where a full disk says ENOSPC; `tests.write_faults` makes that happen at every single write). Rows are compared
by plain SQL.
"""

from __future__ import annotations

import resource
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import MetaData, event
from sqlalchemy.exc import DBAPIError, OperationalError

from app import clock
from app.db import database as databases
from app.db.database import Database
from app.db.faults import unavailable
from app.http import dependencies
from app.ledger import repository as ledger
from app.main import create_app
from app.rounds import repository, service
from app.rounds.advance import advance
from app.rounds.fsck import check_all
from app.rounds.tables import Round
from app.rounds.vault import Vault
from app.settings import Settings
from app.whole_round import SimulatedClock, answers, carry
from optimizer.progress import Silent
from tests.api.test_registers_api import lines
from tests.integration.test_rounds_whole import trip
from tests.small_city import DEPARTMENTS, NOW

Publish = Callable[..., str]
HERE = "http://127.0.0.1"
LONG_S = 600
HOLD = {
    True: "import sqlite3\nheld = sqlite3.connect(sys.argv[1])\nheld.execute('BEGIN IMMEDIATE')\n",
    False: "import psycopg\nheld = psycopg.connect(sys.argv[1])\nheld.execute(sys.argv[2])\n",
}
"""What another process does: on SQLite it writes, on PostgreSQL it has the log, which every change is entered in."""


@contextmanager
def locked(db: Database) -> Iterator[None]:
    """Another process is in the middle of a write."""
    at = db.url.removeprefix("sqlite:///").replace("postgresql+psycopg://", "postgresql://", 1)
    code = f"import sys\n{HOLD[db.is_sqlite]}print('held', flush=True)\nsys.stdin.read()\n"
    command = [sys.executable, "-c", code, at, f"SELECT pg_advisory_xact_lock({ledger._LOG_LOCK})"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        yield
        other.communicate()


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """No file of this process gets longer meanwhile."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def rows(db: Database) -> dict[str, list[str]]:
    """Every row of every table."""
    tables = MetaData()
    with db.engine.connect() as connection:
        tables.reflect(connection)
        return {
            name: sorted(map(repr, connection.execute(table.select())))
            for name, table in tables.tables.items()
        }


@pytest.fixture
def impatient(city: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """The city's database for somebody who does not wait long for a lock."""
    monkeypatch.setattr(databases, "LOCK_MS", 100)
    db = Database(city.url)
    yield db
    db.close()


@contextmanager
def served(db: Database, folder: Path) -> Iterator[TestClient]:
    """The application over `db`, a day after the round was made."""
    app = create_app(db, Settings(data_dir=folder), with_clock=False)
    app.dependency_overrides[dependencies._now] = lambda: NOW + timedelta(days=1)
    headers = {"Accept-Language": "en", "Idempotency-Key": "once"}
    with TestClient(
        app, base_url=HERE, client=("127.0.0.1", 5000), headers=headers, raise_server_exceptions=False
    ) as client:
        yield client


def says(answer: httpx2.Response, code: str, seconds: int) -> None:
    """A refusal that says what to do and when to come again."""
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
    assert answer.headers["retry-after"] == str(seconds)
    problem = answer.json()
    assert problem["code"] == code
    assert problem["remedy"]


def claimed(db: Database) -> Round:
    """The round, held by a worker."""
    with db.write() as session:
        row = repository.claim(session, "worker", NOW, LONG_S)
    assert row is not None
    return row


def stepped(db: Database, folder: Path, row: Round) -> Round:
    """One stage of the round."""
    at = SimulatedClock(NOW)
    return advance(db, Vault(folder), row, at, executor=None, progress=Silent(), until="frozen")


def test_a_request_that_a_lock_outlasts_is_refused_and_can_be_sent_again(
    city: Database, impatient: Database, publish: Publish, tmp_path: Path
) -> None:
    body = {"plan": publish(), "period": "2026-Q1"}
    before = rows(city)
    with served(impatient, tmp_path) as client:
        with locked(city):
            says(client.post("/api/v1/rounds", json=body), "database.busy", 5)
            assert client.get("/api/v1/rounds").json()["items"] == []
        assert rows(city) == before
        assert client.post("/api/v1/rounds", json=body).status_code == 202
        assert len(client.get("/api/v1/rounds").json()["items"]) == 1


def test_a_stage_that_a_lock_outlasts_is_done_later(
    city: Database, impatient: Database, publish: Publish, tmp_path: Path
) -> None:
    service.create(city, publish(), "2026-Q1", NOW)
    row = claimed(city)
    before = rows(city)
    with locked(city), pytest.raises(OperationalError):
        stepped(impatient, tmp_path, row)
    assert rows(city) == before
    assert stepped(impatient, tmp_path, row).stage == "frozen"


def test_the_clock_ticks_on_over_a_lock(city: Database, impatient: Database, publish: Publish) -> None:
    publish(period=None, recurrence="monthly working-day 1 09:00", starts_on="2026-03-01")
    before = rows(city)
    with locked(city):
        assert clock.tick(impatient, NOW) == []
    assert rows(city) == before
    assert clock.tick(impatient, NOW) == ["spring-2026-03-1"]


def crowded(db: Database, pages: int) -> Database:
    """The same SQLite database on a disk with room for so many of its pages."""
    full = Database(db.url)
    event.listen(full.engine, "connect", lambda raw, _: raw.execute(f"PRAGMA max_page_count = {pages}"))
    return full


def page_count(db: Database) -> int:
    """How many pages the file has."""
    return int(sqlite3.connect(db.url.removeprefix("sqlite:///")).execute("PRAGMA page_count").fetchone()[0])


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_full_disk_refuses_what_is_asked_and_a_round_goes_on_when_there_is_room(
    city: Database, publish: Publish, tmp_path: Path
) -> None:
    service.create(city, publish(), "2026-Q1", NOW)
    row = claimed(city)
    before = rows(city)
    full = crowded(city, page_count(city))
    with pytest.raises(OperationalError) as failed:
        stepped(full, tmp_path, row)
    assert unavailable(failed.value).problem.code == "database.full"  # type: ignore[union-attr]  # fails if None
    assert rows(city) == before
    with city.write() as session:
        repository.release(session, row.round_id, row.fence)
    full.close()
    going = trip(city, tmp_path, NOW)
    assert carry(going, row, answers(going)).status == "done"
    with city.read() as session:
        assert list(check_all(session, Vault(tmp_path))) == []


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_full_disk_is_said_to_whoever_asks(city: Database, tmp_path: Path) -> None:
    full = crowded(city, page_count(city))
    with served(full, tmp_path) as client:
        for sequence in range(1, 100):
            before = rows(city)
            body = {"code": f"x-{sequence}", "title_zh": "压" * 200, "department": DEPARTMENTS[0]}
            headers = {"Idempotency-Key": f"key-{sequence}"}
            answer = client.post("/api/v1/registers/items", json=body, headers=headers)
            if answer.status_code == 503:
                break
            assert answer.status_code == 201, answer.json()
        says(answer, "database.full", 60)
        assert rows(city) == before
        assert client.get("/api/v1/rounds").status_code == 200
    full.close()


def test_a_stage_whose_files_find_no_room_is_done_later(
    city: Database, publish: Publish, tmp_path: Path
) -> None:
    service.create(city, publish(), "2026-Q1", NOW)
    row = claimed(city)
    Vault(tmp_path).seal(b"the key is made")
    before = rows(city)
    with files_of_at_most(0), pytest.raises((DBAPIError, OSError)) as failed:
        stepped(city, tmp_path, row)
    refused = unavailable(failed.value)
    assert refused is not None
    assert refused.problem.code in ("database.disk", "storage.full")
    assert rows(city) == before
    assert stepped(city, tmp_path, row).stage == "frozen"


@pytest.mark.parametrize("size", [500, 20_000], ids=["as it is kept", "as it arrives"])
def test_an_upload_without_room_is_refused_and_leaves_no_file(
    sqlite_database: Database, tmp_path: Path, size: int
) -> None:
    text = lines(size).encode()
    with served(sqlite_database, tmp_path) as client:

        def sent() -> httpx2.Response:
            path = "/api/v1/registers/targets/imports"
            headers = {"Prefer": "respond-async"}
            return client.post(path, files={"file": ("list.csv", text)}, headers=headers)

        client.headers.pop("Idempotency-Key")
        assert client.get("/api/v1/rounds").status_code == 200  # the database has made its own files
        with files_of_at_most(10_000):
            says(sent(), "storage.full", 60)
        assert list((tmp_path / "uploads").glob("*")) == []
        assert sent().status_code == 202


def test_a_database_that_is_away_is_said_so(tmp_path: Path) -> None:
    away = Database("postgresql+psycopg://127.0.0.1:1/nothing")
    with served(away, tmp_path) as client:
        says(client.get("/api/v1/rounds"), "database.away", 5)
        page = client.get("/en/", headers={"Accept": "text/html"})
    assert (page.status_code, page.headers["retry-after"]) == (503, "5")
    assert "does not answer" in page.text
    away.close()


def test_a_fault_of_ours_is_no_refusal(sqlite_database: Database) -> None:
    with pytest.raises(DBAPIError) as failed, sqlite_database.engine.connect() as connection:
        connection.exec_driver_sql("SELECT nothing FROM nowhere")
    assert unavailable(failed.value) is None
