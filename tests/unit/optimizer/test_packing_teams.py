"""Teams that stay together: pricing finds every team-day that is too cheap, the bound holds and is met when small."""

from __future__ import annotations

import random
from itertools import combinations, pairwise, permutations

import numpy as np
import pytest

from benchmarks.packing_city import City, city
from benchmarks.packing_small import random_problem
from optimizer.instance import Instance, entries, instance
from optimizer.jobs import Job
from optimizer.model import Parameters
from optimizer.stream import Stream
from optimizer.team_bound import Effort, bound, by_department, prove
from optimizer.team_phase import alike, by_district, by_place, officers_of, team_piece
from optimizer.team_pricing import UNIT, price, unions
from optimizer.team_search import TeamSearch
from optimizer.teams import Cast, cast, crew_sizes, fill, tours

EFFORT = Effort(40, 100_000, 0, 10**12)


def jobs_of(targets: int, seed: int, departments: int = 12) -> tuple[Instance, list[Job]]:
    inst, _ = instance(city(City(targets, departments, seed)), Parameters())
    return inst, max((jobs for _, jobs in by_district(inst, entries(inst).jobs)), key=len)


def small(seed: int) -> Cast:
    """At most twelve visits in which closed days, windows, caps and large crews occur."""
    inst, _ = instance(random_problem(seed), Parameters())
    rows = by_district(inst, entries(inst).jobs)
    if seed % 2 or not rows:
        inst, jobs = jobs_of(40, seed)
    else:
        jobs = max((jobs for _, jobs in rows), key=len)
    return cast(team_piece(inst, "cell", jobs[:12], 0, True))


def possible(given: Cast, members: tuple[int, ...]) -> bool:
    days = np.bitwise_and.reduce(given.days[list(members)])
    if not days.any() or len({int(given.family[i]) for i in members}) < len(members):
        return False
    way = min(sum(int(given.legs[a, b]) for a, b in pairwise(order)) for order in permutations(members))
    return way + int(given.lengths[list(members)].sum()) <= given.day


def team_days(given: Cast) -> dict[tuple[int, ...], int]:
    """Every team-day there is, with its officers, found without the solver's means."""
    found = {}
    for size in range(1, 5):
        for members in combinations(range(len(given)), size):
            if possible(given, members):
                found[members] = int(given.officers[list(members)].max(axis=0).sum())
    return found


def fewest(days: dict[tuple[int, ...], int], count: int) -> int:
    """The cheapest partition of all visits into team-days, by dynamic programming over sets."""
    best = [0] + [10**9] * ((1 << count) - 1)
    masks = [(sum(1 << i for i in members), officers) for members, officers in days.items()]
    for whole in range(1, 1 << count):
        low = whole & -whole
        best[whole] = min(
            (
                best[whole ^ mask] + officers
                for mask, officers in masks
                if mask & low and mask & whole == mask
            ),
            default=10**9,
        )
    return best[-1]


@pytest.mark.parametrize("table", [12, 3, 0])
@pytest.mark.parametrize("seed", range(6))
def test_pricing_finds_all_team_days_that_are_too_cheap_and_no_other(seed: int, table: int) -> None:
    """Also where most departments, or all of them, are in no table."""
    given = small(seed)
    rng = random.Random(seed)
    officers = given.officers.sum(axis=1).tolist()
    prices = np.array([int(UNIT * rng.uniform(0.2, 0.7) * own) for own in officers])
    found = price(given, unions(given, table), prices, 10**6, 10**6)
    due = {days for days, cost in team_days(given).items() if prices[list(days)].sum() > cost * UNIT}
    assert found.exact
    assert {days for days in found.sets if len(days) < 5} == due


def test_what_visits_bear_of_rare_departments_is_never_more_than_those_cost() -> None:
    """Whichever visits a set grows by: its own charge and their shares stay within the officers of the union."""
    tight = 0
    for seed in range(6):
        given, rng = small(seed), random.Random(seed)
        over = unions(given, 0)
        for _ in range(500):
            grown = rng.sample(range(len(given)), rng.randint(1, min(6, len(given))))
            begun = rng.randint(1, len(grown))
            charge = over.charge(np.bitwise_or.reduce(over.rare[grown[:begun]])[None], begun, 6)[0]
            borne = charge + over.shares[grown[begun:]].sum()
            cost = over.rare_costs[np.bitwise_or.reduce(over.rare[grown])]
            assert borne <= cost
            tight += borne == cost
    assert tight > 0


@pytest.mark.parametrize("seed", range(6))
def test_no_plan_is_below_the_bound_and_search_finds_the_optimum_of_small_cells(seed: int) -> None:
    given = small(seed)
    search = TeamSearch(given, Stream(1))
    teams = search.run(fill(given, 40), 3000)
    assert sorted(i for team in teams for i in team) == list(range(len(given)))
    assert all(possible(given, tuple(sorted(team))) for team in teams)
    best = min(fewest(team_days(given), len(given)), officers_of(given, teams))
    assert officers_of(given, teams) == best
    assert 0 < by_department(given) <= best
    proof = prove(given, search.seen, EFFORT)
    assert proof.exact
    assert 0 < proof.value <= best


@pytest.mark.parametrize("cap", [10, 100, 10**6])
@pytest.mark.parametrize("departments", [12, 20])
def test_a_capped_enumeration_gives_a_weaker_bound_that_still_holds(cap: int, departments: int) -> None:
    inst, jobs = jobs_of(200, 3, departments)
    given = cast(team_piece(inst, "cell", jobs, 0, True))
    prices = (given.officers.sum(axis=1) * UNIT * 0.6).astype(np.int64)
    found = price(given, unions(given), prices, cap, 3000 if cap > 100 else 5)
    teams = TeamSearch(given, Stream(1)).run(fill(given, 40), 2000)
    assert found.exact is (found.excess == 0)
    assert 0 < bound(given, prices, found).value <= officers_of(given, teams)
    assert (
        by_department(given) <= prove(given, (), Effort(2, cap, 0, 10**12)).value <= officers_of(given, teams)
    )
    if cap == 10:
        assert not found.exact


def test_prices_at_every_officer_are_lowered_until_no_team_day_is_too_cheap() -> None:
    given = small(1)
    dear = given.officers.sum(axis=1).astype(np.int64) * UNIT
    found = price(given, unions(given), dear, 10**6, 10**6)
    assert found.sets
    assert bound(given, dear, found).value <= fewest(team_days(given), len(given)) < dear.sum() // UNIT


def test_tours_are_the_shortest() -> None:
    legs = np.array([[abs(a - b) for b in (0, 9, 4, 2, 7, 1)] for a in (0, 9, 4, 2, 7, 1)], np.int32)
    for size in range(2, 7):
        sets = np.array([list(range(size))])
        line = sorted((0, 9, 4, 2, 7, 1)[:size])
        assert tours(legs, sets).tolist() == [line[-1] - line[0]]


def test_cells_keep_every_visit_once_and_like_unions_together() -> None:
    inst, jobs = jobs_of(1500, 1)
    parts = alike(inst, jobs, 80)
    assert sum(len(part) for part in parts) == len(jobs)
    assert {job.target for part in parts for job in part} == {job.target for job in jobs}
    assert max(len(part) for part in parts) <= 80

    def needed(cells: list[list[Job]]) -> int:
        return sum(len({task.department for job in cell for task in job.tasks}) for cell in cells)

    places = by_place(inst, jobs, 80)
    assert needed(parts) / len(parts) < needed(places) / len(places)


def test_crews_are_as_large_as_the_largest_that_a_department_needs() -> None:
    officers = np.array([[2, 0, 3], [3, 2, 0]], np.int32)
    assert crew_sizes(officers, np.array([[0, 1]])).tolist() == [8]
