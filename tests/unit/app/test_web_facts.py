"""What a round's page counts: rules, measures, joining; computed from the published files alone."""

from __future__ import annotations

from typing import Any

import pytest

from app.disclosure.facts import draws, joining, measures, members_of, title_in
from app.disclosure.pictures import checks_to_entries, drawn_against_rule, shared_targets
from tests.disclosure_round import report

RULE = {"ratio_ppm": 100_000, "min": 0, "max": None, "rounding": "systematic"}


def manifest(**changes: Any) -> dict[str, Any]:
    draw = {
        "draw_id": "d",
        "department": "fire",
        "frame_rows": 95,
        "frame_hash": "00",
        "strata_by": [],
        "default": RULE,
        "strata": [],
        "title": "消防",
    }
    return {"draws": [{**draw, **changes}]}


def expected(**changes: Any) -> float | None:
    return draws(manifest(**changes), {}, {}, "zh")[0].expected


@pytest.mark.parametrize(
    ("rule", "asked"),
    [
        ({}, 9.5),
        ({"rounding": "ceil"}, 10.0),
        ({"min": 20}, 20.0),
        ({"max": 5}, 5.0),
        ({"ratio_ppm": 1_000_000}, 95.0),
        ({"min": 200}, 95.0),
        ({"ratio_ppm": 0}, 0.0),
    ],
)
def test_what_a_rule_asks_of_one_stratum(rule: dict[str, Any], asked: float) -> None:
    assert expected(default={**RULE, **rule}) == pytest.approx(asked)


def test_what_cannot_be_told_from_public_data_is_left_out() -> None:
    assert expected(strata_by=["credit"]) == pytest.approx(9.5)
    assert expected(strata_by=["credit"], default={**RULE, "min": 1}) is None
    assert expected(strata_by=["credit"], default={**RULE, "rounding": "ceil"}) is None
    assert expected(strata_by=["credit"], strata=[{**RULE, "key": ["D"], "ratio_ppm": 250_000}]) is None


def test_an_open_result_is_counted_by_stratum_against_its_own_rule() -> None:
    rules = manifest(
        strata_by=["credit"], strata=[{**RULE, "key": ["D"], "ratio_ppm": 500_000, "rounding": "ceil"}]
    )
    rows = [{"stratum": ["A"], "N": 90, "n": 9}, {"stratum": ["D"], "N": 5, "n": 3}]
    draw = draws(rules, {"d": {"strata": rows}}, {"fire": "消防支队"}, "zh")[0]
    assert draw.drawn == 12
    assert draw.departments == ("消防支队",)
    assert [(row.name, row.expected) for row in draw.strata] == [("A", pytest.approx(9.0)), ("D", 3.0)]
    assert draw.expected == pytest.approx(12.0)
    assert draw.ratios_ppm == (100_000, 500_000)


def test_a_sealed_result_is_a_count_alone() -> None:
    rules = manifest(strata_by=["credit"], default={**RULE, "min": 1})
    draw = draws(rules, {"d": {"draw_id": "d", "n": 7, "selected": []}}, {}, "zh")[0]
    assert (draw.drawn, draw.strata, draw.expected) == (7, (), None)
    assert draw.band == (9.5, 9.5)
    assert drawn_against_rule([draw], "zh").rows[0][3] == "9.5–9.5"


def test_titles_fall_back_to_chinese_and_then_to_the_id() -> None:
    assert title_in("en", {"title": "消防", "title_en": "Fire"}, "d") == "Fire"
    assert title_in("en", {"title": "消防", "title_en": ""}, "d") == "消防"
    assert title_in("zh", {"title_en": "Fire"}, "d") == "d"


def test_measures_are_all_there_with_bounds_only_where_proven() -> None:
    rows = measures({**report(161, 97), "entries_bound": 90, "estimated_places": 1})
    assert [row.name for row in rows] == ["入户次数", "检查人日", "路途", "企业接待", "一次到场最多人数"]
    assert [row.bound for row in rows] == [90, 153, None, None, None]
    assert rows[0].gap == pytest.approx(7 / 97)
    assert rows[1].gap == pytest.approx(0.1)
    assert rows[0].saved == pytest.approx(64 / 161)
    assert [row.estimated for row in rows] == [False, False, True, False, False]


def test_nothing_to_check_divides_by_nothing() -> None:
    rows = measures({**report(0, 0), "entries_bound": 0, "gap_ppm": 0})
    assert rows[0].saved is None
    assert rows[0].gap == 0


def visits() -> dict[str, Any]:
    checks = [
        {"check_id": f"{target}/{department}", "target_id": target, "department": department}
        for target, departments in {"a": "xyz", "b": "xy", "c": "x"}.items()
        for department in departments
    ]
    entries = [
        {"visit_id": "1", "target_id": "a", "checks": ["a/x", "a/y"]},
        {"visit_id": "2", "target_id": "a", "checks": ["a/z"]},
        {"visit_id": "3", "target_id": "b", "checks": ["b/x", "b/y"]},
    ]
    return {"visits": entries, "checks": checks, "unscheduled": [{"check_id": "c/x"}]}


def test_joining_counts_entries_by_size_and_targets_by_departments() -> None:
    counted = joining(visits(), {"x": "甲"})
    assert (counted.checks, counted.unscheduled, counted.entries) == (6, 1, 3)
    assert counted.by_size == ((1, 1), (2, 2))
    assert counted.overlap == ((("y", "z", "甲"), 1), (("y", "甲"), 1), (("甲",), 1))
    assert counted.departments_per_target == ((1, 1), (2, 1), (3, 1))
    assert counted.entries_per_target == ((1, 1), (2, 1))
    assert members_of(counted.overlap, 9) == ["甲", "y", "z"]


def test_the_waterfall_ends_at_the_entries_made() -> None:
    picture = checks_to_entries(joining(visits(), {}), "zh")
    assert [row[1] for row in picture.rows] == ["5", "−2", "3"]
    assert picture.rows[1][0] == "2 个部门一同到场，2 次"


def test_the_overlap_names_each_set_with_its_share() -> None:
    picture = shared_targets(joining(visits(), {}), "en")
    assert picture.rows[0] == ("x", "1", "33.33%")
    assert picture.header == ("Set of departments", "Targets", "Share")
