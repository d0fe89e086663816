"""How many of each stratum are drawn (sections 5 and 7): integers only, exact."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from scheduler.encoding import PPM, lp, u64
from scheduler.manifest import DrawSpec, Rule
from scheduler.suite import Suite

Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StratumSize:
    """A stratum's key, rule, rows `N` and sample size `n`."""

    key: Key
    rule: Rule
    rows: int
    n: int


def stratum_text(key: Key) -> str:
    """The stratum as one text: its values joined by TAB."""
    return "\t".join(key)


def canonical(keys: Mapping[Key, int]) -> list[Key]:
    """The strata that have rows, in canonical order: bytes of their text."""
    return sorted((key for key, rows in keys.items() if rows), key=lambda key: stratum_text(key).encode())


def clamp(rule: Rule, rows: int, size: int) -> int:
    """Keep a size within the rule's least and most, and within the stratum."""
    least = max(size, rule.min)
    return min(least if rule.max is None else min(least, rule.max), rows)


def ceil_size(rule: Rule, rows: int) -> int:
    """⌈N · ratio⌉, before clamping."""
    return -(-rows * rule.ratio_ppm // PPM)


def sample_sizes(
    suite: Suite, sizes_key: bytes, spec: DrawSpec, rows: Mapping[Key, int]
) -> tuple[StratumSize, ...]:
    """Sizes of all strata with rows, in canonical order; `rows` counts each stratum's targets.

    Systematic rounding walks the strata whose rule is systematic with one common start U: the expectation of each
    is N · ratio to within 2^-64 and their total is within 1 of its target before clamping.
    """
    start = u64(suite.mac(sizes_key, lp("size", spec.draw_id))) * PPM
    rules = {entry.key: entry.rule for entry in spec.strata}
    passed = 0
    sizes = []
    for key in canonical(rows):
        rule, count = rules.get(key, spec.default), rows[key]
        if rule.rounding == "ceil":
            size = ceil_size(rule, count)
        else:
            before = ((passed << 64) + start) // (PPM << 64)
            passed += count * rule.ratio_ppm
            size = ((passed << 64) + start) // (PPM << 64) - before
        sizes.append(StratumSize(key, rule, count, clamp(rule, count, size)))
    return tuple(sizes)


def recent_size(
    suite: Suite, sizes_key: bytes, draw_id: str, size: StratumSize, recent: int, lambda_ppm: int
) -> int:
    """How many of the stratum's `recent` rows are among its n (n₁ of section 7)."""
    start = u64(suite.mac(sizes_key, lp("recent", draw_id, stratum_text(size.key))))
    scale = PPM * size.rows
    wanted = (((lambda_ppm * size.n * recent) << 64) + start * scale) // (scale << 64)
    return clamp_recent(wanted, size.n, size.rows, recent)


def clamp_recent(wanted: int, n: int, rows: int, recent: int) -> int:
    """Keep n₁ such that n₀ = n − n₁ fits among the others."""
    return min(max(wanted, n - (rows - recent)), recent, n)
