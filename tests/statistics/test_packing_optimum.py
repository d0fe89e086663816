"""Small problems against the proven optimum of one CP-SAT model of everything: starts, crews and their orders."""

from __future__ import annotations

import os
import random

import pytest
from ortools.sat.python import cp_model

from benchmarks.packing_small import PARAMETERS, problem
from optimizer.checker import check
from optimizer.model import Check, PackingProblem, Site
from optimizer.solve import pack
from optimizer.travel import matrix

COUNT = 40 if os.environ.get("TRIALS") == "full" else 12


def small(seed: int) -> PackingProblem:
    """One day, one district, up to nine targets, three departments."""
    rng = random.Random(seed)
    sites, checks = [], []
    for number in range(rng.randint(4, 9)):
        target = f"T{number}"
        sites.append(Site(target, "D1", rng.randint(0, 8000), rng.randint(0, 8000)))
        chosen = rng.sample("ABC", rng.randint(1, 3))
        checks += [Check(f"{target}{d}", target, d, rng.choice((30, 60, 90, 150))) for d in chosen]
    return problem(checks, sites, heads=40, days=1)


def optimum(given: PackingProblem) -> int:
    """Fewest inspector-days, every target one visit with one start; proven."""
    model = cp_model.CpModel()
    travel = matrix(given.sites, PARAMETERS).tolist()
    place = {site.target_id: number for number, site in enumerate(given.sites)}
    whole = PARAMETERS.day_minutes
    starts = [model.new_int_var(0, whole, f"s{n}") for n in range(len(given.sites))]
    routes = []
    for department in sorted({row.department for row in given.checks}):
        minutes = {place[row.target_id]: row.minutes for row in given.checks if row.department == department}
        routes += _crews(model, minutes, starts, travel)
    model.minimize(sum(routes))
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.max_deterministic_time = 60
    assert solver.solve(model) == cp_model.OPTIMAL
    return 2 * round(solver.objective_value)


def _crews(
    model: cp_model.CpModel, minutes: dict[int, int], starts: list[cp_model.IntVar], travel: list[list[int]]
) -> list[cp_model.IntVar]:
    """A department's routes as arcs; at most six stops each, counted along the route."""
    arcs: list[tuple[int, int, cp_model.IntVar]] = []
    rank = {a: model.new_int_var(1, PARAMETERS.max_entries, f"r{a}") for a in minutes}
    node = {a: position for position, a in enumerate(minutes, 1)}
    begun = []
    for a, work in minutes.items():
        model.add(starts[a] + work <= PARAMETERS.day_minutes)
        out, home = model.new_bool_var(f"o{a}"), model.new_bool_var(f"h{a}")
        arcs += [(0, node[a], out), (node[a], 0, home)]
        begun.append(out)
        for b in minutes:
            if a != b:
                arc = model.new_bool_var(f"{a}-{b}")
                arcs.append((node[a], node[b], arc))
                model.add(starts[b] >= starts[a] + work + travel[a][b]).only_enforce_if(arc)
                model.add(rank[b] == rank[a] + 1).only_enforce_if(arc)
    model.add_multiple_circuit(arcs)
    return begun


@pytest.mark.parametrize("seed", range(COUNT))
def test_small_plans_are_optimal(seed: int) -> None:
    given = small(seed)
    plan = pack(given, PARAMETERS)
    assert check(given, PARAMETERS, plan) == []
    assert plan.unscheduled == ()
    best = optimum(given)
    assert plan.report.inspector_days_bound.value <= best
    assert plan.report.plan.inspector_days == best
