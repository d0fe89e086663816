"""From real probabilities to integer units that keep every sum, by one integer flow for each part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from optimizer.seats.leximin import Leaf
from optimizer.seats.maxflow import Edges, joined, maximum_flow
from optimizer.seats.network import FloatArray, IntArray, SeatNetwork, as_int, sums
from optimizer.seats.part import FREE
from optimizer.seats.support import Support

_SLACKS: Final = (0, 1, 3)
_ROOM: Final = 1024
"""What is published may be 4 units and a 1024th off the real value: docs/lottery.md, 9.6."""


@dataclass(frozen=True, slots=True, eq=False)
class _Bounds:
    """What the flow has to respect: arcs' least and extra units, owners' least sums and whether one more is due."""

    unit: int
    base: IntArray
    extra: IntArray
    least: IntArray
    may: IntArray


@dataclass(frozen=True, slots=True, eq=False)
class _Rest:
    """What is still to be given out: owners' `must` and `may`, days' `due` and `room`, classes' `wanted`."""

    day_owner: IntArray
    arc_day: IntArray
    arc_class: IntArray
    must: IntArray
    may: IntArray
    due: IntArray
    room: IntArray
    wanted: IntArray
    rounding: int


def snap(network: SeatNetwork, leaf: Leaf, support: Support, x: FloatArray, unit: int) -> IntArray:
    """Units of each arc of the leaf, (A',): each real value rounded up or down wherever all sums allow it.

    Supported arcs get at least one unit. Class sums and full days are exact, days at most full, and an owner's sum
    is its exact load rounded up or down.

    Raises:
        ArithmeticError: no integers of this unit size meet all that within 4 units and a 1024th of the real values
            (chances too small for a coarse unit, or too many people for a seat).
    """
    supported = np.flatnonzero(support.arc)
    units = np.zeros(len(leaf.part.arc), dtype=np.int64)
    if not len(supported):
        return units
    for slack in (*_SLACKS, None):
        found = _attempt(network, leaf, support, _bounds(network, leaf, x[supported], unit, slack))
        if found is not None:
            units[supported] = found
            return units
    raise ArithmeticError("the probabilities are too fine for their unit")


def _bounds(network: SeatNetwork, leaf: Leaf, x: FloatArray, unit: int, slack: int | None) -> _Bounds:
    """Bounds around the real values; where slack is None, as wide as evenness allows."""
    below = np.floor(x * unit).astype(np.int64)
    around = 3 + below // _ROOM if slack is None else np.full_like(below, slack)
    base = np.maximum(below - around, 1)
    least, may = _owner_totals(network, leaf, unit)
    return _Bounds(unit, base, np.maximum(below + 1 + around - base, 0), least, may)


def _owner_totals(network: SeatNetwork, leaf: Leaf, unit: int) -> tuple[IntArray, IntArray]:
    """Each owner's exact load in units, rounded down, and 1 where it is not whole."""
    part, level = leaf.part, leaf.level
    weight = (network.members * network.weight)[part.owner_group].tolist()
    exact = [divmod(each * level.numerator * unit, level.denominator) for each in weight]
    whole, rest = as_int([pair[0] for pair in exact]), as_int([pair[1] for pair in exact])
    free = part.fixed == FREE
    least = np.where(free, whole, part.fixed * unit) - part.private * unit
    return least, np.where(free & (rest > 0), 1, 0)


def _attempt(network: SeatNetwork, leaf: Leaf, support: Support, bounds: _Bounds) -> IntArray | None:
    """Fill up from the least units; None if some sum cannot be met within the bounds."""
    part, arcs = leaf.part, np.flatnonzero(support.arc)
    arc_day, arc_class = part.arc_day[arcs], part.arc_class[arcs]
    at_day = sums(arc_day, bounds.base, len(part.day))
    room = bounds.unit * network.members[network.day_group[part.day]] - at_day
    due = np.where(support.full, room, 0)
    must = bounds.least - sums(part.day_owner, at_day + due, len(part.fixed))
    demand = bounds.unit * network.demand[part.classes]
    wanted = demand - sums(arc_class, bounds.base, len(part.classes))
    rounding = int(wanted.sum()) - int(must.sum()) - int(due.sum())
    if min(rounding, *(int(values.min(initial=0)) for values in (room, must, wanted))) < 0:
        return None
    rest = _Rest(part.day_owner, arc_day, arc_class, must, bounds.may, due, room - due, wanted, rounding)
    added = _fill(rest, bounds.extra)
    return None if added is None else bounds.base + added


def _fill(rest: _Rest, extra: IntArray) -> IntArray | None:
    """Sums that must be reached have edges of their own from the source; what may round up shares one hub."""
    owners, days, classes = len(rest.must), len(rest.due), len(rest.wanted)
    own = 2 + np.arange(owners)
    day = 2 + owners + np.arange(days)
    first_class, sink = 2 + owners + days, 2 + owners + days + classes
    edges = joined(
        [
            Edges(day[rest.arc_day], first_class + rest.arc_class, extra),
            Edges(as_int([0]), as_int([1]), as_int([rest.rounding])),
            Edges(np.ones(owners, dtype=np.int64), own, rest.may),
            Edges(np.zeros(owners, dtype=np.int64), own, rest.must),
            Edges(np.zeros(days, dtype=np.int64), day, rest.due),
            Edges(own[rest.day_owner], day, rest.room),
            Edges(np.arange(first_class, sink), np.full(classes, sink), rest.wanted),
        ]
    )
    flow = maximum_flow(sink + 1, edges, 0, sink)
    return flow.edge[: len(extra)] if flow.value == int(rest.wanted.sum()) else None
