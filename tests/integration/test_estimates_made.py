"""From rounds and published results to rates: who counts as what, what is withheld, what nobody is told."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import Session

from app.estimates import repository, service
from app.ledger import repository as ledger
from app.main import create_app
from app.settings import Settings
from app.visits import repository as of_visits
from app.visits import service as visits
from app.visits.demo_results import fill_results
from app.visits.demo_story import demo_picture
from app.visits.desk import Actor, official_day
from app.visits.tables import PublishedResult
from scheduler.estimates.coarsening import FEW, STEPS
from tests.visited_round import CLERK, Visited, reveal

DRAW = "t-market"
CLEAR = {"no_problem", "no_activity"}
NO_ANSWER = {None, "closed"}


def lived_through(visited: Visited) -> None:
    """One target is deregistered, the others' results are published, one is withdrawn; the round is revealed."""
    desk = visited.desk
    gone, checks = visited.visit()
    at = visited.trip.clock.now() + timedelta(minutes=1)
    photo = visits.Upload(demo_picture("gone"), checks[0].department, "file", at)
    proof = visits.add_evidence(desk, gone.key, photo, CLERK, at).sha256
    visits.replace(desk, gone.key, "deregistered", proof, CLERK, at)
    last = fill_results(desk, visited.round_id, 7, at).last + timedelta(hours=1)
    reveal(visited, last)
    with desk.db.read() as session:
        revealed = ledger.last_time(session)
    assert revealed is not None
    (taken, *_) = [
        check for _, check in visited.checks() if check.state == "disclosed" and DRAW in check.draws
    ]
    change = visits.Change("penalty_revoked", "second", revoked_on=official_day(revealed))
    visits.withdraw(desk, taken.key, change, Actor("publisher"), revealed + timedelta(days=1))


def by_hand(session: Session, round_id: str) -> tuple[float, int, int]:
    """Rate, members and missing of the draw, straight from the stored result, the events and what is published."""
    strata = json.loads(ledger.load(session, round_id, f"results/{DRAW}.json"))["strata"]
    events = [
        event
        for event in json.loads(ledger.load(session, round_id, "events.json"))
        if event["type"] == "replacement"
    ]
    gone, called = (
        {event[name] for event in events if event["draw_id"] == DRAW} for name in ("target", "backup")
    )
    seen = {
        visit.target_id: session.get(PublishedResult, check.key)
        for visit, check in of_visits.of_round(session, round_id)
        if DRAW in check.draws and check.state != "replaced" and visit.kind != "recheck"
    }
    top = bottom = 0.0
    members = missing = 0
    for stratum in strata:
        ids = [row["target_id"] for row in stratum["selected"]]
        ids += [row["target_id"] for row in stratum["backups"] if row["target_id"] in called]
        alive = [target for target in ids if target not in gone]
        lines = [seen.get(target) for target in alive]
        weight = stratum["N"] / len(ids) if ids else 0.0
        bottom += weight * len(alive)
        top += weight * sum(line is not None and line.result not in CLEAR | NO_ANSWER for line in lines)
        missing += sum(line is None or line.result in NO_ANSWER for line in lines)
        members += len(alive)
    return top / bottom, members, missing


def total(sheet: Any, round_id: str = "") -> dict[str, Any]:
    (cell,) = [cell for cell in sheet.cells if (cell["round_id"], cell["value"]) == (round_id, "")]
    found: dict[str, Any] = cell
    return found


def client_of(visited: Visited, kept: Path) -> TestClient:
    app = create_app(visited.desk.db, Settings(data_dir=kept), with_clock=False)
    return TestClient(app, headers={"accept": "text/html"})


def test_rates_follow_from_what_is_published_and_are_made_again_only_when_something_changed(
    visited: Visited, tmp_path: Path
) -> None:
    db, now = visited.desk.db, visited.trip.clock.now()
    assert service.refresh(db, now) == []
    lived_through(visited)
    assert service.refresh(db, now) == ["spring"]
    assert service.refresh(db, now) == []
    with db.read() as session:
        rate, members, missing = by_hand(session, visited.round_id)
        (inside,) = repository.sheets(session, "spring", "credit", internal=True, draw_id=DRAW, item="")
        (public,) = repository.sheets(session, "spring", "district", draw_id=DRAW, item="")
        assert repository.sheets(session, "spring", "credit") == []
    exact, shown = total(inside), total(public)
    assert exact == {**total(inside, visited.round_id), "round_id": ""}
    assert (exact["rate"], exact["n"], exact["missing"]) == (pytest.approx(rate, abs=1e-6), members, missing)
    assert missing >= 2, "the withdrawn result and the backup that nobody visited yet"
    assert (shown["n"], shown["findings"]) == (members, exact["findings"])
    assert shown["findings"] >= FEW
    assert shown["step"] in STEPS
    assert abs(shown["rate"] - rate) <= shown["step"] / 2
    assert shown["low"] <= exact["low"] < exact["high"] <= shown["high"]
    assert shown["se"] is shown["effective_n"] is None
    _reads_as_public(client_of(visited, tmp_path), shown)


def _reads_as_public(client: TestClient, shown: dict[str, Any]) -> None:
    """Pages, JSON and CSV say the same, in both languages, and nothing of the class."""
    overview, drawn = client.get("/estimates"), client.get(f"/en/estimates?draw={DRAW}&by=district")
    assert overview.status_code == drawn.status_code == 200
    assert "样本不能说明什么" in overview.text
    assert "What the sample cannot say" in drawn.text
    found = client.get(f"/api/v1/estimates?draw={DRAW}&by=district").json()
    whole = next(cell for cell in found["estimates"] if not cell["value"] and not cell["round_id"])
    assert whole["n"] == shown["n"]
    body = client.get(f"/api/v1/estimates?draw={DRAW}&by=district&format=csv").text
    lines = list(csv.DictReader(io.StringIO(body)))
    assert [line["n"] for line in lines] == [
        "" if (n := cell["n"]) is None else str(n) for cell in found["estimates"]
    ]
    for text in (overview.text, drawn.text, json.dumps(found), body):
        assert [word for word in ('"credit"', "by=credit") if word in text] == []
    assert client.get(f"/estimates?draw={DRAW}&by=credit").status_code == 422
    absent = [
        client.get("/estimates", params=asked)
        for asked in ({"plan": "other"}, {"draw": "x"}, {"round_id": "x"})
    ]
    assert [answer.status_code for answer in absent] == [404, 404, 404]
    assert client.get(f"/staff/estimates/spring/{DRAW}").status_code == 404, (
        "the class is for this machine alone"
    )


def test_nothing_is_estimated_before_the_reveal(visited: Visited, tmp_path: Path) -> None:
    assert service.refresh(visited.desk.db, visited.trip.clock.now()) == []
    client = client_of(visited, tmp_path)
    assert client.get("/api/v1/estimates").json() == {"plan": "", "made_at": None, "estimates": []}
    assert visited.round_id not in client.get("/estimates").text
