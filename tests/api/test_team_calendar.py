"""The team-day calendar: every crew on its day once, what found no day at the foot, and nobody's name too early."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from html import unescape
from pathlib import Path

import pytest
from sqlmodel import select

from app.db.database import Database
from app.disclosure.team_calendar import crews
from app.disclosure.work import planned_work
from app.errors import Conflict
from app.http import dependencies
from app.main import create_app
from app.registers.tables import Inspector, InspectorLeave
from app.rounds import service, voiding
from app.rounds.tables import Round
from app.rounds.vault import Vault
from app.settings import Settings
from app.whole_round import SimulatedClock, Trip, answers, carry
from optimizer.progress import Silent
from tests import small_city
from tests.accounts import made, signed_in
from tests.api.test_office_pages import operator

ROUND = "spring-2026-Q1-1"
PAGE = f"/staff/rounds/{ROUND}/calendar"
CODE, NAME = re.compile(r"\bP0\d\d\b"), re.compile(r"企业\d")
CALLED = {"first": "01234567890123456789", "second": "98765432109876543210"}
Publish = Callable[..., str]


@pytest.fixture
def trip(city: Database, publish: Publish, tmp_path: Path) -> Trip:
    """A round asked for; the department of health has nobody in the days of its visits."""
    with city.write() as session:
        for row in session.exec(select(Inspector).where(Inspector.department == "health")):
            session.add(InspectorLeave(inspector=row.code, start=date(2026, 3, 3), end=date(2026, 12, 31)))
    dice = {"kind": "witness_digits", "digits": 20}
    called = {"entropy": [{"id": "first", **dice}], "entropy_seats": [{"id": "second", **dice}]}
    service.create(city, publish(**called), "2026-Q1", small_city.NOW)
    clock = SimulatedClock(small_city.NOW)
    return Trip(city, Vault(tmp_path), tmp_path, Silent(), None, clock, approved_by="审批人")


def carried(trip: Trip, source: str) -> Round:
    """Give the value that is called, and carry the round on as far as it goes."""
    answer = answers(trip, [(source, CALLED[source])])
    return carry(trip, service.get(trip.db, ROUND), lambda row: row.waiting_for != "reveal" and answer(row))


def test_the_calendar_from_the_plan_on(trip: Trip, tmp_path: Path) -> None:
    client = operator(trip.db, tmp_path)
    assert client.get(PAGE).status_code == 409, "no plan yet"
    assert carried(trip, "first").stage == "packed"
    page = unescape(client.get(f"/en{PAGE}?department=health").text)
    assert "Inspectors are not drawn yet" in page
    assert not CODE.search(page)
    assert not NAME.search(page)
    lane = re.findall(r'<th scope="row">(T\d+/health)</th>(.*?)</tr>', page, re.DOTALL)
    assert len(lane) == 14, "every check of health: it has nobody"
    assert "14 without a day" in page
    for _, told in lane:
        rules, remedies, _ = re.findall(r"<td>(.*?)</td>", told, re.DOTALL)
        assert "department health" in rules
        assert "health" in remedies
    moved = re.search(rf'/en/staff/rounds/{ROUND}/plan\?visit=(V\d+)#move"', page)
    assert moved, "another visit of its target may be moved"
    form = client.get(f"/en/staff/rounds/{ROUND}/plan?visit={moved[1]}").text
    assert f'name="visit" required maxlength="64" value="{moved[1]}"' in form
    grid = client.get(f"{PAGE}?department=market").text
    with trip.db.read() as session:
        teams = planned_work(session, ROUND, "zh").of("market")
    rows = crews(teams, sorted({team.date for team in teams}))
    shown = [team for row in rows for team in row if team]
    assert sorted(team.route_id for team in shown) == sorted(team.route_id for team in teams)
    assert re.findall(r"plan\?visit=(V\d+)#move", grid) == [
        stop.visit_id for team in shown for stop in team.stops
    ]
    assert carried(trip, "second").stage == "seated"
    page = client.get(PAGE).text
    assert CODE.search(page)
    assert NAME.search(page)


def test_whose_calendar_it_is(trip: Trip, tmp_path: Path) -> None:
    """A department's planner reads of its own crews and checks alone; who does not plan reads of none."""
    carried(trip, "first")
    app = create_app(trip.db, Settings(data_dir=tmp_path), with_clock=False)
    at = trip.clock.now()
    app.dependency_overrides[dependencies._now] = lambda: at
    fire = signed_in(app, trip.db, made(trip.db, "fire", "planner", "fire", at=at))
    page = fire.get(f"{PAGE}?department=market").text
    assert '<h2 id="grid">fire局</h2>' in page
    assert "market局" not in page
    assert "/health" not in page
    assert "/plan?visit=" not in page, "what binds every department is moved by those of all"
    health = signed_in(app, trip.db, made(trip.db, "health", "planner", "health", at=at))
    assert "/health" in health.get(PAGE).text
    inspector = signed_in(app, trip.db, made(trip.db, "somebody", "inspector", "fire", at=at))
    assert inspector.get(PAGE).status_code == 403


def test_no_calendar_of_a_void_round(trip: Trip, tmp_path: Path) -> None:
    carried(trip, "first")
    vault, by = Vault(tmp_path), ("甲", "乙")
    voiding.void(trip.db, vault, ROUND, "frame_wrong", *by, trip.clock.now())
    with trip.db.read() as session, pytest.raises(Conflict, match=r"work\.void"):
        planned_work(session, ROUND, "zh")
