"""The draw of the seats: from a published plan and the seats' key to names and reserves. docs/lottery.md, 7."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from optimizer.progress import Progress
from optimizer.seats.network import IntArray
from scheduler.encoding import canonical_json
from scheduler.lottery.classes import SeatClasses, network_of
from scheduler.lottery.halving import halve_all
from scheduler.lottery.plan import LotteryPlan
from scheduler.lottery.stream import shuffled
from scheduler.suite import Suite

RESERVES_AT_LEAST = 8


@dataclass(frozen=True, slots=True)
class SeatDraw:
    """`assignment`: seat → code, ascending by seat; `reserves`: class → codes in order; `transcript`: hex digests."""

    assignment: dict[str, str]
    reserves: dict[str, tuple[str, ...]]
    transcript: tuple[str, ...]


def draw_seats(plan: LotteryPlan, k_seats: bytes, progress: Progress | None = None) -> SeatDraw:
    """Draw every seat's holder and every class's reserves; `k_seats` are 32 bytes (`seats_key`)."""
    people, transcript = halve_all(network_of(plan.shape), plan.units, plan.unit_bits, k_seats, progress)
    drawn = deal_groups(plan.shape, people, k_seats)
    assignment = deal_seats(plan.shape, drawn, k_seats)
    return SeatDraw(assignment, reserves_of(plan.shape, assignment, k_seats), transcript)


def deal_groups(shape: SeatClasses, people: IntArray, k_seats: bytes) -> list[list[str]]:
    """Choose each group's people date by date, those first who served least; give the people of each class.

    Members' totals never differ by more than one, so realised loads are expectations rounded down or up.
    """
    drawn: list[list[list[str]]] = [[] for _ in shape.classes]
    order = np.lexsort((shape.arc_class, shape.arc_group))
    served: Counter[str] = Counter()
    for group, classes, counts in _by_group_and_date(shape, people, order):
        if not sum(counts):
            continue
        members = shape.groups[group].members
        date = shape.classes[classes[0]].date
        chosen = _least_served(members, sum(counts), served, k_seats, shape.groups[group].group_id, date)
        served.update(chosen)
        for place, count in zip(classes, counts, strict=True):
            drawn[place].append(chosen[:count])
            chosen = chosen[count:]
    return [[code for part in parts for code in part] for parts in drawn]


def _by_group_and_date(
    shape: SeatClasses, people: IntArray, order: IntArray
) -> list[tuple[int, list[int], list[int]]]:
    """Arcs gathered by group and date: (group, class positions, people), groups then dates ascending."""
    rows: list[tuple[int, list[int], list[int]]] = []
    last: tuple[int, str] | None = None
    groups, classes, counts = (
        values[order].tolist() for values in (shape.arc_group, shape.arc_class, people)
    )
    for group, place, count in zip(groups, classes, counts, strict=True):
        here = (group, shape.classes[place].date)
        if here != last:
            rows.append((group, [], []))
            last = here
        rows[-1][1].append(place)
        rows[-1][2].append(count)
    return rows


def _least_served(
    members: tuple[str, ...], wanted: int, served: Counter[str], k_seats: bytes, group_id: str, date: str
) -> list[str]:
    """The members who have served least, among equals the earlier in the date's shuffle; in that shuffle's order."""
    if len(members) == 1:
        return list(members)
    order = list(shuffled(members, k_seats, "DR1/seats/members", group_id, date))
    chosen = set(sorted(order, key=served.__getitem__)[:wanted])
    return [code for code in order if code in chosen]


def deal_seats(shape: SeatClasses, drawn: list[list[str]], k_seats: bytes) -> dict[str, str]:
    """Shuffle each class's people over its seats."""
    pairs = [
        pair
        for item, people in zip(shape.classes, drawn, strict=True)
        for pair in zip(item.seats, shuffled(people, k_seats, "DR1/seats/deal", item.class_id), strict=True)
    ]
    return dict(sorted(pairs, key=lambda pair: pair[0].encode()))


def reserves_of(shape: SeatClasses, assignment: dict[str, str], k_seats: bytes) -> dict[str, tuple[str, ...]]:
    """For each class its reserves in the order in which they move in."""
    caps = {code: group.cap for group in shape.groups for code in group.members}
    exhausted = {code for code, seats in Counter(assignment.values()).items() if seats >= caps[code]}
    busy: dict[str, set[str]] = {item.date: set(exhausted) for item in shape.classes}
    for item in shape.classes:
        busy[item.date].update(assignment[seat] for seat in item.seats)
    eligible = eligible_codes(shape)
    reserves: dict[str, tuple[str, ...]] = {}
    for item, codes in zip(shape.classes, eligible, strict=True):
        wanted = RESERVES_AT_LEAST + 2 * len(item.seats)
        free: list[str] = []
        for code in shuffled(codes, k_seats, "DR1/seats/reserves", item.class_id):
            if len(free) == wanted:
                break
            if code not in busy[item.date]:
                free.append(code)
        reserves[item.class_id] = tuple(free)
    return reserves


def eligible_codes(shape: SeatClasses) -> list[list[str]]:
    """The eligible inspectors of each class, ascending by code."""
    codes: list[list[str]] = [[] for _ in shape.classes]
    for place, group in zip(shape.arc_class.tolist(), shape.arc_group.tolist(), strict=True):
        codes[place].extend(shape.groups[group].members)
    return [sorted(found, key=str.encode) for found in codes]


def lottery_json(plan: LotteryPlan, draw: SeatDraw, suite: Suite) -> dict[str, Any]:
    """Give lottery.json. docs/lottery.md, 8."""
    bound = plan.plan_object(suite)
    kept = ("roster_hash", "unit_bits", "district_rule", "seats", "groups", "classes")
    return {
        **{key: bound[key] for key in kept},
        "certificate": plan.certificate_json(),
        "plan_hash": suite.hash(canonical_json(bound)).hex(),
        "transcript": list(draw.transcript),
        "assignment": dict(draw.assignment),
        "reserves": {class_id: list(codes) for class_id, codes in draw.reserves.items()},
    }
