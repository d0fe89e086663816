"""A synthetic city for packing: deterministic, of the size and shape a real round has, with harder variants.

Shares of districts are a real city's; everything else follows stated rules, so that anybody can make it again.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Literal

from optimizer.model import Check, Department, ForbiddenPair, PackingProblem, Site

Variant = Literal["plain", "tight", "random", "forbidden"]

DISTRICT_PERMILLE = (190, 200, 240, 130, 90, 15, 110, 25)
DISTRICT_SPREAD_M = (3000, 3000, 4000, 3500, 4500, 15000, 6000, 12000)
TRADES = 14
MINUTES = (30, 40, 45, 60, 60, 60, 75, 90, 90, 120)
DAYS = 20


@dataclass(frozen=True, slots=True)
class City:
    """How large and of which kind: `targets` drawn, `departments` 12 or 20, one of the variants."""

    targets: int
    departments: int = 12
    seed: int = 1
    variant: Variant = "plain"


@dataclass(frozen=True, slots=True)
class _Trade:
    departments: tuple[int, ...]
    chances: tuple[float, ...]


def city(wanted: City) -> PackingProblem:
    """Targets with the checks of their trade's departments, about 3.4 each, over twenty working days."""
    rng = random.Random(wanted.seed)
    trades = [_trade(rng, wanted.departments) for _ in range(TRADES)]
    sites: list[Site] = []
    checks: list[Check] = []
    forbidden: list[ForbiddenPair] = []
    for number in range(wanted.targets):
        site = _site(rng, number)
        own = _checks(rng, site.target_id, wanted, trades)
        sites.append(site)
        checks.extend(own)
        forbidden.extend(_forbidden(rng, own, wanted.variant))
    days = tuple(f"2026-03-{day:02d}" for day in range(1, DAYS + 1))
    departments = _departments(checks, wanted)
    return PackingProblem(days, tuple(checks), tuple(sites), departments, tuple(forbidden))


def _trade(rng: random.Random, departments: int) -> _Trade:
    core = min(departments, 2 + int(rng.random() * 5))
    chosen = rng.sample(range(departments), min(departments, core + 2))
    chances = [0.88] * core + [0.15] * (len(chosen) - core)
    return _Trade(tuple(chosen), tuple(chances))


def _site(rng: random.Random, number: int) -> Site:
    district = rng.choices(range(len(DISTRICT_PERMILLE)), DISTRICT_PERMILLE)[0]
    spread = DISTRICT_SPREAD_M[district]
    east = 20000 * (district % 3) + int(rng.gauss(0, spread))
    north = 15000 * (district // 3) + int(rng.gauss(0, spread))
    closed: tuple[int, ...] = ()
    if rng.random() < 0.15:
        weekday = int(rng.random() * 5)
        closed = tuple(day for day in range(DAYS) if day % 5 == weekday)
    cap = 8 if rng.random() < 0.03 else None
    return Site(f"T{number:06d}", f"D{district + 1}", east, north, closed, cap)


def _checks(rng: random.Random, target: str, wanted: City, trades: list[_Trade]) -> list[Check]:
    if wanted.variant == "random":
        count = 1 + int(rng.random() * 5.8)
        chosen = sorted(rng.sample(range(wanted.departments), count))
    else:
        trade = trades[int(rng.random() ** 1.5 * TRADES)]
        chosen = [
            d for d, chance in zip(trade.departments, trade.chances, strict=True) if rng.random() < chance
        ]
        chosen = sorted(chosen or trade.departments[:1])
    return [_check(rng, target, department) for department in chosen]


def _check(rng: random.Random, target: str, department: int) -> Check:
    minutes = MINUTES[int(rng.random() * len(MINUTES))]
    officers = 3 if rng.random() < 0.02 else 2
    specialties = ("S1",) if rng.random() < 0.04 else ()
    days: tuple[int, ...] = ()
    if rng.random() < 0.03:
        first = int(rng.random() * (DAYS - 5))
        days = tuple(range(first, first + 6))
    return Check(
        f"{target}-B{department:02d}", target, f"B{department:02d}", minutes, officers, specialties, days
    )


def _forbidden(rng: random.Random, own: list[Check], variant: Variant) -> list[ForbiddenPair]:
    chance = 0.45 if variant == "forbidden" else 0.13
    if len(own) < 2 or rng.random() >= chance:
        return []
    pairs = 3 if variant == "forbidden" else 1
    found = {tuple(sorted(rng.sample([check.check_id for check in own], 2))) for _ in range(pairs)}
    return [ForbiddenPair(a, b, "announced with unannounced") for a, b in sorted(found)]


def _departments(checks: list[Check], wanted: City) -> tuple[Department, ...]:
    """Heads per day: the minutes asked for at 260 a crew-day, with slack 1.7 (tight: 1.25)."""
    slack = 1.25 if wanted.variant == "tight" else 1.7
    made = []
    for number in range(wanted.departments):
        name = f"B{number:02d}"
        minutes = sum(check.minutes for check in checks if check.department == name)
        heads = 2 * max(4, int(minutes / 260 / DAYS * slack) + 1)
        made.append(Department(name, (heads,) * DAYS, (("S1", (max(2, heads // 4),) * DAYS),)))
    return tuple(made)
