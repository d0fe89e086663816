"""Tables of rates by trade, district, class … with their totals, fit to be shown: small cells withheld."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product

from scheduler.estimates.coding import Coded, coded
from scheduler.estimates.notes import complementary, posterior, small_cell
from scheduler.estimates.observations import Domain, Observation, Stratum
from scheduler.estimates.rates import SMALLEST_CELL, Estimate, estimate_from, withhold
from scheduler.estimates.sample import sample_from, tally
from scheduler.estimates.suppression import Cell, withheld_cells


@dataclass(frozen=True, slots=True)
class Table:
    """Rates by the values of `by`; in a cell None stands for "all". Cells in order of their values, totals last."""

    by: tuple[str, ...]
    item: str | None
    cells: tuple[tuple[Cell, Estimate], ...]

    def __getitem__(self, cell: Cell) -> Estimate:
        """The estimate at those values."""
        return dict(self.cells)[cell]


def rates(
    strata: Sequence[Stratum],
    observations: Iterable[Observation],
    by: Sequence[str],
    *,
    item: str | None = None,
    confidence: float = 0.95,
    smallest: int = SMALLEST_CELL,
    secret_limit: float | None = None,
) -> Table:
    """Estimate a rate for every combination of the attributes' values, their margins and the total.

    Values are those of strata and of observations. Cells of fewer than `smallest` observed are withheld, and more
    where totals would tell them. `secret_limit`, for an attribute that law keeps internal: where a target's outcome
    would tell its cell with a greater chance than that, every cell but the total is withheld. Raises Refused
    `estimates.*` as `estimate`.
    """
    seen = coded(strata, observations, by, [item])
    return rates_of(seen, by, item=item, confidence=confidence, smallest=smallest, secret_limit=secret_limit)


def rates_of(
    seen: Coded,
    by: Sequence[str],
    *,
    item: str | None = None,
    confidence: float = 0.95,
    smallest: int = SMALLEST_CELL,
    secret_limit: float | None = None,
) -> Table:
    """The same of observations that were read before, for several tables."""
    counted = tally(seen, by, item)
    raw = {}
    for cell in _cells(seen, by):
        domain = _domain(by, cell)
        raw[cell] = estimate_from(sample_from(counted, domain), domain, item, confidence, smallest=0)
    shown = _protected(raw, smallest)
    if secret_limit is not None and outcome_posterior(raw) > secret_limit:
        note = posterior(secret_limit)
        shown = {
            cell: withhold(found, "posterior", note) if any(value is not None for value in cell) else found
            for cell, found in shown.items()
        }
    return Table(tuple(by), item, tuple(shown.items()))


def _cells(seen: Coded, by: Sequence[str]) -> list[Cell]:
    values: list[list[str | None]] = []
    for name in by:
        known = {stratum.cells[name] for stratum in seen.strata if name in stratum.cells}
        values.append([*sorted(known | set(seen.columns[name].values)), None])
    return list(product(*values))


def _domain(by: Sequence[str], cell: Cell) -> Domain:
    return Domain(tuple((name, value) for name, value in zip(by, cell, strict=True) if value is not None))


def _protected(raw: dict[Cell, Estimate], smallest: int) -> dict[Cell, Estimate]:
    primary, secondary = withheld_cells({cell: found.n or 0 for cell, found in raw.items()}, smallest)
    small, other = small_cell(smallest), complementary()
    return {
        cell: withhold(found, "small", small)
        if cell in primary
        else withhold(found, "complementary", other)
        if cell in secondary
        else found
        for cell, found in raw.items()
    }


def outcome_posterior(cells: dict[Cell, Estimate]) -> float:
    """The largest chance of a cell, among those observed, given the outcome of a target: finding or none.

    Margins are left out. What a reader gains who sees each target's published result and the table; compare it
    with the limit of the disclosure-risk check (draw, section 4).
    """
    inner = [found for cell, found in cells.items() if None not in cell]
    findings = [found.findings or 0 for found in inner]
    clear = [(found.n or 0) - (found.findings or 0) for found in inner]
    return max((max(each) / sum(each) for each in (findings, clear) if sum(each)), default=0.0)
