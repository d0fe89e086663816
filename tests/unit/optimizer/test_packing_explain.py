"""Twenty-odd inputs that cannot be done as asked, one per reason: the rule is named exactly, and lifting it repairs."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from benchmarks.packing_city import City, city
from benchmarks.packing_small import DAYS, PARAMETERS, problem, site
from optimizer.checker import check
from optimizer.explain import Explanation, explain
from optimizer.model import Check, Department, ForbiddenPair, PackingProblem, Parameters, Plan
from optimizer.organise import organise
from optimizer.relax import Question, without
from optimizer.solve import pack


@dataclass(frozen=True)
class Case:
    """An input, the code of what cannot be, the rules in its way, and the cheapest remedy with its amount."""

    problem: PackingProblem
    code: str
    rules: tuple[str, ...]
    remedy: tuple[str, int]
    parameters: Parameters = PARAMETERS


def one(
    minutes: int = 60, officers: int = 2, specialties: tuple[str, ...] = (), days: tuple[int, ...] = ()
) -> Check:
    return Check("A1", "T1", "A", minutes, officers, specialties, days)


def staffed(given: PackingProblem, *heads: int, holders: tuple[int, ...] = (4,) * 5) -> PackingProblem:
    """Department A with these heads and holders of S."""
    row = Department("A", heads or (20,) * 5, (("S", holders),))
    return replace(given, departments=(row, *(d for d in given.departments if d.department != "A")))


def two(**other: tuple[int, ...]) -> list[Check]:
    return [one(), Check("B1", "T1", "B", 70, **other)]  # type: ignore[arg-type]  # only `days` is given


SHUT = replace(site(), closed_days=(0, 1, 2, 3, 4))
LONG = [Check("A1", "T1", "A", 420, days=(0,)), Check("A2", "T2", "A", 420, days=(0,))]
FAR = [site(), site("T2", 100)]
CASES = {
    "longer than a day": Case(
        problem([one(500)], [site()]), "packing.longer_than_day", ("day_minutes",), ("day_minutes", 80)
    ),
    "more than the cap": Case(
        problem([one(officers=4)], [replace(site(), people_cap=3)]),
        "packing.people_cap", ("people_cap",), ("people_cap", 1),
    ),
    "closed all the time": Case(
        problem([one()], [SHUT]), "packing.window_empty", ("closed_days",), ("closed_days", 0)
    ),
    "closed on its days": Case(
        problem([one(days=(1, 2))], [replace(site(), closed_days=(1, 2))]),
        "packing.window_empty", ("days:A1", "closed_days"), ("days:A1", 0),
    ),
    "no crew large enough": Case(
        staffed(problem([one(officers=5)], [site()]), 3, 2, 3, 1, 0), "packing.no_crew", ("heads:A",), ("heads:A", 2)
    ),
    "no crew on its day": Case(
        staffed(problem([one(days=(4,))], [site()]), 8, 8, 8, 8, 0),
        "packing.no_crew", ("days:A1", "heads:A"), ("days:A1", 0),
    ),
    "no crew while open": Case(
        staffed(problem([one()], [replace(site(), closed_days=(0, 1))]), 4, 4, 0, 1, 0),
        "packing.no_crew", ("heads:A", "closed_days"), ("heads:A", 1),
    ),
    "no specialist": Case(
        staffed(problem([one(specialties=("S",))], [site()]), holders=(0,) * 5),
        "packing.no_specialist", ("specialists:A:S",), ("specialists:A:S", 1),
    ),
    "no specialist on its day": Case(
        staffed(problem([one(specialties=("S",), days=(3,))], [site()]), holders=(2, 2, 2, 0, 2)),
        "packing.no_specialist", ("days:A1", "specialists:A:S"), ("days:A1", 0),
    ),
    "no entries left": Case(
        problem([one()], [replace(site(), entries_left=0)]),
        "packing.entries_used_up", ("entries_left",), ("entries_left", 1),
    ),
    "one entry, a forbidden pair": Case(
        problem(two(), [replace(site(), entries_left=1)], [ForbiddenPair("A1", "B1", "unannounced")]),
        "packing.entries_used_up", ("entries_left", "forbidden:A1|B1"), ("entries_left", 1),
    ),
    "one entry, no common day": Case(
        problem(
            [one(days=(0,)), Check("B1", "T1", "B", 70, days=(1,))], [replace(site(), entries_left=1)]
        ),
        "packing.entries_used_up", ("days:A1", "days:B1", "entries_left"), ("days:A1", 0),
    ),
    "one entry, too few people at once": Case(
        problem(
            [one(300), Check("B1", "T1", "B", 300)], [replace(site(), entries_left=1, people_cap=2)]
        ),
        "packing.entries_used_up", ("day_minutes", "people_cap", "entries_left"), ("day_minutes", 180),
    ),
    "everybody is taken": Case(
        problem(LONG, FAR, heads=2, days=1), "packing.no_room", ("heads:A",), ("heads:A", 2)
    ),
    "the specialist is taken": Case(
        replace(
            problem([replace(row, specialties=("S",)) for row in LONG], FAR, days=1),
            departments=(Department("A", (20,), (("S", (1,)),)),),
        ),
        "packing.no_room", ("specialists:A:S",), ("specialists:A:S", 1),
    ),
    "no more stops a day": Case(
        problem([Check("A1", "T1", "A", 60), Check("A2", "T2", "A", 60)], FAR, heads=2, days=1),
        "packing.no_room", ("heads:A", "max_entries"), ("heads:A", 2),
        replace(PARAMETERS, max_entries=1),
    ),
    "apart: a forbidden pair": Case(
        problem(two(), [site()], [ForbiddenPair("A1", "B1", "unannounced")]),
        "packing.apart", ("forbidden:A1|B1",), ("forbidden:A1|B1", 0),
    ),
    "apart: no common day": Case(
        problem([one(days=(0,)), Check("B1", "T1", "B", 70, days=(1,))], [site()]),
        "packing.apart", ("days:A1", "days:B1"), ("days:A1", 0),
    ),
    "apart: crews on different days": Case(
        staffed(problem([one(), Check("B1", "T1", "B", 70, days=(0, 1))], [site()]), 0, 0, 4, 4, 4),
        "packing.apart", ("days:B1", "heads:A"), ("days:B1", 0),
    ),
    "apart: specialists on different days": Case(
        staffed(
            problem([one(specialties=("S",)), Check("B1", "T1", "B", 70, days=(0,))], [site()]),
            holders=(0, 0, 1, 0, 0),
        ),
        "packing.apart", ("days:B1", "specialists:A:S"), ("days:B1", 0),
    ),
    "apart: too few people at once": Case(
        problem([one(300), Check("B1", "T1", "B", 300)], [replace(site(), people_cap=2)]),
        "packing.apart", ("day_minutes", "people_cap"), ("day_minutes", 180),
    ),
    "apart: one department, too long": Case(
        problem([one(300), Check("A2", "T1", "A", 200)], [site()]),
        "packing.apart", ("day_minutes",), ("day_minutes", 80),
    ),
}  # fmt: skip


def explained(case: Case) -> tuple[Plan, Explanation]:
    plan = pack(case.problem, case.parameters)
    assert check(case.problem, case.parameters, plan) == []
    (found,) = explain(case.problem, case.parameters, plan)
    return plan, found


@pytest.mark.parametrize("name", CASES)
def test_the_rule_is_named_exactly_with_its_cheapest_remedy(name: str) -> None:
    case = CASES[name]
    plan, found = explained(case)
    assert found.code == case.code
    assert tuple(rule.name for rule in found.rules) == case.rules
    assert [(row.name, row.amount) for row in found.remedies] == [case.remedy]
    assert all(
        said.zh and said.en and "{" not in said.zh + said.en for said in (*found.rules, *found.remedies)
    )
    assert (found.kind == "unscheduled") == bool(plan.unscheduled)


@pytest.mark.parametrize("name", CASES)
def test_lifting_any_rule_that_is_named_repairs(name: str) -> None:
    case = CASES[name]
    _, found = explained(case)
    where = next(row for row in case.problem.sites if row.target_id == found.target_id)
    own = tuple(row for row in case.problem.checks if row.check_id in found.checks)
    for rule in found.rules:
        lifted = without(Question(case.problem, case.parameters, where, own), [rule.name])
        most = 1440 - lifted.parameters.day_start
        within = replace(lifted.parameters, day_minutes=min(lifted.parameters.day_minutes, most))
        plan = pack(lifted.problem, within)
        assert plan.unscheduled == (), rule
        if found.kind == "apart":
            assert len(plan.visits) == 1, rule


def test_what_can_be_done_needs_no_explanation() -> None:
    given = problem(two(), [site()])
    assert explain(given, PARAMETERS, pack(given, PARAMETERS)) == ()


def test_visits_kept_apart_by_their_price_say_so() -> None:
    given = city(City(150, 12, 2))
    dear = replace(PARAMETERS, price_milli=500)
    plan = organise(given, dear)
    assert len(plan.report.curve) >= 6
    found = explain(given, dear, plan)
    assert {row.code for row in found} == {"packing.apart", "packing.apart_price"}
    pairs = {row.visits for row in found}
    targets = [visit.target_id for visit in plan.visits]
    assert len(pairs) == sum(targets.count(name) * (targets.count(name) - 1) // 2 for name in set(targets))
    assert all(row.rules and row.remedies for row in found)
    assert len(DAYS) == 5
