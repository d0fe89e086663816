"""What other ways of organising would gain: `python -m benchmarks.packing_ideas --size 2000 --idea seats --amount 2`.

An experiment, not a mode of the optimizer: the same city is packed as it is and with the idea carried out in its data.

`seats`: officers certified for two departments (一专多能). One whole-day seat stands for both of a pair of departments
that often meet: one crew does their checks at a target one after the other. `--amount` pairs, most frequent first.
`districts`: crews may go on into the neighbouring district; `--amount` districts are joined at a time.
`halves`: a crew that is out for no more than half a day counts half; departments alone are counted in the same way.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

from benchmarks.packing_city import City, city
from optimizer.alone import AloneWork, alone_work, solve_alone
from optimizer.checker import check
from optimizer.instance import instance
from optimizer.model import Department, PackingProblem, Parameters, Plan
from optimizer.solve import pack

IDEAS = ("seats", "districts", "halves")


def seats(problem: PackingProblem, amount: int) -> PackingProblem:
    """The first `amount` pairs of departments as one department each, with the heads of both."""
    name_of = {name: f"{a}+{b}" for a, b in meeting(problem)[:amount] for name in (a, b)}
    checks = tuple(
        replace(row, department=name_of.get(row.department, row.department)) for row in problem.checks
    )
    groups: dict[str, list[Department]] = {}
    for row in problem.departments:
        groups.setdefault(name_of.get(row.department, row.department), []).append(row)
    merged = tuple(_merged(name, rows) for name, rows in sorted(groups.items()))
    return replace(problem, checks=checks, departments=merged)


def meeting(problem: PackingProblem) -> list[tuple[str, str]]:
    """Pairs of departments by how many targets have checks of both, each department in one pair."""
    wanted: dict[str, set[str]] = {}
    for row in problem.checks:
        wanted.setdefault(row.target_id, set()).add(row.department)
    met = Counter(pair for names in wanted.values() for pair in combinations(sorted(names), 2))
    pairs: list[tuple[str, str]] = []
    for (a, b), _ in sorted(met.items(), key=lambda row: (-row[1], row[0])):
        if not any(a in pair or b in pair for pair in pairs):
            pairs.append((a, b))
    return pairs


def _merged(name: str, rows: Sequence[Department]) -> Department:
    """Heads and holders of each specialty, summed per day."""
    held: dict[str, list[tuple[int, ...]]] = {}
    for row in rows:
        for specialty, counts in row.specialists:
            held.setdefault(specialty, []).append(counts)
    specialists = tuple((specialty, _summed(counts)) for specialty, counts in sorted(held.items()))
    return Department(name, _summed([row.heads for row in rows]), specialists)


def _summed(rows: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    return tuple(sum(column) for column in zip(*rows, strict=True))


def districts(problem: PackingProblem, amount: int) -> PackingProblem:
    """Districts joined in the order of their names, `amount` at a time."""
    names = sorted({row.district for row in problem.sites})
    joined = {
        name: "+".join(names[first : first + amount])
        for first in range(0, len(names), amount)
        for name in names[first : first + amount]
    }
    return replace(problem, sites=tuple(replace(row, district=joined[row.district]) for row in problem.sites))


def halves(plan: Plan, parameters: Parameters) -> float:
    """Inspector-days when a crew that is out for at most half a day counts half."""
    short = sum(
        row.officers
        for row in plan.routes
        if 2 * (row.stops[-1].end - row.stops[0].start) <= parameters.day_minutes
    )
    return sum(row.officers for row in plan.routes) - short / 2


def halves_alone(problem: PackingProblem, parameters: Parameters) -> float:
    """At most this: departments alone in half days, each of half the minutes and stops, or in whole ones."""
    inst, _ = instance(problem, parameters)
    half = replace(
        parameters, day_minutes=parameters.day_minutes // 2, max_entries=parameters.max_entries // 2
    )
    total = 0.0
    for work in alone_work(inst, range(len(inst.checks))):
        total += min(float(solve_alone(work)[0]), _in_halves(work, half))
    return total


def _in_halves(work: AloneWork, half: Parameters) -> float:
    if max(work.minutes) > half.day_minutes:
        return float("inf")
    return solve_alone(replace(work, parameters=half))[0] / 2


def measure(wanted: City, idea: str, amount: int) -> dict[str, object]:
    """The city as it is beside the idea; nothing that breaks a rule is counted."""
    problem, parameters = city(wanted), Parameters()
    plain = pack(problem, parameters)
    alone = plain.report.alone.inspector_days
    found: dict[str, object] = {
        "size": wanted.targets,
        "seed": wanted.seed,
        "idea": idea,
        "amount": amount,
        "entries": plain.report.plan.entries,
        "inspector_days": plain.report.plan.inspector_days,
        "inspector_days_alone": alone,
        "ratio_to_alone": round(plain.report.plan.inspector_days / alone, 4),
    }
    if idea == "halves":
        with_it, held = halves(plain, parameters), halves_alone(problem, parameters)
        return found | {"with_it": with_it, "alone_with_it": held, "ratio_with_it": round(with_it / held, 4)}
    changed = (seats if idea == "seats" else districts)(problem, amount)
    plan = pack(changed, parameters)
    report = plan.report
    return found | {
        "entries_with_it": report.plan.entries,
        "with_it": report.plan.inspector_days,
        "alone_with_it": report.alone.inspector_days,
        "ratio_with_it": round(report.plan.inspector_days / alone, 4),
        "unscheduled_with_it": len(plan.unscheduled),
        "violations": len(check(changed, parameters, plan)),
    }


def main() -> None:
    """Parse, measure, print a table or one line of JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--idea", choices=IDEAS, default="seats")
    parser.add_argument("--amount", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    found = measure(City(given.size, seed=given.seed), given.idea, given.amount)
    if given.json:
        print(json.dumps(found))
        sys.exit()
    for name, value in found.items():
        print(f"{name:24} {value}")


if __name__ == "__main__":
    main()
