"""One halving: every value at the floor or ceiling of its half, every sum kept; and the streams below it."""

from __future__ import annotations

import hashlib
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer.seats.network import IntArray, SeatNetwork, seat_network, sums
from scheduler.lottery.halving import edge_values, halve, layers_of
from scheduler.lottery.stream import shuffled, stream_bytes


@st.composite
def networks(draw: st.DrawFn) -> tuple[SeatNetwork, IntArray]:
    """A network with units whose class sums are even, as they are before every halving."""
    groups, classes, dates = draw(st.integers(1, 5)), draw(st.integers(1, 6)), draw(st.integers(1, 3))
    pairs = sorted(
        draw(st.sets(st.tuples(st.integers(0, classes - 1), st.integers(0, groups - 1)), min_size=1))
    )
    dated = [draw(st.integers(0, dates - 1)) for _ in range(classes)]
    ones = [1] * groups
    network = seat_network(
        ones, ones, ones, [1] * classes, dated, [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    )
    units = np.array([draw(st.integers(0, 50)) for _ in pairs], dtype=np.int64)
    for place in range(classes):
        mine = np.flatnonzero(network.arc_class == place)
        if units[mine].sum() % 2:
            units[mine[0]] += 1
    return network, units


@settings(max_examples=200, deadline=None)
@given(networks(), st.binary(min_size=32, max_size=32))
def test_a_halving_keeps_every_sum(case: tuple[SeatNetwork, IntArray], key: bytes) -> None:
    network, units = case
    arcs, days = len(network.arc_day), len(network.day_group)
    values = edge_values(network, units)
    odd = int((values & 1).sum())
    pairs, coins = stream_bytes(key, 8 * odd, "pairs"), stream_bytes(key, odd, "coins")
    halved = halve(layers_of(network), values, pairs, coins)
    assert set((2 * halved - values).tolist()) <= {-1, 0, 1}
    assert (2 * halved == values)[values % 2 == 0].all()
    assert (sums(network.arc_class, halved[:arcs], 9) * 2 == sums(network.arc_class, units, 9)).all()
    assert (edge_values(network, halved[:arcs]) == halved).all()
    turned = halve(layers_of(network), values, pairs, bytes(coin ^ 1 for coin in coins))
    assert (halved + turned == values).all()
    assert len(halved) == arcs + days + len(network.members)


def test_a_shuffle_is_uniform() -> None:
    """All 24 orders of four, by chi-square over 4,800 keys (23 degrees of freedom; 55 is beyond 1 in 5,000)."""
    seen: Counter[str] = Counter()
    for number in range(4800):
        seen["".join(shuffled("abcd", hashlib.sha256(b"%d" % number).digest(), "test"))] += 1
    assert len(seen) == 24
    assert sum((count - 200) ** 2 / 200 for count in seen.values()) < 55


@pytest.mark.parametrize("length", [0, 1, 2, 3, 40, 200])
def test_a_shuffle_yields_every_item_once_and_a_front_part_alike(length: int) -> None:
    whole = list(shuffled(range(length), bytes(32), "test", "a"))
    assert sorted(whole) == list(range(length))
    front = [item for item, _ in zip(shuffled(range(length), bytes(32), "test", "a"), range(5), strict=False)]
    assert front == whole[:5]


def test_words_that_would_favour_some_are_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of three items the word 2^64 − 1 must be skipped: 2^64 is one more than a multiple of three."""

    class Words:
        def digest(self, length: int, /) -> bytes:
            return (b"\xff" * 8 + (1).to_bytes(8, "big") + bytes(length))[:length]

    monkeypatch.setattr(hashlib, "shake_256", lambda _: Words())
    assert list(shuffled("abc", b"", "test")) == ["b", "a", "c"]


def test_streams_are_separated_by_label_key_and_parts() -> None:
    streams = {
        stream_bytes(key, 16, label, *parts)
        for key in (bytes(32), b"\1" * 32)
        for label in ("one", "two")
        for parts in ((), ("a",), ("a", "b"), ("ab",))
    }
    assert len(streams) == 16
