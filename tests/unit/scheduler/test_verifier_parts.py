"""The verifier's own arithmetic against plain definitions: trees, keys, sizes, graphs, fairness, evenness."""

from __future__ import annotations

import copy
import hmac
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.verifier import (
    PPM,
    Archive,
    Lots,
    Round,
    Suite,
    Wrong,
    check_fairness,
    check_loads,
    check_spread,
    check_sums,
    components,
    expected_sizes,
    lp,
    moment,
    sample_sizes,
    size_range,
    text,
)

SUITES = {"DR1-HMAC-SHA256": "sha256", "DR1-HMAC-SM3": "sm3"}


def head_of(suite: Suite, leaves: list[bytes]) -> bytes:
    """RFC 9162 section 2.1.1, word for word."""
    if not leaves:
        return suite.hash(b"")
    if len(leaves) == 1:
        return suite.hash(b"\0" + leaves[0])
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    return suite.hash(b"\1" + head_of(suite, leaves[:k]) + head_of(suite, leaves[k:]))


def path_of(suite: Suite, leaves: list[bytes], index: int) -> list[bytes]:
    """RFC 9162 section 2.1.3.1, word for word."""
    if len(leaves) == 1:
        return []
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    if index < k:
        return [*path_of(suite, leaves[:k], index), head_of(suite, leaves[k:])]
    return [*path_of(suite, leaves[k:], index - k), head_of(suite, leaves[:k])]


@pytest.mark.parametrize("size", [0, 1, 2, 3, 4, 5, 7, 8, 9, 31, 33])
def test_tree_and_paths(size: int) -> None:
    suite = Suite("DR1-HMAC-SM3")
    leaves = [bytes([number]) for number in range(size)]
    root = head_of(suite, leaves)
    assert suite.tree(leaves) == root
    for index in range(size):
        path = [node.hex() for node in path_of(suite, leaves, index)]
        assert suite.includes(leaves[index], index, size, path, root.hex())
        assert not suite.includes(b"other", index, size, path, root.hex())
        assert not suite.includes(leaves[index], index, size, [*path, "00" * 32], root.hex())
        assert not suite.includes(leaves[index], index + size, size, path, root.hex())
        for other in set(range(size)) - {index}:
            assert not suite.includes(leaves[index], other, size, path, root.hex())


@pytest.mark.parametrize("label", SUITES)
@given(key=st.binary(min_size=32, max_size=32), parts=st.lists(st.binary(max_size=90), max_size=4))
def test_mac(label: str, key: bytes, parts: list[bytes]) -> None:
    assert Suite(label).mac(key)(*parts) == hmac.new(key, lp(*parts), SUITES[label]).digest()


def test_lp() -> None:
    assert lp("é", b"") == bytes(7) + b"\x02\xc3\xa9" + bytes(8)


@pytest.mark.parametrize("value", ["", "a", "a b", "天山区", "é", "𠮷", "-"])
def test_lawful_text(value: str) -> None:
    assert text(value)


@pytest.mark.parametrize(
    "value",
    [
        " a",
        "a ",
        "a\tb",
        "a\n",
        "e\u0301",
        "\u200b",
        "\u202e",
        "\ud800",
        "\u2028",
        "\ufdd0",
        "\ue000x\x7f",
        7,
    ],
)
def test_unlawful_text(value: object) -> None:
    assert not text(value)


def test_times_sort() -> None:
    times = ["2027-01-04T15:00:00+08:00", "2027-01-04T15:00:00.05+08:00", "2027-01-04T15:00:00.5+08:00"]
    assert sorted(times, key=moment) == times
    for bad in (
        "2027-01-04T15:00:00Z",
        "2027-01-04 15:00:00+08:00",
        "2027-02-30T00:00:00+08:00",
        "２027-01-04T15:00:00+08:00",
    ):
        with pytest.raises((Wrong, ValueError)):
            moment(bad)


RULES = st.builds(
    lambda ratio, low, more, rounding: {
        "ratio_ppm": ratio, "min": low, "max": None if more is None else low + more, "rounding": rounding
    },
    st.sampled_from([0, 1, 10_000, 203_333, 999_999, PPM]),
    st.integers(0, 3),
    st.sampled_from([None, None, 0, 5]),
    st.sampled_from(["ceil", "systematic"]),
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(data=st.data(), key=st.binary(min_size=32, max_size=32))
def test_size_range_never_accuses_the_honest(data: st.DataObject, key: bytes) -> None:
    """Whatever the strata are, the drawn number lies within the bounds that the manifest alone gives."""
    counts = data.draw(st.dictionaries(st.sampled_from("ABCDEFGH"), st.integers(1, 300), max_size=8))
    named = data.draw(st.lists(st.sampled_from("ABCDEFGHIJ"), unique=True, max_size=6))
    draw: dict[str, Any] = {
        "draw_id": "D1",
        "frame_rows": sum(counts.values()),
        "strata_by": ["credit"],
        "default": data.draw(RULES),
        "strata": [{"key": [name], **data.draw(RULES)} for name in named],
    }
    r = Round(Archive(b""), None)
    r.parsed["manifest"] = {"suite": "DR1-HMAC-SHA256"}
    r.keys["sizes"] = key
    low, high = size_range(r, draw)
    total = sum(n for n, _ in sample_sizes(r, draw, counts).values())
    assert low <= total <= high


@settings(max_examples=60, deadline=None)
@given(rule=RULES, rows=st.integers(1, 40), share=st.integers(0, 40), lam=st.sampled_from([0, 250_000, PPM]))
def test_expected_sizes_are_averages(rule: dict[str, Any], rows: int, share: int, lam: int) -> None:
    """E[n] and E[n1] against the average over a fine grid of the two uniform numbers."""
    recents = min(share, rows)
    steps = 40
    total = warm = Fraction(0)
    for i in range(steps):
        start = Fraction(2 * i + 1, 2 * steps)
        x = Fraction(rows * rule["ratio_ppm"], PPM)
        v = -(-x.numerator // x.denominator) if rule["rounding"] == "ceil" else int(x + start)
        v = max(v, rule["min"])
        n = min(v if rule["max"] is None else min(v, rule["max"]), rows)
        y = Fraction(lam * n * recents, PPM * rows)
        total += n
        for j in range(steps):
            x1 = int(y + Fraction(2 * j + 1, 2 * steps))
            warm += Fraction(min(max(x1, n - (rows - recents)), recents, n), steps)
    expected, expected1 = expected_sizes(rule, lam, rows, recents)
    assert abs(expected - total / steps) <= Fraction(1, steps)
    assert abs(expected1 - warm / steps) <= Fraction(3, steps)


@given(edges=st.lists(st.lists(st.integers(0, 7), max_size=4), min_size=8, max_size=8))
def test_components(edges: list[list[int]]) -> None:
    reach = [{node} for node in range(8)]
    for _ in range(8):
        for node in range(8):
            for other in edges[node]:
                reach[node] |= reach[other]
    label = components(edges)
    for one in range(8):
        for other in range(8):
            assert (label[one] == label[other]) == (other in reach[one] and one in reach[other])


def two_by_two(units: list[list[int]], loads: list[str], caps: tuple[int, int] = (1, 2)) -> dict[str, Any]:
    """Two inspectors, two days of one seat each, both eligible for both; caps keep them in two groups."""
    days = ("2027-01-11", "2027-01-12")
    return {
        "unit_bits": 20,
        "groups": [
            {"group_id": f"G{g + 1:04}", "members": [f"P{g}"], "cap": caps[g], "weight": 1000, "load": loads[g]}
            for g in range(2)
        ],
        "classes": [
            {
                "class_id": f"{day}/0001", "date": day, "seats": [f"R{c}#1"], "groups": ["G0001", "G0002"],
                "units": units[c],
            }
            for c, day in enumerate(days)
        ],
        "certificate": {"a": ["1e+0", "1e+0"], "b": ["5e-1", "5e-1"], "t": []},
    }  # fmt: skip


UNIT = 2**20
HALF = UNIT // 2


def checked(lottery: dict[str, Any]) -> None:
    lots = Lots(lottery)
    check_sums(lots)
    edges = lots.residual()
    check_fairness(lots, edges)
    check_loads(lots, edges, components(edges))
    check_spread(lots, lottery["certificate"], components(edges))


def test_even_plan_holds() -> None:
    checked(two_by_two([[HALF, HALF], [HALF, HALF]], ["1", "1"]))


def test_unforced_zero() -> None:
    """Same loads, and a certificate to match, but who sits on which day is certain without need."""
    lottery = two_by_two([[UNIT, 0], [0, UNIT]], ["1", "1"])
    lottery["certificate"]["b"] = ["1e+0", "1e+0"]
    with pytest.raises(Wrong, match="zero"):
        checked(lottery)


def test_unfair_load() -> None:
    lottery = two_by_two([[UNIT // 4, UNIT * 3 // 4]] * 2, ["1/2", "3/2"])
    lottery["certificate"] = {"a": ["5e-1", "1.5e+0"], "b": ["5e-1", "5e-1"], "t": []}
    with pytest.raises(Wrong, match="unfair"):
        checked(lottery)


def test_weights_make_it_fair() -> None:
    lottery = two_by_two([[UNIT // 4, UNIT * 3 // 4]] * 2, ["1/2", "3/2"])
    lottery["certificate"] = {"a": ["5e-1", "1.5e+0"], "b": ["5e-1", "5e-1"], "t": []}
    lottery["groups"][1]["weight"] = 3000
    checked(lottery)


@pytest.mark.parametrize(
    ("units", "loads"),
    [
        ([[HALF + 1, HALF - 1], [HALF, HALF]], ["1", "1"]),
        ([[HALF, HALF], [HALF, HALF + 1]], ["1", "1"]),
        ([[HALF, HALF], [HALF, HALF]], ["1", "3/2"]),
        ([[HALF, HALF], [HALF, HALF]], ["2/2", "1"]),
        ([[UNIT + 1, -1], [HALF, HALF]], ["3/2", "1/2"]),
        ([[HALF, HALF], [HALF, HALF]], ["1/2", "3/2"]),
    ],
)
def test_sums_that_do_not_hold(units: list[list[int]], loads: list[str]) -> None:
    with pytest.raises(Wrong):
        checked(two_by_two(units, loads, (2, 2)))


@pytest.mark.parametrize(
    "change",
    [
        {"a": ["1e+0"]},
        {"b": ["5e-1", "6e-1"]},
        {"a": ["0", "1e+0"]},
        {"t": [{"group_id": "G0001", "date": "2027-01-11", "factor": "9e-1"}]},
        {"t": [{"group_id": "G0001", "date": "2027-01-11", "factor": "1e+0"}] * 2},
    ],
)
def test_false_certificates(change: dict[str, Any]) -> None:
    lottery = copy.deepcopy(two_by_two([[HALF, HALF], [HALF, HALF]], ["1", "1"]))
    lottery["certificate"].update(change)
    with pytest.raises(Wrong):
        checked(lottery)


def test_factor_above_one_only_where_the_day_is_full_in_every_way() -> None:
    """One seat each day for one inspector each: full, forced, and any factor will do; elsewhere none above 1."""
    lottery = two_by_two([[UNIT, 0], [UNIT, 0]], ["2", "0"], (2, 1))
    for item in lottery["classes"]:
        item["groups"], item["units"] = ["G0001"], [UNIT]
    lottery["groups"] = lottery["groups"][:1]
    lottery["certificate"] = {
        "a": ["1e+0"],
        "b": ["5e-1", "1e+0"],
        "t": [{"group_id": "G0001", "date": "2027-01-11", "factor": "2e+0"}],
    }
    checked(lottery)
    lottery = two_by_two([[HALF, HALF], [HALF, HALF]], ["1", "1"])
    lottery["certificate"]["t"] = [{"group_id": "G0001", "date": "2027-01-11", "factor": "1.0001e+0"}]
    with pytest.raises(Wrong, match="factor"):
        checked(lottery)
