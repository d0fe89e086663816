"""Seen from outside: metrics of requests and of the work, readiness with its reason, logs without anybody in them."""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import structlog
from fastapi.testclient import TestClient

from app.db.database import Database
from app.db.migrations import downgrade
from app.http import logs
from app.main import create_app
from app.rounds import figures, repository, service
from app.rounds.vault import Vault
from app.rounds.worker import run_once
from app.settings import Settings
from optimizer.progress import Silent

ROOT = Path(__file__).resolve().parents[2]
CANARY = "650102199001011234"


@pytest.fixture
def client(database: Database, tmp_path: Path) -> Iterator[TestClient]:
    """The application over an empty database."""
    app = create_app(database, Settings(data_dir=tmp_path), with_clock=False)
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def sample(client: TestClient, name: str) -> dict[str, float]:
    """Values of one metric by their labels."""
    lines = client.get("/metrics").text.splitlines()
    pairs = [re.fullmatch(rf"{name}(\{{.*\}})? (\S+)", line) for line in lines]
    return {found[1] or "": float(found[2]) for found in pairs if found}


def test_requests_are_counted_by_template_never_by_path(client: TestClient) -> None:
    for target in (CANARY, "other"):
        client.get(f"/api/v1/registers/targets/{target}")
    client.get(f"/{CANARY}")
    text = client.get("/metrics").text
    assert CANARY not in text
    counted = sample(client, "http_requests_total")
    assert counted['{method="GET",route="/api/v1/registers/targets/{target_id}",status="404"}'] == 2
    assert counted['{method="GET",route="unmatched",status="404"}'] == 1


def test_a_rounds_figures(city: Database, publish: Callable[..., str], tmp_path: Path, now: datetime) -> None:
    client = TestClient(create_app(city, Settings(data_dir=tmp_path), with_clock=False))
    made = service.create(city, publish(), "2026-Q1", now)
    while run_once(city, Vault(tmp_path), 60, None, progress=Silent()) is not None:
        pass
    done = sample(client, "round_stages_done")
    assert done['{stage="packed"}'] == 1
    assert 0 <= sample(client, "packing_gap_ratio")[""] < 1
    assert sample(client, "log_entries")[""] >= 4
    assert sample(client, "rounds")['{status="waiting"}'] == 1
    assert sample(client, "deadline_days")['{kind="reveal"}'] != 0
    assert sample(client, "queue_age_seconds") == {'{queue="rounds"}': 0, '{queue="imports"}': 0}
    assert made.round_id not in client.get("/metrics").text


def test_a_take_over_is_counted_and_an_ordinary_claim_is_not(
    city: Database, publish: Callable[..., str], now: datetime
) -> None:
    service.create(city, publish(), "2026-Q1", now)
    with city.write() as session:
        row = repository.claim(session, "a", now, 60)
        assert row is not None
        repository.release(session, row.round_id, row.fence)
    with city.write() as session:
        assert repository.claim(session, "b", now, 60) is not None
    assert takeovers(city, now) == 0
    with city.write() as session:
        assert repository.claim(session, "c", now + timedelta(seconds=61), 60) is not None
    assert takeovers(city, now) == 1


def takeovers(db: Database, now: datetime) -> float:
    """The figure."""
    return next(figure.value for figure in figures.figures(db, now) if figure.name == "lease_takeovers")


def test_days_of_calendar_left(database: Database) -> None:
    found = {
        figure.name: figure.value
        for figure in figures.figures(database, datetime(2026, 12, 30, 17, tzinfo=UTC))
    }
    assert found["calendar_days_left"] == 0, "17:00 UTC of the 30th is the 31st in the city"


def test_readiness_says_what_is_wrong(client: TestClient, database: Database) -> None:
    assert client.get("/health/live").json() == {"status": "alive"}
    assert client.get("/health/ready").json() == {"status": "ready"}
    client.app.state.stopping = True  # type: ignore[attr-defined]  # TestClient says no more than ASGI
    stopping = client.get("/health/ready")
    assert (stopping.status_code, stopping.json()["code"]) == (503, "health.stopping")
    client.app.state.stopping = False  # type: ignore[attr-defined]
    downgrade(database, "-1")
    assert client.get("/health/ready").json()["code"] == "health.schema"
    assert client.get("/health/live").status_code == 200


def test_a_database_that_is_away_is_unready_not_an_error(tmp_path: Path) -> None:
    away = Database(f"sqlite:///{tmp_path}/none/none.db")
    with TestClient(create_app(away, Settings(data_dir=tmp_path), with_clock=False)) as client:
        answer = client.get("/health/ready")
    assert (answer.status_code, answer.json()["code"]) == (503, "health.database")


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """Where the logs go; afterwards everything is as it was."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    stream = io.StringIO()
    logs.configure("info", stream)
    yield stream
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


def test_errors_are_logged_by_type_and_place_never_by_their_words(written: io.StringIO) -> None:
    try:
        raise ValueError(f"bad id {CANARY}")
    except ValueError:
        logging.getLogger("any").exception("failed")
        structlog.get_logger("ours").error("failed too", exc_info=True)
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    assert CANARY not in written.getvalue()
    assert [line["error"] for line in lines] == ["ValueError", "ValueError"]
    assert all("test_http_observed.py" in line["where"][-1] for line in lines)
    assert {line["event"] for line in lines} == {"failed", "failed too"}


def test_each_request_is_one_line_with_the_id_that_its_answer_shows(
    written: io.StringIO, client: TestClient
) -> None:
    answer = client.get(f"/api/v1/registers/targets/{CANARY}", params={"q": CANARY})
    (line,) = [json.loads(text) for text in written.getvalue().splitlines() if '"request"' in text]
    assert line["request_id"] == answer.headers["x-request-id"]
    assert (line["status"], line["route"]) == (404, "/api/v1/registers/targets/{target_id}")
    assert CANARY not in written.getvalue()


def test_the_documentation_lists_every_setting_with_its_default() -> None:
    rows = dict(
        re.findall(r"^\| `(\w+)` \| (.*?) \|", (ROOT / "docs/settings.md").read_text("utf-8"), re.MULTILINE)
    )
    wanted = {
        name.upper(): f"`{value}`" if (value := str(field.default)) else "(empty)"
        for name, field in Settings.model_fields.items()
    }
    assert rows == wanted
    assert all(field.description for field in Settings.model_fields.values())
