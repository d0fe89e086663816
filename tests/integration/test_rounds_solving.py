"""Packing seen while another process does it, stopped by a person, and everything about the plan by API and page."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from app.db.database import Database
from app.errors import Conflict
from app.http import dependencies
from app.ledger import repository as ledger
from app.main import create_app
from app.processes import pool
from app.registers.tables import CheckItem, InspectorLeave
from app.rounds import repository, service, solving
from app.rounds.tables import Round
from app.rounds.vault import Vault
from app.rounds.worker import run_in_process
from app.settings import Settings
from app.whole_round import SimulatedClock, Trip, answers, carry
from optimizer.progress import Silent
from tests.small_city import plan_data

Publish = Callable[..., str]
HERE = "http://127.0.0.1"


def carried(db: Database, folder: Path, code: str, now: datetime, until: str) -> Round:
    trip = Trip(
        db, Vault(folder), folder, Silent(), None, SimulatedClock(now), approved_by="审批人", until=until
    )
    answer = answers(trip)
    made = service.create(db, code, "2026-Q1", now)
    return carry(trip, made, lambda row: row.waiting_for != "reveal" and answer(row))


@pytest.fixture
def client(city: Database, tmp_path: Path, now: datetime) -> Iterator[TestClient]:
    """The application on this machine, a day after the round was made."""
    app = create_app(city, Settings(data_dir=tmp_path), with_clock=False)
    app.dependency_overrides[dependencies._now] = lambda: now + timedelta(days=1)
    with TestClient(
        app, base_url=HERE, client=("127.0.0.1", 5000), headers={"accept-language": "en"}
    ) as client:
        yield client


def large(db: Database, publish: Publish) -> str:
    """A plan that takes some seconds to pack: everybody is checked."""
    with db.write() as session:
        for item in session.exec(select(CheckItem)):
            item.kind = "key"
            session.add(item)
    everyone = {"A": 1_000_000, "B": 1_000_000, "C": 1_000_000}
    tasks = [{**task, "ratios": everyone} for task in plan_data()["tasks"]]
    return publish(
        tasks=tasks,
        schedule={"first_working_day": 8, "days": 20, "packing": {"profile": "standard"}},
    )


def test_a_packing_in_another_process_is_watched_and_stopped(
    city: Database, publish: Publish, now: datetime, tmp_path: Path, client: TestClient
) -> None:
    row = carried(city, tmp_path, large(city, publish), now, "drawn")
    path = f"/api/v1/rounds/{row.round_id}"
    assert client.get(f"{path}/packing").json() == {
        "round_id": row.round_id, "report": None, "stopped_at": None, "course": []
    }  # fmt: skip
    with pool(1) as executor:
        working = executor.submit(run_in_process, city.url, str(tmp_path), 60)
        while not client.get(f"{path}/packing").json()["course"]:
            assert not working.done(), working.result()
            time.sleep(0.05)
        page = client.get(f"/en/staff/rounds/{row.round_id}/plan").text
        assert "Stop and take the best plan so far" in page
        assert client.post(f"{path}/stop", json={"by": "科长"}).status_code == 204
        assert client.post(f"{path}/stop", json={"by": "别人"}).status_code == 204
        assert working.result() is not None
    seen = client.get(f"{path}/packing").json()
    assert seen["report"]["reproducible"] is False
    assert seen["stopped_at"]
    course = solving.course(city, row.round_id)
    assert course.stopped_by == "科长"
    assert all(point.bound <= point.value for point in course.points if not point.missing)
    whole = [point.value for point in course.of("")]
    assert 1 < len(whole) < 37
    with city.read() as session:
        logged = [line["entry"] for line in ledger.entries(session, row.round_id)]
    assert [entry["type"] for entry in logged].count("round.stop") == 1
    assert "科长" not in json.dumps(logged, ensure_ascii=False)
    with pytest.raises(Conflict, match=r"round\.stage"):
        solving.stop(city, row.round_id, "科长", now)


def test_a_worker_that_lost_the_round_writes_no_course_of_its_packing(
    city: Database, publish: Publish, now: datetime
) -> None:
    service.create(city, publish(), "2026-Q1", now)

    def claimed(at: datetime) -> Round:
        with city.write() as session:
            row = repository.claim(session, "a", at, 60)
        assert row is not None
        return row

    row = claimed(now)
    stopped = solving.SolveWatch(city, row)
    stopped.best("", 9, 5, 0)
    holding = solving.SolveWatch(city, claimed(now + timedelta(seconds=61)))
    with pytest.raises(repository.Lost):
        stopped.write()
    with pytest.raises(repository.Lost):
        solving.SolveWatch(city, row)
    holding.best("", 7, 5, 0)
    holding.write()
    assert [point.value for point in solving.course(city, row.round_id).points] == [7]


@pytest.fixture
def seated(city: Database, publish: Publish, now: datetime, tmp_path: Path) -> str:
    """A round over several days whose seats are drawn."""
    with city.write() as session:
        for place in range(15, 42):
            away = date(2026, 3, 1), date(2026, 12, 31)
            session.add(InspectorLeave(inspector=f"P{place:03d}", start=away[0], end=away[1]))
    row = carried(city, tmp_path, publish(), now, "revealed")
    assert row.stage == "seated"
    return row.round_id


def movable(client: TestClient, city: Database, round_id: str) -> dict[str, Any]:
    """A move that finds room."""
    with city.read() as session:
        visits, schedule = (
            json.loads(ledger.load(session, round_id, name)) for name in ("visits.json", "schedule.json")
        )
    for visit in visits["visits"]:
        for day in schedule["days"]:
            body = {"visit_id": visit["visit_id"], "to": day, "reason": "业主要求改期"}
            if client.post(f"/api/v1/rounds/{round_id}/move", json=body).status_code == 200:
                return body
    raise AssertionError("no visit can move")


def test_a_plan_is_explained_and_changed_over_http_and_on_its_page(
    city: Database, seated: str, client: TestClient
) -> None:
    path = f"/api/v1/rounds/{seated}"
    report = client.get(f"{path}/packing").json()["report"]
    assert report["reproducible"]
    assert report["curve"][0]["entries"] == report["plan"]["entries"]
    found = client.get(f"{path}/explanations", params={"limit": 1}).json()
    assert len(found["items"]) <= 1
    body = movable(client, city, seated)
    shown = client.post(f"{path}/move", json=body).json()
    assert (shown["taken"], bool(shown["confirm"])) == (False, True)
    assert {"entries", "inspector_days", "travel_min", "host_min"} <= set(shown["after"])
    page = f"/en/staff/rounds/{seated}/plan"
    form = {"visit": body["visit_id"], "day": body["to"], "how": "to", "reason": body["reason"]}
    costs = client.post(page, data=form)
    assert shown["confirm"] in costs.text
    assert "What this change costs" in costs.text
    bad = client.post(page, data={**form, "visit": "V9"})
    assert "no such visit" in bad.text
    taken = client.post(page, data={**form, "confirm": shown["confirm"]}, follow_redirects=False)
    assert (taken.status_code, taken.headers["location"]) == (303, page)
    assert body["reason"] in client.get(page).text
    again = client.post(f"{path}/move", json={**body, "confirm": shown["confirm"]})
    assert again.status_code in (409, 422)
    closed = {"closed": [{"place": "650102", "date": body["to"]}], "reason": "暴雨"}
    weather = client.post(f"{path}/replan", json=closed)
    assert weather.status_code in (200, 422), weather.json()
    assert client.post(f"{path}/stop", json={"by": "x"}).status_code == 409
    assert client.get(page.removeprefix("/en")).status_code == 200


def test_nobody_else_sees_a_plan_before_its_reveal(city: Database, seated: str, tmp_path: Path) -> None:
    app = create_app(city, Settings(data_dir=tmp_path), with_clock=False)
    with TestClient(app, base_url=HERE, client=("10.0.0.9", 5000)) as stranger:
        for path in ("packing", "explanations"):
            assert stranger.get(f"/api/v1/rounds/{seated}/{path}").status_code == 404
        assert stranger.post(f"/api/v1/rounds/{seated}/stop", json={"by": "x"}).status_code == 404
        assert stranger.get(f"/staff/rounds/{seated}/plan").status_code == 404
        assert stranger.post(f"/staff/rounds/{seated}/plan", data={}).status_code == 404
