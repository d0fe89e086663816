"""Inclusion probabilities and weights as exact fractions (section 6)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from scheduler.encoding import PPM
from scheduler.manifest import Rule
from scheduler.sizes import Key, ceil_size, clamp, clamp_recent


def possible_sizes(rule: Rule, rows: int) -> tuple[tuple[int, Fraction], ...]:
    """The sizes n that a stratum can get, each with its chance, known before the draw."""
    if rule.rounding == "ceil":
        return ((clamp(rule, rows, ceil_size(rule, rows)), Fraction(1)),)
    whole, part = divmod(rows * rule.ratio_ppm, PPM)
    if not part:
        return ((clamp(rule, rows, whole), Fraction(1)),)
    up = Fraction(part, PPM)
    return (clamp(rule, rows, whole), 1 - up), (clamp(rule, rows, whole + 1), up)


def design_probability(rule: Rule, rows: int) -> Fraction:
    """`pi_design` of a stratum of `rows` ≥ 1 targets."""
    return sum((chance * n for n, chance in possible_sizes(rule, rows)), Fraction()) / rows


def cooldown_probabilities(
    rule: Rule, rows: int, recent: int, lambda_ppm: int
) -> tuple[Fraction | None, Fraction | None]:
    """`pi_design0` and `pi_design1`: E[n₀]/N₀ and E[n₁]/N₁, exact over the values of n and of x₁; None if empty."""
    expected = Fraction()
    total = Fraction()
    for n, chance in possible_sizes(rule, rows):
        total += chance * n
        for wanted, share in _recent_sizes(n, rows, recent, lambda_ppm):
            expected += chance * share * clamp_recent(wanted, n, rows, recent)
    others = rows - recent
    return (total - expected) / others if others else None, expected / recent if recent else None


def _recent_sizes(n: int, rows: int, recent: int, lambda_ppm: int) -> Iterator[tuple[int, Fraction]]:
    whole, part = divmod(lambda_ppm * n * recent, PPM * rows)
    up = Fraction(part, PPM * rows)
    yield whole, 1 - up
    yield whole + 1, up


def bounds(probabilities: Iterable[Fraction]) -> tuple[Fraction, Fraction]:
    """Bounds of a target's chance to be in any of several draws: the largest, and the sum up to 1.

    The lower one is reached where samples are nested, the upper where they never overlap.
    """
    known = list(probabilities)
    return max(known, default=Fraction()), min(Fraction(1), sum(known, Fraction()))


@dataclass(frozen=True, slots=True)
class Part:
    """A stratum, or under cool-down one of its two parts (`recent` "0" or "1", else ""): N rows, n drawn."""

    key: Key
    recent: str
    rows: int
    n: int


@dataclass(frozen=True, slots=True)
class Weight:
    """Weight of each drawn target of a part, and the parts of no sample that were collapsed into it."""

    part: Part
    weight: Fraction
    collapsed: tuple[Part, ...]


def weights(parts: Sequence[Part]) -> tuple[Weight, ...]:
    """N/n of each part, in the order given; a part with n = 0 is collapsed into its neighbour, and named there.

    The neighbour is the other part of the same stratum where that was drawn from, else the nearest part before,
    else the nearest one after. Nothing drawn at all gives no weights.
    """
    drawn = [place for place, part in enumerate(parts) if part.n]
    taken: dict[int, list[Part]] = {place: [] for place in drawn}
    for place, part in enumerate(parts):
        if part.rows and not part.n and drawn:
            taken[_neighbour(parts, drawn, place)].append(part)
    return tuple(_weight(parts[place], taken[place]) for place in drawn)


def _weight(part: Part, collapsed: Sequence[Part]) -> Weight:
    rows = part.rows + sum(item.rows for item in collapsed)
    return Weight(part, Fraction(rows, part.n), tuple(collapsed))


def _neighbour(parts: Sequence[Part], drawn: Sequence[int], place: int) -> int:
    return min(
        drawn, key=lambda other: (parts[other].key != parts[place].key, other > place, abs(other - place))
    )


def as_text(probability: Fraction | None) -> str | None:
    """A fraction in lowest terms, "2/7", "1", "0"; None stays None."""
    return None if probability is None else str(probability)
