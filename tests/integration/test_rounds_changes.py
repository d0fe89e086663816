"""A committed plan is changed: priced first, taken with a public reason, verified by strangers, never in the past."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from app.db.database import Database
from app.disclosure.facts import Change
from app.disclosure.service import write_bundles
from app.disclosure.views import round_page
from app.disclosure.work import work_of
from app.errors import Conflict, Refused
from app.ledger import repository as ledger
from app.registers.tables import InspectorLeave, Recusal
from app.rounds import changes, service
from app.rounds.changes import Proposal
from app.rounds.changing import Asked, Move, Urgent
from app.rounds.fsck import check_rounds
from app.rounds.repository import planned_checks
from app.rounds.tables import Round
from app.rounds.vault import Vault
from app.web.templates import Place, render
from app.whole_round import SimulatedClock, Trip, answers, carry
from optimizer.progress import Silent
from scheduler import verifier

Publish = Callable[..., str]


@pytest.fixture
def seated(city: Database, publish: Publish, now: datetime, tmp_path: Path) -> tuple[Trip, Round]:
    """A round whose seats are drawn, waiting for its reveal; two crews a day for each department, so many days."""
    few_crews(city)
    trip = Trip(city, Vault(tmp_path), tmp_path, Silent(), None, SimulatedClock(now), approved_by="审批人")
    answer = answers(trip)
    made = service.create(city, publish(), "2026-Q1", now)
    row = carry(trip, made, lambda r: r.waiting_for != "reveal" and answer(r))
    assert (row.stage, row.status) == ("seated", "waiting")
    return trip, row


def few_crews(db: Database) -> None:
    """Most inspectors are on leave."""
    with db.write() as session:
        for place in range(15, 42):
            away = date(2026, 3, 1), date(2026, 12, 31)
            session.add(InspectorLeave(inspector=f"P{place:03d}", start=away[0], end=away[1]))


def stored(db: Database, round_id: str, name: str) -> Any:
    with db.read() as session:
        return json.loads(ledger.load(session, round_id, name))


def possible_move(trip: Trip, row: Round) -> tuple[Asked, Proposal]:
    """The first visit that can be on another day."""
    visits, schedule = (stored(trip.db, row.round_id, name) for name in ("visits.json", "schedule.json"))
    for visit in visits["visits"]:
        for day in schedule["days"]:
            if day != visit["date"]:
                asked = Asked("业主要求改期", Move(visit["visit_id"], to=day))
                try:
                    return asked, changes.propose(trip.db, trip.vault, row.round_id, asked, trip.clock.now())
                except Refused:
                    continue
    raise AssertionError("no visit can move")


def test_a_move_is_priced_taken_published_and_verified(
    city: Database, seated: tuple[Trip, Round], tmp_path: Path
) -> None:
    trip, row = seated
    before = stored(city, row.round_id, "visits.json")
    asked, proposal = possible_move(trip, row)
    assert asked.move is not None
    assert set(proposal.event["cost"]) == {
        "entries", "inspector_days", "travel_min", "host_min", "people_per_visit_max"
    }  # fmt: skip
    with city.read() as session:
        assert changes.current_files(session, row.round_id)[0] == before
    taken = changes.take(city, trip.vault, row.round_id, asked, proposal.confirm, trip.clock.now())
    assert taken.confirm == proposal.confirm
    moved = next(visit for visit in before["visits"] if visit["visit_id"] == asked.move.visit_id)
    with city.read() as session:
        visits, schedule = changes.current_files(session, row.round_id)
        days = {check.check_id: check.day for check in planned_checks(session, row.round_id)}
        shown = work_of(session, row.round_id, "zh")
        assert list(check_rounds(session, trip.vault)) == []
    home = [visit for visit in visits["visits"] if set(visit["checks"]) & set(moved["checks"])]
    assert {visit["date"] for visit in home} == {asked.move.to}
    assert {days[name] for name in moved["checks"]} == {date.fromisoformat(asked.move.to)}
    assert {visit.visit_id for visit in shown.visits} == {visit["visit_id"] for visit in visits["visits"]}
    drawn = {
        route["route_id"]: {**route, "stops": []}
        for route in stored(city, row.round_id, "schedule.json")["routes"]
    }
    assert {route["route_id"]: {**route, "stops": []} for route in schedule["routes"]} == drawn
    assert told(city, row) == []
    assert carry(trip, row, answers(trip)).status == "done"
    (change,) = told(city, row)
    assert change.reason == "业主要求改期"
    assert asked.move.to in {day for _, _, day in change.moved}
    (event,) = stored(city, row.round_id, "events.json")
    assert event["reason"] == "业主要求改期"
    assert stored(city, row.round_id, "visits.json") == before
    bundles = write_bundles(city, row.round_id, tmp_path)
    for bundle in (bundles.public, bundles.auditor):
        outcome = verifier.verify(bundle)
        assert outcome.status == 0, outcome.render()
        assert "1 次调整" in outcome.render()
    tamper(bundles.auditor)


def told(db: Database, row: Round) -> list[Change]:
    """The changes that the round's public page shows."""
    with db.read() as session:
        context = round_page(session, row.round_id, "zh", ())
    render("round.html", Place.served(f"/rounds/{row.round_id}", "zh"), context)
    found = context["changes"]
    assert isinstance(found, list)
    return found


def tamper(bundle: Path) -> None:
    """Every part of the event that is bent is noticed by the hard rules alone, whatever the log says."""
    raw = bundle.read_bytes()

    def changed(bend: Callable[[dict[str, Any]], None]) -> None:
        looked = verifier.Round(verifier.Archive(raw), None)
        looked.archive.open()
        looked.copy = "auditor"
        assert verifier.check_changes(looked) == 1
        bend(looked.json("events")[0])
        with pytest.raises(verifier.Wrong):
            verifier.check_changes(looked)

    changed(lambda event: event.update(reason="  "))
    changed(lambda event: event["cancelled"].append("V99999"))
    changed(lambda event: event["visits"][0].update(start=event["visits"][0]["start"] + 1))
    changed(lambda event: event["routes"][0].update(route_id="R99999"))
    changed(lambda event: event["routes"].pop())
    changed(lambda event: event["visits"].clear())
    changed(lambda event: event.update(at="2027-01-01T09:00:00+08:00"))
    changed(lambda event: event["checks"].append({**looked_check(raw), "draws": ["t-market"]}))


def looked_check(raw: bytes) -> dict[str, Any]:
    """A check of the bundle."""
    looked = verifier.Round(verifier.Archive(raw), None)
    looked.archive.open()
    found: dict[str, Any] = looked.json("visits")["checks"][0]
    return found


def test_weather_a_sick_crew_and_an_urgent_check_are_replanned_and_verified(
    city: Database, seated: tuple[Trip, Round], tmp_path: Path
) -> None:
    trip, row = seated
    visits, schedule = (stored(city, row.round_id, name) for name in ("visits.json", "schedule.json"))
    route = max(schedule["routes"], key=lambda route: len(route["stops"]))
    there = {check["department"] for check in visits["checks"]}
    alone = next(
        visit
        for visit in visits["visits"]
        if {check.rpartition("/")[2] for check in visit["checks"]} == {"market"}
        and visit["date"] != route["date"]
    )
    crew = next(
        other for other in schedule["routes"] if other["date"] != route["date"] and len(other["stops"]) > 1
    )
    for asked in (
        Asked("暴雨", closed=((route["district"], route["date"]),)),
        Asked("班组全部住院", fewer=((crew["department"], crew["date"], 20),)),
        Asked("投诉", urgent=(Urgent(alone["target_id"], ("fire-1",)),)),
    ):
        proposal = changes.propose(city, trip.vault, row.round_id, asked, trip.clock.now())
        changes.take(city, trip.vault, row.round_id, asked, proposal.confirm, trip.clock.now())
    assert there == {"market", "fire", "health"}
    with city.read() as session:
        now_visits, now_schedule = changes.current_files(session, row.round_id)
        assert list(check_rounds(session, trip.vault)) == []
    where = {
        site["target_id"]: site["district"]
        for site in stored(city, row.round_id, "internal/packing.json")["sites"]
    }
    assert not any(
        visit["date"] == route["date"] and where[visit["target_id"]] == route["district"]
        for visit in now_visits["visits"]
    )
    urgent = f"{alone['target_id']}/fire/urgent-1"
    placed = {name for visit in now_visits["visits"] for name in visit["checks"]}
    left = {entry["check_id"]: entry for entry in now_visits["unscheduled"]}
    assert urgent in placed | left.keys()
    assert all(entry["reason"] and entry["remedy"] for entry in left.values())
    assert carry(trip, row, answers(trip)).status == "done"
    assert len(stored(city, row.round_id, "events.json")) == 3
    bundles = write_bundles(city, row.round_id, tmp_path)
    for bundle in (bundles.public, bundles.auditor):
        outcome = verifier.verify(bundle)
        assert outcome.status == 0, outcome.render()
    assert now_schedule["days"] == schedule["days"]
    out = {(other["department"], other["date"]) for other in now_schedule["routes"] if other["stops"]}
    assert (crew["department"], crew["date"]) not in out


def test_what_may_not_be_changed_is_refused(
    city: Database, seated: tuple[Trip, Round], now: datetime
) -> None:
    trip, row = seated
    visits = stored(city, row.round_id, "visits.json")["visits"]
    asked, proposal = possible_move(trip, row)
    assert asked.move is not None
    at = trip.clock.now()
    bad: list[tuple[str, Asked]] = [
        ("change.no_reason", replace(asked, reason=" ")),
        ("change.visit", Asked("r", cancel=("V9",))),
        ("change.day", Asked("r", Move(visits[0]["visit_id"], to="2027-01-01"))),
        ("change.place", Asked("r", closed=(("650199", visits[0]["date"]),))),
        ("change.department", Asked("r", fewer=(("nobody", visits[0]["date"], 2),))),
        ("change.urgent", Asked("r", urgent=(Urgent("T9999", ("fire-1",)),))),
        ("change.urgent", Asked("r", urgent=(Urgent(visits[0]["target_id"], ("fire-1", "market-1")),))),
        ("item.unpublished", Asked("r", urgent=(Urgent(visits[0]["target_id"], ("none-1",)),))),
        ("change.nothing", Asked("r", Move(visits[0]["visit_id"], to=visits[0]["date"]))),
    ]
    for code, wanted in bad:
        with pytest.raises(Refused) as refused:
            changes.propose(city, trip.vault, row.round_id, wanted, at)
        assert refused.value.problem.code == code
        assert refused.value.problem.remedy_zh
    with pytest.raises(Conflict, match=r"change\.other"):
        changes.take(city, trip.vault, row.round_id, asked, "0" * 64, at)
    changes.take(city, trip.vault, row.round_id, asked, proposal.confirm, at)
    with pytest.raises(Refused):
        changes.take(city, trip.vault, row.round_id, asked, proposal.confirm, trip.clock.now())
    late = now + timedelta(days=300)
    with pytest.raises(Refused, match=r"change\.(visit|day)"):
        changes.propose(city, trip.vault, row.round_id, Asked("r", cancel=(visits[1]["visit_id"],)), late)


def test_a_recused_department_s_crew_takes_over_no_such_target(
    city: Database, publish: Publish, now: datetime, tmp_path: Path
) -> None:
    few_crews(city)
    with city.write() as session:
        for place in range(240):
            session.add(Recusal(inspector="P003", target_id=f"T{place:04d}"))
    trip = Trip(city, Vault(tmp_path), tmp_path, Silent(), None, SimulatedClock(now), approved_by="审批人")
    answer = answers(trip)
    made = service.create(city, publish(), "2026-Q1", now)
    row = carry(trip, made, lambda r: r.waiting_for != "reveal" and answer(r))
    visits = stored(city, row.round_id, "visits.json")["visits"]
    days = stored(city, row.round_id, "schedule.json")["days"]
    found = set()
    for visit in visits:
        for day in days:
            if any(name.endswith("/market") for name in visit["checks"]) and day != visit["date"]:
                asked = Asked("r", Move(visit["visit_id"], to=day))
                with pytest.raises(Refused) as refused:
                    changes.propose(city, trip.vault, row.round_id, asked, trip.clock.now())
                found.add(refused.value.problem.code)
    assert found == {"change.recused", "change.no_room"}
