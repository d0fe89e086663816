"""Published probabilities are the true ones: many seeds over one city plan, one tight plan, one group of equals."""

from __future__ import annotations

import hashlib
import math
import os
from collections import Counter
from statistics import fmean, pstdev

from benchmarks.lottery_city import LotteryShape, lottery_city
from scheduler.lottery.draw import draw_seats
from scheduler.lottery.plan import UNIT, LotteryPlan, plan_lottery

SEEDS = 2000 if os.environ.get("TRIALS") == "full" else 200
CITY = LotteryShape(inspectors=300, routes=750, days=20, lead=0.4, specialty=0.2, recusal=0.1)
TIGHT = LotteryShape(inspectors=9, routes=16, days=4, leave=0.15, lead=0.7, specialty=0.7, recusal=0.5)


def planned(shape: LotteryShape, seed: int) -> LotteryPlan:
    city = lottery_city(shape, seed)
    return plan_lottery(city.roster, city.plan, city.days)


def seed_key(number: int) -> bytes:
    return hashlib.sha256(b"lottery marginals %d" % number).digest()


def probabilities(plan: LotteryPlan) -> dict[tuple[str, str], float]:
    """The published probability of each inspector for each class."""
    members = {group["group_id"]: group["members"] for group in plan.groups_json()}
    return {
        (item["class_id"], code): units / (UNIT * len(members[group]))
        for item in plan.classes_json()
        for group, units in zip(item["groups"], item["units"], strict=True)
        for code in members[group]
    }


def counted(plan: LotteryPlan, seeds: int) -> Counter[tuple[str, str]]:
    """How often each inspector sat in each class."""
    class_of = {seat: item.class_id for item in plan.shape.classes for seat in item.seats}
    seen: Counter[tuple[str, str]] = Counter()
    for number in range(seeds):
        assignment = draw_seats(plan, seed_key(number)).assignment
        seen.update((class_of[seat], code) for seat, code in assignment.items())
    return seen


def z_scores(
    chances: dict[tuple[str, str], float], seen: Counter[tuple[str, str]], seeds: int
) -> list[float]:
    """Standardised deviations of the marginals whose normal approximation holds."""
    return [
        (seen[pair] - seeds * chance) / math.sqrt(seeds * chance * (1 - chance))
        for pair, chance in chances.items()
        if seeds * chance * (1 - chance) >= 5
    ]


def test_marginals_of_a_city() -> None:
    plan = planned(CITY, 1)
    chances = probabilities(plan)
    seen = counted(plan, SEEDS)
    assert all(chances.get(pair, 0.0) > 0 for pair in seen)
    z = z_scores(chances, seen, SEEDS)
    assert len(z) > 1000
    assert abs(fmean(z)) < 0.05
    assert 0.95 <= pstdev(z) <= 1.05
    assert max(map(abs, z)) < 5


def test_every_seat_of_a_class_is_equally_likely() -> None:
    """Within a class all that matters is chance: each member's seats are uniform."""
    plan = planned(LotteryShape(inspectors=16, routes=4, days=1, officers=3, recusal=0, route_specialty=0), 4)
    item = max(plan.shape.classes, key=lambda one: len(one.seats))
    seen: Counter[tuple[str, str]] = Counter()
    for number in range(4 * SEEDS):
        assignment = draw_seats(plan, seed_key(number)).assignment
        seen.update((seat, assignment[seat]) for seat in item.seats)
    chances = {
        (seat, code): chance / len(item.seats)
        for (class_id, code), chance in probabilities(plan).items()
        if class_id == item.class_id and chance
        for seat in item.seats
    }
    z = z_scores(chances, seen, 4 * SEEDS)
    assert z
    assert max(map(abs, z)) < 4.5


def test_a_tight_plan_never_leaves_a_seat_empty() -> None:
    """Almost every inspector is needed almost every day; a seat that only some can take must still be filled."""
    plan = planned(TIGHT, 19)
    seats = {seat.seat_id for seat in plan.seats}
    dates = {seat.seat_id: seat.date for seat in plan.seats}
    chances = probabilities(plan)
    class_of = {seat: item.class_id for item in plan.shape.classes for seat in item.seats}
    assert {0.0, 1.0} <= set(chances.values())
    for number in range(SEEDS):
        assignment = draw_seats(plan, seed_key(number)).assignment
        assert set(assignment) == seats
        assert len({(dates[seat], code) for seat, code in assignment.items()}) == len(seats)
        assert all(chances[class_of[seat], code] > 0 for seat, code in assignment.items())


def test_identical_inspectors_are_drawn_alike() -> None:
    """Seven equals for three seats on each of two days: loads 6/7, and every one as often as the others."""
    shape = LotteryShape(
        inspectors=7, routes=2, days=2, officers=3, leave=0, expired=0, recusal=0, lead=1, route_specialty=0
    )
    plan = planned(shape, 1)
    assert [str(load) for load in plan.load] == ["6/7"]
    seeds = 10 * SEEDS
    total: Counter[str] = Counter()
    for number in range(seeds):
        total.update(draw_seats(plan, seed_key(number)).assignment.values())
    sd = math.sqrt(seeds * (6 / 7) * (1 / 7))
    assert all(abs(total[code] - seeds * 6 / 7) / sd < 4.5 for code in plan.shape.groups[0].members)
