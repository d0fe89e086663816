"""Tails of two distributions, in plain floats: beta (Clopper–Pearson on real counts) and hypergeometric (exact)."""

from __future__ import annotations

from math import exp, lgamma, log, log1p
from typing import Final

_TINY: Final = 1e-300
_ENOUGH: Final = 1e-15
_CLOSE: Final = 1e-9
"""A step of Newton's that is so small, relative to what is left to 0 or 1, leaves an error of its square."""
_ROUNDING: Final = 1e-9
_MOST_TERMS: Final = 100_000
_MOST_STEPS: Final = 200


def beta_cdf(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function I_x(a, b), a and b > 0, by its continued fraction (DLMF 8.17.22)."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x))
    if x < (a + 1) / (a + b + 2):
        return front * _fraction(x, a, b) / a
    return 1 - front * _fraction(1 - x, b, a) / b


def _fraction(x: float, a: float, b: float) -> float:
    """1/(1 + c₁/(1 + c₂/(1 + …))) by Lentz's method."""
    above, below = 1.0, 1 / _away(1 + _coefficient(1, x, a, b))
    value = below
    for term in range(2, _MOST_TERMS):
        step = _coefficient(term, x, a, b)
        above, below = _away(1 + step / above), 1 / _away(1 + step * below)
        value *= above * below
        if abs(above * below - 1) < _ENOUGH:
            break
    return value


def _coefficient(term: int, x: float, a: float, b: float) -> float:
    m, odd = divmod(term, 2)
    if odd:
        return -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
    return m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))


def _away(number: float) -> float:
    return number if abs(number) > _TINY else _TINY


def beta_quantile(probability: float, a: float, b: float) -> float:
    """The x with I_x(a, b) = probability, by Newton's steps kept inside a bracket; absolute error below 1e-13."""
    low, high, x = 0.0, 1.0, a / (a + b)
    scale = lgamma(a + b) - lgamma(a) - lgamma(b)
    for _ in range(_MOST_STEPS):
        excess = beta_cdf(x, a, b) - probability
        low, high = (low, x) if excess > 0 else (x, high)
        density = exp(scale + (a - 1) * log(x) + (b - 1) * log1p(-x)) if 0 < x < 1 else 0.0
        following = x - excess / density if density > _TINY else low
        close = _CLOSE * min(following, 1 - following)
        if not low < following < high:
            following, close = (low + high) / 2, 0.0
        if abs(following - x) < max(_ENOUGH, close):
            return following
        x = following
    return x


def hypergeometric_cdf(y: int, rows: int, findings: int, n: int) -> float:
    """P(at most y findings among n drawn of `rows`, of which `findings` have one)."""
    least, most = max(0, n + findings - rows), min(n, findings)
    if y < least or y >= most:
        return float(y >= most)
    if y > n * findings / rows:
        return 1 - hypergeometric_cdf(n - y - 1, rows, rows - findings, n)
    term = exp(_log_choose(findings, y) + _log_choose(rows - findings, n - y) - _log_choose(rows, n))
    found = term
    for x in range(y, least, -1):
        term *= x * (rows - findings - n + x) / ((findings - x + 1) * (n - x + 1))
        found += term
        if term < found * _ENOUGH:
            break
    return found


def _log_choose(n: int, k: int) -> float:
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)


def hypergeometric_limits(y: int, n: int, rows: int, tail: float) -> tuple[int, int]:
    """Fewest and most findings in `rows` that neither one-sided test at level `tail` rejects, y of n being found.

    Exact inversion after Clopper and Pearson (1934), for the finite population: Buonaccorsi, The American
    Statistician 41 (1987), 215–218. Coverage is never below 1 − 2·tail. A chance equal to the tail (but
    for rounding) does not reject.
    """
    most = _most(y, n, rows, tail)
    return rows - _most(n - y, n, rows, tail), most


def _most(y: int, n: int, rows: int, tail: float) -> int:
    low, high = y, rows - (n - y)
    while low < high:
        middle = (low + high + 1) // 2
        if hypergeometric_cdf(y, rows, middle, n) >= tail * (1 - _ROUNDING):
            low = middle
        else:
            high = middle - 1
    return low
