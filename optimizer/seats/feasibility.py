"""Can these seats be filled at all? Asked by packing before it commits to a plan, and by the lottery itself."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from optimizer.seats.network import BoolArray, IntArray, SeatNetwork
from optimizer.seats.part import PartFlow, flow_at, whole


def can_fill(network: SeatNetwork) -> bool:
    """Tell whether every seat can be filled at once, within one seat a day and the workload caps."""
    return filled(network) == network.seats


def filled(network: SeatNetwork) -> int:
    """The most seats that can be filled at once."""
    return _loosest(network).value


def short_classes(network: SeatNetwork) -> IntArray:
    """Classes that compete for too few people, as positions: all that fills them is used up. Empty if none."""
    flow = _loosest(network)
    if flow.value == network.seats:
        return np.zeros(0, dtype=np.int64)
    return np.flatnonzero(~_spare(network, flow))


def _spare(network: SeatNetwork, flow: PartFlow) -> BoolArray:
    """Classes that some unused person can still reach."""
    return flow.class_reached[: len(network.demand)]


def _loosest(network: SeatNetwork) -> PartFlow:
    """The flow when only caps bound the groups."""
    beyond_caps = Fraction(int(network.cap.max(initial=0)) + 1)
    return flow_at(network, whole(network), beyond_caps)
