"""The plain stratified estimator against R's `survey` on its `apistrat` example (tests/vectors/apistrat.R)."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from optimizer.errors import Refused
from scheduler.estimates import Domain, Observation, Outcome, Stratum, estimate
from scheduler.estimates.stratified import Point, mean, ratio, ratio_of_counts, total

VECTOR: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "vectors" / "apistrat.json").read_text(encoding="utf-8")
)
KINDS = [row[0] for row in VECTOR["rows"]]
ROWS = {row[0]: row[1] for row in VECTOR["rows"]}
LONELY = VECTOR["lonely_rows"]


def column(name: str) -> NDArray[np.float64]:
    place = VECTOR["columns"].index(name)
    return np.array([row[place] for row in VECTOR["rows"]], dtype=np.float64)


def lonely(estimator: Callable[..., Point]) -> Point:
    kinds = [KINDS[place] for place in LONELY]
    return estimator(column("enroll")[LONELY], kinds, ROWS)


CHOSEN = column("chosen")
HIGH = np.array([kind == "H" for kind in KINDS], dtype=np.float64)
OURS: dict[str, Callable[[], Point]] = {
    "mean_api00": lambda: mean(column("api00"), KINDS, ROWS),
    "total_api00": lambda: total(column("api00"), KINDS, ROWS),
    "mean_enroll": lambda: mean(column("enroll"), KINDS, ROWS),
    "total_enroll": lambda: total(column("enroll"), KINDS, ROWS),
    "mean_unmet": lambda: mean(column("unmet"), KINDS, ROWS),
    "total_unmet": lambda: total(column("unmet"), KINDS, ROWS),
    "ratio_api.stu_enroll": lambda: ratio(column("api.stu"), column("enroll"), KINDS, ROWS),
    "domain_chosen_mean_api00": lambda: ratio(CHOSEN * column("api00"), CHOSEN, KINDS, ROWS),
    "domain_chosen_mean_unmet": lambda: ratio(CHOSEN * column("unmet"), CHOSEN, KINDS, ROWS),
    "domain_chosen_total_unmet": lambda: total(CHOSEN * column("unmet"), KINDS, ROWS),
    "domain_H_mean_unmet": lambda: ratio(HIGH * column("unmet"), HIGH, KINDS, ROWS),
    "lonely_mean_enroll": lambda: lonely(mean),
    "lonely_total_enroll": lambda: lonely(total),
}


@st.composite
def counted(draw: st.DrawFn) -> tuple[int, int, int, int]:
    """Findings among members among units among rows."""
    rows = draw(st.integers(1, 400))
    n = draw(st.integers(1, min(rows, 60)))
    members = draw(st.integers(0, n))
    return draw(st.integers(0, members)), members, n, rows


@given(st.lists(counted(), min_size=1, max_size=6).filter(lambda found: any(one[1] for one in found)))
def test_counts_by_stratum_give_what_the_units_give(found: list[tuple[int, int, int, int]]) -> None:
    y, x = ([place < one[which] for one in found for place in range(one[2])] for which in (0, 1))
    labels = [stratum for stratum, one in enumerate(found) for _ in range(one[2])]
    units = ratio(y, x, labels, {stratum: one[3] for stratum, one in enumerate(found)})
    counts = ratio_of_counts(*zip(*found, strict=True))
    assert counts.value == pytest.approx(units.value, rel=1e-12, abs=1e-15)
    assert counts.se == pytest.approx(units.se, rel=1e-12, abs=1e-15)


@pytest.mark.parametrize("name", VECTOR["expected"])
def test_equals_survey(name: str) -> None:
    found, expected = OURS[name](), VECTOR["expected"][name]
    assert found.value == pytest.approx(expected["estimate"], rel=1e-8, abs=0)
    assert found.se == pytest.approx(expected["se"], rel=1e-8, abs=0)


@pytest.mark.parametrize(
    ("domain", "name"),
    [
        (Domain(), "mean_unmet"),
        (Domain((("chosen", "1"),)), "domain_chosen_mean_unmet"),
        (Domain((("stype", "H"),)), "domain_H_mean_unmet"),
    ],
)
def test_estimate_reports_the_rate_and_error_of_survey(domain: Domain, name: str) -> None:
    strata = [Stratum((kind,), rows, cells={"stype": kind}) for kind, rows in ROWS.items()]
    seen = [
        Observation(
            str(place),
            (kind,),
            Outcome.FINDING if unmet else Outcome.CLEAR,
            cells={"chosen": str(int(chosen))},
        )
        for place, (kind, unmet, chosen) in enumerate(zip(KINDS, column("unmet"), CHOSEN, strict=True))
    ]
    found, expected = estimate(strata, seen, domain), VECTOR["expected"][name]
    assert found.rate == pytest.approx(expected["estimate"], rel=1e-8, abs=0)
    assert found.se == pytest.approx(expected["se"], rel=1e-8, abs=0)
    assert found.low is not None
    assert found.high is not None
    assert found.low < expected["estimate"] < found.high


def test_more_units_than_rows_are_refused() -> None:
    with pytest.raises(Refused, match=r"estimates\.rows"):
        total([1, 0, 1], ["A", "A", "A"], {"A": 2})


def test_a_domain_without_units_is_refused() -> None:
    with pytest.raises(Refused, match=r"estimates\.empty"):
        ratio([0, 0], [0, 0], ["A", "A"], {"A": 2})
