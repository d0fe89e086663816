"""A part of the seat network in which all free loads are to be equal, and how a minimum cut divides it.

Owners are where people come from: a group that is still free, a group whose load is known, or one day of a group
that is full in every fair plan. A *private* sink stands for days of an owner that are full in another part.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from optimizer.seats.maxflow import Edges, Flow, joined, maximum_flow
from optimizer.seats.network import BoolArray, IntArray, SeatNetwork, sums

FREE = -1


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """`owner_group`, `fixed` (people-seats, or FREE), `private` and `single` (a lone full day) are (O,); `day` (ids)
    and `day_owner` are (D',); `arc` (ids), `arc_day` and `arc_class` (positions) are (A',); `classes` (ids) is (C',).
    """

    owner_group: IntArray
    fixed: IntArray
    private: IntArray
    single: BoolArray
    day: IntArray
    day_owner: IntArray
    arc: IntArray
    arc_day: IntArray
    arc_class: IntArray
    classes: IntArray


@dataclass(frozen=True, slots=True, eq=False)
class PartFlow:
    """A flow through a part, all amounts times `scale`, and the residual's reach of owners, days and classes."""

    scale: int
    value: int
    day: IntArray
    arc: IntArray
    owner_reached: BoolArray
    day_reached: BoolArray
    class_reached: BoolArray


def whole(network: SeatNetwork) -> Part:
    """The network as one part, all groups free."""
    groups, arcs = len(network.members), len(network.arc_day)
    return Part(
        np.arange(groups),
        np.full(groups, FREE),
        np.zeros(groups, dtype=np.int64),
        np.zeros(groups, dtype=np.bool_),
        np.arange(len(network.day_group)),
        network.day_group,
        np.arange(arcs),
        network.arc_day,
        network.arc_class,
        np.arange(len(network.demand)),
    )


def level_of(network: SeatNetwork, part: Part) -> Fraction:
    """What each unit of weight of the free owners would bear if all bore the same; 0 without free owners."""
    free = part.fixed == FREE
    weight = int((network.members * network.weight)[part.owner_group[free]].sum())
    wanted = int(network.demand[part.classes].sum()) + int(part.private.sum())
    return Fraction(wanted - int(part.fixed[~free].sum()), weight) if weight else Fraction(0)


def owner_limits(network: SeatNetwork, part: Part, level: Fraction) -> IntArray:
    """The most each owner may give at that level, times the level's denominator."""
    group = part.owner_group
    free = np.minimum(
        level.numerator * (network.members * network.weight)[group],
        level.denominator * (network.members * network.cap)[group],
    )
    return np.where(part.fixed == FREE, free, level.denominator * part.fixed)


def flow_at(network: SeatNetwork, part: Part, level: Fraction) -> PartFlow:
    """The maximum flow when no free owner bears more than `level` for each unit of weight."""
    owners, days, classes = len(part.fixed), len(part.day), len(part.classes)
    day_node, class_node, sink = 1 + owners, 1 + owners + days, 1 + owners + days + classes
    scale = level.denominator
    per_day = scale * network.members[network.day_group[part.day]]
    own, at = np.arange(1, day_node), np.arange(day_node, class_node)
    edges = joined(
        [
            Edges(np.zeros(owners, dtype=np.int64), own, owner_limits(network, part, level)),
            Edges(1 + part.day_owner, at, per_day),
            Edges(day_node + part.arc_day, class_node + part.arc_class, per_day[part.arc_day]),
            Edges(np.arange(class_node, sink), np.full(classes, sink), scale * network.demand[part.classes]),
            Edges(own, np.full(owners, sink), scale * part.private),
        ]
    )
    flow = maximum_flow(sink + 1, edges, 0, sink)
    return _part_flow(flow, scale, owners, days, len(part.arc))


def _part_flow(flow: Flow, scale: int, owners: int, days: int, arcs: int) -> PartFlow:
    return PartFlow(
        scale,
        flow.value,
        flow.edge[owners : owners + days],
        flow.edge[owners + days : owners + days + arcs],
        flow.reached[1 : 1 + owners],
        flow.reached[1 + owners : 1 + owners + days],
        flow.reached[1 + owners + days : -1],
    )


def with_capped(network: SeatNetwork, part: Part, capped: BoolArray) -> Part:
    """The part with these owners' loads settled at their caps."""
    at_cap = (network.members * network.cap)[part.owner_group]
    return replace(part, fixed=np.where(capped, at_cap, part.fixed))


def divide(network: SeatNetwork, part: Part, flow: PartFlow) -> tuple[Part, Part]:
    """Cut along the reached nodes: the part that bears less, and the part that bears more."""
    return _reached_side(network, part, flow), _other_side(network, part, flow)


def _reached_side(network: SeatNetwork, part: Part, flow: PartFlow) -> Part:
    full_elsewhere = flow.owner_reached[part.day_owner] & ~flow.day_reached
    given = np.where(full_elsewhere, network.members[network.day_group[part.day]], 0)
    private = part.private + sums(part.day_owner, given, len(part.fixed))
    return _select(replace(part, private=private), flow.owner_reached, flow.day_reached, flow.class_reached)


def _other_side(network: SeatNetwork, part: Part, flow: PartFlow) -> Part:
    """Full days of reached owners become owners of their own here."""
    lone = np.flatnonzero(flow.owner_reached[part.day_owner] & ~flow.day_reached)
    groups = network.day_group[part.day[lone]]
    owners = len(part.fixed)
    day_owner = part.day_owner.copy()
    day_owner[lone] = owners + np.arange(len(lone))
    added = len(lone)
    grown = replace(
        part,
        owner_group=np.concatenate([part.owner_group, groups]),
        fixed=np.concatenate([part.fixed, network.members[groups]]),
        private=np.concatenate([part.private, np.zeros(added, dtype=np.int64)]),
        single=np.concatenate([part.single, np.ones(added, dtype=np.bool_)]),
        day_owner=day_owner,
    )
    keep = np.concatenate([~flow.owner_reached, np.ones(added, dtype=np.bool_)])
    return _select(grown, keep, ~flow.day_reached, ~flow.class_reached)


def _select(part: Part, owners: BoolArray, days: BoolArray, classes: BoolArray) -> Part:
    """The part's nodes that are kept, with the arcs between them."""
    days = days & owners[part.day_owner]
    arcs = days[part.arc_day] & classes[part.arc_class]
    used = np.zeros(len(days), dtype=np.bool_)
    used[part.arc_day[arcs]] = True
    new_owner, new_day, new_class = (np.cumsum(kept) - 1 for kept in (owners, used, classes))
    return Part(
        part.owner_group[owners],
        part.fixed[owners],
        part.private[owners],
        part.single[owners],
        part.day[used],
        new_owner[part.day_owner[used]],
        part.arc[arcs],
        new_day[part.arc_day[arcs]],
        new_class[part.arc_class[arcs]],
        part.classes[classes],
    )
