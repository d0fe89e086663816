"""A department's own people move the visits in which it alone takes part, through service, API and page."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from app.db.database import Database
from app.db.scope import Scope
from app.errors import Forbidden, Problem, Refused, refuse
from app.http import dependencies
from app.main import create_app
from app.rounds import changes
from app.rounds import service as rounds
from app.rounds.changing import Asked, Move
from app.rounds.own_visits import Own
from app.settings import Settings
from tests import small_city
from tests.accounts import made, signed_in
from tests.integration.test_rounds_changes import few_crews, possible_move
from tests.visited_round import Visited, seated

FIRE, MARKET_ELSEWHERE = Scope("fire"), Scope("market", frozenset({"659999"}))
DAY = "2026-03-19"


def planned(visited: Visited, inside: str, outside: str, together: int) -> str:
    """The first visit of so many departments with one of them and without another."""
    for visit, _ in visited.checks():
        there = visited.crews(visit.key)
        if inside in there and outside not in there and len(there) == together:
            return visit.planned_id
    raise AssertionError(inside)


def visits(db: Database, round_id: str) -> list[dict[str, Any]]:
    """The plan's visits as they stand."""
    with db.read() as session:
        found: list[dict[str, Any]] = changes.current_files(session, round_id)[0]["visits"]
    return found


def days(db: Database, round_id: str) -> dict[str, str]:
    """The day of each target's one visit; a visit that moves may get another number."""
    return {row["target_id"]: row["date"] for row in visits(db, round_id)}


def target_of(db: Database, round_id: str, visit_id: str) -> str:
    return str(next(row["target_id"] for row in visits(db, round_id) if row["visit_id"] == visit_id))


def refusal(visited: Visited, asked: Asked, scope: Scope) -> Problem:
    now = visited.trip.clock.now()
    with pytest.raises(Refused) as refused:
        changes.propose(visited.desk.db, visited.desk.vault, visited.round_id, asked, now, scope)
    return refused.value.problem


def test_what_is_not_its_own_alone_is_refused(visited: Visited) -> None:
    joint, other = planned(visited, "fire", "health", 2), planned(visited, "market", "fire", 1)
    told = refusal(visited, Asked("r", Move(joint, to=DAY)), FIRE)
    assert (told.code, bool(told.remedy_zh and told.remedy_en)) == ("change.joint", True)
    more = Asked("r", Move(joint, to=DAY), fewer=(("fire", DAY, 1),))
    assert refusal(visited, more, FIRE).code == "access.all_departments"
    assert refusal(visited, Asked("r", cancel=(joint,)), FIRE).code == "access.all_departments"
    absent, hidden = (refusal(visited, Asked("r", Move(name, to=DAY)), FIRE) for name in ("none", other))
    assert hidden.code == "change.visit"
    assert hidden.zh == absent.zh.replace("none", other), "absent and another's answer alike"
    assert refusal(visited, Asked("r", Move(other, to=DAY)), MARKET_ELSEWHERE).code == "change.visit"


def test_a_department_s_planner_moves_its_visits_through_api_and_page(
    city: Database, publish: Callable[..., str], now: datetime, tmp_path: Path
) -> None:
    """A round of one department alone, so that its visits can move as those of any round can."""
    few_crews(city)
    task = small_city.plan_data()["tasks"][0]
    made_ = seated(city, publish(tasks=[task]), now, tmp_path)
    asked, _ = possible_move(made_.trip, rounds.get(city, made_.round_id))
    assert asked.move is not None
    moved = target_of(city, made_.round_id, asked.move.visit_id)
    app = create_app(city, Settings(data_dir=tmp_path), with_clock=False)
    at = made_.trip.clock.now()
    app.dependency_overrides[dependencies._now] = lambda: at
    ours, others = (
        signed_in(app, city, made(city, code, "planner", code, at=at)) for code in ("market", "fire")
    )
    api, page = f"/api/v1/rounds/{made_.round_id}/move", f"/en/staff/rounds/{made_.round_id}/plan"
    move = {"visit_id": asked.move.visit_id, "to": asked.move.to, "reason": "asked for"}
    refused = others.post(api, json=move)
    assert (refused.status_code, refused.json()["code"]) == (422, "change.visit")
    assert "your department alone takes part" in ours.get(page).text
    shown = ours.post(api, json=move).json()
    assert shown["taken"] is False
    form = {"visit": asked.move.visit_id, "day": asked.move.to, "reason": "asked for"}
    ours.post(page, data={**form, "confirm": shown["confirm"]})
    assert days(city, made_.round_id)[moved] == asked.move.to


def test_a_joint_visit_is_refused_on_the_page(visited_of_its_own: Visited) -> None:
    visited = visited_of_its_own
    at = visited.trip.clock.now()
    app = create_app(visited.desk.db, Settings(data_dir=visited.desk.vault.directory), with_clock=False)
    app.dependency_overrides[dependencies._now] = lambda: at
    planner = signed_in(app, visited.desk.db, made(visited.desk.db, "one", "planner", "fire", at=at))
    joint = planned(visited, "fire", "health", 2)
    form = {"visit": joint, "day": DAY, "reason": "asked for"}
    shown = planner.post(f"/en/staff/rounds/{visited.round_id}/plan", data=form).text
    assert "one department alone does not move it" in shown
    assert "ask a coordinator of all departments" in shown
    given = {"visit_id": joint, "to": DAY, "reason": "asked for"}
    refused = planner.post(f"/api/v1/rounds/{visited.round_id}/move", json=given)
    assert (refused.status_code, refused.json()["code"]) == (403, "change.joint")


FILES: tuple[dict[str, Any], dict[str, Any]] = (
    {
        "visits": [
            {"visit_id": "V1", "target_id": "T1", "checks": ["T1/fire"]},
            {"visit_id": "V2", "target_id": "T2", "checks": ["T2/market"]},
        ],
        "checks": [
            {"check_id": "T1/fire", "department": "fire"},
            {"check_id": "T2/market", "department": "market"},
        ],
    },
    {},
)
QUIET: dict[str, list[Any]] = {"visits": [], "cancelled": [], "unscheduled": []}


@pytest.mark.parametrize(
    "event",
    [
        {"visits": [{"visit_id": "V2", "checks": ["T2/market"]}]},
        {"visits": [{"visit_id": "V2", "checks": ["T1/fire"]}]},
        {"cancelled": ["V2"]},
        {"unscheduled": [{"check_id": "T2/market"}]},
    ],
)
def test_a_move_that_touches_others_is_refused(event: dict[str, Any]) -> None:
    own = Own(FIRE, FILES, {})
    own.require_alone({**QUIET, "visits": [{"visit_id": "V1", "checks": ["T1/fire"]}]})
    with pytest.raises(Forbidden) as refused:
        own.require_alone({**QUIET, **event})
    assert refused.value.problem.code == "change.others"


def test_a_refusal_names_nobody_elses_visit() -> None:
    own = Own(FIRE, FILES, {})
    ours, theirs = (
        refuse("change.broken_rule", name, name, "", "", subject=name) for name in ("T1/fire", "T2/market")
    )
    assert own.told(ours, "V1") is ours
    assert own.told(theirs, "V1").problem.code == "change.others"
