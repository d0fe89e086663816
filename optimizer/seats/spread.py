"""The maximum-entropy spread of given loads over seats, by matrix scaling with day caps.

The spread has the form members * a_owner * b_class * t_day with t = 1 on days that are not full. Each step makes
the owners' sums exact (days capped), then the classes' sums. Additions run in array order (`bincount`), and only
+, *, / are used, so IEEE doubles give the same result everywhere; they steer integers and are not published alone.
Source: Sinkhorn and Knopp (1967); for the caps Bregman (1967), "The relaxation method".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from optimizer.seats.leximin import Leaf
from optimizer.seats.network import FloatArray, IntArray, SeatNetwork, sums
from optimizer.seats.part import FREE
from optimizer.seats.support import Support

_STEPS: Final = 20000
_CLOSE: Final = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Spread:
    """Factors `a` (O,), `b` (C',), `t` (D',), the arcs' values `x` in people (A',), and the worst sum's error."""

    a: FloatArray
    b: FloatArray
    t: FloatArray
    x: FloatArray
    error: float


@dataclass(frozen=True, slots=True, eq=False)
class _Task:
    """A leaf reduced to its support: per arc its day, class and members; per owner its target per member."""

    arc_day: IntArray
    arc_class: IntArray
    people: FloatArray
    day_owner: IntArray
    full: IntArray
    open: FloatArray
    target: FloatArray
    demand: FloatArray


def spread_of(network: SeatNetwork, leaf: Leaf, support: Support) -> Spread:
    """Scale until every sum of an owner is within 1e-9 of its target, or the steps are used up."""
    task = _task(network, leaf, support)
    b = np.ones(len(task.demand))
    a: FloatArray = np.zeros(0)
    t = a
    error = np.inf
    for _ in range(_STEPS):
        a, t, error = _fit_owners(task, b, a, t)
        if error < _CLOSE:
            break
        b = _fit_classes(task, a, t)
    b = _fit_classes(task, a, t)
    x = np.zeros(len(leaf.part.arc))
    x[support.arc] = task.people * (a[task.day_owner] * t)[task.arc_day] * b[task.arc_class]
    return Spread(a, b, t, x, float(error))


def _task(network: SeatNetwork, leaf: Leaf, support: Support) -> _Task:
    part = leaf.part
    group = part.owner_group
    seats = np.array([leaf.level.numerator / leaf.level.denominator])
    free = seats * network.weight[group] - part.private / network.members[group]
    fixed = (part.fixed - part.private) / network.members[group]
    full = sums(part.day_owner, support.full.astype(np.int64), len(group))
    arc_day = part.arc_day[support.arc]
    return _Task(
        arc_day,
        part.arc_class[support.arc],
        network.members[group[part.day_owner]][arc_day].astype(np.float64),
        part.day_owner,
        np.flatnonzero(support.full),
        (~support.full).astype(np.float64),
        np.where(part.fixed == FREE, free, fixed) - full,
        network.demand[part.classes].astype(np.float64),
    )


def _fit_owners(
    task: _Task, b: FloatArray, a: FloatArray, t: FloatArray
) -> tuple[FloatArray, FloatArray, float]:
    """Given b, the factors that meet every owner's target with days capped, and how far the old ones were off."""
    per_day = np.asarray(
        np.bincount(task.arc_day, b[task.arc_class], minlength=len(task.day_owner)), dtype=np.float64
    )
    error = np.inf
    if len(a):
        got = _owner_sums(task, a[task.day_owner] * t * per_day * task.open)
        off = a[task.day_owner] * t * per_day - 1.0
        error = max(
            float(np.abs(got - task.target).max(initial=0.0)),
            float(off.max(initial=0.0)),
            float(np.abs(off[task.full]).max(initial=0.0)),
        )
    a = _levels(task, per_day)
    with np.errstate(divide="ignore"):
        exact = 1.0 / (a[task.day_owner] * per_day)
    t = np.minimum(1.0, exact)
    t[task.full] = exact[task.full]
    return a, t, error


def _levels(task: _Task, per_day: FloatArray) -> FloatArray:
    """Solve sum over open days of min(1, a * per_day) = target for each owner: days fill up one after the other."""
    is_open = task.open * (per_day > 0)
    while True:
        room = _owner_sums(task, per_day * is_open)
        filled = _owner_sums(task, task.open * (per_day > 0) - is_open)
        need = task.target - filled
        with np.errstate(divide="ignore", invalid="ignore"):
            a = np.where(room > 0, need / room, 1.0)
        a = np.where(a > 0, a, 1.0)
        over = (a[task.day_owner] * per_day > 1.0) & (is_open > 0)
        if not over.any():
            return a
        is_open = is_open * ~over


def _owner_sums(task: _Task, values: FloatArray) -> FloatArray:
    return np.asarray(np.bincount(task.day_owner, values, minlength=len(task.target)), dtype=np.float64)


def _fit_classes(task: _Task, a: FloatArray, t: FloatArray) -> FloatArray:
    """Given a and t, the b that fill every class."""
    given = task.people * (a[task.day_owner] * t)[task.arc_day]
    return task.demand / np.bincount(task.arc_class, given, minlength=len(task.demand))
