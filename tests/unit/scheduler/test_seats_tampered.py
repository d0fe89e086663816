"""Cheats about weights, coins and moves after the freeze: committed to, sealed and logged anew, and caught."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from app.disclosure.container import Copy
from optimizer.seats.fair import fair_spread
from scheduler.lottery.classes import network_of, seat_classes
from scheduler.lottery.draw import draw_seats
from scheduler.lottery.observable import draw_observed
from scheduler.lottery.plan import UNIT, LotteryPlan, plan_lottery
from scheduler.lottery.replacement import LateBar, Move
from scheduler.lottery.seats import Eligibility
from scheduler.lottery.weights import carried_over
from scheduler.verifier import verify
from tests.unit.scheduler.round_factory import Draft, make_round
from tests.unit.scheduler.round_frozen import DEPARTMENTS

AT = ("2027-01-06T09:00:00+08:00", "2027-01-06T10:00:00+08:00")
SERVED = {f"D1-{number:02}": number for number in range(6)} | {"D2-00": 4, "D2-01": 0}
Cheat = Callable[[Draft], None]
COPIES: tuple[Copy, ...] = ("public", "auditor")


def department_of(code: str) -> str:
    return next(name for name in DEPARTMENTS if name.startswith(code[:2]))


def history(served: dict[str, int]) -> list[dict[str, Any]]:
    return [
        {"code": code, "department": department_of(code), "seats": n} for code, n in sorted(served.items())
    ]


def weights(served: dict[str, int]) -> dict[str, int]:
    return carried_over(served, {code: department_of(code) for code in served})


def failed(draft: Draft, folder: Path, copy: Copy) -> tuple[str, str]:
    """The first step that fails, and what it says; empty where all hold."""
    outcome = verify(draft.write(folder, copy))
    lines = [line for line in outcome.lines if line.status == "FAIL"]
    return (lines[0].step, lines[0].detail) if lines else ("", "")


@pytest.fixture(scope="module")
def plain() -> Draft:
    return make_round()


@pytest.mark.parametrize("copy", COPIES)
def test_weights_that_follow_from_history_hold(tmp_path: Path, copy: Copy) -> None:
    draft = make_round(extra={"seat_history": history(SERVED), "seat_weights": weights(SERVED)})
    assert len(set(weights(SERVED).values())) > 3
    assert failed(draft, tmp_path, copy) == ("", "")
    loads = {code: group["load"] for group in draft.docs["lottery"]["groups"] for code in group["members"]}
    assert len(set(loads.values())) > 1


SPARED: list[tuple[str, dict[str, Any], tuple[Copy, ...]]] = [
    ("weights without a history", {"seat_weights": {"D1-00": 250}}, COPIES),
    (
        "a favourite's weight lowered",
        {"seat_history": history(SERVED), "seat_weights": weights(SERVED) | {"D1-00": 250}},
        COPIES,
    ),
    ("a history without its weights", {"seat_history": history(SERVED)}, COPIES),
    (
        "a history out of order",
        {"seat_history": history(SERVED)[::-1], "seat_weights": weights(SERVED)},
        COPIES,
    ),
    (
        "a favourite counted with a department that served less",
        {
            "seat_history": [
                {"code": "D1-05", "department": DEPARTMENTS[1], "seats": 5},
                {"code": "D2-00", "department": DEPARTMENTS[1], "seats": 1},
            ],
            "seat_weights": carried_over({"D1-05": 5, "D2-00": 1}, dict.fromkeys(("D1-05", "D2-00"), "D2")),
        },
        ("auditor",),
    ),
]


@pytest.mark.parametrize(("extra", "copies"), [case[1:] for case in SPARED], ids=[case[0] for case in SPARED])
def test_false_weights_are_caught(tmp_path: Path, extra: dict[str, Any], copies: tuple[Copy, ...]) -> None:
    """The whole round is made under them: seed, loads and draw all agree with the manifest."""
    draft = make_round(extra=extra)
    for copy in copies:
        assert failed(draft, tmp_path, copy)[0] == "lottery"


def equals_set_apart(lottery: LotteryPlan) -> LotteryPlan:
    """One of several equals in a group of his own, though no rule tells them apart."""
    favourite = next(group.members[0] for group in lottery.shape.groups if len(group.members) > 1)
    apart = plan_lottery(lottery.roster, lottery.plan, lottery.days, weights={favourite: 1001})
    groups = tuple(dataclasses.replace(group, weight=1000) for group in apart.shape.groups)
    return dataclasses.replace(apart, shape=dataclasses.replace(apart.shape, groups=groups))


def seats_set_apart(lottery: LotteryPlan) -> LotteryPlan:
    """Each seat a class of its own, though the same inspectors may take it as take its neighbour."""
    shape = seat_classes(lottery.seats, Eligibility(lottery.roster, lottery.district_rule), {}, apart=True)
    fair = fair_spread(network_of(shape), UNIT)
    a, b = tuple(fair.a.tolist()), tuple(fair.b.tolist())
    return dataclasses.replace(lottery, shape=shape, load=fair.load, units=fair.units, a=a, b=b, t=())


def loads_a_hair_off(lottery: LotteryPlan) -> LotteryPlan:
    """The least loaded claim a little more and the most loaded a little less: the units are the true ones."""
    groups = lottery.shape.groups
    value = [load / group.weight for load, group in zip(lottery.load, groups, strict=True)]
    hair = {min(value): Fraction(1, 2**40), max(value): Fraction(-1, 2**40)}
    people = {level: sum(len(g.members) for g, own in zip(groups, value, strict=True) if own == level)
              for level in hair}  # fmt: skip
    off = [hair[own] / people[own] if own in hair else Fraction(0) for own in value]
    changed = tuple(load + each for load, each in zip(lottery.load, off, strict=True))
    return dataclasses.replace(lottery, load=changed)


@pytest.mark.parametrize("copy", COPIES)
@pytest.mark.parametrize(
    ("cheat", "told"),
    [(equals_set_apart, "groups "), (seats_set_apart, "classes "), (loads_a_hair_off, "a load that is not")],
)
def test_favour_by_another_cut_is_caught(
    tmp_path: Path, plain: Draft, cheat: Callable[[LotteryPlan], LotteryPlan], told: str, copy: Copy
) -> None:
    """Planned, committed to, drawn and sealed under it: only the rule itself can tell."""
    draft = plain.copied()
    draft.seat(cheat(draft.lottery))
    step, detail = failed(draft, tmp_path, copy)
    assert (step, told in detail) == ("lottery", True), detail


@pytest.mark.parametrize("copy", COPIES)
def test_a_draw_by_coins_holds_and_another_leaf_is_caught(tmp_path: Path, copy: Copy) -> None:
    draft = make_round(extra={"seat_draw": "observable"})
    assert draft.docs["lottery"]["unit_bits"] == 10
    assert failed(draft, tmp_path, copy) == ("", "")
    plan_hash = draft.lottery.plan_hash(draft.keys.suite)
    other = draw_observed(draft.lottery, plan_hash, "1111100000", bytes(32))
    draft.docs["lottery"]["assignment"] = other.assignment
    draft.docs["lottery"]["transcript"] = list(other.transcript)
    draft.bind_seats()
    assert failed(draft, tmp_path, copy)[0] == "assignment"


def test_an_ordinary_draw_in_place_of_coins_is_caught(tmp_path: Path) -> None:
    draft = make_round(extra={"seat_draw": "observable"})
    lottery = plan_lottery(draft.lottery.roster, draft.lottery.plan, draft.lottery.days)
    draft.manifest = dataclasses.replace(draft.manifest, extra={"demo": 0})
    draft.seat(lottery)
    step, told = failed(draft, tmp_path, "public")
    assert (step, "seat_draw" in told) == ("lottery", True)


@pytest.mark.parametrize("copy", COPIES)
def test_drawn_again_under_another_seed_is_caught(tmp_path: Path, plain: Draft, copy: Copy) -> None:
    draft = plain.copied()
    other = draw_seats(draft.lottery, bytes(32))
    draft.docs["lottery"]["assignment"] = other.assignment
    draft.docs["lottery"]["transcript"] = list(other.transcript)
    draft.docs["lottery"]["reserves"] = {key: list(codes) for key, codes in other.reserves.items()}
    draft.bind_seats()
    assert failed(draft, tmp_path, copy)[0] == "assignment"


def sick(draft: Draft, place: int = 0) -> tuple[LateBar, str]:
    """Who holds the seat of that place, sick on its day; and the seat."""
    seat = draft.docs["lottery"]["seats"][place]
    holder = draft.docs["lottery"]["assignment"][seat["seat_id"]]
    return LateBar(holder, "sickness", seat["date"], seat["date"]), seat["seat_id"]


def line_of(draft: Draft, seat_id: str) -> tuple[str, list[str]]:
    """The seat's class and its reserves."""
    lottery = draft.docs["lottery"]
    item = next(item for item in lottery["classes"] if seat_id in item["seats"])
    return item["class_id"], lottery["reserves"][item["class_id"]]


@pytest.mark.parametrize("copy", COPIES)
def test_lawful_absences_hold(tmp_path: Path, plain: Draft, copy: Copy) -> None:
    """One sick, then another together with the first's successor and a late recusal."""
    draft = plain.copied()
    draft.absent(AT[0], sick(draft)[0])
    first = draft.docs["events"][-1]
    seat = next(seat for seat in draft.lottery.seats if seat.seat_id != first["seat_id"])
    holder = draft.docs["lottery"]["assignment"][seat.seat_id]
    day = draft.lottery.seats[0].date
    draft.absent(
        AT[1],
        LateBar(first["into"], "certificate", day, "2027-01-29"),
        LateBar(holder, "recusal", target_id=seat.targets[0]),
    )
    assert len(draft.docs["events"]) >= 5
    assert failed(draft, tmp_path, copy) == ("", "")


@pytest.mark.parametrize("copy", COPIES)
def test_who_is_absent_too_is_passed_over(tmp_path: Path, plain: Draft, copy: Copy) -> None:
    """The next reserve is sick as well, filed together: the one after moves in."""
    draft = plain.copied()
    bar, seat = sick(draft)
    line = line_of(draft, seat)[1]
    draft.absent(AT[0], bar, dataclasses.replace(bar, code=line[0]))
    moves = [event for event in draft.docs["events"] if event["type"] == "seat_move"]
    assert [(move["out"], move["into"]) for move in moves] == [(bar.code, line[1])]
    assert failed(draft, tmp_path, copy) == ("", "")


def absent_reserve_moves_in(draft: Draft) -> None:
    bar, seat = sick(draft)
    class_id, line = line_of(draft, seat)
    together = (bar, dataclasses.replace(bar, code=line[0]))
    draft.absent(AT[0], *together, moves=[Move(seat, class_id, bar.code, line[0], "sickness")])


def reserve_out_of_turn(draft: Draft) -> None:
    bar, seat = sick(draft)
    class_id, line = line_of(draft, seat)
    draft.absent(AT[0], bar, moves=[Move(seat, class_id, bar.code, line[1], "sickness")])


def friend_from_outside_the_reserves(draft: Draft) -> None:
    bar, seat = sick(draft)
    class_id, line = line_of(draft, seat)
    everyone = {code for group in draft.docs["lottery"]["groups"] for code in group["members"]}
    draft.absent(AT[0], bar, moves=[Move(seat, class_id, bar.code, min(everyone - set(line)), "sickness")])


def moved_without_an_absence(draft: Draft) -> None:
    bar, seat = sick(draft)
    class_id, line = line_of(draft, seat)
    draft.absent(AT[0], moves=[Move(seat, class_id, bar.code, line[0], "sickness")])


def another_seat_changes_as_well(draft: Draft) -> None:
    draft.absent(AT[0], sick(draft)[0])
    bar, seat = sick(draft, -1)
    class_id, line = line_of(draft, seat)
    draft.absent(AT[0], moves=[Move(seat, class_id, bar.code, line[0], "sickness")])


def absent_but_left_on_the_seat(draft: Draft) -> None:
    draft.absent(AT[0], sick(draft)[0], moves=[])


def move_with_another_reason(draft: Draft) -> None:
    bar, seat = sick(draft)
    class_id, line = line_of(draft, seat)
    draft.absent(AT[0], bar, moves=[Move(seat, class_id, bar.code, line[0], "recusal")])


def absence_for_no_listed_reason(draft: Draft) -> None:
    draft.absent(AT[0], sick(draft)[0])
    draft.docs["events"][0]["reason"] = "busy"
    draft.docs["log/entries"] = [
        row
        for row in draft.docs["log/entries"]
        if row["entry"]["type"] not in ("round.absence", "round.seat_move")
    ]
    for event in draft.docs["events"]:
        draft.log_event(event)


def event_changed_after_it_was_logged(draft: Draft) -> None:
    draft.absent(AT[0], sick(draft)[0])
    draft.docs["events"][0]["to"] = "2027-01-29"


def events_left_out(draft: Draft) -> None:
    draft.absent(AT[0], sick(draft)[0])
    draft.docs["events"] = []


def events_invented_after_the_reveal(draft: Draft) -> None:
    draft.absent(AT[0], sick(draft)[0])
    draft.docs["log/entries"] = [
        row
        for row in draft.docs["log/entries"]
        if row["entry"]["type"] not in ("round.absence", "round.seat_move")
    ]


def event_dated_back(draft: Draft) -> None:
    draft.absent(AT[1], sick(draft)[0])
    for event in draft.docs["events"]:
        event["at"] = AT[0]


MOVES: list[Cheat] = [
    absent_reserve_moves_in,
    reserve_out_of_turn,
    friend_from_outside_the_reserves,
    moved_without_an_absence,
    another_seat_changes_as_well,
    absent_but_left_on_the_seat,
    move_with_another_reason,
    absence_for_no_listed_reason,
    event_changed_after_it_was_logged,
    events_left_out,
    events_invented_after_the_reveal,
    event_dated_back,
]


@pytest.mark.parametrize("copy", COPIES)
@pytest.mark.parametrize("cheat", MOVES, ids=[cheat.__name__ for cheat in MOVES])
def test_false_moves_are_caught(tmp_path: Path, plain: Draft, cheat: Cheat, copy: Copy) -> None:
    draft = plain.copied()
    cheat(draft)
    step, told = failed(draft, tmp_path, copy)
    assert step == "assignment", told
    assert " · " in told
