"""Is a gap the plan's or the bound's? `python -m benchmarks.packing_tiny --json --most 18`.

Cells of a few visits, one a district, in which CP-SAT proves the best teams over every team-day there is; beside it the
search's teams and the certified bound.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator

import numpy as np
from ortools.sat.python import cp_model

from benchmarks.packing_city import City, city
from optimizer.instance import entries, instance
from optimizer.model import Parameters
from optimizer.stream import Stream
from optimizer.team_bound import prove
from optimizer.team_phase import EFFORT, SHARES, by_district, by_place, officers_of, team_piece
from optimizer.team_search import TeamSearch
from optimizer.teams import Cast, Ints, cast, crew_sizes, fill, together, tours

ROUNDS = 400
DETERMINISTIC_TIME = 60


def every_team_day(given: Cast) -> Iterator[Ints]:
    """All sets of visits that fit into a day along their shortest tour, by size (m, k)."""
    sets = np.arange(len(given))[:, None]
    while len(sets):
        yield sets
        if sets.shape[1] == min(6, given.most):
            return
        old, new = np.nonzero(np.arange(len(given))[None, :] > sets[:, -1:])
        kept = together(given, sets[old], new)
        grown = np.concatenate([sets[old[kept]], new[kept, None]], axis=1)
        minutes = given.lengths[grown].sum(axis=1) + tours(given.legs, grown)
        sets = grown[minutes <= given.day]


def optimum(given: Cast) -> tuple[int, int]:
    """The fewest officers found by CP-SAT over every team-day, and those it proved necessary."""
    model = cp_model.CpModel()
    of_visit: list[list[cp_model.IntVar]] = [[] for _ in range(len(given))]
    costs: list[cp_model.LinearExpr] = []
    for sets in every_team_day(given):
        for team, officers in zip(sets.tolist(), crew_sizes(given.officers, sets).tolist(), strict=True):
            chosen = model.new_bool_var("")
            costs.append(officers * chosen)
            for visit in team:
                of_visit[visit].append(chosen)
    for choices in of_visit:
        model.add_exactly_one(choices)
    model.minimize(sum(costs))
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.max_deterministic_time = DETERMINISTIC_TIME
    found = solver.solve(model) in (cp_model.OPTIMAL, cp_model.FEASIBLE)
    return round(solver.objective_value) if found else 0, round(solver.best_objective_bound)


def measure(size: int, seed: int, most: int) -> list[dict[str, object]]:
    """For each district the part whose number of visits is nearest to `most`."""
    inst, _ = instance(city(City(size, seed=seed)), Parameters())
    rows: list[dict[str, object]] = []
    for district, jobs in by_district(inst, entries(inst).jobs):
        part = max(by_place(inst, jobs, most), key=len)
        given = cast(team_piece(inst, district, part, ROUNDS, True))
        start = min((fill(given, share) for share in SHARES), key=lambda teams: officers_of(given, teams))
        search = TeamSearch(given, Stream(seed))
        teams = search.run(start, ROUNDS * len(given))
        best, proven = optimum(given)
        rows.append(
            {
                "district": district,
                "visits": len(given),
                "search": officers_of(given, teams),
                "optimum": best,
                "optimum_proven": proven,
                "bound": prove(given, search.seen, EFFORT["standard"]).value,
            }
        )
    return rows


def main() -> None:
    """Parse, measure, print a line for each district, or one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--most", type=int, default=18)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    rows = measure(given.size, given.seed, given.most)
    if given.json:
        print(json.dumps({"cells": rows}))
        return
    for row in rows:
        print(" ".join(f"{name}={value}" for name, value in row.items()))


if __name__ == "__main__":
    main()
