"""What inspectors could expect and what came of it, as page and command show it; nothing of it before the reveal."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from app import cli
from app.db.database import Database
from app.errors import NotFound
from app.http import dependencies
from app.main import create_app
from app.rounds import seats, service
from app.rounds.absence import Absence
from app.rounds.tables import Round
from app.rounds.vault import Vault
from app.rounds.worker import SystemClock
from app.settings import Settings, settings
from app.whole_round import SimulatedClock, Trip, answers, carry
from optimizer.progress import Silent
from tests.integration.test_rounds_seats import few_targets, reveal, run, seated, stored
from tests.small_city import QUARTERLY

Publish = Callable[..., str]


@pytest.fixture
def client(city: Database, tmp_path: Path, now: datetime) -> TestClient:
    """The application over the small city, its clock standing still."""
    app = create_app(city, Settings(data_dir=tmp_path), with_clock=False)
    app.dependency_overrides[dependencies._now] = lambda: now + timedelta(hours=1)
    return TestClient(app, base_url="http://127.0.0.1", client=("127.0.0.1", 5000))


@pytest.fixture
def command(
    city: Database, tmp_path: Path, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Any]]:
    """`python -m app …` over the small city on a clock that stands still: its last line as JSON, or its exception."""

    monkeypatch.setattr(SystemClock, "now", lambda _self: now + timedelta(hours=1))
    monkeypatch.setenv("DATABASE_URL", city.url)
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    settings.cache_clear()

    def called(*arguments: str) -> Any:
        done = CliRunner().invoke(cli.app, list(arguments))
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout.splitlines()[-1]) if "--json" in arguments else done.output

    yield called
    settings.cache_clear()


def first_seat(db: Database, row: Round) -> tuple[str, str, date]:
    """A seat, its holder and its date."""
    lottery = stored(db, row.round_id, "lottery.json")
    seat = lottery["seats"][0]
    return seat["seat_id"], lottery["assignment"][seat["seat_id"]], date.fromisoformat(seat["date"])


def test_shown_after_the_reveal_by_code_with_moves_and_history(
    city: Database,
    publish: Publish,
    now: datetime,
    tmp_path: Path,
    client: TestClient,
    command: Callable[..., Any],
) -> None:
    code = publish(period=None, recurrence=QUARTERLY)
    trip, row = seated(city, tmp_path, now, code)
    _, holder, day = first_seat(city, row)
    (move,) = seats.file_absences(
        city, trip.vault, row.round_id, [Absence(holder, "sickness", day, day)], trip.clock.now()
    )
    reveal(trip, row)
    second = run(city, tmp_path, now + timedelta(days=150), code, "2026-Q3")
    told = command("round", "seats", row.round_id, "--inspector", holder, "--json")
    (one,) = told["inspectors"]
    assert (told["moves"], one["drawn"] - one["served"]) == (1, 1)
    assert sum(Fraction(day["probability"]) for day in one["dates"]) == pytest.approx(
        float(Fraction(one["expected"])), abs=1e-4
    )
    assert one["history"] == [{"round_id": row.round_id, "period": "2026-Q1", "seats": one["served"]}]
    later = command("round", "seats", second.round_id, "--inspector", holder, "--json")["inspectors"][0]
    assert [past["seats"] for past in later["history"]] == [one["served"], later["served"]]
    everyone = command("round", "seats", row.round_id, "--department", "fire", "--json")["inspectors"]
    assert {person["department"] for person in everyone} == {"fire"}
    assert sum(Fraction(person["expected"]) for person in everyone) == sum(p["drawn"] for p in everyone)
    assert sum(Fraction(person["fair_share"]) for person in everyone) == sum(p["drawn"] for p in everyone)
    for path in ("/rounds/{}/inspectors?department=fire", "/en/rounds/{}/inspectors?inspector=" + holder):
        page = client.get(path.format(row.round_id))
        assert page.status_code == 200
        assert "姓名" not in page.text.replace("不列姓名", "")
        picture = page.text[page.text.index("<svg") : page.text.index("</svg>") + 6]
        ET.fromstring(picture)
    assert move.into in client.get(f"/rounds/{row.round_id}/inspectors?department=" + one["department"]).text
    assert "fire" in command("round", "seats", row.round_id)
    staff = client.get(f"/staff/rounds/{row.round_id}?department={one['department']}").text
    assert move.into in staff


def test_before_the_reveal_absent_and_forbidden_answer_alike(
    city: Database,
    publish: Publish,
    now: datetime,
    tmp_path: Path,
    client: TestClient,
    command: Callable[..., Any],
) -> None:
    _, row = seated(city, tmp_path, now, publish())
    _, holder, _ = first_seat(city, row)
    for query in ("", "?department=fire", f"?inspector={holder}", "?inspector=NOBODY"):
        hidden, absent = (
            client.get(f"/rounds/{name}/inspectors{query}") for name in (row.round_id, "spring-x")
        )
        assert (hidden.status_code, absent.status_code) == (404, 404)
        assert hidden.text.replace(row.round_id, "spring-x") == absent.text
    for name in (row.round_id, "spring-x"):
        with pytest.raises(NotFound, match=r"round\.not_public"):
            command("round", "seats", name, "--inspector", holder, "--json")


def test_an_unknown_inspector_or_department_is_not_there(
    city: Database,
    publish: Publish,
    now: datetime,
    tmp_path: Path,
    client: TestClient,
    command: Callable[..., Any],
) -> None:
    row = run(city, tmp_path, now, publish())
    for query in ("department=no", "inspector=no"):
        assert client.get(f"/rounds/{row.round_id}/inspectors?{query}").status_code == 404
    with pytest.raises(NotFound, match=r"round\.not_public"):
        command("round", "seats", row.round_id, "--inspector", "no", "--json")


def test_an_absence_is_filed_over_http_and_by_command(
    city: Database,
    publish: Publish,
    now: datetime,
    tmp_path: Path,
    client: TestClient,
    command: Callable[..., Any],
) -> None:
    _, row = seated(city, tmp_path, now, publish())
    seat, holder, day = first_seat(city, row)
    filed = {"inspector": holder, "reason": "sickness", "from": day.isoformat(), "to": day.isoformat()}
    answer = client.post(f"/api/v1/rounds/{row.round_id}/absences", json={"absences": [filed]})
    assert answer.json() == {"absences": 1, "moves": 1}
    assert holder not in answer.text.replace('"absences"', "")
    with city.read() as session:
        standing, _ = seats.standing_now(session, row)
    told = command(
        "round", "absence", row.round_id, "--inspector", standing.assignment[seat], "--reason", "certificate",
        "--from", day.isoformat(), "--json",
    )  # fmt: skip
    assert (told["moves"][0]["seat_id"], told["moves"][0]["out"]) == (seat, standing.assignment[seat])
    assert client.post("/api/v1/rounds/no/absences", json={"absences": [filed]}).status_code == 404
    wrong = {**filed, "reason": "tired"}
    answer = client.post(f"/api/v1/rounds/{row.round_id}/absences", json={"absences": [wrong]})
    assert answer.status_code == 422
    assert "reason" in answer.json()["params"]["field"]


def test_all_assignments_are_written_before_the_coins(
    city: Database, publish: Publish, now: datetime, tmp_path: Path, command: Callable[..., Any]
) -> None:
    digits = {"kind": "witness_digits", "digits": 20}
    code = publish(
        entropy=[{"id": "first", **digits}],
        entropy_seats=[{"id": "coins", **digits}],
        tasks=few_targets(),
        schedule={"first_working_day": 8, "days": 10, "seat_draw": "observable"},
    )
    trip = Trip(city, Vault(tmp_path), tmp_path, Silent(), None, SimulatedClock(now), approved_by="审批人")
    row = carry(trip, service.create(city, code, "2026-Q1", now), answers(trip, [("first", "5" * 20)]))
    command("round", "seat-tree", row.round_id, "--out", str(tmp_path / "tree.csv"))
    header, *lines = [line.split(",") for line in (tmp_path / "tree.csv").read_text().splitlines()]
    assert [line[0] for line in lines] == [f"{number:010b}" for number in range(1024)]
    coins = "1101100010"
    row = carry(trip, row, answers(trip, [("coins", coins + "2" * 10)]))
    assert row.status == "done", row.problem
    assigned = stored(city, row.round_id, "lottery.json")["assignment"]
    assert dict(zip(header[1:], lines[int(coins, 2)][1:], strict=True)) == assigned
