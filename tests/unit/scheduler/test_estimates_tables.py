"""Small cells: withheld, and not to be had from the totals either."""

from __future__ import annotations

from itertools import product

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from scheduler.estimates import (
    Domain,
    Observation,
    Origin,
    Outcome,
    Stratum,
    coded,
    estimate,
    outcome_posterior,
    rates,
    rates_of,
)
from scheduler.estimates.suppression import Cell, withheld_cells

SMALLEST = 10


def table_of(inner: list[list[int]]) -> dict[Cell, int]:
    counts: dict[Cell, int] = {
        (str(row), str(column)): n for row, line in enumerate(inner) for column, n in enumerate(line)
    }
    rows, columns = range(len(inner)), range(len(inner[0]))
    counts |= {(str(row), None): sum(inner[row]) for row in rows}
    counts |= {(None, str(column)): sum(inner[row][column] for row in rows) for column in columns}
    counts[None, None] = sum(map(sum, inner))
    return counts


def attack(counts: dict[Cell, int], withheld: set[Cell]) -> dict[Cell, tuple[float, float]]:
    """What a reader can conclude of every withheld cell from the others, by linear programming, counts being ≥ 0."""
    order = sorted(withheld, key=str)
    sums, rest = [], []
    keys = [sorted({cell[axis] for cell in counts} - {None}, key=str) for axis in (0, 1)]
    for axis, other in ((0, 1), (1, 0)):
        for fixed in [*keys[other], None]:
            line = [(value, fixed) if axis == 0 else (fixed, value) for value in keys[axis]]
            margin = (None, fixed) if axis == 0 else (fixed, None)
            signed = [*((cell, 1) for cell in line), (margin, -1)]
            sums.append([sum(sign for found, sign in signed if found == cell) for cell in order])
            rest.append(-sum(sign * counts[cell] for cell, sign in signed if cell not in withheld))
    found = {}
    for place, cell in enumerate(order):
        goal = np.eye(len(order))[place]
        low, high = (linprog(sign * goal, A_eq=sums, b_eq=rest, bounds=(0, None)) for sign in (1, -1))
        assert low.status in (0, 3)
        found[cell] = (low.fun, -high.fun if high.status == 0 else float("inf"))
    return found


@settings(deadline=None)
@given(
    st.integers(1, 4).flatmap(
        lambda width: st.lists(
            st.lists(st.integers(0, 25), min_size=width, max_size=width), min_size=1, max_size=4
        )
    )
)
def test_no_withheld_cell_follows_from_the_totals(inner: list[list[int]]) -> None:
    counts = table_of(inner)
    primary, more = withheld_cells(counts, SMALLEST)
    assert primary == {cell for cell, n in counts.items() if 0 < n < SMALLEST}
    assert not primary & more
    for low, high in attack(counts, set(primary | more)).values():
        assert high - low > 0.5


def test_a_single_small_cell_takes_the_next_smallest_with_it() -> None:
    counts: dict[Cell, int] = {("a",): 4, ("b",): 30, ("c",): 12, (None,): 46}
    assert list(map(set, withheld_cells(counts, SMALLEST))) == [{("a",)}, {("c",)}]


def test_two_small_cells_whose_sum_is_small_take_a_third() -> None:
    counts: dict[Cell, int] = {("a",): 4, ("b",): 30, ("c",): 5, (None,): 39}
    assert list(map(set, withheld_cells(counts, SMALLEST))) == [{("a",), ("c",)}, {("b",)}]


def test_nothing_small_withholds_nothing() -> None:
    assert withheld_cells(table_of([[10, 20], [0, 30]]), SMALLEST) == (frozenset(), frozenset())


STRATA = [Stratum((name,), 900, cells={"class": name}) for name in "AB"]


def sample(per_cell: dict[tuple[str, str], tuple[int, int]]) -> list[Observation]:
    outcomes = {True: Outcome.FINDING, False: Outcome.CLEAR}
    return [
        Observation(
            f"{name}{district}{place}", (name,), outcomes[place < findings], cells={"district": district}
        )
        for (name, district), (n, findings) in per_cell.items()
        for place in range(n)
    ]


def test_tables_carry_margins_and_withhold_across() -> None:
    sizes = {"甲": 30, "乙": 25, "丙": 40}
    cells = {(name, district): (sizes[district], 6) for name, district in product("AB", sizes)}
    cells["A", "乙"] = (3, 1)
    found = rates(STRATA, sample(cells), ["class", "district"])
    assert found["A", "乙"].suppressed == "small"
    assert {cell for cell, each in found.cells if each.suppressed == "complementary"} == {
        ("A", "甲"),
        ("B", "乙"),
        ("B", "甲"),
    }
    assert found["A", "乙"].rate is None
    assert found["A", "乙"].n is None
    assert found[None, None].n == 168
    assert found[None, "丙"].rate is not None
    assert found.cells[-1][0] == (None, None)


def test_every_cell_is_the_estimate_of_its_domain() -> None:
    """Observations read once for two tables, against each domain's own count of them."""
    chosen = np.random.default_rng(7)
    strata = [Stratum((name,), 900, cells={"class": name}) for name in "AB"]
    outcomes, items = list(Outcome), ["x", "y"]
    seen = [
        Observation(
            str(number), (str(chosen.choice(["A", "B"])),), outcomes[chosen.choice(len(outcomes))],
            cells={"trade": str(chosen.choice(["food", "fuel", "cloth"]))},
            items={item: outcomes[chosen.choice(2)] for item in items if chosen.random() < 0.7},
            origin=Origin.FOR_CAUSE if chosen.random() < 0.1 else Origin.RANDOM,
        )
        for number in range(400)
    ]  # fmt: skip
    read = coded(strata, seen, ["class", "trade"], [None, *items])
    for by, item in product((["class", "trade"], ["trade"]), (None, *items)):
        table = rates_of(read, by, item=item, smallest=1)
        for cell, found in table.cells:
            named = zip(by, cell, strict=True)
            domain = Domain(tuple((name, value) for name, value in named if value is not None))
            assert found == estimate(strata, seen, domain, item=item, smallest=1)
        assert len(table.cells) == (12 if len(by) > 1 else 4)


def test_rare_values_go_together() -> None:
    strata = [Stratum(("A",), 900)]
    trades = ["fuel"] * 3 + ["food"] * 30 + ["cloth"] * 12 + ["art"] * 30
    seen = [
        Observation(str(at), ("A",), Outcome.CLEAR, cells={"trade": trade}) for at, trade in enumerate(trades)
    ]
    column = coded(strata, seen, ["trade"], [None]).columns["trade"]
    assert column.frequent(2, 10) == {"food", "art"}
    assert column.frequent(9, 10) == {"food", "art", "cloth"}
    assert column.frequent(1, 10) == {"food"}
    few = column.merged(column.frequent(2, 10), "*")
    assert [few.values[code] for code in few.codes] == [t if t in ("food", "art") else "*" for t in trades]


def test_an_internal_attribute_is_withheld_where_a_result_would_tell_it() -> None:
    telling = sample({("A", "甲"): (50, 1), ("B", "甲"): (50, 40)})
    safe = sample({("A", "甲"): (50, 9), ("B", "甲"): (50, 11)})
    open_table = rates(STRATA, telling, ["class"])
    assert outcome_posterior(dict(open_table.cells)) == 40 / 41
    closed = rates(STRATA, telling, ["class"], secret_limit=0.6)
    assert [each.suppressed for _, each in closed.cells] == ["posterior", "posterior", ""]
    assert not any(each.suppressed for _, each in rates(STRATA, safe, ["class"], secret_limit=0.6).cells)
