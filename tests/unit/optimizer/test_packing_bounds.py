"""The bound against brute force: never above the best there is, and equal to it where it should be."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import pairwise, permutations

import pytest

from benchmarks.packing_small import DAYS, PARAMETERS, problem, site
from optimizer.bounds import energy, fewest_routes
from optimizer.instance import instance
from optimizer.model import Check, PackingProblem, Site
from optimizer.solve import gap_ppm, pack
from optimizer.travel import matrix


def bound(given: PackingProblem) -> int:
    inst, _ = instance(given, PARAMETERS)
    return energy(inst, range(len(inst.checks))).value


def one_department(rng: random.Random) -> PackingProblem:
    count = rng.randint(1, 6)
    checks = [
        Check(f"A{n}", f"T{n}", "A", rng.choice((60, 130, 200)), rng.choice((2, 2, 3))) for n in range(count)
    ]
    sites = [Site(f"T{n}", "D1", rng.randint(0, 9000), rng.randint(0, 9000)) for n in range(count)]
    return problem(checks, sites)


def blocks(rest: list[int]) -> list[list[list[int]]]:
    if not rest:
        return [[]]
    made = []
    for way in blocks(rest[1:]):
        made.append([[rest[0]], *way])
        made += [[*way[:k], [rest[0], *way[k]], *way[k + 1 :]] for k in range(len(way))]
    return made


def cheapest(given: PackingProblem) -> int:
    """Every partition into routes, every order in a route."""
    travel = matrix(given.sites, PARAMETERS)

    def feasible(group: list[int]) -> bool:
        work = sum(given.checks[i].minutes for i in group)
        return any(
            work + sum(int(travel[a, b]) for a, b in pairwise(order)) <= PARAMETERS.day_minutes
            for order in permutations(group)
        )

    return min(
        sum(max(given.checks[i].officers for i in group) for group in way)
        for way in blocks(list(range(len(given.checks))))
        if all(feasible(group) for group in way)
    )


@pytest.mark.parametrize("seed", range(30))
def test_bound_is_never_above_the_optimum_and_the_plan_never_below(seed: int) -> None:
    given = one_department(random.Random(seed))
    best = cheapest(given)
    plan = pack(given, PARAMETERS)
    assert bound(given) <= best <= plan.report.plan.inspector_days
    assert plan.report.alone.inspector_days == best


def test_bound_is_reached_where_minutes_fill_the_days() -> None:
    checks = [Check(f"A{n}", f"T{n}", "A", 210) for n in range(4)]
    sites = [Site(f"T{n}", "D1", 0, 0) for n in range(4)]
    assert bound(problem(checks, sites)) == cheapest(problem(checks, sites)) == 4
    apart = [replace(row, east_m=1000 * n) for n, row in enumerate(sites)]
    assert bound(problem(checks, apart)) == 6


def test_bound_counts_entries_a_day() -> None:
    checks = [Check(f"A{n}", f"T{n}", "A", 1) for n in range(13)]
    assert bound(problem(checks, [site(f"T{n}") for n in range(13)])) == 6


def test_bound_counts_officers_where_they_are_needed() -> None:
    checks = [Check("A0", "T0", "A", 400, 4), Check("A1", "T1", "A", 400), Check("A2", "T2", "A", 400)]
    assert bound(problem(checks, [site(f"T{n}") for n in range(3)])) == 8


def test_bound_of_two_checks_at_one_target_takes_them_as_one_stop() -> None:
    checks = [Check(f"A{n}", "T1", "A", 30) for n in range(7)]
    assert bound(problem(checks, [site()])) == 2


def test_fewest_routes_drive_every_leg_but_the_longest() -> None:
    assert fewest_routes(400, [20, 10, 10], PARAMETERS) == 1
    assert fewest_routes(401, [20, 10, 10], PARAMETERS) == 2
    assert fewest_routes(10, [], PARAMETERS) == 1


def test_gap_is_rounded_up_and_never_flattering() -> None:
    assert gap_ppm(3, 2) == 333_334
    assert gap_ppm(2, 2) == 0
    assert gap_ppm(0, 0) == 0


def test_entries_and_inspector_days_bounds_stand_in_every_report() -> None:
    checks = [Check(f"{d}{n}", f"T{n}", d, 60) for n in range(5) for d in "ABC"]
    report = pack(
        problem(checks, [site(f"T{n}", 300 * n) for n in range(5)], days=len(DAYS)), PARAMETERS
    ).report
    assert report.plan.entries == report.entries_bound == 5
    assert report.inspector_days_bound.kind == "energy"
    assert report.inspector_days_bound.value == report.plan.inspector_days == 6
