"""Counts of a sample by stratum, for one domain and one item, with strata of no observation collapsed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from optimizer.errors import refuse
from scheduler.estimates.observations import Domain, Observation, Origin, Outcome, Stratum
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


def sample_of(
    strata: Sequence[Stratum], observations: Iterable[Observation], domain: Domain, item: str | None
) -> Sample:
    """Count what a rate needs.

    Every examined target counts in its stratum's n, the ineligible too (draw, section 8), and weights are N/n with
    parts of n = 0 collapsed (section 6). Raises Refused `estimates.stratum` for an unknown or repeated stratum,
    `estimates.twice` for a target observed twice, `estimates.rows` for more observations than rows.
    """
    by_place = _by_place(strata, domain)
    counts: dict[Place, Counter[str]] = {place: Counter() for place in by_place}
    outcomes: Counter[Outcome] = Counter()
    for_cause = 0
    for stratum, seen in _located(strata, observations, domain):
        if seen.origin is Origin.FOR_CAUSE:
            for_cause += domain.holds(stratum, seen)
            continue
        outcome = seen.outcome_for(item)
        held = domain.holds(stratum, seen)
        outcomes[outcome] += held
        _count(counts[stratum.key, stratum.recent], outcome, held)
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


def _located(
    strata: Sequence[Stratum], observations: Iterable[Observation], domain: Domain
) -> Iterable[tuple[Stratum, Observation]]:
    """Observations in strata that the domain can reach, each with its stratum."""
    every = {(stratum.key, stratum.recent): stratum for stratum in strata}
    excluded = {place for place, stratum in every.items() if domain.excludes(stratum)}
    known: set[tuple[Key, str]] = set()
    for seen in observations:
        place = (seen.key, seen.recent)
        if place not in every:
            name = " / ".join((*seen.key, seen.recent))
            raise _stratum_wrong(f"没有层“{name}”。", f"There is no stratum {name!r}.")
        if seen.origin is Origin.RANDOM:
            _check_once(seen, known)
        if place not in excluded:
            yield every[place], seen


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


def _count(counts: Counter[str], outcome: Outcome, held: bool) -> None:
    counts["n"] += 1
    if held and outcome not in OUTSIDE:
        counts["members"] += 1
        counts["findings"] += outcome in FINDINGS
        counts["missing"] += outcome in MISSING


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
