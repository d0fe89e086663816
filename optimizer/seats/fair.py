"""Fair probabilities for a seat network: leximin loads, maximum-entropy spread, integer units."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from optimizer.progress import Progress, Silent
from optimizer.seats.leximin import leximin
from optimizer.seats.network import FloatArray, IntArray, SeatNetwork
from optimizer.seats.snap import snap
from optimizer.seats.spread import spread_of
from optimizer.seats.support import support_of


@dataclass(frozen=True, slots=True, eq=False)
class FairSpread:
    """`load` per member of each group, exact; `units` of each arc, (A,); the factors `a` (G,), `b` (C,), `t` (D,)
    of `units ~ unit * members * a * b * t`; `error` is the worst deviation of a sum before the snap, in people.
    """

    load: tuple[Fraction, ...]
    units: IntArray
    a: FloatArray
    b: FloatArray
    t: FloatArray
    error: float


def fair_spread(network: SeatNetwork, unit: int, progress: Progress | None = None) -> FairSpread:
    """Find the published integers of a network whose seats can all be filled.

    Raises:
        ArithmeticError: the seats cannot all be filled, or the unit is too coarse for their chances.
    """
    watch = progress or Silent()
    loads = leximin(network, watch)
    units = np.zeros(len(network.arc_day), dtype=np.int64)
    a, b, t = np.ones(len(network.members)), np.ones(len(network.demand)), np.ones(len(network.day_group))
    elsewhere = np.zeros(len(t), dtype=np.bool_)
    error = 0.0
    for done, leaf in enumerate(loads.leaves):
        part = leaf.part
        support = support_of(network, leaf)
        spread = spread_of(network, leaf, support)
        units[part.arc] = snap(network, leaf, support, spread.x, unit)
        lone = part.single[part.day_owner]
        a[part.owner_group[~part.single]] = spread.a[~part.single]
        b[part.classes] = spread.b
        t[part.day] = spread.t * np.where(lone, spread.a[part.day_owner], 1.0)
        elsewhere[part.day[lone]] = True
        error = max(error, spread.error)
        watch.step("spread", done + 1, len(loads.leaves))
    t[elsewhere] /= a[network.day_group[elsewhere]]
    return FairSpread(loads.load, units, a, b, t, error)
