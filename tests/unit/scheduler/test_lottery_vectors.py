"""The known answer: one small round's roster, visits and routes, and the lottery.json that follows byte for byte."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.lottery_city import empty_report
from optimizer.model import Plan, Route, Stop, Visit
from scheduler.encoding import canonical_json
from scheduler.lottery.draw import draw_seats, lottery_json
from scheduler.lottery.plan import LotteryPlan, plan_lottery
from scheduler.lottery.roster import Inspector, Leave, Recusal, Roster
from scheduler.lottery.schedule import routes_json, visits_json
from scheduler.suite import SHA256

VECTOR = Path(__file__).parents[2] / "vectors" / "seats.json"


@pytest.fixture(scope="module")
def known() -> dict[str, Any]:
    return dict(json.loads(VECTOR.read_text(encoding="utf-8")))


def roster_of(known: dict[str, Any]) -> Roster:
    rows = known["roster"]
    return Roster(
        tuple(Inspector(**{**row, "specialties": tuple(row["specialties"])}) for row in rows["inspectors"]),
        tuple(Leave(row["code"], row["from"], row["to"]) for row in rows["leave"]),
        tuple(Recusal(**row) for row in rows["recusals"]),
    )


def plan_of(known: dict[str, Any]) -> Plan:
    day = {date: place for place, date in enumerate(known["days"])}
    visits = tuple(
        Visit(row["visit_id"], row["target_id"], day[row["date"]], row["start"], tuple(row["checks"]))
        for row in known["visits"]
    )
    routes = tuple(
        Route(
            row["route_id"], row["department"], row["district"], day[row["date"]], row["officers"],
            tuple(row["specialties"]), tuple(Stop(**stop) for stop in row["stops"]),
        )
        for row in known["routes"]
    )  # fmt: skip
    return Plan(visits, routes, (), empty_report())


@pytest.fixture(scope="module")
def planned(known: dict[str, Any]) -> LotteryPlan:
    return plan_lottery(roster_of(known), plan_of(known), tuple(known["days"]))


def test_inputs_are_read_back_as_published(known: dict[str, Any], planned: LotteryPlan) -> None:
    assert planned.roster.to_json() == known["roster"]
    assert visits_json(planned.plan, planned.days) == known["visits"]
    assert routes_json(planned.plan, planned.days) == known["routes"]


def test_the_lottery_is_the_known_one(known: dict[str, Any], planned: LotteryPlan) -> None:
    draw = draw_seats(planned, bytes.fromhex(known["k_seats"]))
    made = canonical_json(lottery_json(planned, draw, SHA256))
    assert json.loads(made) == known["lottery"]


def test_the_known_answer_covers_what_it_should(known: dict[str, Any]) -> None:
    """Groups of one and of two, loads that are whole and not, forced zeros, full days."""
    lottery = known["lottery"]
    assert {len(group["members"]) for group in lottery["groups"]} == {1, 2}
    assert {"/" in group["load"] for group in lottery["groups"]} == {True, False}
    assert any(0 in item["units"] for item in lottery["classes"])
    assert lottery["certificate"]["t"]
