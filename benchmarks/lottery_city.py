"""Synthetic rosters and packed plans for measuring and testing the lottery; the same seed gives the same city."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date, timedelta

from optimizer.model import Bound, Measures, Parameters, Plan, Report, Route, Stop, Visit
from scheduler.lottery.roster import Inspector, Leave, Recusal, Roster

_FIRST_DAY = date(2026, 3, 2)
_SPECIALTIES = ("electrical", "food", "pressure-vessels")


@dataclass(frozen=True, slots=True)
class LotteryShape:
    """Sizes are per department; shares are of inspectors, `route_specialty` of routes; `cap` 0 means one a day."""

    departments: int = 1
    inspectors: int = 20
    routes: int = 20
    days: int = 5
    officers: int = 2
    cap: int = 0
    leave: float = 0.08
    expired: float = 0.03
    recusal: float = 0.3
    lead: float = 0.5
    specialty: float = 0.25
    route_specialty: float = 0.15


@dataclass(frozen=True, slots=True)
class LotteryCity:
    """What `plan_lottery` takes."""

    roster: Roster
    plan: Plan
    days: tuple[str, ...]


def lottery_city(shape: LotteryShape, seed: int) -> LotteryCity:
    """Make a roster with leave, expiry and recusals, and routes spread over the days."""
    chance = random.Random(seed)
    days = tuple((_FIRST_DAY + timedelta(days=day)).isoformat() for day in range(shape.days))
    visits: list[Visit] = []
    routes: list[Route] = []
    roster = Roster(())
    for number in range(shape.departments):
        made, entered = _routes(shape, chance, f"D{number:02d}")
        routes += made
        visits += entered
        roster = _joined(roster, _people(shape, chance, f"D{number:02d}", days, entered))
    return LotteryCity(roster, Plan(tuple(visits), tuple(routes), (), empty_report()), days)


def _routes(shape: LotteryShape, chance: random.Random, department: str) -> tuple[list[Route], list[Visit]]:
    routes: list[Route] = []
    visits: list[Visit] = []
    for number in range(shape.routes):
        day = number % shape.days
        name = f"{department}-{number:05d}"
        entered = [
            Visit(f"V{name}-{turn}", f"T{name}-{turn}", day, 600 + 60 * turn, ())
            for turn in range(chance.randint(2, 4))
        ]
        stops = tuple(Stop(visit.visit_id, visit.start, visit.start, visit.start + 40) for visit in entered)
        asked = (chance.choice(_SPECIALTIES),) if chance.random() < shape.route_specialty else ()
        district = str(chance.randrange(8))
        routes.append(Route(f"R{name}", department, district, day, shape.officers, asked, stops))
        visits += entered
    return routes, visits


def _people(
    shape: LotteryShape, chance: random.Random, department: str, days: tuple[str, ...], visits: list[Visit]
) -> Roster:
    inspectors: list[Inspector] = []
    leave: list[Leave] = []
    recusals: list[Recusal] = []
    for number in range(shape.inspectors):
        code = f"I{department}-{number:04d}"
        held = tuple(name for name in _SPECIALTIES if chance.random() < shape.specialty)
        expires = chance.choice(days) if chance.random() < shape.expired else "2027-12-31"
        leads = chance.random() < shape.lead
        district = str(chance.randrange(8))
        cap = shape.cap or shape.days
        inspectors.append(Inspector(code, department, district, expires, held, leads, cap))
        if chance.random() < shape.leave:
            first = chance.randrange(shape.days)
            last = min(shape.days - 1, first + chance.randint(0, 9))
            leave.append(Leave(code, days[first], days[last]))
        if chance.random() < shape.recusal:
            recusals.append(Recusal(code, chance.choice(visits).target_id))
    return Roster(tuple(inspectors), tuple(leave), tuple(recusals))


def _joined(one: Roster, other: Roster) -> Roster:
    return Roster(one.inspectors + other.inspectors, one.leave + other.leave, one.recusals + other.recusals)


def empty_report() -> Report:
    """A report of nothing, for plans that were not packed."""
    nothing = Measures(0, 0, 0, 0, 0)
    bound = Bound(0, "none")
    return Report(nothing, nothing, nothing, 0, bound, 0, 0, "none", "0", True, Parameters())
