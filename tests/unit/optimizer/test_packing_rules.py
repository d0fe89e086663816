"""Each rule on a problem made for it: where it can be kept it is kept, in the infeasible twin it is named."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.packing_small import DAYS, PARAMETERS, codes, problem, site
from optimizer.checker import check
from optimizer.errors import Refused
from optimizer.model import Check, Department, ForbiddenPair, PackingProblem, Parameters, Plan
from optimizer.solve import pack


def packed(given: PackingProblem, parameters: Parameters = PARAMETERS) -> Plan:
    plan = pack(given, parameters)
    assert check(given, parameters, plan) == []
    return plan


def two_departments(minutes: int = 60) -> list[Check]:
    return [Check("A1", "T1", "A", minutes), Check("B1", "T1", "B", minutes + 10)]


def test_two_departments_share_one_visit_and_begin_together() -> None:
    plan = packed(problem(two_departments(), [site()]))
    assert [visit.checks for visit in plan.visits] == [("A1", "B1")]
    assert {stop.start for route in plan.routes for stop in route.stops} == {plan.visits[0].start}
    assert plan.report.plan.inspector_days == 4
    assert plan.report.plan.host_min == 70
    assert plan.report.alone.entries == 2
    assert plan.report.gap_ppm == 0


def test_nothing_to_pack_is_an_empty_plan() -> None:
    plan = packed(problem([], [site()]))
    assert (plan.visits, plan.routes, plan.unscheduled) == ((), (), ())
    assert plan.report.gap_ppm == 0


def test_forbidden_pair_makes_two_visits_on_different_days() -> None:
    plan = packed(
        problem(two_departments(), [site()], [ForbiddenPair("A1", "B1", "announced with unannounced")])
    )
    assert len(plan.visits) == 2
    assert len({visit.day for visit in plan.visits}) == 2
    assert plan.report.entries_bound == 2


def test_forbidden_pair_with_one_day_left_makes_two_visits_one_after_the_other() -> None:
    checks = [replace(row, days=(3,)) for row in two_departments()]
    plan = packed(problem(checks, [site()], [ForbiddenPair("A1", "B1", "other season")]))
    assert [visit.day for visit in plan.visits] == [3, 3]
    assert plan.unscheduled == ()


def test_one_department_with_two_checks_sends_one_crew() -> None:
    checks = [Check("A1", "T1", "A", 60, 2, ("S",)), Check("A2", "T1", "A", 50, 3)]
    plan = packed(problem(checks, [site()]))
    (route,) = plan.routes
    assert (route.officers, route.specialties) == (3, ("S",))
    assert route.stops[0].end - route.stops[0].start == 110


def test_crews_leave_when_done_and_meet_others() -> None:
    checks = [
        Check("A1", "T1", "A", 30),
        Check("B1", "T1", "B", 200),
        Check("A2", "T2", "A", 200),
        Check("B2", "T2", "B", 30),
        Check("A3", "T3", "A", 30),
    ]
    plan = packed(problem(checks, [site(), site("T2", 500), site("T3", 900)]))
    assert plan.report.plan.inspector_days == 4
    ends = [stop.end for route in plan.routes for stop in route.stops if stop.visit_id == "V00001"]
    assert len(set(ends)) == 2


def test_closed_and_allowed_days_are_kept() -> None:
    checks = [Check("A1", "T1", "A", 60, days=(1, 2))]
    assert packed(problem(checks, [replace(site(), closed_days=(0, 1, 3))])).visits[0].day == 2
    assert codes(packed(problem(checks, [replace(site(), closed_days=(1, 2))]))) == {
        "A1": "packing.window_empty"
    }


def test_checks_without_a_common_day_need_two_visits() -> None:
    apart = [Check("A1", "T1", "A", 60, days=(0,)), Check("B1", "T1", "B", 60, days=(1, 2))]
    assert len(packed(problem(apart, [site()])).visits) == 2
    together = [apart[0], replace(apart[1], days=(0, 2))]
    assert len(packed(problem(together, [site()])).visits) == 1


def test_longer_than_a_day() -> None:
    assert codes(packed(problem([Check("A1", "T1", "A", 420)], [site()]))) == {}
    assert codes(packed(problem([Check("A1", "T1", "A", 421)], [site()]))) == {
        "A1": "packing.longer_than_day"
    }


def test_people_above_the_cap_come_one_crew_after_the_other() -> None:
    plan = packed(problem(two_departments(), [replace(site(), people_cap=2)]))
    assert len(plan.visits) == 1
    assert sorted(stop.start for route in plan.routes for stop in route.stops) == [600, 670]
    assert plan.report.plan.people_per_visit_max == 2


def test_people_cap_below_one_crew_is_named() -> None:
    checks = [Check("A1", "T1", "A", 60, 3), Check("B1", "T1", "B", 60)]
    plan = packed(problem(checks, [replace(site(), people_cap=2)]))
    assert codes(plan) == {"A1": "packing.people_cap"}
    assert plan.visits[0].checks == ("B1",)


def test_people_cap_that_a_day_cannot_hold_makes_another_visit() -> None:
    assert len(packed(problem(two_departments(200), [replace(site(), people_cap=2)])).visits) == 1
    assert len(packed(problem(two_departments(250), [replace(site(), people_cap=2)])).visits) == 2


def test_people_cap_holds_for_a_crew_that_is_larger_for_another_stop() -> None:
    checks = [Check("A1", "T1", "A", 30), Check("B1", "T1", "B", 30), Check("A2", "T2", "A", 30, 4)]
    plan = packed(problem(checks, [replace(site(), people_cap=4), site("T2", 400)]))
    assert plan.report.plan.people_per_visit_max == 4
    assert plan.unscheduled == ()


@pytest.mark.parametrize(("left", "lost"), [(2, 0), (1, 1), (0, 2)])
def test_entries_left_this_year(left: int, lost: int) -> None:
    pair = [ForbiddenPair("A1", "B1", "other season")]
    plan = packed(problem(two_departments(), [replace(site(), entries_left=left)], pair))
    assert list(codes(plan).values()) == ["packing.entries_used_up"] * lost
    assert len(plan.visits) == left


def test_heads_of_a_day_are_never_exceeded() -> None:
    checks = [Check(f"A{n}", f"T{n}", "A", 400) for n in range(4)]
    sites = [site(f"T{n}", n) for n in range(4)]
    plan = packed(problem(checks, sites, heads=2))
    assert sorted(visit.day for visit in plan.visits) == sorted({visit.day for visit in plan.visits})
    short = packed(problem(checks, sites, heads=2, days=3))
    assert list(codes(short).values()) == ["packing.no_room"]
    assert "A" in short.unscheduled[0].reason_en
    assert packed(problem(checks, sites, heads=4, days=2)).unscheduled == ()


def test_no_crew_large_enough() -> None:
    checks = [Check("A1", "T1", "A", 60, 3)]
    assert codes(packed(problem(checks, [site()], heads=3))) == {}
    plan = packed(problem(checks, [site()], heads=2))
    assert codes(plan) == {"A1": "packing.no_crew"}
    assert "1" in plan.unscheduled[0].remedy_en


def test_specialists_are_counted_per_day() -> None:
    checks = [Check(f"A{n}", f"T{n}", "A", 400, 2, ("S",)) for n in range(3)]
    sites = [site(f"T{n}", n) for n in range(3)]
    one = (Department("A", (20,) * 5, (("S", (1, 1, 0, 0, 1)),)),)
    plan = packed(PackingProblem(DAYS, tuple(checks), tuple(sites), one))
    assert sorted(visit.day for visit in plan.visits) == [0, 1, 4]
    none = (Department("A", (20,) * 5, (("X", (1,) * 5),)),)
    assert set(codes(packed(PackingProblem(DAYS, tuple(checks), tuple(sites), none))).values()) == {
        "packing.no_specialist"
    }


def test_a_route_keeps_to_its_district() -> None:
    checks = [Check("A1", "T1", "A", 30), Check("A2", "T2", "A", 30)]
    near = [site(), site("T2", 100)]
    assert packed(problem(checks, near)).report.plan.inspector_days == 2
    apart = [site(), replace(site("T2", 100), district="D2")]
    assert packed(problem(checks, apart)).report.plan.inspector_days == 4


@pytest.mark.parametrize(("entries", "routes"), [(6, 1), (5, 2)])
def test_no_more_entries_a_day_than_allowed(entries: int, routes: int) -> None:
    checks = [Check(f"A{n}", f"T{n}", "A", 20) for n in range(6)]
    plan = packed(
        problem(checks, [site(f"T{n}") for n in range(6)]), replace(PARAMETERS, max_entries=entries)
    )
    assert len(plan.routes) == routes


@pytest.mark.parametrize(("east", "routes"), [(3461, 1), (3462, 2)])
def test_travel_counts_to_the_minute(east: int, routes: int) -> None:
    """3461 m x 1.3 / 500 = 8.9986 minutes, 9 rounded up, 14 with parking; one metre more takes 15."""
    checks = [Check("A1", "T1", "A", 203), Check("A2", "T2", "A", 203)]
    assert len(packed(problem(checks, [site(), site("T2", east)])).routes) == routes


def test_rows_that_break_a_rule_are_refused() -> None:
    good = problem(two_departments(), [site()])
    check_row, second = good.checks
    department = good.departments[0]
    bad = {
        "packing.unknown_target_id": replace(good, checks=(replace(check_row, target_id="T9"),)),
        "packing.unknown_department": replace(good, checks=(replace(check_row, department="Z"),)),
        "packing.duplicate_check_id": replace(good, checks=(check_row, check_row)),
        "packing.duplicate_target_id": replace(good, sites=good.sites * 2),
        "packing.duplicate_department": replace(good, departments=good.departments * 2),
        "packing.one_officer": replace(good, checks=(replace(check_row, officers=1), second)),
        "packing.no_minutes": replace(good, checks=(replace(check_row, minutes=0), second)),
        "packing.unknown_day": replace(good, checks=(replace(check_row, days=(5,)), second)),
        "packing.bad_heads": replace(
            good, departments=(replace(department, heads=(1,)), good.departments[1])
        ),
        "packing.bad_site": replace(good, sites=(replace(good.sites[0], people_cap=0),)),
        "packing.no_days": replace(good, days=()),
        "packing.days_out_of_order": replace(good, days=(DAYS[1], DAYS[0], *DAYS[2:])),
        "packing.unknown_check": replace(good, forbidden=(ForbiddenPair("A1", "Z9", "x"),)),
        "packing.bad_pair": replace(good, forbidden=(ForbiddenPair("A1", "A1", "x"),)),
    }
    for code, given in bad.items():
        with pytest.raises(Refused) as refused:
            pack(given, PARAMETERS)
        found = refused.value.problem
        assert found.code == code
        assert found.zh
        assert found.en
        assert found.remedy_zh
        assert found.remedy_en


@pytest.mark.parametrize(
    ("code", "parameters"),
    [
        ("packing.bad_parameter", replace(PARAMETERS, max_entries=0)),
        ("packing.bad_parameter", replace(PARAMETERS, speed_m_per_min=0)),
        ("packing.day_too_long", replace(PARAMETERS, day_minutes=900)),
    ],
)
def test_parameters_that_make_no_day_are_refused(code: str, parameters: Parameters) -> None:
    with pytest.raises(Refused) as refused:
        pack(problem(two_departments(), [site()]), parameters)
    assert refused.value.problem.code == code


class Stopper:
    """Progress that stops the work at a stage."""

    def __init__(self, stage: str) -> None:
        self.stage = stage

    def step(self, stage: str, done: int, total: int, note: str = "") -> None:
        if stage == self.stage:
            raise KeyboardInterrupt


@pytest.mark.parametrize("stage", ["entries", "first plan", "crews", "departments alone"])
def test_progress_can_stop_the_work(stage: str) -> None:
    with pytest.raises(KeyboardInterrupt):
        pack(problem(two_departments(), [site()]), PARAMETERS, None, Stopper(stage))
