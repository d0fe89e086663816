"""The draw that a room can watch: a tree of 1,024 assignments, published first, and ten coins that pick one.

docs/lottery.md, 10. The assignments' average is the published probabilities exactly, because the two children of
every node round every odd value in opposite ways.
"""

from __future__ import annotations

from typing import Final

from optimizer.errors import refuse
from optimizer.seats.network import IntArray
from scheduler.encoding import be64
from scheduler.lottery.classes import network_of
from scheduler.lottery.draw import SeatDraw, reserves_of
from scheduler.lottery.halving import Layers, edge_values, halve, layers_of, level_digest
from scheduler.lottery.plan import OBSERVABLE_BITS, LotteryPlan
from scheduler.lottery.stream import stream_bytes

MOST_SEATS: Final = 200


def observable_tree(plan: LotteryPlan, plan_hash: bytes) -> tuple[dict[str, str], ...]:
    """All 1,024 assignments (seat → code), in order of the coins read as a binary number, first coin highest.

    The tree depends on `plan_hash` only, so that anybody can make it before the coins are tossed.

    Raises:
        Refused: `seats.not_observable`, the plan was not made for this or is too large to be read out.
    """
    check_observable(plan)
    network = network_of(plan.shape)
    layers = layers_of(network)
    level = [("", edge_values(network, plan.units))]
    for number in range(1, OBSERVABLE_BITS + 1):
        level = [
            child for path, values in level for child in _children(layers, values, path, number, plan_hash)
        ]
    arcs = len(plan.units)
    return tuple(_assignment(plan, values[:arcs]) for _, values in level)


def check_observable(plan: LotteryPlan) -> None:
    """Refuse a plan that was not made for coins or is too large to be read out: `seats.not_observable`."""
    if plan.unit_bits != OBSERVABLE_BITS or len(plan.seats) > MOST_SEATS:
        raise refuse(
            "seats.not_observable",
            f"该方案有 {len(plan.seats)} 个席位，不能用于公开掷币抽取。",
            f"This plan of {len(plan.seats)} seats cannot be drawn by coins in public.",
            f"席位不超过 {MOST_SEATS} 个时按可观察方式制定方案；否则计划中改用 halvings。",
            f"Plan at most {MOST_SEATS} seats, as observable; else let the plan say halvings.",
            seats=len(plan.seats),
        )


def coins_of(value: bytes) -> str:
    """Ten coins from the decoded value of the first second source: the lowest bits of its first ten bytes.

    Of called digits, odd ones are 1. Raises Refused `seats.bad_coins` for a shorter value.
    """
    return _checked("".join(str(byte & 1) for byte in value[:OBSERVABLE_BITS]))


def draw_observed(plan: LotteryPlan, plan_hash: bytes, coins: str, k_seats: bytes) -> SeatDraw:
    """The assignment that the coins pick, by going down their path only; reserves come from `k_seats` as ever.

    Raises:
        Refused: `seats.not_observable`, `seats.bad_coins`.
    """
    check_observable(plan)
    network = network_of(plan.shape)
    layers, values, transcript = layers_of(network), edge_values(network, plan.units), []
    for number, coin in enumerate(_checked(coins), start=1):
        values = _children(layers, values, coins[: number - 1], number, plan_hash)[int(coin)][1]
        transcript.append(level_digest(number, values[: len(plan.units)]))
    assignment = _assignment(plan, values[: len(plan.units)])
    return SeatDraw(assignment, reserves_of(plan.shape, assignment, k_seats), tuple(transcript))


def observed(tree: tuple[dict[str, str], ...], coins: str) -> dict[str, str]:
    """The assignment that ten coins pick, given as ten digits 0 or 1 in the order of tossing.

    Raises:
        Refused: `seats.bad_coins`.
    """
    return tree[int(_checked(coins), 2)]


def _checked(coins: str) -> str:
    if len(coins) != OBSERVABLE_BITS or set(coins) - set("01"):
        raise refuse(
            "seats.bad_coins",
            f"掷币结果“{coins}”不是十位 0 或 1。",
            f"The coins {coins!r} are not ten digits 0 or 1.",
            "请按掷币顺序输入十位数字。",
            "Enter ten digits in the order of tossing.",
            coins=coins,
        )
    return coins


def _children(
    layers: Layers, values: IntArray, path: str, number: int, plan_hash: bytes
) -> list[tuple[str, IntArray]]:
    """Both halves of a node: the second has every coin turned over."""
    odd = int((values & 1).sum())
    pairs = stream_bytes(plan_hash, 8 * odd, "DR1/seats/tree-pairs", be64(number), path)
    coins = stream_bytes(plan_hash, odd, "DR1/seats/tree-coins", be64(number), path)
    turned = bytes(coin ^ 1 for coin in coins)
    return [
        (path + "0", halve(layers, values, pairs, coins)),
        (path + "1", halve(layers, values, pairs, turned)),
    ]


def _assignment(plan: LotteryPlan, people: IntArray) -> dict[str, str]:
    shape = plan.shape
    held = {
        shape.classes[place].seats[0]: shape.groups[group].members[0]
        for place, group, count in zip(
            shape.arc_class.tolist(), shape.arc_group.tolist(), people.tolist(), strict=True
        )
        if count
    }
    return dict(sorted(held.items(), key=lambda item: item[0].encode()))
