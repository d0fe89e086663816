"""A for-cause check or a due re-check rides along with a planned visit inside its window, else it has its own entry."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.packing_small import DAYS, PARAMETERS, problem, site
from optimizer.checker import check
from optimizer.model import Check, PackingProblem, Plan
from optimizer.replan import replan
from optimizer.solve import pack

ORDINARY = [Check("A1", "T1", "A", 60), Check("B1", "T1", "B", 60), Check("C2", "T2", "C", 60)]
SITES = [site(), site("T2", 3000)]


def packed(extra: list[Check]) -> tuple[PackingProblem, Plan]:
    given = problem([*ORDINARY, *extra], SITES)
    plan = pack(given, PARAMETERS)
    assert check(given, PARAMETERS, plan) == []
    assert plan.unscheduled == ()
    return given, plan


def holding(plan: Plan, check_id: str) -> tuple[int, tuple[str, ...]]:
    return next((row.day, row.checks) for row in plan.visits if check_id in row.checks)


def test_windows_that_overlap_share_one_visit_on_a_day_of_both() -> None:
    for_cause = Check("CAUSE", "T1", "C", 45, days=(2, 3))
    recheck = Check("AGAIN", "T1", "A", 30, days=(3, 4))
    _, plan = packed([for_cause, recheck])
    assert holding(plan, "A1") == (3, ("A1", "AGAIN", "B1", "CAUSE"))
    assert plan.report.plan.entries == plan.report.entries_bound == 2


def test_windows_apart_need_an_entry_each_and_ordinary_checks_ride_with_one_of_them() -> None:
    _, plan = packed([Check("CAUSE", "T1", "C", 45, days=(0,)), Check("AGAIN", "T1", "A", 30, days=(4,))])
    assert (holding(plan, "CAUSE")[0], holding(plan, "AGAIN")[0]) == (0, 4)
    assert {holding(plan, "A1")[0], holding(plan, "B1")[0]} <= {0, 4}
    assert plan.report.plan.entries == plan.report.entries_bound == 3


@pytest.mark.parametrize("joins", [True, False])
def test_a_late_for_cause_check_joins_the_planned_visit_only_inside_its_window(joins: bool) -> None:
    given, plan = packed([])
    planned = next(row for row in plan.visits if row.target_id == "T1")
    window = tuple(day for day in range(len(DAYS)) if (day == planned.day) is joins)
    late = replace(given, checks=(*given.checks, Check("CAUSE", "T1", "C", 45, days=window)))
    found = replan(late, PARAMETERS, plan, 0)
    assert check(late, PARAMETERS, found.plan) == []
    day, checks = holding(found.plan, "CAUSE")
    assert day in window
    assert ("A1" in checks) is joins
    assert found.plan.report.plan.entries == plan.report.plan.entries + (not joins)
    kept = next(row for row in found.plan.visits if "A1" in row.checks)
    assert (kept.day, kept.start) == (planned.day, planned.start)
