"""Absences through a page: the reserve that steps in is shown, and to a department its own inspectors alone."""

from __future__ import annotations

from fastapi.testclient import TestClient

from app.http import dependencies
from app.main import create_app
from app.rounds import seats, service
from app.settings import Settings
from app.visits.tables import Visit
from tests.accounts import made, signed_in
from tests.visited_round import Visited


def clients(visited: Visited, visit: Visit, *departments: str) -> list[TestClient]:
    """A planner of each department, on the visit's day."""
    db, at = visited.desk.db, visited.at(visit)
    app = create_app(db, Settings(data_dir=visited.trip.out), with_clock=False)
    app.dependency_overrides[dependencies._now] = lambda: at
    return [
        signed_in(app, db, made(db, f"of-{name or 'all'}", "planner", name, at=at)) for name in departments
    ]


def test_the_next_reserve_moves_in_and_is_shown_to_their_department(visited: Visited) -> None:
    visit, (check,) = visited.visit()
    ill = visited.crews(visit.key)[check.department][0]
    other = next(name for name in ("market", "fire", "health") if name != check.department)
    own, foreign = clients(visited, visit, check.department, other)
    path = f"/en/staff/rounds/{visited.round_id}/absences"
    form = {"inspector": ill, "reason": "sickness", "start": str(visit.day), "end": str(visit.day)}
    refused = foreign.post(path, data=form)
    assert refused.status_code == 422
    assert f"Inspector {ill} is not among those who may be seated" in refused.text
    missing = own.post(path, data={**form, "start": ""})
    assert missing.status_code == 422
    assert "the days are missing" in missing.text
    shown = own.post(path, data=form, follow_redirects=True).text
    with visited.desk.db.read() as session:
        moves = [
            event for event in seats.events_of(session, visited.round_id) if event["type"] == "seat_move"
        ]
    assert moves
    for move in moves:
        assert f"<code>{move['seat_id']}</code> → {move['into']}" in shown
    assert visited.crews(visit.key)[check.department][0] != ill
    assert ill not in foreign.get(path).text


def test_after_the_reveal_the_page_says_why_nothing_is_filed(visited: Visited) -> None:
    """And before the seats too; what was filed stays to be read."""
    visit, _ = visited.visit()
    (everybody,) = clients(visited, visit, "")
    with visited.desk.db.write() as session:
        row = service.found(session, visited.round_id)
        row.stage, row.status = "revealed", "done"
        session.add(row)
    path = f"/en/staff/rounds/{visited.round_id}/absences"
    assert "Only a round whose seats are drawn" in everybody.get(path).text
    late = everybody.post(path, data={"inspector": "P001", "reason": "sickness"})
    assert late.status_code == 409
    assert "absences are filed between seats and reveal" in late.text
