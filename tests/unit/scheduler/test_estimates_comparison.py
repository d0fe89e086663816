"""Exact comparison of a group with the others against scipy, and Holm's correction against its definition."""

from __future__ import annotations

import pytest
from scipy.stats import hypergeom

from scheduler.estimates.comparison import differs, holm


@pytest.mark.parametrize(
    "case", [(12, 12, 30, 60), (0, 10, 40, 50), (5, 10, 30, 60), (8, 9, 9, 90), (3, 7, 3, 200)]
)
def test_two_sided_value_equals_scipy(case: tuple[int, int, int, int]) -> None:
    hits, size, all_hits, all_size = case
    law = hypergeom(all_size, all_hits, size)
    assert differs(*case) == pytest.approx(min(1, 2 * min(law.cdf(hits), law.sf(hits - 1))), rel=1e-9)


def test_holm_steps_down() -> None:
    """Holm's own steps: the smallest times m, the next times m − 1 but never below the one before."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []
