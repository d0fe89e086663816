"""Intervals for a rate: exact in one stratum, Wilson on the effective sample size in several.

Sources: Wilson, JASA 22 (1927), 209–212; Korn and Graubard, Survey Methodology 24 (1998), 193–201 (effective
sample size, Clopper–Pearson limits on it); Agresti and Coull, The American Statistician 52 (1998), 119–126 (two and
two); Fay and Feuer, Statistics in Medicine 16 (1997), 791–801 (cases not met in the heaviest stratum). Why each is
needed, and what coverage was measured: docs/estimates.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, isinf, sqrt
from statistics import NormalDist
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from scheduler.estimates.quantiles import beta_quantile, hypergeometric_limits
from scheduler.estimates.sample import Group

Floats = NDArray[np.float64]
Method = Literal["exact", "wilson", "census", "none"]


@dataclass(frozen=True, slots=True)
class Interval:
    """Limits of a rate; `effective_n` is the size of the simple random sample with replacement that says as much."""

    rate: float
    low: float
    high: float
    effective_n: float
    method: Method


@dataclass(frozen=True, slots=True)
class _Counts:
    """Groups as arrays of shape (groups,): rows N, examined n, members a, findings y."""

    rows: Floats
    n: Floats
    members: Floats
    findings: Floats

    @property
    def total(self) -> float:
        """Estimated members in the population."""
        return float(self.rows @ (self.members / self.n))

    @property
    def rate(self) -> float:
        """Ratio of the estimated findings to the estimated members."""
        return float(self.rows @ (self.findings / self.n)) / self.total


def interval(groups: Sequence[Group], missing_found: bool = False, confidence: float = 0.95) -> Interval:
    """Interval of the rate of findings among the members, of whom there has to be one.

    `missing_found`: count those who did not answer as findings, else as none. Limits never contradict what was
    seen: the findings and the clear ones seen are in the population. A zero is never proof, not even a census's:
    without findings the upper limit is at least one row, and likewise below without clear ones.
    """
    findings = np.array(
        [group.findings + missing_found * group.missing for group in groups], dtype=np.float64
    )
    counts = _Counts(
        np.array([group.rows for group in groups], dtype=np.float64),
        np.array([group.n for group in groups], dtype=np.float64),
        np.array([group.members for group in groups], dtype=np.float64),
        findings,
    )
    members, most = sum(group.members for group in groups), sum(group.most_members for group in groups)
    found = _sampled(groups, counts, confidence)
    return _within_what_was_seen(found, int(findings.sum()), members, most)


def _sampled(groups: Sequence[Group], counts: _Counts, confidence: float) -> Interval:
    effective = effective_size(counts, confidence)
    members, most = sum(group.members for group in groups), sum(group.most_members for group in groups)
    if isinf(effective) and most == members:
        return Interval(counts.rate, counts.rate, counts.rate, effective, "census")
    if len(groups) > 1:
        effective = members if isinf(effective) else effective
        low, high = wilson_limits(counts.rate, effective, confidence)
        return Interval(counts.rate, low, high, effective, "wilson")
    group = groups[0]
    tail = (1 - confidence) / 2
    few, many = hypergeometric_limits(int(counts.findings[0]), group.members, group.most_members, tail)
    return Interval(counts.rate, few / group.most_members, many / group.most_members, effective, "exact")


def _within_what_was_seen(found: Interval, findings: int, members: int, most: int) -> Interval:
    clear = members - findings
    low = max(found.low, findings / most)
    high = min(found.high, 1 - clear / most)
    if not findings:
        high = max(high, 1 / most)
    if not clear:
        low = min(low, 1 - 1 / most)
    return Interval(found.rate, min(low, found.rate), max(high, found.rate), found.effective_n, found.method)


def wilson_limits(rate: float, effective: float, confidence: float) -> tuple[float, float]:
    """Wilson's limits on the effective size, widened to Korn and Graubard's wherever those are wider.

    Wilson's alone cover as little as 84 % where one finding is expected in six samples (Brown, Cai and DasGupta,
    Statistical Science 16 (2001), 101–133).
    """
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    found, clear = rate * effective, (1 - rate) * effective
    centre = (found + z * z / 2) / (effective + z * z)
    half = z * sqrt(found * clear / effective + z * z / 4) / (effective + z * z)
    tail = (1 - confidence) / 2
    low = beta_quantile(tail, found, clear + 1) if found > 0 else 0.0
    high = beta_quantile(1 - tail, found + 1, clear) if clear > 0 else 1.0
    return max(0.0, min(centre - half, low)), min(1.0, max(centre + half, high))


def effective_size(counts: _Counts, confidence: float) -> float:
    """P(1 − P)/V, P and V being rate and variance with smoothed stratum rates; infinite where all was examined.

    Each stratum's rate is drawn towards the overall one by z² pseudo-observations, so that a stratum that showed no
    finding, or one of a single unit, has a variance; the stratum of the greatest weight gets z²/2 more findings and
    as many clear ones (at 95 %, Agresti and Coull's two and two), so that the variance knows what it would have
    meant to meet some there.
    """
    z2 = NormalDist().inv_cdf((1 + confidence) / 2) ** 2
    flat = _variance(counts, np.full(len(counts.n), 0.5), 0.5)
    if flat <= 0:
        return inf
    kish = 0.25 / flat
    overall = (counts.rate * kish + z2 / 2) / (kish + z2)
    heaviest = np.zeros(len(counts.n))
    heaviest[np.argmax(np.where(counts.members > 0, counts.rows / counts.n, 0))] = 1
    smooth = (counts.findings + z2 * (overall + heaviest / 2)) / (counts.members + z2 * (1 + heaviest))
    rate = float(counts.rows @ (counts.members / counts.n * smooth)) / counts.total
    return rate * (1 - rate) / _variance(counts, smooth, rate)


def _variance(counts: _Counts, stratum_rates: Floats, rate: float) -> float:
    """Variance of the ratio by linearisation, were the strata's rates these: residuals' squares less mean's square.

    With every examined one a member a stratum's term is p(1 − p); `inner` counts the finite population's N − n of
    N − 1.
    """
    share = counts.members / counts.n
    squares = share * (stratum_rates * (1 - rate) ** 2 + (1 - stratum_rates) * rate**2)
    spread = squares - (share * (stratum_rates - rate)) ** 2
    inner = (counts.rows - counts.n) / np.maximum(counts.rows - 1, 1)
    return float(np.sum(counts.rows**2 * inner * spread / counts.n)) / counts.total**2
