"""Operations: long imports in the background, progress that never falls, streams that resume, on both databases."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import Session, select, update

from app.db.database import Database
from app.http import leases
from app.http.operations import OperationOut, event_id
from app.http.tables import Operation
from app.main import create_app
from app.registers import jobs
from app.registers.tables import Department, RegisterImport
from app.rounds import repository
from app.rounds.tables import STAGES
from app.settings import Settings

NOW = datetime(2026, 3, 2, 1, tzinfo=UTC)


@pytest.fixture
def client(database: Database, tmp_path: Path) -> Iterator[TestClient]:
    """The application with nobody at work beside it."""
    app = create_app(database, Settings(data_dir=tmp_path), with_clock=False)
    with TestClient(app) as client:
        yield client


def upload(client: TestClient, text: str, **headers: str) -> Any:
    """Send a list of departments."""
    files = {"file": ("部门.csv", text.encode())}
    return client.post("/api/v1/registers/departments/imports", files=files, headers=headers)


def add(db: Database, **values: Any) -> int:
    """An operation as a worker left it."""
    with db.write() as session:
        made = Operation(kind="round", subject="r", created_at=NOW, updated_at=NOW, **values)
        session.add(made)
        session.flush()
        return made.id or 0


def events(client: TestClient, number: int, last: str = "") -> list[tuple[str, dict[str, Any]]]:
    """(id, state) of every event until the stream ends."""
    answer = client.get(
        f"/api/v1/operations/{number}/events", headers={"Last-Event-ID": last} if last else {}
    )
    assert answer.headers["content-type"].startswith("text/event-stream")
    blocks = [block.splitlines() for block in answer.text.split("\n\n")]
    found = [dict(line.split(": ", 1) for line in lines if not line.startswith(":")) for lines in blocks]
    return [(block["id"], json.loads(block["data"])) for block in found if "id" in block]


def test_a_long_import_is_an_operation_that_ends_with_its_report(
    client: TestClient, database: Database, tmp_path: Path
) -> None:
    asked = upload(client, "部门编号,部门名称\nXF,消防\n,无名\n", Prefer="respond-async")
    assert asked.status_code == 202
    where = asked.headers["location"]
    assert (asked.json()["status"], asked.json()["percent"]) == ("running", 0)
    with database.read() as session:
        assert session.exec(select(Department)).all() == []
    assert jobs.run_once(database, tmp_path, 60) == asked.json()["id"]
    ended = client.get(where).json()
    assert (ended["status"], ended["percent"]) == ("done", 100)
    assert [ended["result"][name] for name in ("register", "rows", "added", "refused")] == [
        "departments", 2, 1, 1,
    ]  # fmt: skip
    assert str(tmp_path) not in json.dumps(ended), "the server's own paths stay inside"
    assert list((tmp_path / "uploads").iterdir()) == []
    assert jobs.run_once(database, tmp_path, 60) is None


def test_an_import_that_is_refused_as_a_whole_fails_with_its_reason(
    client: TestClient, database: Database, tmp_path: Path
) -> None:
    asked = upload(client, "幸运数字\n7\n", Prefer="respond-async")
    jobs.run_once(database, tmp_path, 60)
    ended = client.get(asked.headers["location"]).json()
    assert (ended["status"], ended["problem"]["code"]) == ("failed", "register.missing_column")


def test_a_dead_workers_import_is_begun_again_and_its_late_words_are_not_heard(
    client: TestClient, database: Database, tmp_path: Path
) -> None:
    asked = upload(client, "部门编号,部门名称\nXF,消防\n", Prefer="respond-async")
    with database.write() as session:
        dead = jobs.claim(session, "dead", datetime.now(UTC), 60)
    assert dead is not None
    assert jobs.run_once(database, tmp_path, 60) is None, "somebody holds it"
    with database.write() as session:
        session.execute(update(Operation).values(lease_until=datetime.now(UTC) - timedelta(seconds=1)))
    assert jobs.run_once(database, tmp_path, 60) == dead.id
    with pytest.raises(leases.Lost):
        leases.LeasedProgress(database, dead, 60, lambda *_: 50).step("import", 1, 2)
    assert client.get(asked.headers["location"]).json()["status"] == "done"
    with database.read() as session:
        assert len(session.exec(select(RegisterImport)).all()) == 1


def test_a_stream_ends_with_the_work_and_is_not_told_twice(client: TestClient, database: Database) -> None:
    number = add(database, status="done", stage="revealed", percent=100)
    ((mark, state),) = events(client, number)
    assert (state["status"], state["percent"]) == ("done", 100)
    again = client.get(f"/api/v1/operations/{number}/events", headers={"Last-Event-ID": mark})
    assert again.status_code == 204


def test_a_reader_who_was_away_gets_the_newest_state(client: TestClient, database: Database) -> None:
    number = add(database, stage="freeze", percent=10)
    seen = event_id(OperationOut.model_validate(client.get(f"/api/v1/operations/{number}").json()))
    move(database, number, percent=40)
    move(database, number, status="done", percent=100)
    ((mark, state),) = events(client, number, seen)
    assert mark != seen
    assert state["percent"] == 100


def move(db: Database, number: int, **values: Any) -> None:
    """What a worker writes."""
    with db.write() as session:
        session.execute(update(Operation).where(Operation.id == number).values(**values))  # type: ignore[arg-type]


def test_a_stream_tells_each_state_as_it_comes(client: TestClient, database: Database) -> None:
    number = add(database, stage="freeze", percent=10)

    def work() -> None:
        for percent in (20, 30):
            time.sleep(1.2)
            move(database, number, percent=percent)
        time.sleep(1.2)
        move(database, number, percent=100, status="done")

    thread = threading.Thread(target=work)
    thread.start()
    told = [state["percent"] for _, state in events(client, number)]
    thread.join()
    assert told == [10, 20, 30, 100]


def test_percent_of_a_round_never_falls() -> None:
    percents = [repository.percent(stage, done, 10) for stage in STAGES for done in range(11)]
    assert percents == sorted(percents)
    assert (percents[0], percents[-1]) == (0, 100)


def test_operations_are_listed_newest_first(client: TestClient, database: Database) -> None:
    made = [add(database, status=status) for status in ("done", "running", "failed")]
    rows = client.get("/api/v1/operations", params={"limit": 2}).json()
    assert [row["id"] for row in rows["items"]] == made[:0:-1]
    assert rows["next"]
    done = client.get("/api/v1/operations", params={"status": "done", "kind": "round"}).json()
    assert [row["id"] for row in done["items"]] == made[:1]


@pytest.mark.parametrize("path", ["999", "999/events"])
def test_an_operation_that_is_not_there(client: TestClient, path: str) -> None:
    answer = client.get(f"/api/v1/operations/{path}")
    assert (answer.status_code, answer.json()["code"]) == (404, "operation.absent")


def rows_of(session: Session) -> int:
    """How many operations there are."""
    return len(session.exec(select(Operation)).all())


def test_a_repeated_long_import_is_one_operation(client: TestClient, database: Database) -> None:
    text = "部门编号,部门名称\nXF,消防\n"
    answers = {
        upload(client, text, Prefer="respond-async", **{"Idempotency-Key": "k"}).text for _ in range(3)
    }
    with database.read() as session:
        assert (len(answers), rows_of(session)) == (1, 1)
