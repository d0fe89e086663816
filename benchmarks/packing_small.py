"""Small packing problems: crafted ones for one rule at a time, and random ones in which every rule bites."""

from __future__ import annotations

import random

from optimizer.model import Check, Department, ForbiddenPair, PackingProblem, Parameters, Plan, Site

DAYS = ("2026-03-02", "2026-03-03", "2026-03-04", "2026-03-05", "2026-03-06")
PARAMETERS = Parameters()


def site(name: str = "T1", east: int = 0) -> Site:
    """A target in district D1, `east` metres from the origin, without further rules."""
    return Site(name, "D1", east, 0)


def departments(*names: str, heads: int = 20, days: int = len(DAYS)) -> tuple[Department, ...]:
    """Departments with the same heads every day and four holders of specialty S."""
    return tuple(Department(name, (heads,) * days, (("S", (4,) * days),)) for name in names)


def problem(
    checks: list[Check],
    sites: list[Site],
    forbidden: list[ForbiddenPair] | None = None,
    heads: int = 20,
    days: int = len(DAYS),
) -> PackingProblem:
    """A problem of the departments that its checks name."""
    names = sorted({check.department for check in checks})
    return PackingProblem(
        DAYS[:days],
        tuple(checks),
        tuple(sites),
        departments(*names, heads=heads, days=days),
        tuple(forbidden or ()),
    )


def codes(plan: Plan) -> dict[str, str]:
    """Why each unscheduled check is unscheduled."""
    return {row.check_id: row.code for row in plan.unscheduled}


def random_problem(seed: int, targets: int = 14) -> PackingProblem:
    """Everything at once: closed days, windows, caps, few heads, specialties, big crews, forbidden pairs."""
    rng = random.Random(seed)
    names = [f"B{n}" for n in range(rng.randint(1, 6))]
    sites, checks, forbidden = [], [], []
    for number in range(rng.randint(1, targets)):
        target = f"T{number:02d}"
        sites.append(_random_site(rng, target))
        own = [
            _random_check(rng, target, name, k) for name in names for k in range(rng.choice((0, 1, 1, 1, 2)))
        ]
        checks += own
        if len(own) > 1 and rng.random() < 0.4:
            one, other = rng.sample([check.check_id for check in own], 2)
            forbidden.append(ForbiddenPair(one, other, "other season"))
    rows = tuple(_random_department(rng, name) for name in names)
    return PackingProblem(DAYS, tuple(checks), tuple(sites), rows, tuple(forbidden))


def _random_site(rng: random.Random, target: str) -> Site:
    closed = tuple(sorted(rng.sample(range(len(DAYS)), rng.choice((0, 0, 1, 2, 5)))))
    cap = rng.choice((None, None, 2, 3, 4, 6))
    left = rng.choice((None, None, None, 0, 1, 2))
    where = rng.randint(-8000, 8000), rng.choice((0, rng.randint(-8000, 8000)))
    return Site(target, rng.choice(("D1", "D2")), *where, closed, cap, left, rng.random() < 0.2)


def _random_check(rng: random.Random, target: str, name: str, number: int) -> Check:
    days = tuple(sorted(rng.sample(range(len(DAYS)), rng.randint(1, 3)))) if rng.random() < 0.3 else ()
    specialties = tuple(rng.sample(("S", "X"), rng.choice((0, 0, 0, 1, 1, 2))))
    minutes = rng.choice((20, 45, 60, 90, 120, 200, 300, 430))
    return Check(
        f"{target}-{name}-{number}", target, name, minutes, rng.choice((2, 2, 2, 3, 4)), specialties, days
    )


def _random_department(rng: random.Random, name: str) -> Department:
    heads = tuple(rng.choice((0, 2, 3, 5, 8)) for _ in DAYS)
    held = (("S", tuple(rng.randint(0, 2) for _ in DAYS)), ("X", tuple(rng.randint(0, 3) for _ in DAYS)))
    return Department(name, heads, held)
