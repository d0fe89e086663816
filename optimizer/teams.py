"""Teams that stay together all day: the visits of a cell as arrays, and what a team-day takes and costs.

A team takes every department of its visits along to all of them and waits everywhere for the slowest. A *team-day* is
at most `max_entries` visits with a common day whose lengths and ways fit into a day; it costs the officers of the
largest crew that each department needs anywhere on it. Heads per day are not held against this organisation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise, permutations

import numpy as np
import numpy.typing as npt

from optimizer.jobs import Job
from optimizer.model import Parameters, Site
from optimizer.travel import matrix

Ints = npt.NDArray[np.int64]
Small = npt.NDArray[np.int32]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class TeamWork:
    """The visits of one cell, with the sites that their `place` indexes; `rounds` of search for each visit.

    `certify`: a bound is wanted too.
    """

    name: str
    jobs: tuple[Job, ...]
    sites: tuple[Site, ...]
    parameters: Parameters
    rounds: int
    certify: bool


@dataclass(frozen=True, slots=True)
class Cast:
    """A cell's n visits, most departments first.

    `legs` (n, n) minutes; `lengths` (n); `officers` (n, departments); `days` (n, bytes) bit masks; `family` (n): two
    visits of one family are never on one day; `detour` (n): the least that a visit adds to any tour, 0 where no bound
    is wanted; `codes`: an integer per visit with one bit per officer, so that a team's officers are the bits of the
    union.
    """

    legs: Small
    lengths: Small
    officers: Small
    days: npt.NDArray[np.uint8]
    family: Ints
    detour: Small
    codes: tuple[int, ...]
    day: int
    most: int

    def __len__(self) -> int:
        """How many visits."""
        return len(self.lengths)


def cast(work: TeamWork) -> Cast:
    """The arrays of a cell's jobs; doors (tasks without checks) are no department."""
    jobs = sorted(work.jobs, key=lambda job: (-len(job.tasks), -job.length, job.target, job.tasks[0].checks))
    at = np.array([job.place for job in jobs])
    legs = matrix(work.sites, work.parameters)[np.ix_(at, at)].astype(np.int32)
    names = sorted({task.department for job in jobs for task in job.tasks if task.checks})
    officers = np.zeros((len(jobs), len(names)), np.int32)
    days = np.zeros((len(jobs), 1 + max(day for job in jobs for day in job.days)), np.uint8)
    for number, job in enumerate(jobs):
        days[number, list(job.days)] = 1
        for task in job.tasks:
            if task.checks:
                officers[number, names.index(task.department)] = task.officers
    family = [job.target if job.apart else -1 - number for number, job in enumerate(jobs)]
    return Cast(
        legs,
        np.array([job.length for job in jobs], np.int32),
        officers,
        np.packbits(days, axis=1),
        np.array(family, np.int64),
        _detour(legs) if work.certify else np.zeros(len(jobs), np.int32),
        _codes(officers),
        work.parameters.day_minutes,
        work.parameters.max_entries,
    )


def _codes(officers: Small) -> tuple[int, ...]:
    """Each department as wide as its largest crew; a crew of k sets the lowest k bits of it."""
    widths = [int(width) for width in officers.max(axis=0)]
    codes = []
    for row in officers.tolist():
        code = shift = 0
        for wanted, width in zip(row, widths, strict=True):
            code |= ((1 << wanted) - 1) << shift
            shift += width
        codes.append(code)
    return tuple(codes)


def _detour(legs: Small) -> Small:
    """Least minutes by which a tour grows with each visit, at an end or between any two others; no less than 0."""
    count = len(legs)
    far = np.int32(1_000_000)
    least = np.full(count, 0, np.int32)
    for j in range(count if count > 1 else 0):
        row = legs[j].copy()
        row[j] = far
        between = row[:, None] + row[None, :] - legs
        np.fill_diagonal(between, far)
        least[j] = max(0, min(int(row.min()), int(between.min())))
    return least


ORDERS = {k: [p for p in permutations(range(k)) if p[0] < p[-1]] for k in range(2, 7)}


def tours(legs: Small, sets: Ints) -> Small:
    """Minutes on the way of the shortest open tour through each set of visits; sets (m, k), k at most 6."""
    size = sets.shape[1]
    if size == 1:
        return np.zeros(len(sets), np.int32)
    leg = {(a, b): legs[sets[:, a], sets[:, b]] for a in range(size) for b in range(size) if a != b}
    best = np.full(len(sets), np.iinfo(np.int32).max, np.int32)
    for order in ORDERS[size]:
        total = leg[order[0], order[1]].copy()
        for a, b in pairwise(order[1:]):
            total += leg[a, b]
        np.minimum(best, total, out=best)
    return best


def crew_sizes(officers: Small, sets: Ints) -> Ints:
    """Officers of a team for each set of visits (m, k)."""
    most = officers[sets[:, 0]]
    for column in range(1, sets.shape[1]):
        most = np.maximum(most, officers[sets[:, column]])
    total: Ints = most.sum(axis=1).astype(np.int64)
    return total


def together(given: Cast, sets: Ints, added: Ints) -> Flags:
    """Which visits may join which sets: a common day, and no other visit of the same family; both (m, …)."""
    days = given.days[sets[:, 0]]
    for column in range(1, sets.shape[1]):
        days = days & given.days[sets[:, column]]
    common = (days & given.days[added]).any(axis=1)
    other: Flags = (given.family[sets] != given.family[added][:, None]).all(axis=1)
    return common & other


def fill(given: Cast, share: int) -> list[tuple[int, ...]]:
    """Greedy joining: each team begins with the visit of most departments left and takes what saves most per minute.

    A visit saves `share` per cent of its own officers less those the team must grow by.
    """
    free = np.ones(len(given), np.bool_)
    own = given.officers.sum(axis=1)
    made: list[tuple[int, ...]] = []
    for first in range(len(given)):
        if not free[first]:
            continue
        free[first] = False
        team, spent = [first], int(given.lengths[first])
        crew, days = given.officers[first], given.days[first]
        while len(team) < min(6, given.most):
            found = _next(given, team, spent, crew, days, free, own * share)
            if found is None:
                break
            chosen, spent = found
            team.append(chosen)
            free[chosen] = False
            crew, days = np.maximum(crew, given.officers[chosen]), days & given.days[chosen]
        made.append(tuple(team))
    return made


def _next(
    given: Cast,
    team: Sequence[int],
    spent: int,
    crew: Small,
    days: npt.NDArray[np.uint8],
    free: Flags,
    worth: Small,
) -> tuple[int, int] | None:
    """The visit that saves most officers per minute, and the team's minutes with it; None where none saves any."""
    quick = free & (given.lengths + given.detour <= given.day - spent) & (given.days & days).any(axis=1)
    quick &= ~np.isin(given.family, given.family[list(team)])
    rows = np.nonzero(quick)[0]
    gain = worth[rows] - 100 * (np.maximum(crew, given.officers[rows]).sum(axis=1) - int(crew.sum()))
    rows = rows[gain > 0]
    gain = gain[gain > 0]
    sets = np.concatenate([np.tile(np.array(team, np.int64), (len(rows), 1)), rows[:, None]], axis=1)
    minutes = given.lengths[sets].sum(axis=1) + tours(given.legs, sets)
    fits = minutes <= given.day
    if not fits.any():
        return None
    rows, gain, minutes = rows[fits], gain[fits], minutes[fits]
    best = int(np.argmax(gain * 1_000_000 // (minutes - spent).clip(1)))
    return int(rows[best]), int(minutes[best])
