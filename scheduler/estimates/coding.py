"""Observations as numbers: read once, then counted for any attribute and item by array operations."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from optimizer.errors import refuse
from scheduler.estimates.observations import Observation, Origin, Outcome, Stratum, cell_of
from scheduler.sizes import Key

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
OUTCOMES: Final = tuple(Outcome)
"""An outcome's number is its place here."""
_NUMBER: Final = {outcome: number for number, outcome in enumerate(OUTCOMES)}


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """An attribute: its values in the order in which they were met, and each observation's as a place there, (n,)."""

    values: tuple[str, ...]
    codes: Ints

    def frequent(self, most: int, least: int) -> frozenset[str]:
        """The `most` most frequent values, of equally frequent ones those met first, if met `least` times."""
        counts = np.bincount(self.codes, minlength=len(self.values))
        order = np.argsort(-counts, kind="stable")[:most]
        return frozenset(self.values[place] for place in order if counts[place] >= least)

    def merged(self, kept: Collection[str], other: str) -> Column:
        """The same, where values not among `kept` go together as `other`."""
        values = list(dict.fromkeys(value if value in kept else other for value in self.values))
        place = {value: number for number, value in enumerate(values)}
        moved = [place[value if value in kept else other] for value in self.values]
        return Column(tuple(values), np.array(moved, dtype=np.int64)[self.codes])


@dataclass(frozen=True, slots=True, eq=False)
class Coded:
    """Observations, n of them: place of the stratum, (n,); attributes; outcome by item, (n,) each; who was drawn, (n,).

    None among the items: the outcome of the whole check.
    """

    strata: tuple[Stratum, ...]
    places: Ints
    drawn: Bools
    columns: Mapping[str, Column]
    outcomes: Mapping[str | None, Ints]

    def with_column(self, name: str, column: Column) -> Coded:
        """The same with another grouping of an attribute."""
        return replace(self, columns={**self.columns, name: column})


def coded(
    strata: Sequence[Stratum],
    observations: Iterable[Observation],
    by: Sequence[str],
    items: Collection[str | None],
) -> Coded:
    """Read the observations once, for any domain told by the attributes `by` and any of the items.

    Raises Refused `estimates.stratum` for an unknown or repeated stratum, `estimates.twice` for a target observed
    twice, `estimates.attribute` for a target that lacks one of `by`.
    """
    every = {(stratum.key, stratum.recent): place for place, stratum in enumerate(strata)}
    if len(every) < len(strata):
        raise _stratum_wrong("有层重复出现。", "A stratum is given twice.")
    places: list[int] = []
    drawn: list[bool] = []
    met: dict[str, dict[str, int]] = {name: {} for name in by}
    codes: dict[str, list[int]] = {name: [] for name in by}
    outcomes: dict[str | None, list[int]] = {item: [] for item in items}
    known: set[tuple[Key, str]] = set()
    for one in observations:
        place = every.get((one.key, one.recent))
        if place is None:
            name = " / ".join((*one.key, one.recent))
            raise _stratum_wrong(f"没有层“{name}”。", f"There is no stratum {name!r}.")
        for name, values in met.items():
            codes[name].append(values.setdefault(cell_of(strata[place], one, name), len(values)))
        drawn.append(one.origin is Origin.RANDOM)
        if drawn[-1]:
            _check_once(one, known)
        places.append(place)
        for item, found in outcomes.items():
            found.append(_NUMBER[one.outcome_for(item)])
    return Coded(
        tuple(strata),
        _ints(places),
        np.array(drawn, dtype=np.bool_),
        {name: Column(tuple(met[name]), _ints(codes[name])) for name in met},
        {item: _ints(found) for item, found in outcomes.items()},
    )


def _ints(numbers: Sequence[int]) -> Ints:
    return np.array(numbers, dtype=np.int64)


def _check_once(seen: Observation, known: set[tuple[Key, str]]) -> None:
    if (seen.key, seen.target) in known:
        raise refuse(
            "estimates.twice",
            f"对象 {seen.target} 在同一层中出现两次。",
            f"Target {seen.target} was observed twice in one stratum.",
            "每个对象只保留一条最终结果。",
            "Keep one final result of each target.",
            target=seen.target,
        )
    known.add((seen.key, seen.target))


def _stratum_wrong(zh: str, en: str) -> Exception:
    return refuse(
        "estimates.stratum", zh, en, "请核对冻结时的分层。", "Check the strata as they were frozen."
    )
