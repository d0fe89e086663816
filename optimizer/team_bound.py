"""A proven lower bound on the officers of team-days, by column generation (Dantzig, Wolfe 1960; Farley 1990).

A master problem over known team-days prices the visits; pricing finds the team-days that are cheaper than their visits'
prices. The bound does not believe the master: its prices are rounded to integers, every team-day is priced against
them by exhaustive enumeration, and the prices are lowered until none is too cheap. Then no plan costs less than all
prices together.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil

import numpy as np
from ortools.linear_solver import pywraplp

from optimizer.team_pricing import MILLION, UNIT, Priced, price, unions
from optimizer.teams import Cast, Ints, crew_sizes

MOST_FOUND = 3000
EACH = 3
FIRST_CAP = 2000
FEW = 8
DEARER = 2 * FEW


@dataclass(frozen=True, slots=True)
class Effort:
    """When to stop: passes, largest number of sets kept, gap of master and bound in permille, orders of stops tried."""

    passes: int
    cap: int
    permille: int
    work: int


@dataclass(frozen=True, slots=True)
class Proof:
    """Officers that no plan of team-days can do without; `exact`: no enumeration behind it was cut short."""

    value: int
    exact: bool


def prove(given: Cast, known: Collection[Sequence[int]], effort: Effort) -> Proof:
    """The best bound found from these team-days on (each with members ascending)."""
    over = unions(given)
    columns = _Columns(given, known)
    best = Proof(0, True)
    cap, work = FIRST_CAP, 0
    for _ in range(effort.passes):
        value, prices = columns.solve()
        found = price(given, over, prices, cap, MOST_FOUND)
        best = max(best, bound(given, prices, found), key=lambda proof: proof.value)
        added = columns.extend(found.sets)
        work += found.work
        if value - best.value <= value * effort.permille / 1000:
            break
        if not found.exact and cap < effort.cap and len(found.sets) < FEW * len(given):
            if work + DEARER * found.work > effort.work:
                break
            cap = min(FEW * cap, effort.cap)
        elif not added:
            break
    return max(best, Proof(by_department(given), False), key=lambda proof: proof.value)


def by_department(given: Cast) -> int:
    """Officers needed whichever way visits are joined: each department's smallest crew on every team that it needs.

    A team has at most `most` visits, and minutes of work and way for no more than a day; a tour through several visits
    is no shorter than their detours together, but for one of them.
    """
    total = 0
    for wanted in given.officers.T:
        rows = wanted > 0
        if rows.any():
            minutes = int((given.lengths[rows] + given.detour[rows]).sum())
            day = given.day + int(given.detour[rows].max())
            teams = max(-(-int(rows.sum()) // given.most), -(-minutes // day))
            total += teams * int(wanted[rows].min())
    return total


def bound(given: Cast, prices: Ints, found: Priced) -> Proof:
    """All prices together, rounded up to an officer, once none of the team-days is too cheap.

    Those found are paid for by lower prices of their visits, one after the other; for those that were dropped all
    prices are scaled.
    """
    lower = prices.tolist()
    for column in found.sets:
        officers = int(crew_sizes(given.officers, np.array([column]))[0]) * UNIT
        _cheapen(lower, column, sum(lower[i] for i in column) - officers)
    scale = Fraction(MILLION, MILLION + found.excess)
    return Proof(ceil(scale * Fraction(sum(lower), UNIT)), found.exact)


def _cheapen(prices: list[int], column: Sequence[int], over: int) -> None:
    """Take what is over from the visits' prices, in equal parts as far as they go."""
    rest = sorted(column, key=lambda i: (prices[i], i))
    for place, i in enumerate(rest):
        if over <= 0:
            return
        part = min(prices[i], -(-over // (len(rest) - place)))
        prices[i] -= part
        over -= part


class _Columns:
    """The master problem: known team-days, cheapest cover of all visits by parts of them."""

    def __init__(self, given: Cast, known: Collection[Sequence[int]]) -> None:
        self.given = given
        self.solver = pywraplp.Solver.CreateSolver("GLOP")
        self.rows = [self.solver.RowConstraint(1, self.solver.infinity(), "") for _ in range(len(given))]
        self.solver.Objective().SetMinimization()
        self.known: set[tuple[int, ...]] = set()
        singles = [(i,) for i in range(len(given))]
        for column in sorted({*map(tuple, known), *singles}):
            self._add(column)

    def _add(self, column: tuple[int, ...]) -> None:
        self.known.add(column)
        share = self.solver.NumVar(0, self.solver.infinity(), "")
        officers = int(crew_sizes(self.given.officers, np.array([column]))[0])
        self.solver.Objective().SetCoefficient(share, officers)
        for i in column:
            self.rows[i].SetCoefficient(share, 1)

    def solve(self) -> tuple[float, Ints]:
        """The master's value, and its prices rounded down to integers, none below 0."""
        self.solver.Solve()
        prices = [max(0.0, row.dual_value()) for row in self.rows]
        return self.solver.Objective().Value(), np.floor(np.array(prices) * UNIT).astype(np.int64)

    def extend(self, found: Sequence[tuple[int, ...]]) -> int:
        """Take the best, few for each visit, so that all parts of the cell move at once; how many were new."""
        taken = np.zeros(len(self.given), np.int64)
        added = 0
        for column in found:
            members = list(column)
            if column not in self.known and taken[members].min() < EACH:
                self._add(column)
                taken[members] += 1
                added += 1
        return added
