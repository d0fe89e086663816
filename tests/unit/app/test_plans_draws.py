"""A task becomes a draw whose rules are exactly those the planner wrote."""

from __future__ import annotations

import copy
from dataclasses import asdict
from datetime import UTC, date, datetime
from itertools import product
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import Refused
from app.plans import draws
from app.plans.calendar import PACKAGED, packaged
from app.plans.example import EXAMPLE
from app.plans.schemas import Packing, Source, Task
from app.plans.service import parse_document
from app.plans.timetable import timetable
from optimizer.model import Parameters
from scheduler.calendar import WorkCalendar, YearCalendar
from scheduler.manifest import Cooldown, Rule, StratumRule
from scheduler.manifest_rules import check_rule

ZONE = ZoneInfo("Asia/Shanghai")
YEARS = [packaged(year) for year in PACKAGED]
CALENDAR = WorkCalendar.of(
    YearCalendar(known.year, frozenset(known.holidays), frozenset(known.makeup)) for known in YEARS
)
FRAME = draws.FrozenFrame(None, "ab" * 32, 1000, "cd" * 32, 7)


def task(**changed: Any) -> Task:
    """The example's task, changed."""
    return Task.model_validate(EXAMPLE["tasks"][0] | changed)


def test_the_example_as_a_draw() -> None:
    spec = draws.draw_spec(task(), FRAME, ("SC-FOOD-01@1", "XF-FIRE-01@3"))
    assert spec.columns == ("target_id", "credit", "recent")
    assert spec.internal == ("credit",)
    assert spec.default == Rule(30_000, 1, None, "ceil")
    assert spec.strata == tuple(
        StratumRule((name,), Rule(ppm, 1, None, "ceil"))
        for name, ppm in (("A", 10_000), ("B", 30_000), ("C", 100_000), ("D", 250_000))
    )
    assert spec.cooldown == Cooldown(250_000)
    assert spec.backups == 20
    assert spec.extra["departments"] == ("SC", "XF")
    assert spec.extra["items"] == ("SC-FOOD-01@1", "XF-FIRE-01@3")
    assert spec.extra["excluded_rows"] == 7


def test_without_cooldown_and_strata_the_frame_is_ids_alone() -> None:
    plain = task(cooldown="off", strata_by=[], ratios={})
    assert draws.columns(plain) == ("target_id",)
    assert draws.internal(plain) == ()
    spec = draws.draw_spec(plain, FRAME, ())
    assert spec.cooldown is None
    assert spec.strata == ()
    assert spec.rule_of(()) == spec.default


def test_with_more_columns_each_stratum_that_has_rows_gets_its_class_rule() -> None:
    crossed = task(
        strata_by=["district", "credit"], ratios={"D": 250_000}, rounding="systematic", min=2, max=9
    )
    keys = (("650104", "D"), ("650102", "A"), ("650102", "D"), ("650102", "未评"))
    assert draws.strata_rules(crossed, keys) == (
        StratumRule(("650102", "D"), Rule(250_000, 2, 9, "systematic")),
        StratumRule(("650104", "D"), Rule(250_000, 2, 9, "systematic")),
    )


@given(
    st.dictionaries(st.sampled_from("ABCD"), st.integers(0, 1_000_000)),
    st.integers(0, 1_000_000),
    st.booleans(),
)
def test_every_stratum_gets_its_own_ratio_and_no_other(
    ratios: dict[str, int], default: int, crossed: bool
) -> None:
    columns = ["credit", "kind"] if crossed else ["credit"]
    made = task(ratios=ratios, default_ratio=default, strata_by=columns)
    keys = list(product("ABCD", ("firm", "project"))) if crossed else [(name,) for name in "ABCD"]
    frame = draws.FrozenFrame(None, "ab" * 32, 9, "cd" * 32, 0, tuple(keys))
    spec = draws.draw_spec(made, frame, ())
    for key in keys:
        assert spec.rule_of(key).ratio_ppm == ratios.get(key[0], default)
        check_rule("rule", spec.rule_of(key))


def test_frame_columns_offered_to_planners_are_those_of_the_register() -> None:
    assert draws.STRATA_COLUMNS == ("credit", "district", "trade", "kind")


def test_packing_words_are_the_solvers() -> None:
    assert asdict(Packing().parameters()) == asdict(Parameters())
    assert Packing.model_fields.keys() == Parameters.__dataclass_fields__.keys()


@pytest.mark.parametrize(
    ("source", "bits"),
    [
        (Source(id="w", kind="witness_digits", digits=20), 66),
        (Source(id="s", kind="lottery_issue", game="ssq"), 24),
        (Source(id="d", kind="drand"), 256),
        (Source(id="x", kind="demo"), 0),
    ],
)
def test_bits_are_stated_honestly(source: Source, bits: int) -> None:
    assert source.bits == bits


def test_the_demo_source_says_that_it_proves_nothing() -> None:
    source = draws.entropy_source(Source(id="x", kind="demo"))
    assert source.bits == 0
    assert "demonstration" in source.rule
    assert (
        "2027003"
        in draws.entropy_source(Source(id="d", kind="lottery_issue", game="dlt", issue="2027003")).rule
    )


def test_a_timetable_over_spring_festival() -> None:
    document = parse_document(EXAMPLE | {"schedule": {"first_working_day": 4, "days": 5}})
    found = timetable(document, datetime(2026, 2, 11, 1, 0, tzinfo=UTC), CALENDAR)
    assert found.entropy == datetime(2026, 2, 14, 9, 0, tzinfo=ZONE)
    assert found.sealed_result == datetime(2026, 2, 15, 9, 0, tzinfo=ZONE)
    assert found.days == (
        date(2026, 2, 24),
        date(2026, 2, 25),
        date(2026, 2, 26),
        date(2026, 2, 27),
        date(2026, 2, 28),
    )
    assert found.reveal == datetime(2026, 5, 15, 18, 0, tzinfo=ZONE)
    assert not found.provisional


def test_a_timetable_into_an_unconfirmed_year() -> None:
    document = parse_document(EXAMPLE)
    frozen_at = datetime(2026, 12, 1, 9, 0, tzinfo=ZONE)
    with pytest.raises(Refused) as caught:
        timetable(document, frozen_at, CALENDAR)
    assert caught.value.problem.code == "calendar.unconfirmed"
    assert timetable(document, frozen_at, CALENDAR, provisional=True).provisional


def test_a_timetable_out_of_order_is_refused_at_the_freeze_too() -> None:
    data = copy.deepcopy(EXAMPLE)
    data["deadlines"] = {"entropy": {"working_days": 3}, "sealed_result": {"hours": 120}}
    document = parse_document(data)
    timetable(document, datetime(2025, 9, 1, 9, 0, tzinfo=ZONE), CALENDAR)
    with pytest.raises(Refused) as caught:
        timetable(document, datetime(2025, 9, 29, 9, 0, tzinfo=ZONE), CALENDAR)  # National Day intervenes
    assert caught.value.problem.code == "plan.deadlines_order"
    assert caught.value.problem.params["frozen_on"] == "2025-09-29"
