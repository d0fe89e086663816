"""Random upsets of random plans, every rule biting: the re-planned plan keeps to every rule, and says what it lost."""

from __future__ import annotations

import os
import random
from dataclasses import replace

import pytest

from benchmarks.packing_small import DAYS, PARAMETERS, random_problem
from optimizer.checker import check
from optimizer.model import Check, PackingProblem
from optimizer.replan import replan
from optimizer.solve import pack

COUNT = 200 if os.environ.get("TRIALS") == "full" else 30


def upset(rng: random.Random, given: PackingProblem) -> PackingProblem:
    """Fewer heads on a day, a closed target, a vanished check, an urgent one."""
    day = rng.randrange(len(DAYS))
    rows = tuple(
        replace(row, heads=tuple(max(0, h - 2) if d == day else h for d, h in enumerate(row.heads)))
        for row in given.departments
    )
    shut = rng.choice(given.sites).target_id
    sites = tuple(
        replace(row, closed_days=tuple(sorted({*row.closed_days, day}))) if row.target_id == shut else row
        for row in given.sites
    )
    checks = list(given.checks)
    if checks:
        gone = checks.pop(rng.randrange(len(checks)))
        urgent = Check("URGENT", rng.choice(given.sites).target_id, gone.department, 30)
        pairs = tuple(p for p in given.forbidden if gone.check_id not in (p.check_a, p.check_b))
        return replace(given, departments=rows, sites=sites, checks=(*checks, urgent), forbidden=pairs)
    return replace(given, departments=rows, sites=sites)


@pytest.mark.parametrize("block", range(COUNT // 10))
def test_checker_finds_nothing_after_an_upset(block: int) -> None:
    for seed in range(block * 10, block * 10 + 10):
        given = random_problem(seed)
        plan = pack(given, PARAMETERS)
        changed = upset(random.Random(seed), given)
        found = replan(changed, PARAMETERS, plan)
        assert check(changed, PARAMETERS, found.plan) == [], seed
        ids = {row.check_id for row in found.plan.unscheduled} | {
            c for v in found.plan.visits for c in v.checks
        }
        assert ids == {row.check_id for row in changed.checks}
        same = {row.visit_id for row in plan.visits} & {row.visit_id for row in found.plan.visits}
        assert set(found.changed) <= same
