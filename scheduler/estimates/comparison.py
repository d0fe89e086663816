"""Whether one group's share differs from the others': exact two-sided tests, and Holm's correction for many of them."""

from __future__ import annotations

from collections.abc import Sequence

from scheduler.estimates.quantiles import hypergeometric_cdf


def differs(hits: int, size: int, all_hits: int, all_size: int) -> float:
    """Two-sided p-value of `hits` among a group of `size`, the group being drawn from `all_size` with `all_hits`.

    Exact, given both margins: twice the smaller hypergeometric tail, at most 1 (Fisher; Yates, JRSS A 147 (1984),
    426–463, on doubling).
    """
    at_most = hypergeometric_cdf(hits, all_size, all_hits, size)
    at_least = hypergeometric_cdf(size - hits, all_size, all_size - all_hits, size)
    return min(1.0, 2 * min(at_most, at_least))


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values, in the order given: one below α is significant with the family's error rate at most α.

    Holm, Scandinavian Journal of Statistics 6 (1979), 65–70. Holds whatever the dependence between the tests.
    """
    adjusted, worst = [0.0] * len(p_values), 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        worst = max(worst, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = worst
    return adjusted
