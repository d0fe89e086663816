"""What a rounded rate of a sealed round tells about one target's class: an attacker who knows all but the classes."""

from __future__ import annotations

import os

import numpy as np
import pytest
from numpy.typing import NDArray

from scheduler.estimates import Domain, Observation, Outcome, Stratum, coarsened, estimate
from scheduler.estimates.coarsening import STEPS
from scheduler.estimates.rates import Estimate

SHARES = np.array([0.486, 0.415, 0.064, 0.035])
RATIOS = np.array([0.07, 0.09, 0.2, 0.3])
ROWS = 2_000
DRAWN = SHARES * RATIOS / (SHARES @ RATIOS)
"""Shares of the classes among those drawn: what anybody knows before reading a rate."""
SAMPLES = 1_000 if os.environ.get("TRIALS") == "full" else 120
LIMIT = 0.6
"""The limit that the demonstration's plan sets to what an attacker may be sure of."""


Told = dict[tuple[float | None, ...], NDArray[np.float64]]


def shown(classes: list[int], findings: int) -> Estimate:
    """The estimate of a cell with these classes, the first `findings` of which have a finding."""
    strata = [Stratum((name,), round(ROWS * share)) for name, share in zip("ABCD", SHARES, strict=True)]
    seen = [
        Observation(
            f"T{place}",
            ("ABCD"[one],),
            Outcome.FINDING if place < findings else Outcome.CLEAR,
            cells={"cell": "x"},
        )
        for place, one in enumerate(classes)
    ]
    others = [
        Observation(f"O{name}{place}", (name,), Outcome.CLEAR, cells={"cell": "y"})
        for name, share, ratio in zip("ABCD", SHARES, RATIOS, strict=True)
        for place in range(round(ROWS * share * ratio) - sum("ABCD"[one] == name for one in classes))
    ]
    return estimate(strata, [*seen, *others], Domain((("cell", "x"),)))


def posteriors(n: int, findings: int, samples: int) -> tuple[float, float]:
    """The attacker's greatest certainty of the first finding's class over what may be read: unrounded, rounded."""
    random = np.random.default_rng(11)
    exact: Told = {}
    rounded: Told = {}
    for _ in range(samples):
        classes = random.choice(4, size=n, p=DRAWN).tolist()
        found = shown(classes, findings)
        coarse = coarsened(found)
        exact.setdefault((found.rate,), np.zeros(4))[classes[0]] += 1
        rounded.setdefault((coarse.rate, coarse.low, coarse.high), np.zeros(4))[classes[0]] += 1

    def surest(told: Told) -> float:
        """Weighted by how often each is read, so that a figure read once does not stand for certainty."""
        return float(sum(counts.max() for counts in told.values()) / samples)

    return surest(exact), surest(rounded)


@pytest.mark.parametrize(("n", "findings"), [(30, 3), (60, 3), (60, 6), (140, 9)])
def test_a_rounded_rate_tells_little_about_one_class(n: int, findings: int) -> None:
    exact, rounded = posteriors(n, findings, SAMPLES)
    blind = DRAWN.max()
    print(f"n={n} findings={findings}: blind {blind:.3f} exact {exact:.3f} rounded {rounded:.3f}")
    assert exact > LIMIT
    assert rounded < LIMIT


def test_rounding_never_narrows_an_interval_and_hides_what_tells_weights() -> None:
    found = shown([0, 1, 2, 3] * 20, 7)
    coarse = coarsened(found)
    assert coarse.step in STEPS
    assert (coarse.se, coarse.effective_n, coarse.sway) == (None, None, None)
    ends = (found.low, found.rate, found.high, coarse.low, coarse.rate, coarse.high)
    low, rate, high, coarse_low, coarse_rate, coarse_high = (end or 0.0 for end in ends)
    assert 0 <= coarse_low <= low < high <= coarse_high
    assert abs(coarse_rate - rate) <= coarse.step / 2
    assert {note.code for note in coarse.notes} <= {"non_response", "pending", "ineligible", "for_cause"}
    assert found.sway is not None
    assert 2 * found.sway <= coarse.step


@pytest.mark.parametrize(("classes", "findings"), [([0, 1, 2] * 4, 4), ([0, 1] * 40, 2), ([0, 1] * 40, 79)])
def test_a_cell_in_which_one_class_would_show_is_withheld(classes: list[int], findings: int) -> None:
    found = coarsened(shown(classes, findings))
    assert (found.rate, found.n, found.suppressed) == (None, None, "coarse")


def test_one_stratum_alone_tells_no_class() -> None:
    seen = [Observation(f"T{n}", ("A",), Outcome.CLEAR) for n in range(12)]
    found = coarsened(estimate([Stratum(("A",), 300)], seen))
    assert found.step == STEPS[0]
    assert found.low == 0
    assert found.high is not None
    assert found.high > 0
