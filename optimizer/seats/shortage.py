"""Why seats cannot be filled: a smallest set of them that no people suffice for. By deletion, in halves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from optimizer.seats.feasibility import can_fill, short_classes
from optimizer.seats.network import IntArray, SeatNetwork


def restricted(network: SeatNetwork, demand: IntArray) -> SeatNetwork:
    """The network with this demand only: arcs of classes that ask for nobody are left out, positions stay."""
    keep = demand[network.arc_class] > 0
    return replace(network, demand=demand, arc_day=network.arc_day[keep], arc_class=network.arc_class[keep])


def smallest_shortage(network: SeatNetwork, spare: IntArray | None = None) -> IntArray:
    """How many seats of each class form an irreducible shortage, (C,): all zero if everything can be filled.

    With any one of these seats left out, the others can be filled. `spare` are positions to delete last.
    """
    demand = np.zeros_like(network.demand)
    short = short_classes(network)
    demand[short] = network.demand[short]
    if not len(short):
        return demand
    eligible = np.bincount(network.arc_class, network.members[network.arc_group], minlength=len(demand))
    by_choice = sorted(short.tolist(), key=lambda place: (-eligible[place], place))
    last = set() if spare is None else set(spare.tolist())
    by_choice.sort(key=lambda place: place in last)
    _delete(network, demand, by_choice)
    return demand


def shortages(network: SeatNetwork, most: int = 8) -> list[IntArray]:
    """Irreducible shortages with no class in common, until the rest can be filled or `most` are found."""
    found: list[IntArray] = []
    left = network
    while len(found) < most:
        shortage = smallest_shortage(left)
        if not shortage.any():
            break
        found.append(shortage)
        left = restricted(left, np.where(shortage > 0, 0, left.demand))
    return found


def _delete(network: SeatNetwork, demand: IntArray, places: list[int]) -> None:
    """Delete all seats of these classes that the shortage does not need, changing `demand`."""
    if not places or _still_short_without(network, demand, places):
        return
    if len(places) == 1:
        _lower(network, demand, places[0])
        return
    half = len(places) // 2
    _delete(network, demand, places[:half])
    _delete(network, demand, places[half:])


def _still_short_without(network: SeatNetwork, demand: IntArray, places: list[int]) -> bool:
    trial = demand.copy()
    trial[places] = 0
    if can_fill(restricted(network, trial)):
        return False
    demand[:] = trial
    return True


def _lower(network: SeatNetwork, demand: IntArray, place: int) -> None:
    """Lower one class to the fewest seats that still leave a shortage."""
    fillable, short = 0, int(demand[place])
    trial = demand.copy()
    while short - fillable > 1:
        trial[place] = (fillable + short) // 2
        if can_fill(restricted(network, trial)):
            fillable = int(trial[place])
        else:
            short = int(trial[place])
    demand[place] = short
