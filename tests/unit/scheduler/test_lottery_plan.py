"""Seats, eligibility rule by rule, classes and groups, refusals with their reasons, and the plan's hash."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.lottery_city import LotteryShape, empty_report, lottery_city
from optimizer.errors import Refused
from optimizer.model import Plan, Route, Stop, Visit
from scheduler.encoding import canonical_json
from scheduler.lottery.classes import seat_classes
from scheduler.lottery.plan import plan_lottery, unfillable
from scheduler.lottery.roster import Inspector, Leave, Recusal, Roster
from scheduler.lottery.seats import DistrictRule, Eligibility, Family, seats_of
from scheduler.suite import SHA256

DAYS = ("2026-03-02", "2026-03-03")
ROOT = Path(__file__).parents[3]


def inspector(code: str, **changes: object) -> Inspector:
    sound = Inspector(code, "D1", "650102", "2026-12-31", ("food",), True, 5)
    return replace(sound, **changes)  # type: ignore[arg-type]  # each test names fields of its own


def one_route(officers: int = 2, specialties: tuple[str, ...] = (), day: int = 0) -> Plan:
    visits = (Visit("V1", "T1", day, 600, ("C1",)), Visit("V2", "T2", day, 700, ("C2",)))
    stops = (Stop("V1", 595, 600, 640), Stop("V2", 690, 700, 740))
    route = Route("R1", "D1", "650102", day, officers, specialties, stops)
    return Plan(visits, (route,), (), empty_report())


@pytest.mark.parametrize(
    ("officers", "specialties", "asked"),
    [
        (2, (), [(), ()]),
        (2, ("food",), [(), ("food",)]),
        (3, ("z", "a"), [(), ("a",), ("z",)]),
        (2, ("z", "a"), [("z",), ("a",)]),
        (2, ("c", "b", "a"), [("b",), ("a", "c")]),
    ],
)
def test_specialties_are_asked_in_turn_and_of_the_lead_last(
    officers: int, specialties: tuple[str, ...], asked: list[tuple[str, ...]]
) -> None:
    seats = seats_of(one_route(officers, specialties), DAYS)
    assert [seat.seat_id for seat in seats] == [f"R1#{number + 1}" for number in range(officers)]
    assert [seat.lead for seat in seats] == [True] + [False] * (officers - 1)
    assert [seat.specialties for seat in seats] == asked
    assert {seat.targets for seat in seats} == {("T1", "T2")}


@pytest.mark.parametrize(
    ("family", "barred", "leave", "recusals", "rule"),
    [
        ("department", inspector("X", department="D2"), (), (), "any"),
        ("certificate", inspector("X", certificate_expires="2026-03-01"), (), (), "any"),
        ("leave", inspector("X"), (Leave("X", "2026-02-20", "2026-03-02"),), (), "any"),
        ("recusal", inspector("X"), (), (Recusal("X", "T2"),), "any"),
        ("lead", inspector("X", lead=False), (), (), "any"),
        ("specialty", inspector("X", specialties=("gas",)), (), (), "any"),
        ("district", inspector("X", district="650103"), (), (), "home"),
        ("district", inspector("X"), (), (), "away"),
    ],
)
def test_each_rule_bars_alone(
    family: Family,
    barred: Inspector,
    leave: tuple[Leave, ...],
    recusals: tuple[Recusal, ...],
    rule: DistrictRule,
) -> None:
    roster = Roster((barred,), leave, recusals)
    lead, second = seats_of(one_route(2, ("food",)), DAYS)
    seat = replace(lead, specialties=second.specialties)
    assert Eligibility(roster, rule).codes(Eligibility(roster, rule).mask(seat)) == ()
    without = Eligibility(roster, rule, (family,))
    assert without.codes(without.mask(seat)) == ("X",)


def test_a_certificate_is_good_on_its_last_day_and_leave_ends_on_its_last() -> None:
    people = (inspector("A", certificate_expires="2026-03-02"), inspector("B"))
    roster = Roster(people, (Leave("B", "2026-03-01", "2026-03-01"),))
    eligibility = Eligibility(roster)
    assert eligibility.codes(eligibility.mask(seats_of(one_route(), DAYS)[0])) == ("A", "B")


def test_seats_and_inspectors_who_are_alike_share_a_class_and_a_group() -> None:
    roster = Roster(
        (*(inspector(code) for code in "DCBA"), inspector("E", lead=False), inspector("F", cap=1))
    )
    seats = seats_of(one_route(3), DAYS)
    shape = seat_classes(seats, Eligibility(roster), {"B": 500})
    assert [item.seats for item in shape.classes] == [("R1#1",), ("R1#2", "R1#3")]
    assert [item.class_id for item in shape.classes] == ["2026-03-02/0001", "2026-03-02/0002"]
    assert [group.members for group in shape.groups] == [("A", "C", "D"), ("B",), ("E",), ("F",)]
    pairs = list(zip(shape.arc_class.tolist(), shape.arc_group.tolist(), strict=True))
    assert pairs == [(0, 0), (0, 1), (0, 3), (1, 0), (1, 1), (1, 2), (1, 3)]


def refusal(roster: Roster, plan: Plan) -> Refused:
    with pytest.raises(Refused) as caught:
        plan_lottery(roster, plan, DAYS)
    return caught.value


@pytest.mark.parametrize(
    ("second", "repairs"),
    [
        (Roster((inspector("A", specialties=()), inspector("B", specialties=()))), "specialty"),
        (Roster((inspector("A"), inspector("B")), (Leave("B", *DAYS),)), "leave"),
        (Roster((inspector("A"), inspector("B")), (), (Recusal("B", "T1"),)), "recusal"),
        (Roster((inspector("A"), inspector("B", certificate_expires="2026-01-01"))), "certificate"),
        (Roster((inspector("A"), inspector("B", department="D2"))), "department"),
        (Roster((inspector("A"), inspector("B", cap=0))), "workload"),
        (Roster((inspector("A", lead=False), inspector("B", lead=False))), "lead"),
    ],
)
def test_a_plan_that_cannot_be_filled_names_what_alone_repairs_it(second: Roster, repairs: str) -> None:
    problem = refusal(second, one_route(2, ("food",))).problem
    assert problem.code == "seats.unfillable"
    assert problem.params["repairs"] == repairs
    assert set(str(problem.params["seats"]).split(",")) <= {"R1#1", "R1#2"}
    (told,) = json.loads(str(problem.params["details"]))
    (repair,) = told["repairs"]
    assert repair["family"] == repairs
    assert repair["frees"]
    for remedy in (problem.remedy_zh, problem.remedy_en):
        assert repair["frees"][0] in remedy


def test_each_of_several_conflicts_is_told_with_its_remedy() -> None:
    """Nobody of D1 has the specialty on the first day; on the second the only lead is away."""
    one, other = one_route(2, ("food",), day=0), one_route(2, day=1)
    both = replace(one, routes=(one.routes[0], replace(other.routes[0], route_id="R2")))
    people = (inspector("A", specialties=()), inspector("B", lead=False, specialties=()))
    problem = refusal(Roster(people, (Leave("A", DAYS[1], DAYS[1]),)), both).problem
    assert problem.params["conflicts"] == 2
    details = json.loads(str(problem.params["details"]))
    assert [told["seats"] for told in details] == [["R1#2"], ["R2#1"]]
    families = [[repair["family"] for repair in told["repairs"]] for told in details]
    assert families == [["specialty"], ["lead", "leave"]]
    assert details[1]["repairs"][1]["frees"] == ["A"]
    for text in (problem.zh, problem.en):
        assert "R1#2" in text
        assert "R2#1" in text
    assert "Train one more officer in food" in problem.remedy_en
    assert "Change the leave of A on 2026-03-03." in problem.remedy_en
    assert "调整 A 在 2026-03-03 的请假。" in problem.remedy_zh


def test_a_conflict_is_the_smallest_set_of_seats() -> None:
    problem = refusal(Roster((inspector("A"), inspector("B", lead=False))), one_route(3)).problem
    assert problem.params["seats"] == "R1#1,R1#2,R1#3"
    assert problem.params["eligible"] == "A,B"
    assert problem.params["repairs"] == ""
    alone = refusal(Roster((inspector("B", lead=False),)), one_route(3)).problem
    assert alone.params["seats"] == "R1#1"
    assert alone.params["eligible"] == ""


def test_a_conflict_names_another_day_for_the_route() -> None:
    """Both are away on the first day; on the second, where another route goes already, four are free."""
    one, other = one_route(day=0), one_route(day=1)
    both = replace(one, routes=(one.routes[0], replace(other.routes[0], route_id="R2")))
    roster = Roster(
        tuple(inspector(code) for code in "ABCD"), tuple(Leave(code, *DAYS[:1] * 2) for code in "ABC")
    )
    problem = refusal(roster, both).problem
    assert problem.params["route"] == "R1"
    assert problem.params["other_days"] == DAYS[1]
    assert "Move route R1 to 2026-03-03" in problem.remedy_en
    assert [item.other_days for item in unfillable(roster, both, DAYS)] == [DAYS[1:]]
    assert unfillable(replace(roster, leave=()), both, DAYS) == ()


@pytest.mark.parametrize(
    ("roster", "code"),
    [
        (Roster((inspector("A"), inspector("A"))), "roster.duplicate"),
        (Roster((inspector("A", cap=-1),)), "roster.cap"),
        (Roster((inspector("A", certificate_expires="2026-2-30"),)), "roster.bad_date"),
        (Roster((inspector("A"),), (Leave("A", "2026-03-02", "soon"),)), "roster.bad_date"),
        (Roster((inspector("A"),), (Leave("B", *DAYS),)), "roster.unknown_code"),
        (Roster((inspector("A"),), (), (Recusal("B", "T1"),)), "roster.unknown_code"),
    ],
)
def test_a_faulty_roster_is_refused(roster: Roster, code: str) -> None:
    assert refusal(roster, one_route()).problem.code == code


def test_a_weight_outside_its_range_is_refused() -> None:
    with pytest.raises(Refused, match=r"seats\.bad_weight"):
        plan_lottery(Roster((inspector("A"), inspector("B"))), one_route(), DAYS, weights={"A": 0})


def test_roster_json_and_hash_do_not_depend_on_order() -> None:
    people = (inspector("B", specialties=("z", "a")), inspector("A"))
    leave = (Leave("B", *DAYS), Leave("A", *DAYS))
    one, other = Roster(people, leave), Roster(people[::-1], leave[::-1])
    assert one.to_json() == other.to_json()
    assert one.to_json()["inspectors"][1] == {
        "code": "B",
        "department": "D1",
        "district": "650102",
        "certificate_expires": "2026-12-31",
        "specialties": ["a", "z"],
        "lead": True,
        "cap": 5,
    }
    assert one.to_json()["leave"][0] == {"code": "A", "from": DAYS[0], "to": DAYS[1]}
    assert one.roster_hash(SHA256) == other.roster_hash(SHA256) == SHA256.hash(canonical_json(one.to_json()))


def test_the_plan_object_is_the_documented_one() -> None:
    plan = plan_lottery(Roster((inspector("A"), inspector("B"), inspector("C"))), one_route(), DAYS)
    bound = plan.plan_object(SHA256)
    assert sorted(bound) == [
        "classes", "district_rule", "groups", "roster_hash", "routes", "seats", "unit_bits", "visits",
    ]  # fmt: skip
    assert bound["groups"] == [
        {"group_id": "G0001", "members": ["A", "B", "C"], "cap": 5, "weight": 1000, "load": "2/3"}
    ]
    assert bound["classes"] == [
        {"class_id": "2026-03-02/0001", "date": DAYS[0], "seats": ["R1#1", "R1#2"], "groups": ["G0001"],
         "units": [2 << 20]}
    ]  # fmt: skip
    assert bound["routes"][0]["stops"][1] == {"visit_id": "V2", "arrive": 690, "start": 700, "end": 740}
    assert bound["visits"][0]["date"] == DAYS[0]
    assert plan.plan_hash(SHA256) == SHA256.hash(canonical_json(bound))


_PRINT_HASH = """
from benchmarks.lottery_city import LotteryShape, lottery_city
from scheduler.encoding import canonical_json
from scheduler.lottery.draw import draw_seats, lottery_json
from scheduler.lottery.plan import plan_lottery, unfillable
from scheduler.suite import SHA256
city = lottery_city(LotteryShape(3, 30, 20, 5, lead=0.8, specialty=0.5), 7)
plan = plan_lottery(city.roster, city.plan, city.days)
print(SHA256.hash(canonical_json(lottery_json(plan, draw_seats(plan, bytes(32)), SHA256))).hex())
"""


def test_the_bytes_do_not_depend_on_the_hash_seed() -> None:
    printed = {
        subprocess.run(
            [sys.executable, "-c", _PRINT_HASH],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": str(seed)},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in (0, 1)
    }
    assert len(printed) == 1


def test_the_order_of_input_does_not_matter() -> None:
    city = lottery_city(LotteryShape(2, 20, 10, 4, lead=0.8, specialty=0.6), 5)
    roster = Roster(city.roster.inspectors[::-1], city.roster.leave[::-1], city.roster.recusals[::-1])
    plan = replace(city.plan, routes=city.plan.routes[::-1], visits=city.plan.visits[::-1])
    one = plan_lottery(city.roster, city.plan, city.days)
    other = plan_lottery(roster, plan, city.days)
    assert json.dumps(one.plan_object(SHA256)) == json.dumps(other.plan_object(SHA256))
