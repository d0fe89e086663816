"""Properties of the intervals that no simulation has to show."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.estimates.intervals import interval
from scheduler.estimates.sample import Group


@st.composite
def groups(draw: st.DrawFn) -> Group:
    n = draw(st.integers(1, 60))
    rows = n + draw(st.integers(0, 3_000))
    members = draw(st.integers(0, n))
    findings = draw(st.integers(0, members))
    return Group(rows, n, members, findings, draw(st.integers(0, members - findings)))


SAMPLES = st.lists(groups(), min_size=1, max_size=6).filter(
    lambda found: any(group.members for group in found)
)


def mirrored(group: Group) -> Group:
    return Group(group.rows, group.n, group.members, group.members - group.findings, 0)


@given(SAMPLES)
def test_the_rate_lies_within_and_a_zero_is_never_proof(sample: list[Group]) -> None:
    found = interval(sample)
    assert 0 <= found.low <= found.rate <= found.high <= 1
    if not any(group.findings for group in sample):
        assert found.low == 0 < found.high
    if all(group.findings == group.members for group in sample):
        assert found.low < 1 == found.high


@given(SAMPLES)
def test_findings_and_clear_ones_are_treated_alike(sample: list[Group]) -> None:
    found, other = interval(sample), interval([mirrored(group) for group in sample])
    assert found.low == pytest.approx(1 - other.high, abs=1e-9)
    assert found.high == pytest.approx(1 - other.low, abs=1e-9)


@given(SAMPLES)
def test_counting_the_silent_as_findings_never_lowers(sample: list[Group]) -> None:
    assert interval(sample, missing_found=True).rate >= interval(sample).rate


@given(SAMPLES)
def test_more_confidence_is_wider(sample: list[Group]) -> None:
    usual, sure = interval(sample), interval(sample, confidence=0.99)
    assert sure.low <= usual.low + 0.01
    assert sure.high >= usual.high - 0.01


def test_one_stratum_is_exact() -> None:
    """20 of 200 examined, 1 found: 1 to 47 by enumeration of the hypergeometric tails."""
    found = interval([Group(200, 20, 20, 1, 0)])
    assert found.method == "exact"
    assert (round(found.low * 200), round(found.high * 200)) == (1, 47)


def test_the_finite_population_narrows() -> None:
    wide = interval([Group(100_000, 50, 50, 5, 0), Group(100_000, 50, 50, 5, 0)])
    narrow = interval([Group(60, 50, 50, 5, 0), Group(60, 50, 50, 5, 0)])
    assert narrow.high - narrow.low < 0.5 * (wide.high - wide.low)
    assert wide.effective_n == pytest.approx(100, rel=0.02)


def test_unequal_weights_cost_effective_size() -> None:
    found = interval([Group(9_000, 50, 50, 5, 0), Group(1_000, 50, 50, 5, 0)])
    assert 50 < found.effective_n < 65


def test_a_census_has_no_interval_but_zero_is_no_proof() -> None:
    assert interval([Group(20, 20, 20, 1, 0), Group(5, 5, 5, 0, 0)]).high == 1 / 25
    nothing = interval([Group(20, 20, 20, 0, 0), Group(5, 5, 5, 0, 0)])
    assert (nothing.method, nothing.low, nothing.high) == ("census", 0, 1 / 25)


def test_members_known_by_census_only_are_no_census_where_others_may_exist() -> None:
    found = interval([Group(20, 20, 20, 3, 0), Group(900, 5, 0, 0, 0)])
    assert found.method == "wilson"
    assert found.effective_n == 20
    assert found.low < 0.15 < found.high
