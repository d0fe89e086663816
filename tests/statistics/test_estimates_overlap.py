"""What all published cells together tell about one target's class: rates by item, district and trade, over two rounds.

Each cell of a sealed round is rounded for itself; cells overlap, and whoever kept the page of the first round has the
pooled one of both too. The attacker knows everybody's result, district and trade, the rules, how many of each class
were drawn, and every rounded rate with its step and the ends of its interval; what is left is who has which class. The
chain walks over all assignments that agree with every figure, begun at the true one, which can only help the attacker.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv

from scheduler.disclosure_risk import disclosure_risk
from scheduler.estimates import Observation, Outcome, Stratum, coarsened, rates
from scheduler.estimates.coarsening import HIDES, STEPS
from scheduler.estimates.rates import Estimate
from scheduler.manifest import DrawSpec, Rule, StratumRule
from scheduler.population import Membership, Profile

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

CLASSES = "ABCD"
SHARES = np.array([0.486, 0.415, 0.064, 0.035])
RATIOS = np.array([0.07, 0.09, 0.2, 0.3])
ROWS = np.round(2_000 * SHARES).astype(int)
DRAWN = np.ceil(ROWS * RATIOS).astype(int)
WEIGHTS = ROWS / DRAWN
DISTRICTS = np.array([19, 20, 24, 13, 9, 1.5, 11, 2.5]) / 100
TRADES = np.array([30, 25, 20, 15, 10]) / 100
ITEMS = 3
FINDINGS = 0.2
LIMIT = 0.6
"""What a plan allows an attacker to be sure of, by default."""
CITIES, SWEEPS = (16, 600) if os.environ.get("TRIALS") == "full" else (2, 200)


@dataclass(frozen=True)
class City:
    """Those drawn in two rounds: `found` is the item with a finding, 0 for none."""

    round: Ints
    classes: Ints
    district: Ints
    trade: Ints
    found: Ints


@dataclass(frozen=True)
class Figures:
    """Published figures: a row for each cell, a column for each target that is in it, or has a finding in it.

    `rate` and `ends`: between which two values the unrounded ones lie, (2, cells) and (2 ends, 2, cells); `total`:
    the same of the members' weights, which the step tells. `rows`: frame rows by stratum, 0 where the page has none.
    """

    members: Floats
    findings: Floats
    rate: Floats
    total: Floats
    ends: Floats
    rows: Floats


def city(random: np.random.Generator) -> City:
    classes = np.concatenate([random.permutation(np.repeat(np.arange(4), DRAWN)) for _ in range(2)])
    size = len(classes)
    return City(
        np.repeat([0, 1], size // 2),
        classes,
        random.choice(len(DISTRICTS), size, p=DISTRICTS),
        random.choice(len(TRADES), size, p=TRADES),
        np.where(random.random(size) < FINDINGS, random.integers(1, ITEMS + 1, size), 0),
    )


@dataclass(frozen=True)
class Told:
    """One published cell: who is in it, who of them has a finding, and its figures; `rounds` of its page."""

    members: NDArray[np.bool_]
    findings: NDArray[np.bool_]
    rounds: Sequence[int]
    figures: Estimate
    exact: Estimate


def published(known: City, rounds: Sequence[int]) -> list[Told]:
    """Every cell that the pages of these rounds show."""
    shown = []
    inside = np.isin(known.round, rounds)
    strata = [Stratum((f"{r}", name), int(n)) for r in rounds for name, n in zip(CLASSES, ROWS, strict=True)]
    for item in (None, *range(1, ITEMS + 1)):
        found = inside & (known.found > 0 if item is None else known.found == item)
        seen = [
            Observation(
                f"T{place}",
                (str(known.round[place]), CLASSES[known.classes[place]]),
                Outcome.FINDING if found[place] else Outcome.CLEAR,
                cells={"district": str(known.district[place]), "trade": str(known.trade[place])},
            )
            for place in np.flatnonzero(inside)
        ]
        for by, values in (("district", known.district), ("trade", known.trade)):
            for (value,), raw in rates(strata, seen, [by]).cells:
                cell = coarsened(raw)
                if cell.rate is not None and cell.step is not None:
                    members = inside if value is None else inside & (values == int(value))
                    shown.append(Told(members, members & found, rounds, cell, raw))
    return shown


def figures(known: City) -> Figures:
    """Everything that was ever published: the first round's page, and then that of both."""
    cells = [*published(known, [0]), *published(known, [0, 1])]
    members, findings = (
        np.array([getattr(cell, name) for cell in cells], dtype=float) for name in ("members", "findings")
    )
    step, rate, low, high = (
        np.array([getattr(cell.figures, name) for cell in cells], dtype=float)
        for name in ("step", "rate", "low", "high")
    )
    rows = np.array([[ROWS[k] * (r in cell.rounds) for r in (0, 1) for k in range(4)] for cell in cells])
    found = Figures(
        members,
        findings,
        np.array([rate - step / 2, rate + step / 2]) + NOISE,
        _totals(step),
        np.array([np.array([low, low + step]) + NOISE, np.array([high - step, high]) + NOISE]),
        rows.astype(float),
    )
    return _believable(found, known, cells)


NOISE = np.array([[-1e-9], [1e-9]])
SWAY = float(WEIGHTS.max() - WEIGHTS.min())


def _totals(step: Floats) -> Floats:
    """Σ weights of a cell's members, between which its step says it lies: HIDES · SWAY/(Σ − SWAY) fits no finer one."""
    finer = {wide: narrow for narrow, wide in zip((0.0, *STEPS), STEPS, strict=False)}
    narrow = np.array([finer[one] for one in step])
    most = np.where(narrow > 0, HIDES * SWAY / np.maximum(narrow, 1e-12) + SWAY, np.inf)
    between: Floats = np.array([HIDES * SWAY / step + SWAY, most]) + NOISE
    return between


def _believable(told: Figures, known: City, cells: Sequence[Told]) -> Figures:
    """Without the rates that were moved within their interval. What the attacker computes is what was computed."""
    strata = known.round * 4 + known.classes
    members, findings = (_by_stratum(part, strata) for part in (told.members, told.findings))
    low, rate, high = limits(told.rows, members, findings)
    for name, own in (("low", low), ("rate", rate), ("high", high)):
        assert np.allclose(own, [getattr(cell.exact, name) for cell in cells], atol=1e-7), name
    said = (told.rate[0] <= rate) & (rate <= told.rate[1])
    assert said.mean() > 0.95, "but for a few that were moved within their interval"
    return replace(told, rate=np.where(said, told.rate, np.array([[-1.0], [2.0]])))


def _by_stratum(members: Floats, strata: Ints) -> Floats:
    """How many of each cell's members are in each stratum, (cells, strata)."""
    one_hot: Floats = np.eye(8)[strata]
    return np.asarray(members @ one_hot, dtype=np.float64)


Z2 = NormalDist().inv_cdf(0.975) ** 2
DRAWN_OF = np.tile(DRAWN, 2).astype(float)
INNER = np.tile((ROWS - DRAWN) / (ROWS - 1), 2)


def limits(rows: Floats, members: Floats, findings: Floats) -> tuple[Floats, Floats, Floats]:
    """`scheduler.estimates.intervals.interval` of many cells at once: counts by stratum, (cells, strata)."""
    total = (rows * members / DRAWN_OF).sum(axis=1)
    rate = (rows * findings / DRAWN_OF).sum(axis=1) / total
    effective = _effective(rows, members, findings, total, rate)
    found, clear = rate * effective, (1 - rate) * effective
    centre, half = (found + Z2 / 2) / (effective + Z2), np.sqrt(Z2 * (found * clear / effective + Z2 / 4))
    half /= effective + Z2
    low, high = np.zeros_like(rate), np.ones_like(rate)
    some, rest = found > 0, clear > 0
    low[some] = betaincinv(found[some], clear[some] + 1, 0.025)
    high[rest] = betaincinv(found[rest] + 1, clear[rest], 0.975)
    low, high = np.maximum(0, np.minimum(centre - half, low)), np.minimum(1, np.maximum(centre + half, high))
    most = (rows - (DRAWN_OF - members) * (rows > 0)).sum(axis=1)
    y, n = findings.sum(axis=1), members.sum(axis=1)
    low, high = np.maximum(low, y / most), np.minimum(high, 1 - (n - y) / most)
    high, low = (
        np.where(y > 0, high, np.maximum(high, 1 / most)),
        np.where(n > y, low, np.minimum(low, 1 - 1 / most)),
    )
    return np.minimum(low, rate), rate, np.maximum(high, rate)


def _effective(rows: Floats, members: Floats, findings: Floats, total: Floats, rate: Floats) -> Floats:
    share, scale = members / DRAWN_OF, rows**2 * INNER / DRAWN_OF
    kish = total**2 / (scale * share).sum(axis=1)
    heaviest = np.eye(8)[np.argmax(np.where(members > 0, rows / DRAWN_OF, 0), axis=1)]
    overall = (rate * kish + Z2 / 2) / (kish + Z2)
    smooth = (findings + Z2 * (overall[:, None] + heaviest / 2)) / (members + Z2 * (1 + heaviest))
    at = ((rows * share * smooth).sum(axis=1) / total)[:, None]
    squares = share * (smooth * (1 - at) ** 2 + (1 - smooth) * at**2) - (share * (smooth - at)) ** 2
    found: Floats = at[:, 0] * (1 - at[:, 0]) * total**2 / (scale * squares).sum(axis=1)
    return found


@dataclass
class Chain:
    """An assignment of classes that agrees with all figures, and its counts by cell and stratum."""

    told: Figures
    strata: Ints

    def __post_init__(self) -> None:
        self.members = _by_stratum(self.told.members, self.strata)
        self.findings = _by_stratum(self.told.findings, self.strata)

    def swap(self, one: int, other: int) -> None:
        """Let two targets of a round change classes where all figures still agree."""
        mine, theirs = self.strata[one], self.strata[other]
        if mine == theirs:
            return
        told = self.told
        more, found = (part[:, other] - part[:, one] for part in (told.members, told.findings))
        cells = np.flatnonzero((more != 0) | (found != 0))
        members, findings = self.members[cells], self.findings[cells]
        for counts, moved in ((members, more[cells]), (findings, found[cells])):
            counts[:, mine] += moved
            counts[:, theirs] -= moved
        if self._agrees(cells, members, findings):
            self.members[cells], self.findings[cells] = members, findings
            self.strata[one], self.strata[other] = theirs, mine

    def _agrees(self, cells: Ints, members: Floats, findings: Floats) -> bool:
        told, weights = self.told, np.tile(WEIGHTS, 2)
        total = members @ weights
        rate = findings @ weights / total
        quick = within(told.rate[:, cells], rate) and within(told.total[:, cells], total)
        if not quick:
            return False
        low, _, high = limits(told.rows[cells], members, findings)
        return within(told.ends[0][:, cells], low) and within(told.ends[1][:, cells], high)


def within(between: Floats, value: Floats) -> bool:
    return bool(np.all((between[0] <= value) & (value <= between[1])))


def believed(known: City, told: Figures, random: np.random.Generator) -> Floats:
    """P(class) of every target, given all figures."""
    size = len(known.classes)
    chain = Chain(told, known.round * 4 + known.classes)
    counts = np.zeros((size, 4))
    for sweep in range(SWEEPS):
        pairs = random.integers(0, size // 2, (size, 2)) + random.integers(0, 2, (size, 1)) * (size // 2)
        for one, other in pairs:
            chain.swap(one, other)
        if sweep >= SWEEPS // 4:
            counts[np.arange(size), chain.strata % 4] += 1
    posterior: Floats = counts / counts.sum(axis=1, keepdims=True)
    return posterior


def printed() -> float:
    """The largest posterior by the check before the freeze of a draw with these classes and ratios."""
    own = tuple(
        StratumRule((name,), Rule(round(ratio * 1_000_000), 0))
        for name, ratio in zip(CLASSES, RATIOS, strict=True)
    )
    columns, zeros = ("target_id", "credit"), "0" * 64
    spec = DrawSpec(
        "1", "局", columns, ("credit",), None, zeros, 0, zeros, ("credit",), Rule(0, 0), own, None, "round"
    )
    population: dict[Profile, int] = {
        (Membership("1", (name,), "", (name,)),): int(rows) for name, rows in zip(CLASSES, ROWS, strict=True)
    }
    worst = disclosure_risk([spec], population).worst
    assert worst is not None
    return float(worst.posterior)


def test_overlapping_cells_tell_no_more_than_the_check_before_the_freeze_allows() -> None:
    """Right no more often than that check printed, ends of intervals and steps included; few are told surer than its
    limit, as docs/estimates.md says. Rounding to twice what one class can move fails here, with 0.11 of them.
    """
    random = np.random.default_rng(5)
    right, sure, cells = [], [], 0
    for _ in range(CITIES):
        known = city(random)
        told = figures(known)
        posterior = believed(known, told, random)
        right += (posterior.argmax(axis=1) == known.classes).tolist()
        sure += posterior.max(axis=1).tolist()
        cells += len(told.rows)
    limit = printed()
    surer = float(np.mean(np.array(sure) > LIMIT))
    share = float(np.mean(right))
    print(f"printed {limit:.3f}, right {share:.3f} of {len(right)}, surer {surer:.4f}, {cells} cells")
    assert cells / CITIES > 40, "there is something to combine"
    assert share <= limit + 3 * math.sqrt(limit * (1 - limit) / len(right))
    assert surer <= 0.095
