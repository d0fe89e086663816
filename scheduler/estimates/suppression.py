"""Which cells of a table with totals are withheld, so that neither the table nor its totals tell a small one.

Primary: cells with fewer observed than the smallest cell allowed. Complementary: more cells, until no withheld cell
follows from the published ones by addition and no sum of withheld cells in a line that follows is itself too small.
Sources: Cox, JASA 75 (1980), 377–385; Hundepool et al., Statistical Disclosure Control (2012), chapter 4.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import product

import numpy as np

Cell = tuple[str | None, ...]
Line = tuple[tuple[Cell, ...], Cell]


def withheld_cells(counts: Mapping[Cell, int], smallest: int) -> tuple[frozenset[Cell], frozenset[Cell]]:
    """Primary and complementary suppressions of a table with all its margins, where None stands for "all".

    A cell in which nobody was observed shows nothing and protects nothing. Always ends: in the worst case with
    every cell withheld, the total too.
    """
    lines = tuple(_lines(counts))
    primary = frozenset(cell for cell, n in counts.items() if 0 < n < smallest)
    withheld = set(primary)
    while (exposed := _exposed(lines, counts, withheld, smallest)) is not None:
        withheld.add(exposed)
    return primary, frozenset(withheld - primary)


def _lines(counts: Mapping[Cell, int]) -> Iterator[Line]:
    """Every sum that readers can form: cells along one axis, and the margin that they add up to."""
    width = len(next(iter(counts)))
    values = [sorted({cell[axis] for cell in counts} - {None}, key=str) for axis in range(width)]
    for axis in range(width):
        others: list[Sequence[str | None]] = [
            [*values[place], None] for place in range(width) if place != axis
        ]
        for rest in product(*others):
            inner = tuple((*rest[:axis], value, *rest[axis:]) for value in values[axis])
            margin = (*rest[:axis], None, *rest[axis:])
            if margin in counts:
                yield tuple(cell for cell in inner if cell in counts), margin


def _exposed(
    lines: Sequence[Line], counts: Mapping[Cell, int], withheld: Collection[Cell], smallest: int
) -> Cell | None:
    """The next cell to withhold, of the lines that tell too much: no margin if it can be helped, then the smallest.

    None where no line tells too much.
    """
    told = _determined(lines, withheld)
    candidates = [
        cell
        for inner, margin in lines
        if _tells(inner, margin, counts, withheld, smallest) or told & {*inner, margin}
        for cell in (*inner, margin)
        if cell not in withheld and counts[cell]
    ]
    return min(
        candidates, key=lambda cell: (cell.count(None), counts[cell], tuple(map(str, cell))), default=None
    )


def _tells(
    inner: Sequence[Cell], margin: Cell, counts: Mapping[Cell, int], withheld: Collection[Cell], smallest: int
) -> bool:
    """Tell whether the published margin less the published cells is a sum too small to show."""
    return margin not in withheld and 0 < sum(counts[cell] for cell in inner if cell in withheld) < smallest


def _determined(lines: Sequence[Line], withheld: Collection[Cell]) -> frozenset[Cell]:
    """Withheld cells that follow from the published ones: those in which all solutions of the sums agree."""
    order = sorted(withheld, key=lambda cell: tuple(map(str, cell)))
    if not order:
        return frozenset()
    place = {cell: column for column, cell in enumerate(order)}
    matrix = np.zeros((len(lines), len(order)))
    for row, (inner, margin) in enumerate(lines):
        for cell in inner:
            if cell in place:
                matrix[row, place[cell]] = 1
        if margin in place:
            matrix[row, place[margin]] = -1
    _, sizes, directions = np.linalg.svd(matrix, full_matrices=True)
    free = directions[int(np.sum(sizes > 1e-9)) :]
    return frozenset(cell for cell, column in place.items() if not np.any(np.abs(free[:, column]) > 1e-9))
