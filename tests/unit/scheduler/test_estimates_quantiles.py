"""The tails of beta and hypergeometric distributions against scipy, and the exact limits against their definition."""

from __future__ import annotations

from fractions import Fraction
from math import comb

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.stats import beta, hypergeom

from scheduler.estimates.quantiles import beta_cdf, beta_quantile, hypergeometric_cdf, hypergeometric_limits

SHAPE = st.floats(0.05, 5_000)


@given(st.floats(0, 1), SHAPE, SHAPE)
def test_beta_cdf_equals_scipy(x: float, a: float, b: float) -> None:
    assert beta_cdf(x, a, b) == pytest.approx(beta.cdf(x, a, b), abs=1e-9)


@given(st.sampled_from([0.005, 0.025, 0.05, 0.5, 0.975, 0.995]), SHAPE, st.floats(1, 5_000))
def test_beta_quantile_equals_scipy(probability: float, a: float, b: float) -> None:
    assert beta_quantile(probability, a, b) == pytest.approx(beta.ppf(probability, a, b), abs=1e-10)


@st.composite
def draws(draw: st.DrawFn, most: int) -> tuple[int, int, int, int]:
    rows = draw(st.integers(1, most))
    n = draw(st.integers(1, rows))
    return draw(st.integers(0, n)), rows, draw(st.integers(0, rows)), n


@given(draws(200_000))
def test_hypergeometric_cdf_equals_scipy(case: tuple[int, int, int, int]) -> None:
    y, rows, findings, n = case
    assert hypergeometric_cdf(y, rows, findings, n) == pytest.approx(
        hypergeom.cdf(y, rows, findings, n), abs=1e-8
    )


@given(draws(40))
@example((0, 16, 0, 2))
def test_limits_are_what_no_one_sided_test_rejects(case: tuple[int, int, int, int]) -> None:
    """By enumeration in exact fractions. In the example a chance is exactly 1/40: it does not reject."""
    y, rows, _, n = case

    def chance(findings: int, found: range) -> Fraction:
        ways = sum(comb(findings, x) * comb(rows - findings, n - x) for x in found)
        return Fraction(ways, comb(rows, n))

    tail = Fraction(1, 40)
    low = min(k for k in range(rows + 1) if chance(k, range(y, n + 1)) >= tail)
    high = max(k for k in range(rows + 1) if chance(k, range(y + 1)) >= tail)
    assert hypergeometric_limits(y, n, rows, 0.025) == (low, high)
