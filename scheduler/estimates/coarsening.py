"""Figures of a sealed round: rounded so far that none tells to which stratum, a credit class, a target belongs.

A weighted rate is a number made from the weights of those observed, and their results are public by name. Unrounded,
one finding among ten tells its weight, and with it the class. So a rate is rounded to a step of at least `HIDES` times
what one target's class can move it, and the ends of its interval outwards, which can only add coverage. Where one or
two targets alone have a finding, or alone have none, the cell is withheld (minimum of three contributors, Hundepool et
al. 2012, section 4.2). Standard error and effective size, which tell the weights again, are left out, and so are
remarks that name strata.
"""

from __future__ import annotations

from dataclasses import replace
from math import ceil, floor
from typing import Final

from scheduler.estimates.notes import Note, coarse
from scheduler.estimates.rates import Bounds, Estimate, withhold

STEPS: Final = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
"""Steps of rounding, as rates; where the widest does not hide a target, the cell is withheld."""
HIDES: Final = 4
"""A step is at least so many times what one target's class can move the rate.

Twice hides a target in its own cell; cells that overlap (trade and district, items, the page of the round before)
then told by its rates the class of one in fifty with more than 0.6, now of one in ninety
(`tests/statistics/test_estimates_overlap.py`).
"""
FEW: Final = 3
TOLD: Final = frozenset(
    {"non_response", "pending", "ineligible", "for_cause", "small", "complementary", "coarse"}
)
"""Remarks that say nothing about strata."""


def coarsened(found: Estimate) -> Estimate:
    """An estimate as a sealed round may show it; withheld ones stay withheld."""
    if found.rate is None or found.low is None or found.high is None or found.sway is None:
        return replace(found, notes=_told(found.notes), sway=None)
    step = next((step for step in STEPS if step >= HIDES * found.sway), None)
    if step is None or _few(found):
        return withhold(found, "coarse", coarse())
    low, high = _outwards(found.low, found.high, step)
    rate = min(max(_to(round(found.rate / step), step), low), high)
    return replace(
        found,
        rate=rate,
        low=low,
        high=high,
        se=None,
        effective_n=None,
        notes=_told(found.notes),
        bounds=None if found.bounds is None else _coarse_bounds(found.bounds, rate, step),
        sway=None,
        step=step,
    )


def _few(found: Estimate) -> bool:
    """Whether one or two alone have a finding, or alone have none."""
    n, findings = found.n or 0, found.findings or 0
    return 0 < min(findings, n - findings) < FEW


def _told(notes: tuple[Note, ...]) -> tuple[Note, ...]:
    return tuple(note for note in notes if note.code in TOLD)


def _coarse_bounds(bounds: Bounds, rate: float, step: float) -> Bounds:
    low, high = _outwards(bounds.low, bounds.high, step)
    return Bounds(rate, max(_to(round(bounds.rate_high / step), step), rate), low, high)


def _outwards(low: float, high: float, step: float) -> tuple[float, float]:
    return max(0.0, _to(floor(low / step + 1e-9), step)), min(1.0, _to(ceil(high / step - 1e-9), step))


def _to(count: int, step: float) -> float:
    """A multiple of the step, without the noise of binary fractions."""
    return round(count * step, 4)
