"""Seats over several rounds, by coins in public, and after the freeze: whole rounds on both databases."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError
from sqlmodel import text

from app.db.database import Database
from app.disclosure.service import write_bundles
from app.errors import Conflict, Refused
from app.ledger import repository as ledger
from app.registers.tables import Recusal
from app.rounds import seating, seats, service, voiding
from app.rounds.absence import Absence
from app.rounds.seat_repair import too_many
from app.rounds.tables import Round
from app.rounds.vault import Vault
from app.whole_round import SimulatedClock, Trip, answers, carry
from optimizer.progress import Silent
from scheduler import verifier
from scheduler.lottery.conflict import Conflict as SeatConflict
from scheduler.lottery.shares import shares_of
from tests.small_city import QUARTERLY

Publish = Callable[..., str]


def run(
    db: Database, folder: Path, now: datetime, code: str, period: str = "2026-Q1", until: str = "revealed"
) -> Round:
    """The plan's round of a period, carried as far as `until` on a simulated clock."""
    trip = Trip(
        db, Vault(folder), folder, Silent(), None, SimulatedClock(now), approved_by="审批人", until=until
    )
    return carry(trip, service.create(db, code, period, now), answers(trip))


def stored(db: Database, round_id: str, name: str) -> Any:
    with db.read() as session:
        return json.loads(ledger.load(session, round_id, name))


def test_who_served_much_is_expected_less_in_the_next_round(
    city: Database, publish: Publish, now: datetime, tmp_path: Path
) -> None:
    code = publish(period=None, recurrence=QUARTERLY)
    first = run(city, tmp_path, now, code)
    second = run(city, tmp_path, now + timedelta(days=150), code, "2026-Q3")
    assert (second.stage, second.status) == ("revealed", "done"), second.problem
    assert "seat_history" not in stored(city, first.round_id, "manifest.json")
    manifest = stored(city, second.round_id, "manifest.json")
    served = {row["code"]: row["seats"] for row in manifest["seat_history"]}
    assert served == {
        share.code: share.drawn for share in shares_of(stored(city, first.round_id, "lottery.json"))
    }
    assert set(manifest["seat_weights"].values()) - {1000}
    roster = stored(city, second.round_id, "roster.json")["inspectors"]
    alike = {one["code"]: (one["department"], one["lead"]) for one in roster}
    expected = {
        share.code: share.expected for share in shares_of(stored(city, second.round_id, "lottery.json"))
    }
    pairs = [
        (one, other)
        for one in served
        for other in served
        if alike[one] == alike[other] and served[one] > served[other]
    ]
    assert all(expected[one] <= expected[other] for one, other in pairs)
    assert any(expected[one] < expected[other] for one, other in pairs)
    bundles = write_bundles(city, second.round_id, tmp_path)
    assert verifier.verify(bundles.public).status == 0
    assert verifier.verify(bundles.auditor).status == 0


def test_a_voided_round_and_one_under_embargo_count_for_nothing(
    city: Database, publish: Publish, now: datetime, tmp_path: Path
) -> None:
    code = publish(period=None, recurrence="monthly working-day 1 09:00")
    voided = run(city, tmp_path, now, code, "2026-01", until="seated")
    voiding.void(
        city, Vault(tmp_path), voided.round_id, "plan_withdrawn", "甲", "乙", now + timedelta(days=1)
    )
    run(city, tmp_path, now + timedelta(days=2), code, "2026-02", until="seated")
    later = run(city, tmp_path, now + timedelta(days=3), code, "2026-03", until="frozen")
    assert "seat_history" not in stored(city, later.round_id, "manifest.json")


def test_coins_in_public_pick_one_of_the_published_assignments(
    city: Database, publish: Publish, now: datetime, tmp_path: Path
) -> None:
    sources = {
        "entropy": [{"id": "first", "kind": "witness_digits", "digits": 20}],
        "entropy_seats": [{"id": "coins", "kind": "witness_digits", "digits": 20}],
    }
    code = publish(
        **sources,
        tasks=few_targets(),
        schedule={"first_working_day": 8, "days": 10, "seat_draw": "observable"},
    )
    row = service.create(city, code, "2026-Q1", now)
    trip = Trip(city, Vault(tmp_path), tmp_path, Silent(), None, SimulatedClock(now), approved_by="审批人")
    row = carry(trip, row, answers(trip, [("first", "5" * 20), ("coins", "1001110101" + "0" * 10)]))
    assert row.status == "done", row.problem
    lottery = stored(city, row.round_id, "lottery.json")
    assert (lottery["unit_bits"], len(lottery["transcript"])) == (10, 10)
    assert len(lottery["classes"]) == len(lottery["seats"]) <= 200
    bundles = write_bundles(city, row.round_id, tmp_path)
    for bundle in (bundles.public, bundles.auditor):
        outcome = verifier.verify(bundle)
        assert outcome.status == 0, outcome.render()


def few_targets() -> list[dict[str, Any]]:
    """One task whose seats can be read out."""
    return [
        {
            "task_id": "t-market",
            "title_zh": "抽查",
            "department": "market",
            "rules": ["r-market"],
            "items": ["market-1"],
            "strata_by": [],
            "default_ratio": 60_000,
        }
    ]


def seated(db: Database, folder: Path, now: datetime, code: str) -> tuple[Trip, Round]:
    """A round whose seats are drawn, waiting for its reveal."""
    trip = Trip(db, Vault(folder), folder, Silent(), None, SimulatedClock(now), approved_by="审批人")
    answer = answers(trip)
    row = carry(
        trip, service.create(db, code, "2026-Q1", now), lambda r: r.waiting_for != "reveal" and answer(r)
    )
    assert (row.stage, row.status) == ("seated", "waiting")
    return trip, row


def reveal(trip: Trip, row: Round) -> None:
    """Carry a seated round to its end."""
    assert carry(trip, row, answers(trip)).status == "done"


def test_late_absences_move_in_the_next_reserves_and_nobody_else(
    city: Database, publish: Publish, now: datetime, tmp_path: Path
) -> None:
    trip, row = seated(city, tmp_path, now, publish())
    lottery = stored(city, row.round_id, "lottery.json")
    visits = stored(city, row.round_id, "visits.json")["visits"]
    routes = {route["route_id"]: route for route in stored(city, row.round_id, "schedule.json")["routes"]}
    dates = {seat["seat_id"]: date.fromisoformat(seat["date"]) for seat in lottery["seats"]}
    (one, first), (two, second), (three, _) = list(lottery["assignment"].items())[:3]
    at = [now + timedelta(days=1, minutes=minute) for minute in range(3)]
    both = [
        Absence(first, "sickness", dates[one], dates[one]),
        Absence(second, "certificate", dates[two]),
    ]
    moved = seats.file_absences(city, trip.vault, row.round_id, both, at[0])
    assert {move.seat_id for move in moved} >= {one, two}
    assert all(lottery["assignment"][move.seat_id] == move.out for move in moved)
    with city.read() as session:
        standing, _ = seats.standing_now(session, row)
    stop = routes[three.partition("#")[0]]["stops"][0]["visit_id"]
    target = next(visit["target_id"] for visit in visits if visit["visit_id"] == stop)
    holder = standing.assignment[three]
    again = seats.file_absences(
        city, trip.vault, row.round_id, [Absence(holder, "recusal", target_id=target)], at[1]
    )
    assert [(move.seat_id, move.out) for move in again] == [(three, holder)]
    reveal(trip, row)
    events = stored(city, row.round_id, "events.json")
    assert [event["type"] for event in events if event["type"] == "absence"] == ["absence"] * 3
    assert target not in json.dumps(events)
    bundles = write_bundles(city, row.round_id, tmp_path)
    for bundle in (bundles.public, bundles.auditor):
        outcome = verifier.verify(bundle)
        assert outcome.status == 0, outcome.render()
    with city.read() as session:
        entries = [row["entry"] for row in ledger.entries(session, row.round_id)]
    told = [entry for entry in entries if entry["type"] in ("round.absence", "round.seat_move")]
    assert len(told) == len(events) == 3 + len(moved) + len(again)
    assert not any(code in json.dumps(told) for code in lottery["assignment"].values())


def test_absences_that_cannot_be_filed(
    city: Database, publish: Publish, now: datetime, tmp_path: Path
) -> None:
    code = publish()
    trip, row = seated(city, tmp_path, now, code)
    lottery = stored(city, row.round_id, "lottery.json")
    seat, holder = next(iter(lottery["assignment"].items()))
    day = next(date.fromisoformat(item["date"]) for item in lottery["seats"] if item["seat_id"] == seat)
    item = next(item for item in lottery["classes"] if seat in item["seats"])
    everybody = [holder, *lottery["reserves"][item["class_id"]]]
    refused = [
        ("absence.unknown_inspector", [Absence("NOBODY", "sickness", day, day)]),
        ("absence.days", [Absence(holder, "sickness", day)]),
        ("absence.days", [Absence(holder, "sickness", date(2026, 3, 1), day)]),
        ("absence.target", [Absence(holder, "recusal", target_id="T9999")]),
        ("seats.no_reserve", [Absence(one, "sickness", day, day) for one in everybody]),
    ]
    for problem, absences in refused:
        with pytest.raises(Refused, match=problem.replace(".", r"\.")) as told:
            seats.file_absences(city, trip.vault, row.round_id, absences, trip.clock.now())
        assert told.value.problem.remedy_zh
    with city.read() as session:
        assert seats.events_of(session, row.round_id) == []
    reveal(trip, row)
    with pytest.raises(Conflict, match=r"round\.stage"):
        seats.file_absences(
            city, trip.vault, row.round_id, [Absence(holder, "sickness", day, day)], trip.clock.now()
        )


def test_the_database_keeps_seat_events_as_they_are(
    city: Database, publish: Publish, now: datetime, tmp_path: Path
) -> None:
    trip, row = seated(city, tmp_path, now, publish())
    lottery = stored(city, row.round_id, "lottery.json")
    seat, holder = next(iter(lottery["assignment"].items()))
    day = next(date.fromisoformat(item["date"]) for item in lottery["seats"] if item["seat_id"] == seat)
    seats.file_absences(
        city, trip.vault, row.round_id, [Absence(holder, "sickness", day, day)], trip.clock.now()
    )
    for change in ("UPDATE seat_event SET number = 9", "DELETE FROM seat_event"):
        with pytest.raises(DBAPIError, match="append-only"), city.write() as session:
            session.execute(text(change))


def test_conflicts_of_several_departments_are_repaired_together(
    city: Database, publish: Publish, now: datetime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All leads but one of two departments are recused everywhere: more crews a day than packing can know of."""
    with city.write() as session:
        recused = [f"P{place:03d}" for place in range(42) if place % 3 and place % 2 == 0][2:]
        for inspector in recused:
            session.add_all(Recusal(inspector=inspector, target_id=f"T{place:04d}") for place in range(240))
    repaired: list[int] = []

    def spied(conflicts: Sequence[SeatConflict], *plan: Any, every_day: bool) -> dict[tuple[str, str], int]:
        repaired.append(len(conflicts))
        return too_many(conflicts, *plan, every_day=every_day)

    monkeypatch.setattr(seating, "too_many", spied)
    row = run(city, tmp_path, now, publish(), until="packed")
    assert (row.stage, row.problem) == ("packed", None), (repaired, row.problem)
    assert max(repaired) > 1
    assert len(repaired) <= seating.REPACKS


def test_an_absence_filed_on_a_clock_slightly_behind_still_verifies(
    city: Database, publish: Publish, now: datetime, tmp_path: Path
) -> None:
    """The log never goes back, so it may note a later moment than the clock says; the event has the log's."""
    trip, row = seated(city, tmp_path, now, publish())
    lottery = stored(city, row.round_id, "lottery.json")
    seat, holder = next(iter(lottery["assignment"].items()))
    day = next(date.fromisoformat(item["date"]) for item in lottery["seats"] if item["seat_id"] == seat)
    with city.read() as session:
        last = ledger.entries(session, row.round_id)[-1]["entry"]["at"]
    behind = datetime.fromisoformat(last) - timedelta(minutes=2)
    seats.file_absences(city, trip.vault, row.round_id, [Absence(holder, "sickness", day, day)], behind)
    reveal(trip, row)
    assert stored(city, row.round_id, "events.json")[0]["at"] >= last
    outcome = verifier.verify(write_bundles(city, row.round_id, tmp_path).public)
    assert outcome.status == 0, outcome.render()
