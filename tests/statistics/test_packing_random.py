"""Random problems in which every rule bites: the independent checker finds nothing in any plan."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from benchmarks.packing_city import City, Variant, city
from benchmarks.packing_small import random_problem
from optimizer.checker import check
from optimizer.model import Parameters
from optimizer.solve import pack

FULL = os.environ.get("TRIALS") == "full"
COUNT = 200 if FULL else 50
BLOCK = 10


@pytest.mark.parametrize("block", range(COUNT // BLOCK))
def test_checker_finds_nothing_where_every_rule_bites(block: int) -> None:
    for seed in range(block * BLOCK, (block + 1) * BLOCK):
        problem = random_problem(seed)
        plan = pack(problem, Parameters())
        assert check(problem, Parameters(), plan) == [], seed
        scheduled = sum(len(visit.checks) for visit in plan.visits)
        assert scheduled + len(plan.unscheduled) == len(problem.checks)


@pytest.mark.parametrize("variant", ["plain", "tight", "random", "forbidden"])
def test_checker_finds_nothing_in_a_city(variant: Variant) -> None:
    for seed in range(COUNT if FULL else 3):
        problem = city(City(60, 12 if seed % 2 else 20, seed, variant))
        plan = pack(problem, Parameters())
        assert check(problem, Parameters(), plan) == [], seed
        assert plan.unscheduled == ()
        assert plan.report.plan.entries == plan.report.entries_bound
        assert plan.report.inspector_days_bound.value <= plan.report.alone.inspector_days
        assert (
            plan.report.alone.inspector_days
            <= plan.report.plan.inspector_days
            <= plan.report.greedy.inspector_days
        )


@pytest.mark.parametrize("seed", range(COUNT // 10 if FULL else 2))
def test_checker_finds_nothing_where_every_second_target_caps_people(seed: int) -> None:
    """Crews that come one after the other let a visit that began earlier wait for a later one."""
    plain = city(City(100, 12, seed))
    capped = tuple(replace(site, people_cap=5) if n % 2 else site for n, site in enumerate(plain.sites))
    problem = replace(plain, sites=capped)
    plan = pack(problem, Parameters())
    assert check(problem, Parameters(), plan) == []
    assert plan.unscheduled == ()
