"""Leximin loads against an independent linear programme, and the network's sums, forced zeros and evenness."""

from __future__ import annotations

import os
import random
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import linprog

from optimizer.seats.fair import FairSpread, fair_spread
from optimizer.seats.feasibility import can_fill, filled, short_classes
from optimizer.seats.leximin import leximin
from optimizer.seats.network import SeatNetwork, seat_network
from optimizer.seats.shortage import restricted, shortages, smallest_shortage

UNIT = 1 << 20
PLANS = 200 if os.environ.get("TRIALS") == "full" else 50
Rows = NDArray[Any]


def random_network(seed: int) -> SeatNetwork:
    chance = random.Random(seed)
    groups, dates, classes = chance.randint(2, 8), chance.randint(1, 5), chance.randint(1, 10)
    arcs = [(c, g) for c in range(classes) for g in range(groups) if chance.random() < 0.5] or [(0, 0)]
    return seat_network(
        [chance.choice([1, 1, 2, 3]) for _ in range(groups)],
        [chance.choice([0, 1, 2, 5, 5, 5]) for _ in range(groups)],
        [chance.choice([1, 1, 2]) for _ in range(groups)],
        [chance.randint(1, 4) for _ in range(classes)],
        [chance.randrange(dates) for _ in range(classes)],
        [arc[0] for arc in arcs],
        [arc[1] for arc in arcs],
    )


def networks(count: int, fillable: bool) -> list[SeatNetwork]:
    found: list[SeatNetwork] = []
    seed = 0
    while len(found) < count:
        network = random_network(seed)
        if can_fill(network) == fillable:
            found.append(network)
        seed += 1
    return found


def incidence(index: NDArray[np.int64], rows: int) -> Rows:
    matrix = np.zeros((rows, len(index)))
    matrix[index, np.arange(len(index))] = 1.0
    return matrix


class Programme:
    """The polytope of fractional assignments, solved by HiGHS: shares nothing with the code under test."""

    def __init__(self, network: SeatNetwork) -> None:
        self.weight = (network.members * network.weight).astype(float)
        self.group = incidence(network.arc_group, len(network.members))
        self.classes = incidence(network.arc_class, len(network.demand))
        day = incidence(network.arc_day, len(network.day_group))
        self.upper = np.vstack([day, self.group])
        self.limit = np.concatenate([network.members[network.day_group], network.members * network.cap])
        self.demand = network.demand.astype(float)

    def highest(self, objective: Rows, known: dict[int, float], floor: float | None) -> float | None:
        """Maximise `objective` (arcs, then the level) with known loads fixed and the others at least the floor."""
        groups, arcs = self.group.shape
        share = self.group / self.weight[:, None]
        free = [g for g in range(groups) if g not in known]
        level = np.zeros((len(self.upper) + len(free), 1))
        level[len(self.upper) :] = 1.0 if floor is None else 0.0
        least = np.zeros(len(free)) if floor is None else np.full(len(free), -floor + 1e-9)
        fixed = sorted(known)
        answer = linprog(
            -objective,
            A_ub=np.hstack([np.vstack([self.upper, -share[free]]), level]),
            b_ub=np.concatenate([self.limit, least]),
            A_eq=np.hstack(
                [np.vstack([self.classes, share[fixed]]), np.zeros((len(self.demand) + len(fixed), 1))]
            ),
            b_eq=np.concatenate([self.demand, [known[g] for g in fixed]]),
            bounds=[(0, None)] * (arcs + 1),
            method="highs",
        )
        return -float(answer.fun) if answer.status == 0 else None

    def leximin(self) -> list[float]:
        """Raise the common level as far as it goes, settle who cannot rise, repeat."""
        groups, arcs = self.group.shape
        known: dict[int, float] = {}
        rise = np.zeros(arcs + 1)
        rise[arcs] = 1.0
        while len(known) < groups:
            level = self.highest(rise, known, None)
            assert level is not None
            stuck = []
            for g in range(groups):
                if g not in known:
                    own = np.append(self.group[g] / self.weight[g], 0.0)
                    best = self.highest(own, known, level)
                    if best is None or best <= level + 1e-6:
                        stuck.append(g)
            assert stuck
            known.update(dict.fromkeys(stuck, level))
        return [known[g] for g in range(groups)]


@pytest.mark.parametrize("network", networks(PLANS, fillable=True))
def test_loads_equal_the_linear_programmes(network: SeatNetwork) -> None:
    exact = leximin(network).load
    for load, weight, level in zip(exact, network.weight, Programme(network).leximin(), strict=True):
        assert float(load / int(weight)) == pytest.approx(level, abs=1e-6)
    assert sum(load * int(m) for load, m in zip(exact, network.members, strict=True)) == network.seats


@pytest.mark.parametrize("network", networks(PLANS, fillable=True))
def test_units_keep_every_sum_and_are_even(network: SeatNetwork) -> None:
    fair = fair_spread(network, UNIT)
    per_day = np.bincount(network.arc_day, fair.units, minlength=len(network.day_group))
    assert (np.bincount(network.arc_class, fair.units, len(network.demand)) == UNIT * network.demand).all()
    assert (per_day <= UNIT * network.members[network.day_group]).all()
    per_group = np.bincount(network.arc_group, fair.units, minlength=len(network.members))
    for load, members, total in zip(fair.load, network.members.tolist(), per_group, strict=True):
        exact = load * members * UNIT
        assert exact.numerator // exact.denominator <= total <= -(-exact.numerator // exact.denominator)
    assert_even(network, fair, UNIT)


def assert_even(network: SeatNetwork, fair: FairSpread, unit: int) -> None:
    """The factors explain every positive probability, and a day's factor is 1 unless it is full."""
    group = network.arc_group
    model = (
        unit * network.members[group] * fair.a[group] * fair.b[network.arc_class] * fair.t[network.arc_day]
    )
    some = fair.units > 0
    assert (np.abs(fair.units - model)[some] <= 4 + model[some] / 1024).all()
    days = len(network.day_group)
    most = np.bincount(network.arc_day, fair.units, days) + 4 * np.bincount(network.arc_day, minlength=days)
    full = most >= unit * network.members[network.day_group] * (1023 / 1024)
    assert full[fair.t != 1.0].all()


def test_coarse_units_are_even_or_refused() -> None:
    """Rounding may be off by what evenness allows and no more, however coarse the unit."""
    held = refused = 0
    for network in networks(PLANS, fillable=True):
        for unit in (4, 8, 16, 32, 128):
            try:
                fair = fair_spread(network, unit)
            except ArithmeticError:
                refused += 1
                continue
            held += 1
            assert (
                np.bincount(network.arc_class, fair.units, len(network.demand)) == unit * network.demand
            ).all()
            assert_even(network, fair, unit)
    assert held > refused > 0


@pytest.mark.parametrize("network", networks(PLANS // 2, fillable=True))
def test_zeros_are_forced_and_only_they(network: SeatNetwork) -> None:
    fair = fair_spread(network, UNIT)
    programme = Programme(network)
    known = {g: float(load / int(network.weight[g])) for g, load in enumerate(fair.load)}
    for arc, units in enumerate(fair.units.tolist()):
        objective = np.zeros(len(fair.units) + 1)
        objective[arc] = 1.0
        most = programme.highest(objective, known, None)
        assert most is not None
        assert (units == 0) == (most < 1e-7)


def test_one_group_alone_bears_everything_up_to_its_days() -> None:
    """Two people on leave but for one day must serve that day fully; the other four share the rest."""
    network = seat_network([4, 2], [9, 9], [1, 1], [2, 5], [0, 1], [0, 1, 1], [0, 0, 1])
    assert leximin(network).load == (Fraction(5, 4), Fraction(1))


def test_a_cap_binds_and_the_rest_is_shared() -> None:
    network = seat_network(
        [1, 3], [1, 9], [1, 1], [2, 2, 2], [0, 1, 2], [0, 0, 1, 1, 2, 2], [0, 1, 0, 1, 0, 1]
    )
    assert leximin(network).load == (Fraction(1), Fraction(5, 3))


def test_weights_scale_the_shares() -> None:
    network = seat_network([1, 1], [9, 9], [3, 1], [1] * 4, range(4), [0, 0, 1, 1, 2, 2, 3, 3], [0, 1] * 4)
    assert leximin(network).load == (Fraction(3), Fraction(1))


def test_leximin_refuses_what_cannot_be_filled() -> None:
    network = seat_network([1], [9], [1], [2], [0], [0], [0])
    assert not can_fill(network)
    assert filled(network) == 1
    assert short_classes(network)[0].tolist() == [0]
    with pytest.raises(ArithmeticError):
        leximin(network)


@pytest.mark.parametrize("network", networks(100, fillable=False))
def test_shortages_are_irreducible(network: SeatNetwork) -> None:
    shortage = smallest_shortage(network)
    assert (shortage <= network.demand).all()
    assert not can_fill(restricted(network, shortage))
    for place in np.flatnonzero(shortage):
        fewer = shortage.copy()
        fewer[place] -= 1
        assert can_fill(restricted(network, fewer))


@pytest.mark.parametrize("network", networks(20, fillable=False))
def test_shortages_share_no_class_and_explain_all(network: SeatNetwork) -> None:
    found = shortages(network, most=100)
    together = np.sum([shortage > 0 for shortage in found], axis=0)
    assert together.max() == 1
    assert can_fill(restricted(network, np.where(together > 0, 0, network.demand)))
