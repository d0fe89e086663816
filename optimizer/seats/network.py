"""The one network of the seats: group → group-day → seat class, in integer arrays.

A *group* is inspectors whom nothing distinguishes, a *class* the seats of one date with the same eligible
inspectors. A group gives at most `members` people a date and at most `members x cap` seats a round.
Source: Budish, Che, Kojima, Milgrom, "Designing random allocation mechanisms" (2013): a bihierarchy is integral.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

IntArray: TypeAlias = npt.NDArray[np.int64]
FloatArray: TypeAlias = npt.NDArray[np.float64]
BoolArray: TypeAlias = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class SeatNetwork:
    """Groups (G), their days (D), classes (C) and arcs (A) of one or more departments.

    `members`, `cap` (seats a member may take in the round) and `weight` (of a member's load) are (G,); `demand`
    (seats) is (C,); `day_group` and `day_date` are (D,), days ascending by group, then date; `arc_day` and
    `arc_class` are (A,), arcs ascending by class, then group.
    """

    members: IntArray
    cap: IntArray
    weight: IntArray
    demand: IntArray
    day_group: IntArray
    day_date: IntArray
    arc_day: IntArray
    arc_class: IntArray

    @property
    def arc_group(self) -> IntArray:
        """The group of each arc, (A,)."""
        return self.day_group[self.arc_day]

    @property
    def seats(self) -> int:
        """All seats to be filled."""
        return int(self.demand.sum())


def seat_network(
    members: Sequence[int] | IntArray,
    cap: Sequence[int] | IntArray,
    weight: Sequence[int] | IntArray,
    demand: Sequence[int] | IntArray,
    class_date: Sequence[int] | IntArray,
    arc_class: Sequence[int] | IntArray,
    arc_group: Sequence[int] | IntArray,
) -> SeatNetwork:
    """Build the network from eligible pairs (class, group), given ascending; `class_date` are date indexes."""
    groups, classes = as_int(arc_group), as_int(arc_class)
    dates = as_int(class_date)[classes]
    width = int(dates.max(initial=0)) + 1
    days, arc_day = np.unique(groups * width + dates, return_inverse=True)
    return SeatNetwork(
        as_int(members),
        as_int(cap),
        as_int(weight),
        as_int(demand),
        days // width,
        days % width,
        as_int(arc_day),
        classes,
    )


def as_int(values: Sequence[int] | IntArray) -> IntArray:
    """The values as a 64-bit integer array."""
    return np.asarray(values, dtype=np.int64)


def sums(index: IntArray, values: IntArray, size: int) -> IntArray:
    """Add `values` up by `index`, exactly, into an array of `size`."""
    total = np.zeros(size, dtype=np.int64)
    np.add.at(total, index, values)
    return total
