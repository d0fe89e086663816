"""Counts of a sample by stratum, for one domain and one item, with strata of no observation collapsed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from optimizer.errors import refuse
from scheduler.estimates.observations import Domain, Observation, Origin, Outcome, Stratum, cell_of
from scheduler.estimates.stratified import check_rows
from scheduler.probability import Part, Weight, weights
from scheduler.sizes import Key

Place = tuple[Key, str]
FINDINGS = frozenset({Outcome.FINDING, Outcome.NOT_CONTACTED})
MISSING = frozenset({Outcome.NON_RESPONSE, Outcome.PENDING})
OUTSIDE = frozenset({Outcome.INELIGIBLE, Outcome.NOT_COVERED})


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


Values = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tally:
    """Observations counted by stratum, values of the attributes `by`, and outcome: all that any domain's sample needs.

    `for_cause`: checks that no lottery chose, by stratum and values.
    """

    by: tuple[str, ...]
    seen: Mapping[tuple[Place, Values, Outcome], int]
    for_cause: Mapping[tuple[Place, Values], int]


def tally(
    strata: Sequence[Stratum], observations: Iterable[Observation], by: Sequence[str], item: str | None
) -> Tally:
    """Count the observations once, for any number of domains told by the attributes `by`.

    Raises Refused `estimates.stratum` for an unknown stratum, `estimates.twice` for a target observed twice,
    `estimates.attribute` for a target that lacks one of `by`.
    """
    every = {(stratum.key, stratum.recent): stratum for stratum in strata}
    seen: Counter[tuple[Place, Values, Outcome]] = Counter()
    for_cause: Counter[tuple[Place, Values]] = Counter()
    known: set[tuple[Key, str]] = set()
    for one in observations:
        place = (one.key, one.recent)
        if place not in every:
            name = " / ".join((*one.key, one.recent))
            raise _stratum_wrong(f"没有层“{name}”。", f"There is no stratum {name!r}.")
        values = tuple(cell_of(every[place], one, name) for name in by)
        if one.origin is Origin.FOR_CAUSE:
            for_cause[place, values] += 1
            continue
        _check_once(one, known)
        seen[place, values, one.outcome_for(item)] += 1
    return Tally(tuple(by), seen, for_cause)


def sample_of(
    strata: Sequence[Stratum], observations: Iterable[Observation], domain: Domain, item: str | None
) -> Sample:
    """Count what a rate needs.

    Every examined target counts in its stratum's n, the ineligible too (draw, section 8), and weights are N/n with
    parts of n = 0 collapsed (section 6). Observations of strata that the domain cannot reach are left out. Raises
    Refused `estimates.stratum` for an unknown or repeated stratum, `estimates.twice` for a target observed twice,
    `estimates.rows` for more observations than rows.
    """
    seen = tuple(observations)
    every = {(stratum.key, stratum.recent): stratum for stratum in strata}
    excluded = {place for place, stratum in every.items() if domain.excludes(stratum)}
    reached = [one for one in seen if (one.key, one.recent) not in excluded]
    return sample_from(strata, tally(strata, reached, [name for name, _ in domain.cells], item), domain)


def sample_from(strata: Sequence[Stratum], counted: Tally, domain: Domain) -> Sample:
    """The sample of a domain whose attributes are among those by which the observations were counted."""
    by_place = _by_place(strata, domain)
    asked = [(counted.by.index(name), value) for name, value in domain.cells]
    counts: dict[Place, Counter[str]] = {place: Counter() for place in by_place}
    outcomes: Counter[Outcome] = Counter()
    for (place, values, outcome), number in counted.seen.items():
        if place in counts:
            held = all(values[at] == value for at, value in asked)
            outcomes[outcome] += number * held
            _count(counts[place], outcome, held, number)
    for_cause = sum(
        number
        for (place, values), number in counted.for_cause.items()
        if place in counts and all(values[at] == value for at, value in asked)
    )
    for place, found in counts.items():
        check_rows(" / ".join((*place[0], place[1])), by_place[place].rows, found["n"])
    groups, collapsed = _groups(by_place, counts)
    unseen = 0 if groups else sum(stratum.rows for stratum in by_place.values())
    return Sample(groups, outcomes, for_cause, collapsed, unseen)


def _by_place(strata: Sequence[Stratum], domain: Domain) -> dict[Place, Stratum]:
    every = {(stratum.key, stratum.recent): stratum for stratum in strata}
    if len(every) < len(strata):
        raise _stratum_wrong("有层重复出现。", "A stratum is given twice.")
    return {
        place: stratum for place, stratum in every.items() if stratum.rows and not domain.excludes(stratum)
    }


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


def _count(counts: Counter[str], outcome: Outcome, held: bool, number: int) -> None:
    counts["n"] += number
    if held and outcome not in OUTSIDE:
        counts["members"] += number
        counts["findings"] += number * (outcome in FINDINGS)
        counts["missing"] += number * (outcome in MISSING)


def _groups(
    by_place: Mapping[Place, Stratum], counts: Mapping[Place, Counter[str]]
) -> tuple[tuple[Group, ...], tuple[Part, ...]]:
    parts = [
        Part(stratum.key, stratum.recent, stratum.rows, counts[place]["n"])
        for place, stratum in by_place.items()
    ]
    weighted = weights(parts)
    groups = tuple(_group(found, counts[found.part.key, found.part.recent]) for found in weighted)
    return groups, tuple(part for found in weighted for part in found.collapsed)


def _group(found: Weight, counts: Counter[str]) -> Group:
    rows = found.part.rows + sum(part.rows for part in found.collapsed)
    return Group(rows, counts["n"], counts["members"], counts["findings"], counts["missing"])
