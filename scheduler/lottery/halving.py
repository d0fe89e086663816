"""Twenty halvings: from published units to whole people, every sum at its floor or ceiling. docs/lottery.md, 7.1.

Source: Budish, Che, Kojima, Milgrom (2013) for what is reached; Euler splitting for how.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from optimizer.progress import Progress, Silent
from optimizer.seats.network import IntArray, SeatNetwork, sums
from scheduler.encoding import be64, lp
from scheduler.lottery.stream import stream_bytes


@dataclass(frozen=True, slots=True, eq=False)
class Layers:
    """The edges of the layered graph, class edges first, then day edges, then group edges; `up`, `down` are nodes.

    `closes` (E,) marks the edges whose lower end is the last at its node: all but the class edges.
    """

    up: IntArray
    down: IntArray
    closes: IntArray


def layers_of(network: SeatNetwork) -> Layers:
    """Number the nodes: root, groups, days, classes."""
    groups, days, arcs = len(network.members), len(network.day_group), len(network.arc_day)
    day_node = 1 + groups + np.arange(days)
    group_node = 1 + np.arange(groups)
    return Layers(
        np.concatenate(
            [day_node[network.arc_day], group_node[network.day_group], np.zeros(groups, np.int64)]
        ),
        np.concatenate([1 + groups + days + network.arc_class, day_node, group_node]),
        np.concatenate([np.zeros(arcs, np.int64), np.ones(days + groups, np.int64)]),
    )


def edge_values(network: SeatNetwork, units: IntArray) -> IntArray:
    """The values of all edges that follow from the arcs' units, (E,)."""
    at_day = sums(network.arc_day, units, len(network.day_group))
    return np.concatenate([units, at_day, sums(network.day_group, at_day, len(network.members))])


def halve_all(
    network: SeatNetwork, units: IntArray, bits: int, k_seats: bytes, progress: Progress | None = None
) -> tuple[IntArray, tuple[str, ...]]:
    """Give the number of people of each arc, (A,), and the transcript: a digest for each level."""
    watch = progress or Silent()
    layers, arcs = layers_of(network), len(units)
    values = edge_values(network, units)
    transcript: list[str] = []
    for level in range(1, bits + 1):
        odd = np.flatnonzero(values & 1)
        pairs = stream_bytes(k_seats, 8 * len(odd), "DR1/seats/pairs", be64(level))
        coins = stream_bytes(k_seats, len(odd), "DR1/seats/coins", be64(level))
        values = halve(layers, values, pairs, coins)
        transcript.append(level_digest(level, values[:arcs]))
        watch.step("halving", level, bits)
    return values[:arcs], tuple(transcript)


def halve(layers: Layers, values: IntArray, pairs: bytes, coins: bytes) -> IntArray:
    """Round every odd value's half up or down, one coin for each closed trail.

    `pairs` are 8 bytes for each odd edge, `coins` at least one byte for each trail (its lowest bit counts).
    """
    odd = np.flatnonzero(values & 1)
    signed = values.copy()
    if len(odd):
        trail = _trails(_mates(layers, odd, pairs))
        number = np.unique(trail >> 1, return_inverse=True)[1]
        tossed = np.frombuffer(coins, dtype=np.uint8)[number]
        signed[odd] += 2 * ((tossed ^ trail) & 1).astype(np.int64) - 1
    return signed >> 1


def _mates(layers: Layers, odd: IntArray, pairs: bytes) -> IntArray:
    """Pair the ends of odd edges at each node: end p is the upper end of edge p, end n + p its lower end."""
    count = len(odd)
    keys = np.frombuffer(pairs, dtype=">u4").astype(np.uint64)
    node = np.concatenate([layers.up[odd], layers.down[odd]]).astype(np.uint64)
    last = layers.closes[odd].astype(np.uint64)
    key = np.concatenate([keys[0::2], np.where(last == 1, np.uint64(1) << np.uint64(32), keys[1::2])])
    order = np.argsort(node << np.uint64(33) | key, kind="stable")
    mate = np.empty(2 * count, dtype=np.int64)
    mate[order[0::2]] = order[1::2]
    mate[order[1::2]] = order[0::2]
    return mate


def _trails(mate: IntArray) -> npt.NDArray[np.int64]:
    """For each edge 2 x the smallest edge of its trail, plus 1 if it runs against that edge.

    Whoever leaves edge p by an end arrives at the mate of that end and leaves that edge by its other end. Each
    trail is two cycles of such steps, one for each direction; downward steps along one of them have equal signs.
    The smallest code of a cycle is found by pointer doubling.
    """
    count = len(mate) // 2
    step = (mate + count) % (2 * count)
    edge = np.arange(count)
    code = np.concatenate([2 * edge + 1, 2 * edge])
    while True:
        further = np.minimum(code, code[step])
        if np.array_equal(further, code):
            return code[count:]
        code, step = further, step[step]


def level_digest(level: int, values: IntArray) -> str:
    """A line of the transcript: the class edges' values after a level, hashed."""
    data = lp("DR1/seats/transcript", be64(level), values.astype(">u8").tobytes())
    return hashlib.shake_256(data).hexdigest(32)
