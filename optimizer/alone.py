"""Departments going alone: each check its own entry, each department its own routes. What a joint plan is held against.

Heads per day are not held against this baseline (departments alone may borrow), so it never looks worse than it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from optimizer.cells import near
from optimizer.instance import Instance
from optimizer.model import Measures, Parameters, Site
from optimizer.routing import Limits, Stay, route
from optimizer.travel import matrix

ROUNDS = {"fast": 4, "standard": 16}
ROUNDS_LEAST = 120
PART_MOST = 120


@dataclass(frozen=True, slots=True)
class AloneWork:
    """One department's checks in one district: places, minutes, officers and day masks in the same order."""

    sites: tuple[Site, ...]
    minutes: tuple[int, ...]
    officers: tuple[int, ...]
    days: tuple[int, ...]
    parameters: Parameters


def alone_work(inst: Instance, chosen: Sequence[int]) -> list[AloneWork]:
    """A piece of work per district and department (large ones in parts of neighbours), for these check numbers."""
    groups: dict[tuple[str, int], list[int]] = {}
    for number in chosen:
        groups.setdefault((inst.sites[inst.site_of[number]].district, inst.department_of[number]), []).append(
            number
        )
    return [_work(inst, part) for _, numbers in sorted(groups.items()) for part in _parts(inst, numbers)]


def _parts(inst: Instance, numbers: list[int]) -> list[list[int]]:
    own: dict[int, list[int]] = {}
    for number in numbers:
        own.setdefault(inst.site_of[number], []).append(number)
    return [
        sorted(number for site in sites for number in own[site])
        for sites in near(inst, sorted(own), PART_MOST)
    ]


def _work(inst: Instance, numbers: Sequence[int]) -> AloneWork:
    return AloneWork(
        tuple(inst.sites[inst.site_of[number]] for number in numbers),
        tuple(inst.checks[number].minutes for number in numbers),
        tuple(inst.checks[number].officers for number in numbers),
        tuple(inst.allowed[number] for number in numbers),
        inst.parameters,
    )


def solve_alone(work: AloneWork) -> tuple[int, int]:
    """Inspector-days and minutes of travel of one department in one district."""
    travel = matrix(work.sites, work.parameters).tolist()
    rows = zip(work.minutes, work.officers, work.days, strict=True)
    stays = [Stay(place, minutes, officers, days) for place, (minutes, officers, days) in enumerate(rows)]
    limits = Limits(work.parameters.day_minutes, work.parameters.max_entries)
    rounds = max(ROUNDS_LEAST, ROUNDS[work.parameters.profile] * len(stays))
    tours = route(stays, travel, limits, rounds, work.parameters.seed)
    return sum(tour.officers for tour in tours), sum(tour.travel for tour in tours)


def alone_measures(inst: Instance, chosen: Sequence[int], solved: Sequence[tuple[int, int]]) -> Measures:
    """The four measures of departments alone over these checks."""
    checks = [inst.checks[number] for number in chosen]
    return Measures(
        entries=len(checks),
        inspector_days=sum(days for days, _ in solved),
        travel_min=sum(travel for _, travel in solved),
        host_min=sum(check.minutes for check in checks),
        people_per_visit_max=max((check.officers for check in checks), default=0),
    )
