"""The observable draw: 1,024 assignments whose average is the published probabilities, none against the rules."""

from __future__ import annotations

from collections import Counter

import pytest

from benchmarks.lottery_city import LotteryShape, lottery_city
from optimizer.errors import Refused
from scheduler.lottery.observable import observable_tree, observed
from scheduler.lottery.plan import LotteryPlan, plan_lottery
from scheduler.suite import SHA256

SHAPE = LotteryShape(1, 14, 8, 4, lead=0.8, specialty=0.6)


@pytest.fixture(scope="module")
def plan() -> LotteryPlan:
    city = lottery_city(SHAPE, 2)
    return plan_lottery(city.roster, city.plan, city.days, observable=True)


@pytest.fixture(scope="module")
def tree(plan: LotteryPlan) -> tuple[dict[str, str], ...]:
    return observable_tree(plan, plan.plan_hash(SHA256))


def test_the_average_is_the_published_probabilities(
    plan: LotteryPlan, tree: tuple[dict[str, str], ...]
) -> None:
    assert plan.plan_object(SHA256)["unit_bits"] == 10
    assert len(tree) == 1024
    seen = Counter(pair for assignment in tree for pair in assignment.items())
    code = {group["group_id"]: group["members"] for group in plan.groups_json()}
    published = {
        (item["seats"][0], code[group][0]): units
        for item in plan.classes_json()
        for group, units in zip(item["groups"], item["units"], strict=True)
        if units
    }
    assert all(len(members) == 1 for members in code.values())
    assert dict(seen) == published


def test_every_assignment_keeps_the_rules(plan: LotteryPlan, tree: tuple[dict[str, str], ...]) -> None:
    dates = {seat.seat_id: seat.date for seat in plan.seats}
    load = {group.members[0]: share for group, share in zip(plan.shape.groups, plan.load, strict=True)}
    for assignment in tree:
        assert set(assignment) == set(dates)
        assert len({(dates[seat], code) for seat, code in assignment.items()}) == len(dates)
        held = Counter(assignment.values())
        assert all(abs(held[code] - share) < 1 for code, share in load.items())


def test_ten_coins_pick_one(tree: tuple[dict[str, str], ...]) -> None:
    assert observed(tree, "0000000011") == tree[3]
    assert observed(tree, "1000000000") == tree[512]
    for wrong in ("", "01", "0123456789", "０" * 10):
        with pytest.raises(Refused, match=r"seats\.bad_coins"):
            observed(tree, wrong)


def test_an_ordinary_plan_is_not_observable() -> None:
    city = lottery_city(SHAPE, 2)
    with pytest.raises(Refused, match=r"seats\.not_observable"):
        observable_tree(plan_lottery(city.roster, city.plan, city.days), bytes(32))
