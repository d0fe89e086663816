"""Counts of a sample by stratum, for one domain and one item, with strata of no observation collapsed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from scheduler.estimates.coding import OUTCOMES, Bools, Coded, Ints, coded
from scheduler.estimates.observations import Domain, Observation, Outcome, Stratum
from scheduler.estimates.stratified import check_rows
from scheduler.probability import Part, weights

FINDINGS = frozenset({Outcome.FINDING, Outcome.NOT_CONTACTED})
MISSING = frozenset({Outcome.NON_RESPONSE, Outcome.PENDING})
OUTSIDE = frozenset({Outcome.INELIGIBLE, Outcome.NOT_COVERED})
INSIDE = frozenset(Outcome) - OUTSIDE


@dataclass(frozen=True, slots=True)
class Group:
    """A stratum as sampled: n of its `rows` examined, of these `members` in the domain and in the population.

    Of the members, `findings` have one and `missing` did not answer.
    """

    rows: int
    n: int
    members: int
    findings: int
    missing: int

    @property
    def most_members(self) -> int:
        """The most rows that can belong to the domain, knowing which of the examined do not."""
        return self.rows - (self.n - self.members)


@dataclass(frozen=True, slots=True)
class Sample:
    """Groups of one domain and item; counts over them; and what the reader has to be told.

    `outcomes`: members and those outside by outcome. `for_cause`: checks left out. `collapsed`: parts nobody of
    whom was observed, merged into a neighbour. `unseen`: rows of which nothing at all was observed.
    """

    groups: tuple[Group, ...]
    outcomes: Mapping[Outcome, int]
    for_cause: int
    collapsed: tuple[Part, ...]
    unseen: int

    @property
    def rows(self) -> int:
        """Frame rows that the groups stand for."""
        return sum(group.rows for group in self.groups)

    @property
    def members(self) -> int:
        """Observed members of the domain."""
        return sum(group.members for group in self.groups)

    @property
    def findings(self) -> int:
        """Observed findings."""
        return sum(group.findings for group in self.groups)

    @property
    def missing(self) -> int:
        """Members who did not answer, or were not visited yet."""
        return sum(group.missing for group in self.groups)


@dataclass(frozen=True, slots=True, eq=False)
class _Counted:
    """Kinds of observations that are alike in stratum, outcome and attributes, (k,) each, and how many there are."""

    places: Ints
    outcomes: Ints
    codes: tuple[Ints, ...]
    numbers: Ints

    def held(self, asked: Sequence[tuple[int, int]], reached: Bools) -> Bools:
        """Which kinds have these values, (attribute, value) each, and lie in the strata reached."""
        found = reached[self.places]
        for attribute, value in asked:
            found = found & (self.codes[attribute] == value)
        return found


@dataclass(frozen=True, slots=True, eq=False)
class _Merged:
    """Strata that were sampled: their places, (g,), rows with those of strata collapsed into them, (g,), and which."""

    places: Ints
    rows: Ints
    collapsed: tuple[Part, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Tally:
    """Observations counted by stratum, values of the attributes `by`, and outcome: all that any domain's sample needs.

    `for_cause`: checks that no lottery chose. `n`: examined by stratum, (strata,).
    """

    strata: tuple[Stratum, ...]
    by: tuple[str, ...]
    values: tuple[Mapping[str, int], ...]
    drawn: _Counted
    for_cause: _Counted
    n: Ints
    merged: dict[bytes, _Merged] = field(default_factory=dict)


def tally(seen: Coded, by: Sequence[str], item: str | None) -> Tally:
    """Count the observations once, for any number of domains told by the attributes `by`."""
    columns = [seen.columns[name] for name in by]
    rows = np.stack([seen.places, seen.outcomes[item], *(column.codes for column in columns)])
    return Tally(
        seen.strata,
        tuple(by),
        tuple({value: code for code, value in enumerate(column.values)} for column in columns),
        _counted(rows[:, seen.drawn]),
        _counted(rows[:, ~seen.drawn]),
        np.bincount(seen.places[seen.drawn], minlength=len(seen.strata)),
    )


def _counted(rows: NDArray[np.int64]) -> _Counted:
    """`rows`: place, outcome and attributes of each observation, shape (2 + attributes, n)."""
    sizes = tuple(rows.max(axis=1, initial=0) + 1)
    kinds, numbers = np.unique(np.ravel_multi_index(tuple(rows), sizes), return_counts=True)
    places, outcomes, *codes = np.unravel_index(kinds, sizes)
    return _Counted(places, outcomes, tuple(codes), numbers)


def sample_of(
    strata: Sequence[Stratum], observations: Iterable[Observation], domain: Domain, item: str | None
) -> Sample:
    """Count what a rate needs.

    Every examined target counts in its stratum's n, the ineligible too (draw, section 8), and weights are N/n with
    parts of n = 0 collapsed (section 6). Observations of strata that the domain cannot reach are left out. Raises
    Refused `estimates.stratum` for an unknown or repeated stratum, `estimates.twice` for a target observed twice,
    `estimates.rows` for more observations than rows.
    """
    excluded = {(stratum.key, stratum.recent) for stratum in strata if domain.excludes(stratum)}
    reached = (one for one in observations if (one.key, one.recent) not in excluded)
    by = [name for name, _ in domain.cells]
    return sample_from(tally(coded(strata, reached, by, [item]), by, item), domain)


def sample_from(counted: Tally, domain: Domain) -> Sample:
    """The sample of a domain whose attributes are among those by which the observations were counted."""
    reached = np.array(
        [stratum.rows > 0 and not domain.excludes(stratum) for stratum in counted.strata], dtype=np.bool_
    )
    merged = _merged(counted, reached)
    asked = [
        (place, counted.values[place].get(value, -1))
        for name, value in domain.cells
        for place in [counted.by.index(name)]
    ]
    held = counted.drawn.held(asked, reached)
    numbers = counted.drawn.numbers * held
    by_outcome = np.bincount(counted.drawn.outcomes, numbers, len(OUTCOMES))
    groups = _groups(counted, merged, numbers)
    return Sample(
        groups,
        {outcome: int(by_outcome[number]) for number, outcome in enumerate(OUTCOMES)},
        int(counted.for_cause.numbers @ counted.for_cause.held(asked, reached)),
        merged.collapsed,
        0
        if groups
        else sum(stratum.rows for stratum, there in zip(counted.strata, reached, strict=True) if there),
    )


def _merged(counted: Tally, reached: Bools) -> _Merged:
    """Strata of no sample collapsed into neighbours; the same for all domains that reach the same strata."""
    key = reached.tobytes()
    if key not in counted.merged:
        counted.merged[key] = _collapse(counted, [int(place) for place in np.flatnonzero(reached)])
    return counted.merged[key]


def _collapse(counted: Tally, places: Sequence[int]) -> _Merged:
    parts = {}
    for place in places:
        stratum, n = counted.strata[place], int(counted.n[place])
        check_rows(" / ".join((*stratum.key, stratum.recent)), stratum.rows, n)
        parts[stratum.key, stratum.recent] = place, Part(stratum.key, stratum.recent, stratum.rows, n)
    found = weights([part for _, part in parts.values()])
    rows = [one.part.rows + sum(part.rows for part in one.collapsed) for one in found]
    return _Merged(
        np.array([parts[one.part.key, one.part.recent][0] for one in found], dtype=np.int64),
        np.array(rows, dtype=np.int64),
        tuple(part for one in found for part in one.collapsed),
    )


def _groups(counted: Tally, merged: _Merged, numbers: Ints) -> tuple[Group, ...]:
    """`numbers`: how many of each kind are in the domain."""

    def of(outcomes: frozenset[Outcome]) -> list[int]:
        chosen = numbers * np.isin(counted.drawn.outcomes, [OUTCOMES.index(one) for one in outcomes])
        by_place = np.bincount(counted.drawn.places, chosen, len(counted.strata))
        return [int(number) for number in by_place[merged.places]]

    columns = (merged.rows, counted.n[merged.places], of(INSIDE), of(FINDINGS), of(MISSING))
    return tuple(Group(*map(int, row)) for row in zip(*columns, strict=True))
