"""Sections 4 to 7: numbers, sizes, selection and probabilities against plain references."""

from __future__ import annotations

import hashlib
import hmac
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer.errors import Refused
from scheduler.encoding import PPM, be64, lp, u64
from scheduler.frame import Frame
from scheduler.manifest import Cooldown, DrawSpec, Rounding, Rule, StratumRule, Stream
from scheduler.numbers import number_of, u_numbers
from scheduler.probability import (
    Part,
    as_text,
    bounds,
    cooldown_probabilities,
    design_probability,
    possible_sizes,
    weights,
)
from scheduler.seed import RoundKeys
from scheduler.selection import DrawResult, draw, select, smallest
from scheduler.sizes import clamp, sample_sizes
from scheduler.suite import SHA256, SM3, Suite

ZEROS = "0" * 64
RULES = st.builds(
    lambda ratio, least, extra, rounding: Rule(
        ratio, least, None if extra is None else least + extra, rounding
    ),
    st.integers(0, PPM) | st.sampled_from([0, 1, 333_333, PPM]),
    st.integers(0, 4),
    st.none() | st.integers(0, 5),
    st.sampled_from(["ceil", "systematic"]),
)


def keys_of(seed: int) -> RoundKeys:
    return RoundKeys(SHA256, *(hashlib.sha256(b"%d %d" % (seed, use)).digest() for use in range(5)))


def spec_of(
    rows: int,
    default: Rule,
    strata: tuple[StratumRule, ...] = (),
    lambda_ppm: int | None = None,
    stream: Stream = "round",
    backups: int = 2,
    strata_by: tuple[str, ...] = ("credit",),
    draw_id: str = "D",
) -> DrawSpec:
    cooldown = None if lambda_ppm is None else Cooldown(lambda_ppm)
    columns = ("target_id", "credit", "recent")
    return DrawSpec(
        draw_id,
        "局",
        columns,
        (),
        ZEROS,
        None,
        rows,
        ZEROS,
        strata_by,
        default,
        strata,
        cooldown,
        stream,
        backups,
    )


def frame_of(cells: list[tuple[str, str]]) -> Frame:
    return Frame(
        ("target_id", "credit", "recent"),
        [(f"T{number * 7919 % 100_003}", *cell) for number, cell in enumerate(cells)],
    )


CELLS = st.lists(st.tuples(st.sampled_from("ABC"), st.sampled_from("01")), min_size=1, max_size=40)


def plain_mac(key: bytes, message: bytes) -> bytes:
    return hmac.new(key, message, "sha256").digest()


def plain_draw(spec: DrawSpec, frame: Frame, keys: RoundKeys, salt_key: bytes | None) -> list[Any]:
    """The specification read line by line, with rationals: strata as (key, selected, backups)."""
    key = (
        keys.numbers
        if spec.stream == "round"
        else plain_mac(keys.prk, lp("DR1/key", "numbers", spec.draw_id))
    )

    def number(row: tuple[str, ...]) -> tuple[bytes, bytes]:
        parts = [row[0]] if salt_key is None else [row[0], plain_mac(salt_key, lp("number", row[0]))]
        return plain_mac(key, lp(*parts)), row[0].encode()

    start = Fraction(u64(plain_mac(keys.sizes, lp("size", spec.draw_id))), 2**64)
    passed, outcome = Fraction(), []
    for name in sorted({row[1] for row in frame.rows}):
        rows = [row for row in frame.rows if row[1] == name]
        rule = {entry.key: entry.rule for entry in spec.strata}.get((name,), spec.default)
        wanted = Fraction(len(rows) * rule.ratio_ppm, PPM)
        if rule.rounding == "ceil":
            size = -(-wanted // 1)
        else:
            size = (passed + wanted + start) // 1 - (passed + start) // 1
            passed += wanted
        most = len(rows) if rule.max is None else rule.max
        n = min(min(max(size, rule.min), most), len(rows))
        rows.sort(key=number)
        if spec.cooldown is None:
            chosen, reserve = rows[:n], rows[n:]
        else:
            recent = [row for row in rows if row[2] == "1"]
            others = [row for row in rows if row[2] == "0"]
            shift = Fraction(u64(plain_mac(keys.sizes, lp("recent", spec.draw_id, name))), 2**64)
            x1 = (Fraction(spec.cooldown.lambda_ppm * n * len(recent), PPM * len(rows)) + shift) // 1
            n1 = min(max(x1, n - len(others)), len(recent), n)
            chosen = sorted(others[: n - n1] + recent[:n1], key=number)
            reserve = others[n - n1 :] + recent[n1:]
        outcome.append(([name], [row[0] for row in chosen], [row[0] for row in reserve[: spec.backups]]))
    return outcome


def as_lists(result: DrawResult) -> list[Any]:
    return [
        (
            list(item.stratum),
            [drawn.target_id for drawn in item.selected],
            [drawn.target_id for drawn in item.backups],
        )
        for item in result.strata
    ]


@settings(max_examples=150, deadline=None)
@given(
    CELLS,
    RULES,
    RULES,
    st.none() | st.sampled_from([0, 1, 250_000, 999_999, PPM]),
    st.sampled_from(["round", "own"]),
    st.integers(0, 5),
    st.integers(0, 10**6),
    st.sampled_from([None, b"s" * 32]),
)
def test_a_draw_equals_the_plain_reading(
    cells: list[tuple[str, str]],
    default: Rule,
    rule: Rule,
    lambda_ppm: int | None,
    stream: Stream,
    backups: int,
    seed: int,
    salt_key: bytes | None,
) -> None:
    frame, keys = frame_of(cells), keys_of(seed)
    spec = spec_of(len(cells), default, (StratumRule(("B",), rule),), lambda_ppm, stream, backups)
    result = draw(SHA256, spec, frame, keys, salt_key)
    assert as_lists(result) == plain_draw(spec, frame, keys, salt_key)
    for item in result.strata:
        assert item.n == len(item.selected)
        assert item.pi_cond == Fraction(item.n, item.rows)
        assert (item.parts is None) == (lambda_ppm is None)
        if item.parts:
            assert item.parts.n0 + item.parts.n1 == item.n
            assert item.parts.rows0 + item.parts.rows1 == item.rows


@given(
    st.dictionaries(st.tuples(st.text("ab天", max_size=3)), st.integers(0, 3000), max_size=8),
    RULES,
    st.data(),
)
def test_sizes_keep_their_bounds_and_total(
    rows: dict[tuple[str, ...], int], default: Rule, data: Any
) -> None:
    rounding: Rounding = "systematic"
    rules = {key: Rule(data.draw(st.integers(0, PPM)), 0, None, rounding) for key in rows}
    spec = spec_of(0, default, tuple(StratumRule(key, rule) for key, rule in rules.items()))
    sizes = sample_sizes(SHA256, data.draw(st.binary(min_size=32, max_size=32)), spec, rows)
    assert [size.key for size in sizes] == sorted(
        (key for key in rows if rows[key]), key=lambda key: key[0].encode()
    )
    for size in sizes:
        wanted = Fraction(size.rows * size.rule.ratio_ppm, PPM)
        assert abs(size.n - wanted) < 1
    total = sum((Fraction(size.rows * size.rule.ratio_ppm, PPM) for size in sizes), Fraction())
    assert abs(sum(size.n for size in sizes) - total) < 1


def test_ceil_strata_do_not_advance_the_systematic_walk() -> None:
    systematic = Rule(300_000, 0, None, "systematic")
    for seed in range(40):
        key = hashlib.sha256(b"%d" % seed).digest()
        with_ceil = spec_of(0, systematic, (StratumRule(("B",), Rule(470_000, 0)),))
        both = sample_sizes(SHA256, key, with_ceil, {("A",): 11, ("B",): 7, ("C",): 13})
        alone = sample_sizes(SHA256, key, spec_of(0, systematic), {("A",): 11, ("C",): 13})
        assert [both[0].n, both[2].n] == [size.n for size in alone]
        assert both[1].n == 4


@pytest.mark.parametrize(
    ("rule", "rows", "size", "expected"),
    [
        (Rule(0, 3, 5), 10, 0, 3),
        (Rule(0, 3, 5), 10, 7, 5),
        (Rule(0, 3, 5), 2, 7, 2),
        (Rule(0, 3, None), 10, 7, 7),
        (Rule(0, 0, 0), 10, 7, 0),
    ],
)
def test_clamp(rule: Rule, rows: int, size: int, expected: int) -> None:
    assert clamp(rule, rows, size) == expected


def test_a_class_is_never_never_checked() -> None:
    assert Rule(0).min == 1


@given(RULES, st.integers(1, 500))
def test_possible_sizes_are_a_distribution(rule: Rule, rows: int) -> None:
    sizes = possible_sizes(rule, rows)
    assert sum(chance for _, chance in sizes) == 1
    unclamped = Rule(rule.ratio_ppm, 0, None, rule.rounding)
    if rule.rounding == "systematic":
        assert design_probability(unclamped, rows) == Fraction(rule.ratio_ppm, PPM)
    else:
        assert design_probability(unclamped, rows) * rows == -(-rows * rule.ratio_ppm // PPM)


@settings(max_examples=60, deadline=None)
@given(RULES, st.integers(1, 30), st.data(), st.sampled_from([0, 1, 250_000, PPM]))
def test_cooldown_expectations_equal_enumeration(rule: Rule, rows: int, data: Any, lambda_ppm: int) -> None:
    """Both starts U and U' on a fine grid that hits every case in proportion."""
    recent = data.draw(st.integers(0, rows))
    expected0 = expected1 = Fraction()
    for n, chance in possible_sizes(rule, rows):
        exact = Fraction(lambda_ppm * n * recent, PPM * rows)
        for x1 in (exact // 1, exact // 1 + 1):
            share = 1 - abs(exact - x1) if exact != x1 else Fraction(1)
            share = share if abs(exact - x1) < 1 else Fraction()
            n1 = min(max(x1, n - (rows - recent)), recent, n)
            expected1 += chance * share * n1
            expected0 += chance * share * (n - n1)
    found = cooldown_probabilities(rule, rows, recent, lambda_ppm)
    assert found[0] == (expected0 / (rows - recent) if recent < rows else None)
    assert found[1] == (expected1 / recent if recent else None)


@given(st.integers(0, 3), st.lists(st.text("0A.", min_size=1, max_size=64), unique=True, max_size=60))
def test_numbers_of_mixed_lengths(which: int, ids: list[str]) -> None:
    suite, salt_key = (SHA256, SM3)[which % 2], (None, b"salt" * 8)[which // 2]
    found = u_numbers(suite, b"k" * 32, ids, salt_key)
    assert found.tolist() == [u64(number_of(suite, b"k" * 32, target_id, salt_key)) for target_id in ids]


def test_number_formulas() -> None:
    key, salt_key = b"k" * 32, b"s" * 32
    assert number_of(SHA256, key, "A1") == plain_mac(key, be64(2) + b"A1")
    salt = plain_mac(salt_key, be64(6) + b"number" + be64(2) + b"A1")
    assert number_of(SHA256, key, "A1", salt_key) == plain_mac(key, be64(2) + b"A1" + be64(32) + salt)


def test_numbers_across_chunks() -> None:
    ids = [f"{number:06d}" for number in range(40_000)]
    found = u_numbers(SHA256, b"k" * 32, ids)
    for place in (0, 32_767, 32_768, 39_999):
        assert int(found[place]) == u64(number_of(SHA256, b"k" * 32, ids[place]))


@given(
    st.lists(st.integers(0, 3), min_size=1, max_size=25),
    st.integers(0, 30),
    st.randoms(use_true_random=False),
)
def test_equal_heads_fall_back_to_the_whole_number_then_the_id(
    heads: list[int], count: int, random: Any
) -> None:
    """Also across the cut, which a partition by heads alone would get wrong."""
    full = [be64(head) + bytes([random.randrange(3)]) * 24 for head in heads]
    places = np.arange(len(heads))
    found = smallest(np.array(heads, dtype=np.uint64), places, count, full.__getitem__)
    assert found.tolist() == sorted(places.tolist(), key=lambda place: (full[place], place))[:count]


def test_cooled_selection_orders_ties_by_the_whole_number() -> None:
    frame = frame_of([("A", "0"), ("A", "1"), ("A", "0"), ("A", "1")])
    spec = spec_of(4, Rule(PPM), lambda_ppm=PPM)
    full = [bytes(8) + bytes([value]) * 24 for value in (3, 1, 2, 0)]
    result = select(SHA256, spec, frame, bytes(32), np.zeros(4, dtype=np.uint64), full.__getitem__)
    assert [item.target_id for item in result.strata[0].selected] == [
        frame.ids[place] for place in (3, 1, 2, 0)
    ]


def test_adding_a_row_changes_nobody_elses_number() -> None:
    ids = ["A", "B", "C"]
    fewer, more = u_numbers(SHA256, b"k" * 32, ids), u_numbers(SHA256, b"k" * 32, ["0", *ids])
    assert fewer.tolist() == more.tolist()[1:]


def test_frames_that_do_not_belong_are_refused() -> None:
    frame = frame_of([("A", "0")])
    with pytest.raises(Refused) as caught:
        draw(SHA256, spec_of(2, Rule(0)), frame, keys_of(1))
    assert caught.value.problem.code == "draw.frame"
    odd = frame_of([("A", "0"), ("A", "")])
    with pytest.raises(Refused) as caught:
        draw(SHA256, spec_of(2, Rule(0), lambda_ppm=0), odd, keys_of(1))
    assert caught.value.problem.code == "draw.recent"
    assert caught.value.problem.params["target_id"] == "T7919"


def test_no_strata_and_no_rows() -> None:
    frame = frame_of([("A", "0"), ("B", "1")])
    result = draw(SHA256, spec_of(2, Rule(500_000), strata_by=()), frame, keys_of(3))
    assert [(item.stratum, item.rows, item.n) for item in result.strata] == [((), 2, 1)]
    for strata_by in ((), ("credit",)):
        empty = draw(SHA256, spec_of(0, Rule(PPM), strata_by=strata_by), frame_of([]), keys_of(3))
        assert empty.strata == ()


def test_a_part_without_targets_has_no_probability() -> None:
    result = draw(SHA256, spec_of(2, Rule(PPM), lambda_ppm=0), frame_of([("A", "0"), ("A", "0")]), keys_of(1))
    parts = result.strata[0].parts
    assert parts is not None
    assert (as_text(parts.pi_design0), as_text(parts.pi_design1)) == ("1", None)
    assert as_text(Fraction(2, 4)) == "1/2"
    assert as_text(Fraction()) == "0"


def test_lambda_zero_spares_recent_targets_unless_needed() -> None:
    frame = frame_of([("A", "1")] * 6 + [("A", "0")] * 4)
    recent = {row[0] for row in frame.rows if row[2] == "1"}
    few = draw(SHA256, spec_of(10, Rule(300_000), lambda_ppm=0, backups=9), frame, keys_of(5)).strata[0]
    assert not recent & {item.target_id for item in few.selected}
    assert [item.target_id in recent for item in few.backups] == [False] + [True] * 6
    many = draw(SHA256, spec_of(10, Rule(600_000), lambda_ppm=0), frame, keys_of(5)).strata[0]
    assert many.parts is not None
    assert (many.parts.n0, many.parts.n1) == (4, 2)


def test_bounds_across_departments() -> None:
    assert bounds([Fraction(1, 2), Fraction(1, 3)]) == (Fraction(1, 2), Fraction(5, 6))
    assert bounds([Fraction(2, 3), Fraction(2, 3)]) == (Fraction(2, 3), Fraction(1))
    assert bounds([]) == (Fraction(), Fraction())


def test_weights_collapse_empty_parts_into_their_neighbour() -> None:
    parts = [
        Part(("A",), "0", 10, 2),
        Part(("A",), "1", 5, 0),
        Part(("B",), "", 7, 0),
        Part(("C",), "", 6, 3),
    ]
    found = weights(parts)
    assert [(item.part.key, item.weight) for item in found] == [
        (("A",), Fraction(22, 2)),
        (("C",), Fraction(2)),
    ]
    assert found[0].collapsed == (parts[1], parts[2])
    total = sum(item.weight * item.part.n for item in found)
    assert total == sum(part.rows for part in parts)
    assert weights([Part(("A",), "", 5, 0)]) == ()
    assert weights([Part(("A",), "", 5, 0), Part(("B",), "", 5, 1)])[0].weight == 10


def test_weighted_parts_follow_the_cool_down() -> None:
    frame = frame_of([("A", "1")] * 6 + [("A", "0")] * 4)
    cooled = draw(SHA256, spec_of(10, Rule(500_000), lambda_ppm=250_000), frame, keys_of(5)).strata[0]
    assert [(part.recent, part.rows) for part in cooled.weighted_parts()] == [("0", 4), ("1", 6)]
    plain = draw(SHA256, spec_of(10, Rule(500_000)), frame, keys_of(5)).strata[0]
    assert [(part.recent, part.rows, part.n) for part in plain.weighted_parts()] == [("", 10, 5)]


class FixedStart(Suite):
    """A suite whose MAC is all ones, so that U is the largest possible."""

    def mac(self, key: bytes, message: bytes) -> bytes:
        return b"\xff" * 32


def test_the_walk_is_exact_at_its_edge() -> None:
    """With U = 2^64 − 1 a sum that is whole stays, and the least more rounds up."""
    spec = spec_of(
        0, Rule(500_000, 0, None, "systematic"), (StratumRule(("C",), Rule(1, 0, None, "systematic")),)
    )
    sizes = sample_sizes(FixedStart("x", "sha256"), bytes(32), spec, {("A",): 2, ("B",): 4, ("C",): 1})
    assert [size.n for size in sizes] == [1, 2, 1]
