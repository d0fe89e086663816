"""A plan changed: `python -m benchmarks.replan --json --size 2000 --seed 1 --trials 20`.

Each trial cancels one visit (its target closes on that day) and inserts one urgent check, each on the plan in force,
once with crews free to be made and once with crews as drawn (no seat added). Asked for: at most 3 other visits
changed, at most 2 s, inspector-days within 0.2 %.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, replace
from multiprocessing import get_context

from benchmarks.packing_city import City, city
from optimizer.checker import check
from optimizer.model import Check, PackingProblem, Parameters, Plan, Visit
from optimizer.replan import Replanned, replan
from optimizer.solve import pack

OTHERS, SECONDS, COST = 3, 2.0, 0.002


@dataclass(frozen=True, slots=True)
class Trial:
    """One change: other visits that changed, inspector-days added, processor seconds, checks lost, rules broken."""

    others: int
    added: int
    seconds: float
    lost: int
    broken: int


def cancelled(problem: PackingProblem, visit: Visit) -> PackingProblem:
    """The visit's target is closed on the visit's day."""
    sites = tuple(
        replace(row, closed_days=tuple(sorted({*row.closed_days, visit.day})))
        if row.target_id == visit.target_id
        else row
        for row in problem.sites
    )
    return replace(problem, sites=sites)


def urgent(problem: PackingProblem, visit: Visit) -> PackingProblem:
    """One more check at the visit's target, by a department that does not come there yet."""
    there = {row.department for row in problem.checks if row.target_id == visit.target_id}
    new = min({row.department for row in problem.departments} - there)
    return replace(problem, checks=(*problem.checks, Check("URGENT", visit.target_id, new, 45)))


def trial(before: Plan, problem: PackingProblem, parameters: Parameters, touched: str, fixed: bool) -> Trial:
    """Re-plan and hold the result against the rules; `touched` is the visit that the change is about."""
    begun = time.process_time()
    found = replan(problem, parameters, before, crews_fixed=fixed)
    seconds = time.process_time() - begun
    return Trial(
        len(set(found.changed) - {touched}),
        found.inspector_days_added,
        seconds,
        len(found.plan.unscheduled) - len(before.unscheduled),
        len(_broken(problem, parameters, found)),
    )


def _broken(problem: PackingProblem, parameters: Parameters, found: Replanned) -> list[str]:
    return [row.code for row in check(problem, parameters, found.plan)]


def trials(
    problem: PackingProblem, parameters: Parameters, plan: Plan, count: int, seed: int
) -> Iterator[tuple[str, Trial]]:
    """Every kind of change at visits picked by the seed."""
    rng = random.Random(seed)
    for visit in rng.sample([row for row in plan.visits if len(row.checks) > 1], count):
        for kind, changed in (("cancel", cancelled(problem, visit)), ("urgent", urgent(problem, visit))):
            for fixed in (False, True):
                name = f"{kind}{'_crews_fixed' if fixed else ''}"
                yield name, trial(plan, changed, parameters, visit.visit_id, fixed)


def summary(rows: Sequence[Trial], inspector_days: int) -> dict[str, object]:
    """The worst of each, how many found no place, and whether all that was asked for holds."""
    placed = [row for row in rows if not row.lost]
    worst = {
        "others_changed": max((row.others for row in placed), default=0),
        "seconds": round(max(row.seconds for row in rows), 2),
        "cost": round(max((row.added for row in placed), default=0) / inspector_days, 5),
    }
    good = worst["others_changed"] <= OTHERS and worst["seconds"] <= SECONDS and worst["cost"] <= COST
    broken = sum(row.broken for row in rows)
    return {
        **worst,
        "trials": len(rows),
        "no_place": len(rows) - len(placed),
        "violations": broken,
        "holds": good and not broken,
    }


def main() -> None:
    """Parse, measure, print a table or one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    problem, parameters = city(City(given.size, 12, given.seed)), Parameters()
    pool = (
        ProcessPoolExecutor(given.workers, mp_context=get_context("spawn"))
        if given.workers > 1
        else nullcontext()
    )
    with pool as executor:
        plan = pack(problem, parameters, executor)
    rows: dict[str, list[Trial]] = {}
    for kind, row in trials(problem, parameters, plan, given.trials, given.seed):
        rows.setdefault(kind, []).append(row)
    days = plan.report.plan.inspector_days
    found = {"size": given.size, "seed": given.seed, "inspector_days": days}
    kinds = {kind: summary(own, days) for kind, own in rows.items()}
    if given.json:
        print(json.dumps({**found, **kinds}))
        return
    for kind, figures in kinds.items():
        print(f"{kind:22} {figures}")
    sys.exit(0 if all(figures["holds"] for figures in kinds.values()) else 1)


if __name__ == "__main__":
    main()
