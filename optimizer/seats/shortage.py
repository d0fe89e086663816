"""Why seats cannot be filled: a smallest set of them that no people suffice for. By deletion, in halves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from optimizer.seats.feasibility import can_fill, short_classes
from optimizer.seats.network import IntArray, SeatNetwork, as_int
from optimizer.seats.scc import strong_components


def restricted(network: SeatNetwork, demand: IntArray) -> SeatNetwork:
    """The network with this demand only: arcs of classes that ask for nobody are left out, positions stay."""
    keep = demand[network.arc_class] > 0
    return replace(network, demand=demand, arc_day=network.arc_day[keep], arc_class=network.arc_class[keep])


def smallest_shortage(network: SeatNetwork) -> IntArray:
    """How many seats of each class form an irreducible shortage, (C,): all zero if everything can be filled.

    With any one of these seats left out, the others can be filled. Classes with the widest choice go first.
    """
    demand = np.zeros_like(network.demand)
    short, lacking = short_classes(network)
    if len(short):
        short = _together(network, short, lacking)
        small = _only(network, short)
        left = small.demand.copy()
        eligible = np.bincount(small.arc_class, small.members[small.arc_group], minlength=len(short))
        _delete(small, left, sorted(range(len(short)), key=lambda place: (-eligible[place], place)))
        demand[short] = left
    return demand


def _together(network: SeatNetwork, classes: IntArray, lacking: int) -> IntArray:
    """Those of the classes that share people with the lacking one, directly or by others: one shortage is enough."""
    small = _only(network, classes)
    at_group, at_class = small.arc_group, len(small.members) + small.arc_class
    label = strong_components(
        len(small.members) + len(classes),
        np.concatenate([at_group, at_class]),
        np.concatenate([at_class, at_group]),
    )[len(small.members) :]
    return np.asarray(classes[label == label[np.searchsorted(classes, lacking)]])


def _only(network: SeatNetwork, classes: IntArray) -> SeatNetwork:
    """The network of these classes alone, numbered anew, with the groups and days that reach them."""
    arcs = np.flatnonzero(np.isin(network.arc_class, classes))
    days, arc_day = np.unique(network.arc_day[arcs], return_inverse=True)
    groups, day_group = np.unique(network.day_group[days], return_inverse=True)
    return SeatNetwork(
        network.members[groups],
        network.cap[groups],
        network.weight[groups],
        network.demand[classes],
        as_int(day_group),
        network.day_date[days],
        as_int(arc_day),
        np.searchsorted(classes, network.arc_class[arcs]),
    )


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
