"""Can these seats be filled at all? Asked by packing before it commits to a plan, and by the lottery itself."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from optimizer.seats.network import IntArray, SeatNetwork, sums
from optimizer.seats.part import PartFlow, flow_at, whole


def can_fill(network: SeatNetwork) -> bool:
    """Tell whether every seat can be filled at once, within one seat a day and the workload caps."""
    return filled(network) == network.seats


def filled(network: SeatNetwork) -> int:
    """The most seats that can be filled at once."""
    return _loosest(network).value


def short_classes(network: SeatNetwork) -> tuple[IntArray, int]:
    """Classes that compete for people who are all used, as positions, and one of them that lacks somebody.

    No position and -1 if every seat can be filled.
    """
    flow = _loosest(network)
    lacking = network.demand - sums(network.arc_class, flow.arc, len(network.demand))
    if not lacking.any():
        return np.zeros(0, dtype=np.int64), -1
    return np.flatnonzero(~flow.class_reached & (network.demand > 0)), int(lacking.argmax())


def _loosest(network: SeatNetwork) -> PartFlow:
    """The flow when only caps bound the groups."""
    beyond_caps = Fraction(int(network.cap.max(initial=0)) + 1)
    return flow_at(network, whole(network), beyond_caps)
