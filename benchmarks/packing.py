"""Packing at a city's size: `python -m benchmarks.packing --json --size 2000 --seed 1 --profile fast`.

The synthetic city of `packing_city`; departments alone and greedy joining are computed in the same report.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import resource
import sys
import time
from dataclasses import replace
from typing import get_args

from app.processes import pool
from benchmarks.packing_city import City, Variant, city
from optimizer.checker import check
from optimizer.model import Parameters, Plan
from optimizer.solve import pack


class Stages:
    """Progress that remembers when each stage ended, in seconds from the start."""

    def __init__(self, loud: bool) -> None:
        self.begun = time.perf_counter()
        self.loud = loud
        self.ended: dict[str, float] = {}

    def step(self, stage: str, done: int, total: int, note: str = "") -> None:
        """Remember; say it on standard error when loud."""
        if done >= total:
            self.ended[stage] = round(time.perf_counter() - self.begun, 1)
        if self.loud:
            print(f"{self.ended.get(stage, ''):>8} {stage} {done}/{total} {note}", file=sys.stderr)


def measure(wanted: City, parameters: Parameters, workers: int, loud: bool = False) -> dict[str, object]:
    """One run: the plan's figures beside its baselines and bounds, and what it took."""
    problem = city(wanted)
    before = _cpu()
    stages = Stages(loud)
    if workers > 1:
        with pool(workers) as executor:
            plan = pack(problem, parameters, executor, stages, teams=True)
    else:
        plan = pack(problem, parameters, None, stages, teams=True)
    wall = time.perf_counter() - stages.begun
    return {
        "size": wanted.targets,
        "departments": wanted.departments,
        "variant": wanted.variant,
        "seed": wanted.seed,
        "profile": parameters.profile,
        "workers": workers,
        "checks": len(problem.checks),
        **_figures(plan),
        "violations": len(check(problem, parameters, plan)),
        "wall_s": round(wall, 1),
        "cpu_s": round(_cpu() - before, 1),
        "peak_mb": _peak_mb(),
        "stages_s": stages.ended,
        "plan_hash": hashlib.sha256(repr(plan).encode()).hexdigest(),
    }


def _figures(plan: Plan) -> dict[str, object]:
    """`gap_certified` is of the team phase, in its certified cells; `gap_energy` of the plan, to any organisation."""
    report = plan.report
    team = report.team
    assert team is not None
    return {
        "entries": report.plan.entries,
        "entries_bound": report.entries_bound,
        "entries_alone": report.alone.entries,
        "inspector_days": report.plan.inspector_days,
        "inspector_days_alone": report.alone.inspector_days,
        "inspector_days_greedy": report.greedy.inspector_days,
        "inspector_days_team": team.inspector_days,
        "team_bound": team.bound.value,
        "team_bound_kind": team.bound.kind,
        "team_certified": team.certified_inspector_days,
        "team_cells": f"{len(team.certified_cells)} of {team.cells} certified",
        "gap_certified": team.gap_ppm / 1_000_000,
        "inspector_days_energy": report.inspector_days_bound.value,
        "gap_energy": report.gap_ppm / 1_000_000,
        "ratio_to_alone": round(report.plan.inspector_days / max(1, report.alone.inspector_days), 4),
        "host_hours": report.plan.host_min // 60,
        "host_hours_alone": report.alone.host_min // 60,
        "travel_min": report.plan.travel_min,
        "travel_min_alone": report.alone.travel_min,
        "people_per_visit_max": report.plan.people_per_visit_max,
        "unscheduled": len(plan.unscheduled),
    }


def _cpu() -> float:
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def _peak_mb() -> int:
    """Of this process or its largest worker, whichever is more."""
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return max(resource.getrusage(kind).ru_maxrss for kind in kinds) // 1024


def main() -> None:
    """Parse, measure, print a table or one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=2000)
    parser.add_argument("--departments", type=int, default=12)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--variant", choices=get_args(Variant), default="plain")
    parser.add_argument("--profile", choices=("fast", "standard"), default="fast")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    wanted = City(given.size, given.departments, given.seed, given.variant)
    parameters = replace(Parameters(), profile=given.profile)
    found = measure(wanted, parameters, given.workers, loud=not given.json)
    if given.json:
        print(json.dumps(found))
        return
    for name, value in found.items():
        print(f"{name:24} {value}")


if __name__ == "__main__":
    main()
