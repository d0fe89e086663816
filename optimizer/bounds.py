"""A lower bound on inspector-days that holds for every way of organising the checks.

Energy: a department's routes keep to one district, hold at most `max_entries` stops and `day_minutes` of work and
travel. A leg into a stop is at least as long as the way from its nearest neighbour, and every stop but a route's
first is driven to. So R routes are too few while their minutes do not cover all work plus all legs but the R longest.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from optimizer.instance import Instance
from optimizer.model import Bound, Parameters
from optimizer.travel import matrix


def energy(inst: Instance, chosen: Sequence[int]) -> Bound:
    """The bound over these check numbers, summed over districts and departments."""
    groups: dict[tuple[str, int], list[int]] = {}
    for number in chosen:
        groups.setdefault((inst.sites[inst.site_of[number]].district, inst.department_of[number]), []).append(
            number
        )
    return Bound(sum(_group(inst, numbers) for _, numbers in sorted(groups.items())), "energy")


def _group(inst: Instance, numbers: Sequence[int]) -> int:
    """Officers on R routes: each level k of officers needs as many routes as the checks that want k or more."""
    total = 0
    levels = [0, *sorted({inst.checks[number].officers for number in numbers})]
    for low, level in pairwise(levels):
        own = [number for number in numbers if inst.checks[number].officers >= level]
        total += (level - low) * _routes(inst, own)
    return total


def _routes(inst: Instance, numbers: Sequence[int]) -> int:
    """The fewest routes that minutes and stops leave possible; a target's checks count as one stop."""
    work: dict[int, int] = {}
    for number in numbers:
        site = inst.site_of[number]
        work[site] = work.get(site, 0) + inst.checks[number].minutes
    sites = [inst.sites[site] for site in sorted(work)]
    travel = matrix(sites, inst.parameters)
    np.fill_diagonal(travel, np.iinfo(np.int64).max)
    legs = sorted((int(leg) for leg in travel.min(axis=1)), reverse=True) if len(sites) > 1 else [0]
    return fewest_routes(sum(work.values()), legs, inst.parameters)


def fewest_routes(work: int, legs: Sequence[int], parameters: Parameters) -> int:
    """Least R with R routes long enough; `legs` descending, one per stop."""
    routes = max(1, -(-len(legs) // parameters.max_entries))
    driven = sum(legs[routes:])
    while work + driven > routes * parameters.day_minutes:
        driven -= legs[routes] if routes < len(legs) else 0
        routes += 1
    return routes
