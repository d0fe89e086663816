"""The price of an avoided entry: a curve without dominated points, and plans along it that keep to every rule."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from benchmarks.packing_city import City, city
from benchmarks.packing_small import PARAMETERS, problem, random_problem, site
from optimizer.checker import check
from optimizer.errors import Refused
from optimizer.model import Check
from optimizer.price import curve, separate
from optimizer.solve import pack

CITY = city(City(150, 12, 2))
PLAN = pack(CITY, PARAMETERS)


def test_the_curve_begins_at_the_plan_and_trades_entries_for_inspector_days() -> None:
    points = curve(CITY, PARAMETERS, PLAN)
    assert 6 <= len(points) <= 12
    assert (points[0].entries, points[0].inspector_days) == (
        PLAN.report.plan.entries,
        PLAN.report.plan.inspector_days,
    )
    for before, after in pairwise(points):
        assert before.entries < after.entries
        assert before.inspector_days > after.inspector_days
        saved = before.inspector_days - after.inspector_days
        assert before.price_milli == 1000 * saved // (after.entries - before.entries)
    assert points[-1].inspector_days >= PLAN.report.inspector_days_bound.value
    assert curve(CITY, PARAMETERS, PLAN) == points


@pytest.mark.parametrize("price", [0, 500, 1000, 2000])
def test_a_plan_at_a_price_keeps_to_every_rule_and_pays_no_more_than_the_price(price: int) -> None:
    made = separate(CITY, PARAMETERS, PLAN, price)
    assert check(CITY, PARAMETERS, made) == []
    entries = made.report.plan.entries - PLAN.report.plan.entries
    saved = PLAN.report.plan.inspector_days - made.report.plan.inspector_days
    assert entries > 0
    assert 1000 * saved >= price * entries


def test_a_price_above_every_saving_changes_no_entry() -> None:
    assert separate(CITY, PARAMETERS, PLAN, 1_000_000).report.plan.entries == PLAN.report.plan.entries


def test_a_negative_price_is_refused() -> None:
    with pytest.raises(Refused) as refused:
        separate(CITY, PARAMETERS, PLAN, -1)
    assert refused.value.problem.code == "packing.bad_price"


def test_a_lone_department_joins_its_own_crew_elsewhere_and_entries_left_forbid_it() -> None:
    """B is needed for 5 minutes at T1 and T2, far apart; apart from A one crew of B can do both on another day."""
    checks = [
        Check("A1", "T1", "A", 400),
        Check("A2", "T2", "A", 400),
        Check("B1", "T1", "B", 5, days=(0, 1)),
    ]
    checks.append(Check("B2", "T2", "B", 5, days=(1, 2)))
    checks[0], checks[1] = replace(checks[0], days=(0,)), replace(checks[1], days=(2,))
    given = problem(checks, [site(), site("T2", 9000)])
    plan = pack(given, PARAMETERS)
    assert (plan.report.plan.entries, plan.report.plan.inspector_days) == (2, 8)
    made = separate(given, PARAMETERS, plan, 2000)
    assert check(given, PARAMETERS, made) == []
    full = replace(given, sites=tuple(replace(row, entries_left=1) for row in given.sites))
    kept = separate(full, PARAMETERS, pack(full, PARAMETERS), 0)
    assert kept.report.plan.entries == 2


@pytest.mark.parametrize("seed", range(12))
def test_random_plans_stay_correct_at_price_zero(seed: int) -> None:
    given = random_problem(seed, 25)
    plan = pack(given, PARAMETERS)
    made = separate(given, PARAMETERS, plan, 0)
    assert check(given, PARAMETERS, made) == []
    assert made.report.plan.inspector_days <= plan.report.plan.inspector_days
