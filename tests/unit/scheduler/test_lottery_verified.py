"""What the planner publishes passes the stand-alone verifier's checks, and plans that favour somebody do not."""

from __future__ import annotations

import copy
import json
import os
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from benchmarks.lottery_city import LotteryShape, lottery_city
from optimizer.errors import Refused
from scheduler import verifier
from scheduler.encoding import canonical_json
from scheduler.lottery.draw import draw_seats, lottery_json
from scheduler.lottery.plan import UNIT, plan_lottery
from scheduler.suite import SHA256

KEY = bytes(range(32))
CITIES = 400 if os.environ.get("TRIALS") == "full" else 60
SHAPES = [
    LotteryShape(2, 30, 20, 5, lead=0.8, specialty=0.5),
    LotteryShape(1, 18, 16, 4, cap=2, leave=0.4, lead=0.9, specialty=0.6, recusal=2.0),
    LotteryShape(1, 9, 16, 4, leave=0.15, lead=0.7, specialty=0.7, recusal=0.5),
    LotteryShape(3, 60, 50, 10, lead=0.5, specialty=0.4),
]
Lottery = dict[str, Any]


def published(shape: LotteryShape, seed: int) -> Lottery:
    city = lottery_city(shape, seed)
    plan = plan_lottery(city.roster, city.plan, city.days)
    return dict(json.loads(canonical_json(lottery_json(plan, draw_seats(plan, KEY), SHA256))))


def check_plan(lottery: Lottery) -> None:
    """The verifier's checks of the published probabilities, without those that need a whole bundle."""
    lots = verifier.Lots(lottery)
    verifier.check_sums(lots)
    edges = lots.residual()
    verifier.check_fairness(lots, edges)
    verifier.check_loads(lots, edges, verifier.components(edges))
    verifier.check_spread(lots, lottery["certificate"], verifier.components(edges))


@pytest.mark.parametrize(("shape", "seed"), list(zip(SHAPES, (2, 2, 19, 1), strict=True)))
def test_the_verifier_agrees(shape: LotteryShape, seed: int) -> None:
    lottery = published(shape, seed)
    check_plan(lottery)
    lots = verifier.Lots(lottery)
    people, transcript = verifier.halvings(lots, KEY)
    assert transcript == lottery["transcript"]
    seated = verifier.deal(lots, people, KEY)
    assert seated == lottery["assignment"]
    assert verifier.reserves(lots, seated, KEY) == lottery["reserves"]
    verifier.check_assignment(lots, seated)


def random_shape(chance: random.Random) -> LotteryShape:
    """Any small city: one or two departments, much leave, many recusals, caps or none."""
    return LotteryShape(
        chance.randint(1, 2),
        chance.randint(3, 40),
        chance.randint(2, 25),
        chance.randint(1, 8),
        officers=chance.choice([2, 2, 3]),
        cap=chance.choice([0, 0, 1, 2, 3]),
        leave=0.6 * chance.random(),
        expired=0.3 * chance.random(),
        recusal=2 * chance.random(),
        lead=0.3 + 0.6 * chance.random(),
        specialty=0.1 + 0.6 * chance.random(),
        route_specialty=0.5 * chance.random(),
    )


@pytest.mark.parametrize("observable", [False, True])
def test_whatever_is_planned_verifies(observable: bool) -> None:
    """In units of a 1,024th rounding is coarse, and weights make chances small: the rules must allow for both."""
    held, refused = 0, Counter[str]()
    for seed in range(CITIES):
        chance = random.Random(seed)
        city = lottery_city(random_shape(chance), seed)
        codes = [one.code for one in city.roster.inspectors if seed % 2 and chance.random() < 0.6]
        weights = {code: chance.choice([250, 333, 666, 1333, 2000, 4000]) for code in codes}
        try:
            plan = plan_lottery(city.roster, city.plan, city.days, weights=weights, observable=observable)
        except Refused as refusal:
            refused[refusal.problem.code] += 1
            continue
        lottery = plan.plan_object(SHA256) | {"certificate": plan.certificate_json()}
        check_plan(json.loads(canonical_json(lottery)))
        held += 1
    assert held > CITIES // 4
    assert set(refused) <= {"seats.unfillable", "seats.too_fine"}
    assert refused["seats.too_fine"] <= CITIES // 20


def test_chances_finer_than_the_unit_are_refused() -> None:
    """Eleven hundred people for two seats can't each have a 1,024th of one."""
    shape = LotteryShape(inspectors=1100, routes=1, days=1, leave=0, expired=0, recusal=0, lead=1)
    city = lottery_city(shape, 1)
    with pytest.raises(Refused, match=r"seats\.too_fine") as told:
        plan_lottery(city.roster, city.plan, city.days, observable=True)
    assert "halvings" in told.value.problem.remedy_en
    assert plan_lottery(city.roster, city.plan, city.days).unit_bits == 20


def crossing(lottery: Lottery) -> tuple[Lottery, Lottery, int, int, int, int]:
    """Two classes of one date that share two groups, with room to move units around the square they form."""
    for one in lottery["classes"]:
        for other in lottery["classes"]:
            shared = [g for g in one["groups"] if g in other["groups"]]
            if one["date"] == other["date"] and one is not other and len(shared) > 1:
                places = [item["groups"].index(g) for item in (one, other) for g in shared[:2]]
                if all(
                    item["units"][p] > 4096 for item, p in zip((one, one, other, other), places, strict=True)
                ):
                    return one, other, *places
    raise AssertionError("no such square")


def shift_within_a_day(lottery: Lottery) -> None:
    """All sums stay; only evenness can tell."""
    one, other, a, b, c, d = crossing(lottery)
    for item, place, change in ((one, a, 4000), (one, b, -4000), (other, c, -4000), (other, d, 4000)):
        item["units"][place] += change


def spare_a_group(lottery: Lottery) -> None:
    """One group's units of a class go to another group of it."""
    item = next(c for c in lottery["classes"] if sum(units > UNIT // 64 for units in c["units"]) > 1)
    big = [place for place, units in enumerate(item["units"]) if units > UNIT // 64]
    item["units"][big[0]] -= 4096
    item["units"][big[1]] += 4096


def claim_a_lower_load(lottery: Lottery) -> None:
    lottery["groups"][0]["load"] = "1/7"


def write_a_load_in_higher_terms(lottery: Lottery) -> None:
    numerator, _, denominator = lottery["groups"][0]["load"].partition("/")
    lottery["groups"][0]["load"] = f"{2 * int(numerator)}/{2 * int(denominator or 1)}"


def raise_a_factor(lottery: Lottery) -> None:
    lottery["certificate"]["a"][0] = "9.9"


def an_idle_factor(lottery: Lottery) -> None:
    row = {"group_id": "G0001", "date": lottery["classes"][0]["date"], "factor": "0.5"}
    lottery["certificate"]["t"] = [row]


@pytest.mark.parametrize(
    "tamper",
    [
        shift_within_a_day,
        spare_a_group,
        claim_a_lower_load,
        write_a_load_in_higher_terms,
        raise_a_factor,
        an_idle_factor,
    ],
)
def test_favouritism_is_caught(tamper: Callable[[Lottery], None]) -> None:
    lottery = published(SHAPES[3], 1)
    check_plan(lottery)
    changed = copy.deepcopy(lottery)
    tamper(changed)
    with pytest.raises(verifier.Wrong):
        check_plan(changed)


def test_a_zero_that_nothing_forces_is_caught() -> None:
    """Each of two equals one of two seats for certain: fair in load, not in chances."""
    two_days: Lottery = {
        "unit_bits": 20,
        "groups": [
            {"group_id": "G0001", "members": ["A"], "cap": 2, "weight": 1000, "load": "1"},
            {"group_id": "G0002", "members": ["B"], "cap": 2, "weight": 1000, "load": "1"},
        ],
        "classes": [
            {"class_id": f"2026-03-0{day}/0001", "date": f"2026-03-0{day}", "seats": [f"R{day}#1"],
             "groups": ["G0001", "G0002"], "units": [UNIT // 2, UNIT // 2]}
            for day in (2, 3)
        ],
        "certificate": {"a": ["1", "1"], "b": ["0.5", "0.5"], "t": []},
    }  # fmt: skip
    check_plan(two_days)
    two_days["classes"][0]["units"] = [UNIT, 0]
    two_days["classes"][1]["units"] = [0, UNIT]
    with pytest.raises(verifier.Wrong, match="zero"):
        check_plan(two_days)


def test_loads_within_one_unit_of_each_other_are_told_apart() -> None:
    """Nobody but A and B, and A has one day: A serves 1 and B 2, whatever their weights.

    To claim the same load for each unit of weight is less than one unit off, and every sum agrees.
    """
    lottery: Lottery = {
        "unit_bits": 20,
        "groups": [
            {"group_id": "G0001", "members": ["A"], "cap": 2, "weight": 500_000, "load": "1"},
            {"group_id": "G0002", "members": ["B"], "cap": 2, "weight": 999_999, "load": "2"},
        ],
        "classes": [
            {"class_id": "2026-03-02/0001", "date": "2026-03-02", "seats": ["R1#1", "R1#2"],
             "groups": ["G0001", "G0002"], "units": [UNIT, UNIT]},
            {"class_id": "2026-03-03/0001", "date": "2026-03-03", "seats": ["R2#1"],
             "groups": ["G0002"], "units": [UNIT]},
        ],
        "certificate": {"a": ["1", "1"], "b": ["1", "1"], "t": []},
    }  # fmt: skip
    check_plan(lottery)
    lottery["groups"][0]["load"], lottery["groups"][1]["load"] = "1500000/1499999", "2999997/1499999"
    verifier.check_sums(verifier.Lots(lottery))
    with pytest.raises(verifier.Wrong, match=r"G0001 \(A\) .* a load that is not exact"):
        check_plan(lottery)
