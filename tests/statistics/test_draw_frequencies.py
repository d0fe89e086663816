"""Frequencies over many seeds: inclusion, coordination between draws, cool-down (sections 5 to 7).

Seeds are fixed, so an outcome never changes; bounds are what a correct draw keeps with room to spare, and what a
biased one (a tenth of a percent of the sample misplaced at full counts) does not.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from fractions import Fraction
from math import sqrt

import pytest

from scheduler.frame import Frame
from scheduler.manifest import Cooldown, DrawSpec, Rounding, Rule, StratumRule, Stream
from scheduler.seed import RoundKeys
from scheduler.selection import DrawResult, draw
from scheduler.suite import SHA256

SEEDS = 2_000 if os.environ.get("TRIALS") == "full" else 200
ZEROS = "0" * 64
COLUMNS = ("target_id", "credit", "district", "recent")
ROWS = [
    (f"T{number:04d}", "AABBBCD"[number % 7], "甲乙丙"[number % 3], "01"[number % 4 == 0])
    for number in range(280)
]
FRAME = Frame(COLUMNS, ROWS)
CREDIT = {row[0]: row[1] for row in ROWS}
RECENT = {row[0] for row in ROWS if row[3] == "1"}


def keys_of(seed: int) -> RoundKeys:
    return RoundKeys(SHA256, *(hashlib.sha256(b"seed %d use %d" % (seed, use)).digest() for use in range(5)))


def spec_of(
    draw_id: str,
    strata_by: tuple[str, ...],
    ratios: dict[str, int],
    rounding: Rounding = "systematic",
    cooldown: int | None = None,
    stream: Stream = "round",
    default: int = 0,
) -> DrawSpec:
    strata = tuple(StratumRule((name,), Rule(ratio, 0, None, rounding)) for name, ratio in ratios.items())
    cooled = None if cooldown is None else Cooldown(cooldown)
    rule = Rule(default, 0, None, rounding)
    return DrawSpec(
        draw_id, "局", COLUMNS, (), ZEROS, None, len(ROWS), ZEROS, strata_by, rule, strata, cooled, stream, 1
    )


TIERED = spec_of("credit", ("credit",), {"A": 61_000, "B": 113_000, "C": 270_000, "D": 493_000})
CEILED = spec_of("ceil", ("credit",), {"A": 61_000, "B": 113_000, "C": 270_000, "D": 493_000}, "ceil")
FLAT = spec_of("flat", (), {}, default=203_333)
DISTRICT = spec_of("district", ("district",), {}, default=150_000)
OWN = spec_of("own", ("district",), {}, default=150_000, stream="own")
COOLED = spec_of(
    "cooled", ("credit",), {"A": 150_000, "B": 211_000, "C": 307_000, "D": 450_000}, cooldown=250_000
)
SPECS = (TIERED, CEILED, FLAT, DISTRICT, OWN, COOLED)


@pytest.fixture(scope="module")
def samples() -> dict[str, list[DrawResult]]:
    """Every draw under every seed."""
    keys = [keys_of(seed) for seed in range(SEEDS)]
    return {spec.draw_id: [draw(SHA256, spec, FRAME, key) for key in keys] for spec in SPECS}


def hits(results: list[DrawResult]) -> Counter[str]:
    return Counter(target for result in results for target in result.selected())


def design(result: DrawResult) -> dict[str, Fraction]:
    """Each target's design probability."""
    found = {}
    for item in result.strata:
        for target, credit in CREDIT.items():
            if item.stratum == (credit,):
                parts = item.parts
                share = item.pi_design
                if parts is not None:
                    cooled = parts.pi_design1 if target in RECENT else parts.pi_design0
                    assert cooled is not None
                    share = cooled
                found[target] = share
    return found


@pytest.mark.parametrize("draw_id", ["credit", "ceil", "cooled"])
def test_inclusion_frequencies_are_the_design_probabilities(
    samples: dict[str, list[DrawResult]], draw_id: str
) -> None:
    results = samples[draw_id]
    counts, expected = hits(results), design(results[0])
    scores = [
        (counts[target] - SEEDS * pi) / sqrt(SEEDS * pi * (1 - pi))
        for target, pi in expected.items()
        if 0 < pi < 1
    ]
    mean = sum(scores) / len(scores)
    spread = sqrt(sum(score * score for score in scores) / len(scores))
    assert len(scores) == len(ROWS)
    assert abs(mean) < 0.15
    assert 0.88 < spread < 1.12
    assert max(map(abs, scores)) < 4.5


@pytest.mark.parametrize("draw_id", ["credit", "flat", "district", "cooled"])
def test_sizes_average_to_ratio_times_rows(samples: dict[str, list[DrawResult]], draw_id: str) -> None:
    results = samples[draw_id]
    for place, item in enumerate(results[0].strata):
        expected = item.pi_design * item.rows
        mean = Fraction(sum(result.strata[place].n for result in results), SEEDS)
        fraction = expected % 1
        error = sqrt(fraction * (1 - fraction) / SEEDS)
        assert abs(mean - expected) <= 4.5 * error
    totals = [sum(item.n for item in result.strata) for result in results]
    target = sum((item.pi_design * item.rows for item in results[0].strata), Fraction())
    assert all(abs(total - target) < 1 for total in totals)


def both(first: list[DrawResult], second: list[DrawResult]) -> Counter[str]:
    found: Counter[str] = Counter()
    for one, other in zip(first, second, strict=True):
        found.update(set(one.selected()) & set(other.selected()))
    return found


def test_same_frame_and_rules_are_nested() -> None:
    small, large = (spec_of(f"n{ratio}", (), {}, default=ratio) for ratio in (100_000, 300_000))
    for seed in range(50):
        key = keys_of(seed)
        inner = set(draw(SHA256, small, FRAME, key).selected())
        assert inner < set(draw(SHA256, large, FRAME, key).selected())


def test_shared_numbers_nearly_reach_the_smaller_probability(samples: dict[str, list[DrawResult]]) -> None:
    """Different strata: P(both) ≤ min(pi₁, pi₂), and of its sum at least nine tenths are reached."""
    found = both(samples["credit"], samples["district"])
    pi_credit = design(samples["credit"][0])
    least = {target: min(pi, Fraction(15, 100)) for target, pi in pi_credit.items()}
    total, reached = float(sum(least.values())), found.total() / SEEDS
    assert 0.9 * total < reached <= total * 1.02
    over = [(found[target] - SEEDS * pi) / sqrt(SEEDS * pi * (1 - pi)) for target, pi in least.items()]
    assert max(over) < 4.5


def test_own_streams_are_independent(samples: dict[str, list[DrawResult]]) -> None:
    found = both(samples["credit"], samples["own"])
    pi_credit = design(samples["credit"][0])
    expected = float(sum(pi * Fraction(15, 100) for pi in pi_credit.values()))
    shared = both(samples["credit"], samples["district"]).total() / SEEDS
    reached = found.total() / SEEDS
    assert abs(reached - expected) < 4.5 * sqrt(expected / SEEDS)
    assert shared > 2 * reached


def test_rounds_are_independent_of_each_other(samples: dict[str, list[DrawResult]]) -> None:
    """A new key every round: being drawn in one says nothing about the next."""
    results = samples["flat"]
    again = both(results[:-1], results[1:]).total() / (SEEDS - 1)
    expected = len(ROWS) * 0.203333**2
    assert abs(again - expected) < 4.5 * sqrt(expected / SEEDS)


def test_cool_down_spares_recent_targets_at_the_declared_rate(samples: dict[str, list[DrawResult]]) -> None:
    """Mean n₀ and n₁ are N₀·pi_design0 and N₁·pi_design1, and recent targets get about λ of their stratum's chance."""
    results = samples["cooled"]
    for place, item in enumerate(results[0].strata):
        first = item.parts
        assert first is not None
        assert first.pi_design0 is not None
        assert first.pi_design1 is not None
        split = [result.strata[place].parts for result in results]
        mean0 = Fraction(sum(part.n0 for part in split if part), SEEDS)
        mean1 = Fraction(sum(part.n1 for part in split if part), SEEDS)
        assert abs(mean0 - first.rows0 * first.pi_design0) < 4.5 * sqrt(0.5 / SEEDS)
        assert abs(mean1 - first.rows1 * first.pi_design1) < 4.5 * sqrt(0.25 / SEEDS)
        assert abs(first.pi_design1 - item.pi_design / 4) < Fraction(1, 10**9)
