"""Reserves after the freeze, fair shares over rounds, and what an inspector is shown."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.lottery_city import LotteryShape, lottery_city
from optimizer.errors import Refused
from scheduler.lottery.draw import draw_seats, lottery_json
from scheduler.lottery.plan import plan_lottery
from scheduler.lottery.replacement import LateBar, Standing, moves_for, standing_of
from scheduler.lottery.shares import shares_of
from scheduler.lottery.weights import carried_over, history_of
from scheduler.suite import SHA256

SHAPE = LotteryShape(1, 24, 15, 5, lead=0.8, specialty=0.5)


@pytest.fixture(scope="module")
def drawn() -> tuple[dict[str, Any], Standing]:
    city = lottery_city(SHAPE, 3)
    plan = plan_lottery(city.roster, city.plan, city.days)
    lottery = lottery_json(plan, draw_seats(plan, bytes(32)), SHA256)
    return lottery, standing_of(lottery, plan.seats)


def first_free(standing: Standing, seat_id: str, without: set[str]) -> str:
    """The expected reserve, found the plain way."""
    date = standing.seats[seat_id].date
    busy = {code for seat, code in standing.assignment.items() if standing.seats[seat].date == date}
    line = standing.reserves[standing.class_of[seat_id]]
    return next(code for code in line if code not in busy | without)


def test_sickness_moves_in_the_next_reserve_and_nobody_else(drawn: tuple[dict[str, Any], Standing]) -> None:
    _, standing = drawn
    seat_id, holder = next(iter(standing.assignment.items()))
    date = standing.seats[seat_id].date
    moves = moves_for(standing, [LateBar(holder, "sickness", date, date)])
    assert [(move.seat_id, move.out) for move in moves] == [(seat_id, holder)]
    assert moves[0].into == first_free(standing, seat_id, set())
    after = standing.after(moves).assignment
    assert {seat for seat in after if after[seat] != standing.assignment[seat]} == {seat_id}
    assert moves[0].to_json("2026-03-01T09:00:00+08:00")["type"] == "seat_move"


def test_two_at_once_do_not_move_in_for_each_other(drawn: tuple[dict[str, Any], Standing]) -> None:
    _, standing = drawn
    seat_id, holder = next(iter(standing.assignment.items()))
    date = standing.seats[seat_id].date
    next_one = first_free(standing, seat_id, set())
    bars = [LateBar(holder, "sickness", date, date), LateBar(next_one, "sickness", date, date)]
    moves = moves_for(standing, bars)
    assert len(moves) == 1
    assert moves[0].into == first_free(standing, seat_id, {next_one})


def test_a_late_recusal_bars_from_the_route_only(drawn: tuple[dict[str, Any], Standing]) -> None:
    _, standing = drawn
    seat_id, holder = next(iter(standing.assignment.items()))
    bar = LateBar(holder, "recusal", target_id=standing.seats[seat_id].targets[0])
    assert [move.seat_id for move in moves_for(standing, [bar])] == [seat_id]
    assert moves_for(standing, [LateBar(holder, "recusal", target_id="ELSEWHERE")]) == ()


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_moves_keep_every_rule(drawn: tuple[dict[str, Any], Standing], data: st.DataObject) -> None:
    _, standing = drawn
    codes = data.draw(st.lists(st.sampled_from(sorted(standing.caps)), max_size=4, unique=True))
    dates = sorted({seat.date for seat in standing.seats.values()})
    bars = [
        LateBar(
            code, "sickness", *sorted(data.draw(st.tuples(st.sampled_from(dates), st.sampled_from(dates))))
        )
        for code in codes
    ]
    try:
        after = standing.after(moves_for(standing, bars)).assignment
    except Refused as refused:
        if refused.problem.code != "seats.no_reserve":
            raise
        return
    assert max(Counter((standing.seats[seat].date, code) for seat, code in after.items()).values()) == 1
    assert all(count <= standing.caps[code] for code, count in Counter(after.values()).items())
    assert not any(bar.bars(code, standing.seats[seat]) for seat, code in after.items() for bar in bars)
    unmoved = [
        seat
        for seat in after
        if not any(bar.bars(standing.assignment[seat], standing.seats[seat]) for bar in bars)
    ]
    assert all(after[seat] == standing.assignment[seat] for seat in unmoved)


def test_no_reserve_left_is_refused_by_name(drawn: tuple[dict[str, Any], Standing]) -> None:
    _, standing = drawn
    with pytest.raises(Refused, match=r"seats\.no_reserve"):
        moves_for(
            standing, [LateBar(code, "certificate", "2026-01-01", "2026-12-31") for code in standing.caps]
        )


def test_weights_carry_over() -> None:
    departments = dict.fromkeys("ABCD", "D1") | {"E": "D2"}
    weights = carried_over({"A": 0, "B": 4, "C": 12, "D": 0, "E": 7}, departments)
    assert weights == {"A": 2000, "C": 500, "D": 2000}
    assert carried_over({"A": 0, "B": 0}, departments) == {}
    assert carried_over({"A": 100, "B": 0, "C": 0, "D": 0}, departments)["A"] == 400
    with pytest.raises(Refused, match=r"seats\.bad_history"):
        carried_over({"X": 1}, departments)


def test_who_served_much_is_expected_less() -> None:
    city = lottery_city(
        LotteryShape(1, 20, 20, 5, leave=0, expired=0, recusal=0, lead=1, route_specialty=0), 1
    )
    codes = [item.code for item in city.roster.inspectors]
    served = {code: 6 if place < 5 else 2 for place, code in enumerate(codes)}
    weights = carried_over(served, dict.fromkeys(codes, "D00"))
    plan = plan_lottery(city.roster, city.plan, city.days, weights=weights)
    load = {code: share for g, share in zip(plan.shape.groups, plan.load, strict=True) for code in g.members}
    assert load[codes[0]] < 2 < load[codes[-1]]
    assert load[codes[0]] / load[codes[-1]] == Fraction(weights[codes[0]], weights[codes[-1]])


def test_an_inspector_is_shown_chances_that_add_up(drawn: tuple[dict[str, Any], Standing]) -> None:
    lottery, standing = drawn
    shares = shares_of(lottery)
    assert [share.code for share in shares] == sorted(standing.caps)
    held = Counter(standing.assignment.values())
    for share in shares:
        assert share.drawn == held[share.code]
        total = sum((chance.probability for chance in share.chances), Fraction(0))
        assert abs(total - share.expected) < Fraction(1, 1 << 20)
    assert sum((share.expected for share in shares), Fraction(0)) == len(standing.assignment)


def test_history_adds_up_and_nobody_catches_up_on_absence() -> None:
    departments = {"A": "x", "B": "x", "C": "x", "D": "y", "NEW": "x"}
    rounds = [{"A": 6, "B": 3, "GONE": 9}, {"A": 1, "B": 0, "C": 2, "D": 4}]
    assert history_of(rounds, departments) == {"A": 7, "B": 3, "C": 5 + 2, "D": 0 + 4}
    assert history_of([], departments) == {}
