"""The plain stratified estimators with their standard errors: totals, means, ratios, domains.

Sampling is simple random without replacement within strata. The variance of a total is
Σ N_h² (1 − n_h/N_h) s_h² / n_h; that of a ratio is the variance of the total of its linearised variable
(y − R·x)/X̂; a domain is a ratio whose y and x are 0 outside it. Sources: Särndal, Swensson and Wretman, Model
Assisted Survey Sampling (1992), results 3.7.2, 5.6.2 and section 5.8; Lumley, Complex Surveys (2010), chapter 2.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from optimizer.errors import refuse

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Point:
    """An estimate and its standard error, in the unit of y (of y/x for a ratio)."""

    value: float
    se: float


def total(y: ArrayLike, strata: Sequence[Hashable], rows: Mapping[Hashable, int]) -> Point:
    """Horvitz–Thompson total of y, shape (n,), of units in `strata`, shape (n,); `rows` is N_h of each stratum.

    Raises Refused `estimates.rows` for more units than rows. A stratum of one unit (and more rows) is centred at 0.
    """
    values, groups, weights = _prepared(y, strata, rows)
    return Point(float(weights @ values), _standard_error(values, groups, rows))


def ratio(y: ArrayLike, x: ArrayLike, strata: Sequence[Hashable], rows: Mapping[Hashable, int]) -> Point:
    """Ratio of the totals of y and x, both of shape (n,), by linearisation.

    A stratum of one unit is centred at the sample's ratio, which is R's `survey.lonely.psu = "adjust"`: too much
    rather than too little. Raises Refused `estimates.rows`; and `estimates.empty` where the total of x is 0.
    """
    top, groups, weights = _prepared(y, strata, rows)
    bottom = np.asarray(x, dtype=np.float64)
    size = float(weights @ bottom)
    if size == 0:
        raise refuse(
            "estimates.empty",
            "该分组在样本中没有对象，无法估计。",
            "The sample holds nobody of this domain: there is nothing to estimate from.",
            "请合并分组后再估计。",
            "Ask about a wider domain.",
        )
    value = float(weights @ top) / size
    return Point(value, _standard_error((top - value * bottom) / size, groups, rows))


def ratio_of_counts(findings: ArrayLike, members: ArrayLike, n: ArrayLike, rows: ArrayLike) -> Point:
    """`ratio` of y and x that are 0 or 1, y only where x is, from their counts by stratum, shape (strata,) each.

    With R the ratio a stratum's residuals are 1 − R, −R and 0; their squares about their mean are summed over pairs of
    unlike ones, so that nothing is lost by subtraction. There is somebody in the domain.
    """
    found, size, units, frame = (np.asarray(one, dtype=np.float64) for one in (findings, members, n, rows))
    weights = frame / units
    total = float(weights @ size)
    value = float(weights @ found) / total
    clear, outside = size - found, units - size
    above, below = (1 - value) ** 2, value**2
    squares = (found * clear + found * outside * above + clear * outside * below) / units
    lonely = found * above + clear * below
    spread = np.where(units > 1, squares / np.maximum(units - 1, 1), lonely) / total**2
    return Point(value, float(np.sqrt(np.sum(frame**2 * (1 - units / frame) * spread / units))))


def mean(y: ArrayLike, strata: Sequence[Hashable], rows: Mapping[Hashable, int]) -> Point:
    """Mean of y over all rows of the strata that were sampled."""
    return ratio(y, np.ones(len(strata)), strata, rows)


def _prepared(
    y: ArrayLike, strata: Sequence[Hashable], rows: Mapping[Hashable, int]
) -> tuple[Floats, dict[Hashable, NDArray[np.int64]], Floats]:
    values = np.asarray(y, dtype=np.float64)
    places: dict[Hashable, list[int]] = {}
    for place, label in enumerate(strata):
        places.setdefault(label, []).append(place)
    weights = np.empty(len(strata))
    groups = {label: np.array(found) for label, found in places.items()}
    for label, found in groups.items():
        check_rows(str(label), rows[label], len(found))
        weights[found] = rows[label] / len(found)
    return values, groups, weights


def check_rows(stratum: str, rows: int, units: int) -> None:
    """Raise Refused `estimates.rows` where more units were examined than the stratum has rows."""
    if units > rows:
        raise refuse(
            "estimates.rows",
            f"层“{stratum}”只有 {rows} 行，却有 {units} 个观测。",
            f"Stratum {stratum!r} has {rows} rows but {units} observations.",
            "请核对各层行数和观测所属的层。",
            "Check the strata's rows and to which stratum each observation belongs.",
            stratum=stratum,
            rows=rows,
            units=units,
        )


def _standard_error(
    values: Floats, groups: Mapping[Hashable, NDArray[np.int64]], rows: Mapping[Hashable, int]
) -> float:
    return float(np.sqrt(sum(_variance(values[found], rows[label]) for label, found in groups.items())))


def _variance(values: Floats, rows: int) -> float:
    n = len(values)
    spread = float(values.var(ddof=1)) if n > 1 else float(values[0] ** 2)
    return rows**2 * (1 - n / rows) * spread / n
