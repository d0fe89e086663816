"""The fairest loads: leximin by divide and conquer of integer maximum flows, exactly.

Feasible loads are the bases of a polymatroid, so a cut at the common level separates those who must bear less
from those who must bear more, and each side is again such a network. Source: Fujishige, "Lexicographically
optimal base of a polymatroid with respect to a weight vector" (1980).
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from optimizer.progress import Progress, Silent
from optimizer.seats.network import BoolArray, SeatNetwork
from optimizer.seats.part import FREE, Part, PartFlow, divide, flow_at, level_of, whole, with_capped


@dataclass(frozen=True, slots=True, eq=False)
class Leaf:
    """A part in which all free owners bear the same, with a flow that proves it."""

    part: Part
    level: Fraction
    flow: PartFlow


@dataclass(frozen=True, slots=True, eq=False)
class Loads:
    """The load of each group's member, and the parts that the seats fall into."""

    load: tuple[Fraction, ...]
    leaves: tuple[Leaf, ...]


def leximin(network: SeatNetwork, progress: Progress | None = None) -> Loads:
    """Find the leximin vector of load / weight of a network whose seats can all be filled.

    Raises:
        ArithmeticError: the seats cannot all be filled (ask `can_fill` first).
    """
    watch = progress or Silent()
    groups = len(network.members)
    load = [Fraction(0)] * groups
    leaves: list[Leaf] = []
    waiting = [whole(network)]
    while waiting:
        part = waiting.pop()
        outcome = _resolve(network, part)
        if isinstance(outcome, Leaf):
            leaves.append(outcome)
            _settle(network, outcome, load)
        else:
            waiting.extend(outcome)
        watch.step("loads", groups - sum(len(item.fixed) for item in waiting), groups)
    return Loads(tuple(load), tuple(leaves))


def _resolve(network: SeatNetwork, part: Part) -> Leaf | list[Part]:
    """Either the part is level, or it divides."""
    level = level_of(network, part)
    flow = flow_at(network, part, level)
    capped = _capped(network, part, level) & ~flow.owner_reached
    wanted = int(network.demand[part.classes].sum()) + int(part.private.sum())
    if not capped.any() and flow.value == wanted * flow.scale:
        return Leaf(part, level, flow)
    settled = with_capped(network, part, capped)
    if not flow.owner_reached.any():
        return [settled] if capped.any() else _impossible()
    if flow.owner_reached.all():
        return _impossible()
    return list(divide(network, settled, flow))


def _capped(network: SeatNetwork, part: Part, level: Fraction) -> BoolArray:
    """Free owners whose cap lies below the level."""
    group = part.owner_group
    below = network.cap[group] * level.denominator < level.numerator * network.weight[group]
    return np.asarray((part.fixed == FREE) & below)


def _impossible() -> list[Part]:
    raise ArithmeticError("the seats cannot all be filled")


def _settle(network: SeatNetwork, leaf: Leaf, load: list[Fraction]) -> None:
    """Write down the loads of the groups that are at home in this part."""
    part = leaf.part
    for owner in np.flatnonzero(~part.single):
        group = int(part.owner_group[owner])
        fixed = int(part.fixed[owner])
        weight, members = int(network.weight[group]), int(network.members[group])
        load[group] = leaf.level * weight if fixed == FREE else Fraction(fixed, members)
