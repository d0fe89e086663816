"""Rates of non-compliance in the population, from a verified lottery's results, with what limits them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import isinf
from typing import Final, Literal

import numpy as np

from scheduler.estimates.intervals import Interval, Method, interval
from scheduler.estimates.notes import Note, no_sample, notes_of, small_cell
from scheduler.estimates.observations import EVERYTHING, Domain, Observation, Origin, Stratum
from scheduler.estimates.sample import FINDINGS, MISSING, OUTSIDE, Group, Sample, sample_of
from scheduler.estimates.stratified import ratio_of_counts

SMALLEST_CELL: Final = 10
Suppressed = Literal["", "small", "complementary", "posterior", "coarse"]


@dataclass(frozen=True, slots=True)
class Bounds:
    """What non-response leaves open: the rate if none of those had a finding, and if all had; with limits."""

    rate_low: float
    rate_high: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Estimate:
    """A rate of findings in a domain, with its interval, or None throughout where there is none to show.

    `rate`: findings / members, those who did not answer staying in the denominator; `low`, `high`: the interval;
    `se`: linearised standard error with finite-population correction; `n`: members observed; `effective_n`: None
    where the sample is the population. `suppressed`: why figures are withheld, "" where they are not. `sway`: the
    most that the rate could move, were one observed member in another stratum; `step`: to which figures are rounded.
    """

    domain: Domain
    item: str | None
    rate: float | None
    low: float | None
    high: float | None
    se: float | None
    n: int | None
    effective_n: float | None
    method: Method
    suppressed: Suppressed
    notes: tuple[Note, ...]
    findings: int | None = None
    missing: int | None = None
    bounds: Bounds | None = None
    sway: float | None = None
    step: float | None = None


def estimate(
    strata: Sequence[Stratum],
    observations: Iterable[Observation],
    domain: Domain = EVERYTHING,
    *,
    item: str | None = None,
    confidence: float = 0.95,
    smallest: int = SMALLEST_CELL,
) -> Estimate:
    """Estimate the share of the domain's targets at which a check finds something (of one item, or anything).

    Horvitz–Thompson by strata with weights N/n over all examined targets, for-cause checks left out; a domain is a
    ratio, its standard error by linearisation (Särndal, Swensson and Wretman 1992, section 5.8; Lumley 2010). The
    interval is exact (hypergeometric) in one stratum, else Wilson's (1927) on the effective sample size of Korn and
    Graubard (1998). Fewer than `smallest` observed members are not shown. Raises Refused `estimates.*` as
    `sample_of`.
    """
    return estimate_from(sample_of(strata, observations, domain, item), domain, item, confidence, smallest)


def estimate_from(
    sample: Sample, domain: Domain, item: str | None, confidence: float = 0.95, smallest: int = SMALLEST_CELL
) -> Estimate:
    """The estimate that a sample gives; as `estimate`."""
    if not sample.members:
        return _withheld(domain, item, (no_sample(sample), *notes_of(sample)), "", n=0)
    if sample.members < smallest:
        return _withheld(domain, item, (small_cell(smallest),), "small", n=None)
    return _shown(sample, domain, item, confidence)


def _withheld(
    domain: Domain, item: str | None, notes: tuple[Note, ...], why: Suppressed, n: int | None
) -> Estimate:
    return Estimate(domain, item, None, None, None, None, n, None, "none", why, notes)


def withhold(shown: Estimate, why: Suppressed, note: Note) -> Estimate:
    """The same cell with every figure withheld."""
    return _withheld(shown.domain, shown.item, (note,), why, n=None)


def _shown(sample: Sample, domain: Domain, item: str | None, confidence: float) -> Estimate:
    found = interval(sample.groups, confidence=confidence)
    return Estimate(
        domain=domain,
        item=item,
        rate=found.rate,
        low=found.low,
        high=found.high,
        se=_standard_error(sample.groups),
        n=sample.members,
        effective_n=None if isinf(found.effective_n) else found.effective_n,
        method=found.method,
        suppressed="",
        notes=notes_of(sample),
        findings=sample.findings,
        missing=sample.missing,
        bounds=_bounds(sample, found, confidence),
        sway=_sway(sample.groups),
    )


def _bounds(sample: Sample, found: Interval, confidence: float) -> Bounds:
    worst = interval(sample.groups, missing_found=True, confidence=confidence) if sample.missing else found
    return Bounds(found.rate, worst.rate, found.low, worst.high)


def _sway(groups: Sequence[Group]) -> float:
    """With weights w and X̂ = Σ w over members, a weight that changes by d moves y/X̂ by at most |d|/(X̂ − |d|)."""
    weights = [group.rows / group.n for group in groups]
    most = max(weights) - min(weights)
    total = sum(weight * group.members for weight, group in zip(weights, groups, strict=True))
    return most / (total - most) if total > 2 * most else 1.0


def _standard_error(groups: Sequence[Group]) -> float:
    counts = [(group.findings, group.members, group.n, group.rows) for group in groups]
    return ratio_of_counts(*np.array(counts).T).se


@dataclass(frozen=True, slots=True)
class ForCause:
    """Counts of for-cause checks. Chosen for a reason, they stand for nobody else: never shown as a rate."""

    checks: int
    findings: int
    missing: int


def for_cause(observations: Iterable[Observation], item: str | None = None) -> ForCause:
    """Count the for-cause checks of an item (or of anything), to be shown beside a rate under their own label."""
    outcomes = [seen.outcome_for(item) for seen in observations if seen.origin is Origin.FOR_CAUSE]
    made = [outcome for outcome in outcomes if outcome not in OUTSIDE]
    return ForCause(
        len(made),
        sum(outcome in FINDINGS for outcome in made),
        sum(outcome in MISSING for outcome in made),
    )
