"""Violations planted into a correct plan, one at a time: the checker names each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from benchmarks.packing_small import DAYS, PARAMETERS, site
from optimizer.checker import check
from optimizer.model import (
    Check,
    Department,
    ForbiddenPair,
    PackingProblem,
    Plan,
    Route,
    Stop,
    Unscheduled,
    Visit,
)
from optimizer.rules import SENTENCES
from optimizer.solve import pack

PROBLEM = PackingProblem(
    DAYS,
    (
        Check("A1", "T1", "A", 60, 2, ("S",)),
        Check("B1", "T1", "B", 90),
        Check("A2", "T2", "A", 45),
        Check("B2", "T2", "B", 45, 3, (), (0, 1)),
        Check("A3", "T3", "A", 30),
        Check("B3", "T3", "B", 30),
        Check("A4", "T4", "A", 30, 2, (), (2,)),
    ),
    (
        site(),
        site("T2", 2000),
        replace(site("T3", 4000), people_cap=3, entries_left=1),
        replace(site("T4", 100), closed_days=(0, 1)),
    ),
    (Department("A", (4,) * 5, (("S", (1,) * 5),)), Department("B", (3,) * 5)),
)
PLAN = pack(PROBLEM, PARAMETERS)


def visit(plan: Plan, target: str) -> Visit:
    return next(row for row in plan.visits if row.target_id == target)


def with_visit(plan: Plan, target: str, /, **change: object) -> Plan:
    rows = [replace(row, **change) if row.target_id == target else row for row in plan.visits]  # type: ignore[arg-type]
    return replace(plan, visits=tuple(rows))


def route_at(plan: Plan, target: str, department: str) -> Route:
    name = visit(plan, target).visit_id
    return next(
        row
        for row in plan.routes
        if row.department == department and any(s.visit_id == name for s in row.stops)
    )


def with_route(plan: Plan, old: Route, *new: Route) -> Plan:
    rows = [made for row in plan.routes for made in (new if row == old else (row,))]
    return replace(plan, routes=tuple(rows))


def with_stop(plan: Plan, target: str, department: str, /, **change: object) -> Plan:
    route = route_at(plan, target, department)
    name = visit(plan, target).visit_id
    stops = [replace(row, **change) if row.visit_id == name else row for row in route.stops]  # type: ignore[arg-type]
    return with_route(plan, route, replace(route, stops=tuple(stops)))


def with_routes(plan: Plan, target: str, department: str, /, **change: object) -> Plan:
    route = route_at(plan, target, department)
    return with_route(plan, route, replace(route, **change))  # type: ignore[arg-type]


def stop_at(plan: Plan, target: str, department: str) -> Stop:
    name = visit(plan, target).visit_id
    return next(row for row in route_at(plan, target, department).stops if row.visit_id == name)


def without_stop(plan: Plan, target: str, department: str) -> Plan:
    route = route_at(plan, target, department)
    stops = tuple(row for row in route.stops if row.visit_id != visit(plan, target).visit_id)
    return with_route(plan, route, *([replace(route, stops=stops)] if stops else []))


def doubled_crew(plan: Plan) -> Plan:
    route = route_at(plan, "T1", "B")
    return with_route(plan, route, route, replace(route, route_id=route.route_id + "x"))


def unexplained(plan: Plan) -> Plan:
    left = without_stop(plan, "T4", "A")
    kept = tuple(row for row in left.visits if row.target_id != "T4")
    return replace(left, visits=kept, unscheduled=(Unscheduled("A4", "", "", ""),))


def split_entries(plan: Plan) -> Plan:
    row = visit(plan, "T3")
    return replace(plan, visits=(*plan.visits, replace(row, visit_id="V99999", checks=())))


def together_at_capped(plan: Plan) -> Plan:
    first, second = stop_at(plan, "T3", "A"), stop_at(plan, "T3", "B")
    early, target = min(first.start, second.start), "T3"
    for department, stop in (("A", first), ("B", second)):
        minutes = stop.end - stop.start
        plan = with_stop(plan, target, department, arrive=early, start=early, end=early + minutes)
    return plan


def report_with(plan: Plan, /, **change: object) -> Plan:
    return replace(plan, report=replace(plan.report, **change))  # type: ignore[arg-type]


def second_in_visit(plan: Plan) -> Plan:
    """T2's second stop of department A begins before the way from its stop before is over."""
    route = next(row for row in plan.routes if len(row.stops) > 1)
    late = route.stops[1]
    stops = (route.stops[0], replace(late, arrive=route.stops[0].end), *route.stops[2:])
    return with_route(plan, route, replace(route, stops=stops))


PLANTED: dict[str, tuple[str, Callable[[Plan], Plan]]] = {
    "same visit id twice": ("visit.id", lambda p: replace(p, visits=(*p.visits, p.visits[-1]))),
    "routes out of order": ("route.id", lambda p: replace(p, routes=p.routes[::-1])),
    "unknown target": ("visit.target", lambda p: with_visit(p, "T1", target_id="T9")),
    "day beyond the calendar": ("visit.day", lambda p: with_visit(p, "T1", day=9)),
    "closed day": ("visit.closed", lambda p: with_visit(p, "T4", day=0)),
    "visit without checks": ("visit.empty", lambda p: with_visit(p, "T4", checks=())),
    "check that does not exist": ("visit.check", lambda p: with_visit(p, "T4", checks=("A4", "Z1"))),
    "check of another target": (
        "visit.other_target",
        lambda p: with_visit(p, "T1", checks=("A1", "A4", "B1")),
    ),
    "day the check forbids": ("check.day", lambda p: with_visit(p, "T2", day=3)),
    "check lost": ("check.missing", lambda p: with_visit(p, "T1", checks=("A1",))),
    "check twice": ("check.twice", lambda p: with_visit(p, "T4", checks=("A2", "A4"))),
    "too many entries": ("target.entries", split_entries),
    "visits of one target overlap": ("target.overlap", split_entries),
    "unknown department": ("route.department", lambda p: with_routes(p, "T4", "A", department="Z")),
    "route on no day": ("route.day", lambda p: with_routes(p, "T4", "A", day=-1)),
    "route without stops": ("route.empty", lambda p: with_routes(p, "T4", "A", stops=())),
    "before the day": ("route.hours", lambda p: with_stop(p, "T4", "A", arrive=599)),
    "after the day": ("route.hours", lambda p: with_stop(p, "T4", "A", start=1000, end=1030)),
    "one officer": ("route.officers", lambda p: with_routes(p, "T4", "A", officers=1)),
    "fewer officers than the check": ("route.officers", lambda p: with_routes(p, "T2", "B", officers=2)),
    "specialty missing": ("route.specialty", lambda p: with_routes(p, "T1", "A", specialties=())),
    "stop at no visit": ("stop.visit", lambda p: with_stop(p, "T4", "A", visit_id="V88888")),
    "stop on another day": ("stop.day", lambda p: with_routes(p, "T4", "A", day=4)),
    "stop in another district": ("stop.district", lambda p: with_routes(p, "T4", "A", district="D2")),
    "arrival after the start": ("stop.late", lambda p: with_stop(p, "T4", "A", arrive=1019)),
    "start apart from the visit": (
        "stop.start",
        lambda p: with_stop(
            p, "T1", "B", start=stop_at(p, "T1", "B").start + 1, end=stop_at(p, "T1", "B").end + 1
        ),
    ),
    "nothing to do": ("stop.idle", lambda p: with_visit(p, "T4", checks=("B1",))),
    "too short on site": (
        "stop.minutes",
        lambda p: with_stop(p, "T4", "A", end=stop_at(p, "T4", "A").end - 1),
    ),
    "no time for the way": ("stop.travel", second_in_visit),
    "department without a crew": ("visit.no_crew", lambda p: without_stop(p, "T1", "B")),
    "two crews of a department": ("visit.two_crews", doubled_crew),
    "visit begins without anybody": (
        "visit.start",
        lambda p: with_visit(p, "T3", start=visit(p, "T3").start - 1),
    ),
    "people above the cap": ("visit.people", together_at_capped),
    "more officers than heads": ("heads.exceeded", lambda p: with_routes(p, "T1", "B", officers=4)),
    "more specialists than held": (
        "specialists.exceeded",
        lambda p: with_routes(p, "T4", "A", specialties=("X",)),
    ),
    "unknown unscheduled": (
        "unscheduled.check",
        lambda p: replace(p, unscheduled=(Unscheduled("Z", "packing.no_room", "无", "none"),)),
    ),
    "unscheduled without reason": ("unscheduled.reason", unexplained),
    "entries miscounted": (
        "report.count",
        lambda p: report_with(p, plan=replace(p.report.plan, entries=3)),
    ),
    "inspector-days miscounted": (
        "report.count",
        lambda p: report_with(p, plan=replace(p.report.plan, inspector_days=2)),
    ),
    "bound above the plan": ("report.bound", lambda p: report_with(p, entries_bound=99)),
    "inspector-day bound above the plan": (
        "report.bound",
        lambda p: report_with(p, inspector_days_bound=replace(p.report.inspector_days_bound, value=999)),
    ),
    "other parameters": (
        "report.parameters",
        lambda p: report_with(p, parameters=replace(PARAMETERS, seed=2)),
    ),
}


def test_the_plan_before_planting_keeps_to_every_rule() -> None:
    assert check(PROBLEM, PARAMETERS, PLAN) == []
    assert PLAN.unscheduled == ()


@pytest.mark.parametrize("name", sorted(PLANTED))
def test_each_planted_violation_is_found_and_said_in_both_languages(name: str) -> None:
    code, plant = PLANTED[name]
    found = [row for row in check(PROBLEM, PARAMETERS, plant(PLAN)) if row.code == code]
    assert found
    assert all(row.subject and row.subject in row.zh and row.subject in row.en for row in found)


def test_a_forbidden_pair_and_too_many_entries_a_day_are_found() -> None:
    pair = replace(PROBLEM, forbidden=(ForbiddenPair("A1", "B1", "announced with unannounced"),))
    assert {row.code for row in check(pair, PARAMETERS, PLAN)} == {"visit.forbidden_pair"}
    fewer = replace(PARAMETERS, max_entries=1)
    found = check(PROBLEM, fewer, report_with(PLAN, parameters=fewer))
    assert {row.code for row in found} == {"route.entries"}


def test_every_rule_has_a_planted_violation() -> None:
    planted = {code for code, _ in PLANTED.values()} | {"visit.forbidden_pair", "route.entries"}
    assert planted == set(SENTENCES)
