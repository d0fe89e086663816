"""Every rule that a plan can break is refused with its own message, in both languages, naming where and what to do."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from app.errors import Problem, Refused
from app.plans.calendar import PACKAGED, packaged
from app.plans.catalogue import Catalogue, ItemFacts
from app.plans.example import EXAMPLE
from app.plans.limits import Limits
from app.plans.review import review
from app.plans.review_caps import rounds_in_window
from app.plans.sayings import SAYINGS, percent
from app.plans.service import parse_document
from scheduler.calendar import WorkCalendar, YearCalendar

YEARS = [packaged(year) for year in PACKAGED]
CALENDAR = WorkCalendar.of(
    YearCalendar(known.year, frozenset(known.holidays), frozenset(known.makeup)) for known in YEARS
)


def item(code: str, department: str, **changed: Any) -> ItemFacts:
    """A published general item of two officers."""
    facts: dict[str, Any] = {
        "code": code,
        "version": 1,
        "status": "published",
        "kind": "general",
        "departments": frozenset({department}),
        "officers": 2,
        "specialties": frozenset(),
        "cap": None,
    }
    return ItemFacts(**facts | changed)


ITEMS = [
    item("SC-FOOD-01", "SC"),
    item("XF-FIRE-01", "XF"),
    item("SC-KEY-01", "SC", kind="key"),
    item("SC-KEY-CAP", "SC", kind="key", cap=2),
    item("SC-DRAFT-01", "SC", version=None, status="draft"),
    item("WJ-HYG-01", "WJ"),
    item("SC-TEAM-01", "SC", officers=9),
]
CATALOGUE = Catalogue(
    departments=frozenset({"SC", "XF", "WJ"}),
    rules={"SC-food": "SC", "WJ-hotel": "WJ"},
    items={facts.code: facts for facts in ITEMS},
    classes=("A", "B", "C", "D"),
)

Change = Callable[[dict[str, Any]], None]


def problems(*changes: Change, limits: Limits = Limits()) -> list[Problem]:  # noqa: B008  frozen
    """What the example breaks once it is changed."""
    data = copy.deepcopy(EXAMPLE)
    for change in changes:
        change(data)
    return list(review(parse_document(data), CATALOGUE, limits, CALENDAR))


def task(**changed: Any) -> Change:
    """Change fields of the example's task."""
    return lambda data: data["tasks"][0].update(changed)


def plan(**changed: Any) -> Change:
    """Change fields of the example."""
    return lambda data: data.update(changed)


def more_tasks(data: dict[str, Any]) -> None:
    """The same task once more."""
    data["tasks"].append(dict(data["tasks"][0]))


DEMO = {"id": "demo", "kind": "demo"}
KEY = {"partners": [], "items": ["SC-KEY-01"], "ratios": {}, "default_ratio": 1_000_000}
CASES: list[tuple[str, str, str, Change]] = [
    ("no_tasks", "tasks", "", plan(tasks=[])),
    ("duplicate_task", "task_id", "food", more_tasks),
    ("unknown_department", "partners", "QX", task(partners=["XF", "QX"])),
    ("unknown_department", "department", "QX", task(department="QX", partners=["SC", "XF"])),
    ("partner_twice", "partners", "SC", task(partners=["SC", "XF"])),
    ("unknown_rule", "rules", "SC-none", task(rules=["SC-none"])),
    ("rule_of_other_department", "rules", "WJ-hotel", task(rules=["SC-food", "WJ-hotel"])),
    ("no_items", "items", "", task(items=[])),
    ("unknown_item", "items", "SC-NONE", task(items=["SC-FOOD-01", "XF-FIRE-01", "SC-NONE"])),
    ("unpublished_item", "items", "SC-DRAFT-01", task(items=["SC-DRAFT-01", "XF-FIRE-01"])),
    ("item_of_other_department", "items", "WJ-HYG-01", task(items=["SC-FOOD-01", "XF-FIRE-01", "WJ-HYG-01"])),
    ("people_cap", "people_per_visit", "9", task(items=["SC-TEAM-01", "XF-FIRE-01"])),
    ("department_without_item", "items", "XF", task(items=["SC-FOOD-01"])),
    ("directed_without_condition", "condition", "", task(directed=True)),
    ("directed_without_condition", "condition", "", task(directed=True, condition={})),
    ("condition_undirected", "directed", "", task(condition={"districts": ["650102"]})),
    ("unknown_column", "strata_by", "name", task(strata_by=["credit", "name"])),
    ("open_internal", "strata_by", "credit", plan(privacy="open")),
    ("ratios_without_credit", "ratios", "", task(strata_by=["district"])),
    ("unknown_class", "ratios.E", "E", task(ratios={"E": 30_000})),
    ("ratio_range", "default_ratio", "1000001", task(default_ratio=1_000_001)),
    ("ratio_range", "ratios.A", "-1", task(ratios={"A": -1})),
    ("ratio_range", "cooldown", "1000001", task(cooldown=1_000_001)),
    ("never_checked", "ratios.A", "0", task(ratios={"A": 0}, min=0)),
    ("min_max", "min", "5", task(min=5, max=4)),
    ("min_max", "min", "-1", task(min=-1)),
    ("general_ratio", "ratios.D", "30.0001 %", task(ratios={"D": 300_001})),
    ("duplicate_cap", "caps", "twice-a-year", lambda data: data["caps"].append(dict(data["caps"][0]))),
    (
        "cap_subject",
        "subjects",
        "WJ",
        plan(caps=[{"code": "c", "scope": "department", "max": 9, "subjects": ["WJ"]}]),
    ),
    ("cap_exceeded", "caps.twice-a-year", "food", task(**KEY)),
    ("cap_exceeded", "caps.item:SC-KEY-CAP", "food", task(**KEY | {"items": ["SC-KEY-CAP"]})),
    ("no_entropy", "entropy", "", plan(entropy=[])),
    ("source_twice", "entropy", "witnesses", plan(entropy_seats=[{"id": "witnesses", "kind": "drand"}])),
    ("entropy_small", "entropy", "24", plan(entropy=[{"id": "ssq", "kind": "lottery_issue"}])),
    ("entropy_small", "entropy_seats", "24", plan(entropy_seats=[{"id": "ssq", "kind": "lottery_issue"}])),
    ("few_digits", "digits", "19", plan(entropy=[{"id": "w", "kind": "witness_digits", "digits": 19}])),
    ("demo_mixed", "entropy", "", plan(entropy=[DEMO])),
    ("coins_source", "entropy_seats", "", plan(entropy_seats=[], schedule={"seat_draw": "observable"})),
    ("deadlines_order", "sealed_result", "2027-01", plan(deadlines={"entropy": {"hours": 96}})),
    ("deadlines_order", "first_working_day", "", plan(schedule={"first_working_day": 2})),
    ("deadlines_order", "reveal", "", plan(deadlines={"reveal": {"working_days": 27}})),
]


def test_the_example_breaks_nothing() -> None:
    assert problems() == []


@pytest.mark.parametrize(("code", "field", "named", "change"), CASES, ids=[f"{c[0]}-{c[1]}" for c in CASES])
def test_each_broken_rule_is_named_with_place_rule_and_remedy(
    code: str, field: str, named: str, change: Change
) -> None:
    found = {problem.code: problem for problem in problems(change) if problem.params["field"] == field}
    assert f"plan.{code}" in found
    problem = found[f"plan.{code}"]
    assert problem.params["rule"]
    for text in (problem.zh, problem.en):
        assert named in text
        assert "{" not in text
    assert problem.remedy_zh
    assert problem.remedy_en


@pytest.mark.parametrize(("code", "field", "named", "change"), CASES, ids=[f"{c[0]}-{c[1]}" for c in CASES])
def test_one_fault_gives_no_other_refusal(code: str, field: str, named: str, change: Change) -> None:
    allowed = {f"plan.{code}"}
    if code == "ratio_range":  # a ratio above 100 % is above every other limit too
        allowed.add("plan.cap_exceeded")
    if code == "few_digits":
        allowed.add("plan.entropy_small")
    if code == "unknown_department":
        allowed.add("plan.rule_of_other_department")
    assert {problem.code for problem in problems(change)} <= allowed


def test_every_saying_is_exercised() -> None:
    assert {code for code, *_ in CASES} >= SAYINGS.keys()


def test_all_broken_rules_are_listed_together() -> None:
    found = problems(task(items=["SC-DRAFT-01", "XF-FIRE-01"], ratios={"E": 30_000}), plan(privacy="open"))
    assert [problem.code for problem in found] == [
        "plan.unpublished_item",
        "plan.open_internal",
        "plan.unknown_class",
    ]


def test_a_cap_is_exceeded_only_by_what_the_ratios_ask_for() -> None:
    half = task(**KEY | {"default_ratio": 500_000})
    assert problems(half) == []  # four rounds at 50 % ask for two checks a year, which the cap allows
    (problem,) = problems(task(**KEY | {"default_ratio": 500_001}))
    assert problem.params["expected"] == "2"
    assert problem.params["rounds"] == 4
    assert "twice-a-year (SC)" in problem.zh


def test_caps_count_daily_checks_only() -> None:
    special = [{"code": "c", "scope": "target", "max": 0, "kinds": ["special"]}]
    assert problems(plan(caps=special)) == []
    assert [problem.code for problem in problems(plan(caps=[special[0] | {"kinds": ["daily"]}]))] == [
        "plan.cap_exceeded"
    ]


@pytest.mark.parametrize(
    ("recurrence", "window", "rounds"),
    [
        ("annual", None, 1),
        ("quarterly", None, 4),
        ("monthly", None, 12),
        ("once 2027-05-12", None, 1),
        ("monthly", 28, 1),
        ("monthly", 29, 2),
        ("monthly", 60, 3),
        ("quarterly", 90, 1),
        ("quarterly", 92, 2),
        ("annual", 365, 1),
        ("annual", 366, 2),
    ],
)
def test_rounds_in_a_window(recurrence: str, window: int | None, rounds: int) -> None:
    document = parse_document(EXAMPLE | {"recurrence": recurrence, "ends_on": None})
    assert rounds_in_window(document, window) == rounds


def test_the_authority_moves_the_limits() -> None:
    assert problems(task(ratios={"D": 400_000}), limits=Limits(general_ratio_ppm=400_000)) == []
    lottery = plan(entropy=[{"id": "ssq", "kind": "lottery_issue"}])
    assert problems(lottery, limits=Limits(entropy_bits=24)) == []
    assert [problem.code for problem in problems(limits=Limits(general_ratio_ppm=200_000))] == [
        "plan.general_ratio"
    ]


def test_key_items_have_no_upper_ratio() -> None:
    assert problems(task(**KEY), plan(caps=[])) == []


def test_a_demonstration_uses_demo_sources_alone() -> None:
    assert problems(plan(entropy=[DEMO], entropy_seats=[DEMO | {"id": "demo2"}])) == []


def test_one_lottery_issue_is_not_used_twice() -> None:
    issue = {"kind": "lottery_issue", "issue": "2027001"}
    found = problems(
        plan(entropy=[issue | {"id": "a"}, {"id": "w", "kind": "drand"}], entropy_seats=[]),
    )
    assert found == []
    both = [issue | {"id": "a"}, issue | {"id": "b"}, {"id": "w", "kind": "drand"}]
    assert [problem.code for problem in problems(plan(entropy=both))] == ["plan.source_twice"]


def test_a_recurrence_that_cannot_be_read_is_refused() -> None:
    assert [problem.code for problem in problems(plan(recurrence="weekly"))] == ["recurrence.unreadable"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (plan(code="计划"), "code"),
        (plan(surprise=1), "surprise"),
        (plan(period="2027"), "plan"),
        (plan(recurrence=None), "plan"),
        (plan(title_zh="a\u200bb"), "title_zh"),
        (task(default_ratio="3.00001 %"), "tasks.0.default_ratio"),
        (task(default_ratio=0.03), "tasks.0.default_ratio"),
        (task(partners=["XF", "XF"]), "tasks.0.partners"),
        (task(condition={"colour": "red"}), "tasks.0.condition.colour"),
        (plan(deadlines={"entropy": {"hours": 1, "working_days": 1}}), "deadlines.entropy"),
        (plan(entropy=[{"id": "x", "kind": "lottery_issue", "issue": "１"}]), "entropy.0"),
        (plan(entropy=[{"id": "x", "kind": "drand", "chain": "00"}]), "entropy.0"),
    ],
)
def test_a_document_of_the_wrong_shape_is_refused_by_field(change: Change, field: str) -> None:
    data = copy.deepcopy(EXAMPLE)
    change(data)
    with pytest.raises(Refused) as caught:
        parse_document(data)
    assert caught.value.problem.code == "plan.unreadable"
    assert caught.value.problem.params["field"] == field


@pytest.mark.parametrize(
    ("ppm", "text"), [(30_000, "3 %"), (500, "0.05 %"), (1_000_001, "100.0001 %"), (-1, "-0.0001 %")]
)
def test_percentages(ppm: int, text: str) -> None:
    assert percent(ppm) == text


@pytest.mark.parametrize(
    ("text", "ppm"), [("3 %", 30_000), ("0.5‰", 500), ("100%", 1_000_000), ("2.5 %", 25_000)]
)
def test_ratios_are_read_exactly(text: str, ppm: int) -> None:
    data = copy.deepcopy(EXAMPLE)
    task(default_ratio=text)(data)
    assert parse_document(data).tasks[0].default_ratio == ppm
