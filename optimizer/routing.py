"""Routes of one crew kind through places that need no meeting: departments alone, teams that stay together.

An open route (office legs are not counted) of at most `most` stops and `day` minutes, work and travel together.
Cost: officers first, then minutes of travel. Cheapest insertion, then ruin and recreate with a fixed seed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from optimizer.jobs import OFFICER
from optimizer.stream import Stream

NEARBY = 12


@dataclass(frozen=True, slots=True)
class Stay:
    """A stop: where, how long, how many officers at least, on which days (bit mask)."""

    place: int
    minutes: int
    officers: int
    days: int


@dataclass(slots=True)
class Tour:
    """Stops in order, minutes used (work and travel), officers, days that suit every stop."""

    stays: list[int]
    used: int
    travel: int
    officers: int
    days: int


@dataclass(frozen=True, slots=True)
class Limits:
    """A day's minutes and the most stops a crew makes in it."""

    day: int
    most: int


def route(
    stays: Sequence[Stay], travel: list[list[int]], limits: Limits, rounds: int, seed: int
) -> list[Tour]:
    """Tours through all stays; `rounds` of ruin and recreate, each taking neighbours out and putting them back."""
    order = sorted(range(len(stays)), key=lambda i: (stays[i].days.bit_count(), -stays[i].minutes, i))
    tours: list[Tour] = []
    for index in order:
        _insert(tours, index, stays, travel, limits)
    rng = Stream(seed)
    cost = _cost(tours)
    for _ in range(rounds if len(tours) > 1 else 0):
        trial = _ruined(tours, stays, travel, rng)
        for index in trial[1]:
            _insert(trial[0], index, stays, travel, limits)
        least = _cost(trial[0])
        if least <= cost:
            tours, cost = trial[0], least
    return tours


def _cost(tours: Sequence[Tour]) -> int:
    return sum(tour.officers * OFFICER + tour.travel for tour in tours)


def _insert(
    tours: list[Tour], index: int, stays: Sequence[Stay], travel: list[list[int]], limits: Limits
) -> None:
    """Put a stay where it costs least, in a tour of its own where nothing else is possible."""
    stay = stays[index]
    legs = travel[stay.place]
    best: tuple[int, Tour, int, int] | None = None
    for tour in tours:
        if len(tour.stays) >= limits.most or not tour.days & stay.days:
            continue
        room = limits.day - tour.used - stay.minutes
        if room < 0:
            continue
        grown = max(0, stay.officers - tour.officers) * OFFICER
        for position in range(len(tour.stays) + 1):
            more = _detour(tour, position, stays, legs, travel)
            if more <= room and (best is None or more + grown < best[0]):
                best = (more + grown, tour, position, more)
    if best is None or best[0] > stay.officers * OFFICER:
        tours.append(Tour([index], stay.minutes, 0, stay.officers, stay.days))
        return
    _, tour, position, more = best
    tour.stays.insert(position, index)
    tour.used += stay.minutes + more
    tour.travel += more
    tour.officers = max(tour.officers, stay.officers)
    tour.days &= stay.days


def _detour(
    tour: Tour, position: int, stays: Sequence[Stay], legs: list[int], travel: list[list[int]]
) -> int:
    before = stays[tour.stays[position - 1]].place if position else None
    after = stays[tour.stays[position]].place if position < len(tour.stays) else None
    if before is None:
        return legs[after] if after is not None else 0
    if after is None:
        return legs[before]
    return legs[before] + legs[after] - travel[before][after]


def _ruined(
    tours: Sequence[Tour], stays: Sequence[Stay], travel: list[list[int]], rng: Stream
) -> tuple[list[Tour], list[int]]:
    """Copy of the tours without a short tour and the stays near one of its stops; what was taken, shuffled."""
    seeds = [rng.below(len(tours)) for _ in range(2)]
    chosen = min(seeds, key=lambda i: (tours[i].used, i))
    centre = stays[tours[chosen].stays[0]].place
    others = [i for number, tour in enumerate(tours) if number != chosen for i in tour.stays]
    noise = 1 + rng.below(10)
    near = sorted(others, key=lambda i: (travel[centre][stays[i].place] + rng.below(noise), i))
    taken = set(tours[chosen].stays) | set(near[: 2 + rng.below(NEARBY)])
    left = [_without(tour, taken, stays, travel) for tour in tours]
    order = sorted(taken)
    rng.shuffle(order)
    if rng.below(2):
        order.sort(key=lambda i: -stays[i].minutes)
    return [tour for tour in left if tour.stays], order


def _without(tour: Tour, taken: set[int], stays: Sequence[Stay], travel: list[list[int]]) -> Tour:
    kept = [i for i in tour.stays if i not in taken]
    if len(kept) == len(tour.stays):
        return Tour(kept, tour.used, tour.travel, tour.officers, tour.days)
    legs = sum(travel[stays[a].place][stays[b].place] for a, b in pairwise(kept))
    days = -1
    for i in kept:
        days &= stays[i].days
    officers = max((stays[i].officers for i in kept), default=0)
    return Tour(kept, sum(stays[i].minutes for i in kept) + legs, legs, officers, days)
