"""What a pattern of draws tells the public about a class: posteriors by Bayes' rule over the frame's own counts.

With one number u per target, a target is in the sample of a shared-stream draw when u is below its stratum's sampling
rate, so its pattern over those draws is decided by the interval that u falls into; draws with a stream of their own
are independent. Who is in which frame follows from public attributes. The posterior of a class given a pattern is
the worst that somebody who knows the frame's counts could conclude.
A pattern that less than one target is expected to show is not one that the public will see.
All arithmetic is in integers (rates in units of 10^-12), so that every machine refuses alike.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import comb, prod
from typing import Final, NamedTuple

from optimizer.errors import refuse
from scheduler.encoding import Json
from scheduler.population import SCALE, Group, Kind, Label, parts_per_million

LEAST_TARGETS: Final = 1
_MOST_PATTERNS: Final = 4096

Secrets = tuple[str | None, ...]
ByPattern = dict[int, Counter[Secrets]]


@dataclass(frozen=True, slots=True)
class PatternRisk:
    """The most telling pattern: of targets like `group`, those drawn by exactly `drawn_by` have `value` in `column`.

    `prior` is the value's share in the group before any draw; `targets` how many are expected to show the pattern.
    """

    column: str
    value: str
    group: Label
    drawn_by: tuple[str, ...]
    posterior: Fraction
    prior: Fraction
    targets: Fraction

    def to_json(self) -> dict[str, Json]:
        """For the plan's page; probabilities in millionths, rounded up."""
        return {
            "column": self.column,
            "value": self.value,
            "group": [{"draw_id": draw_id, "public": public} for draw_id, public in self.group],
            "drawn_by": self.drawn_by,
            "posterior_ppm": parts_per_million(self.posterior),
            "prior_ppm": parts_per_million(self.prior),
            "targets": round(self.targets),
        }


class _Candidate(NamedTuple):
    """A posterior share / total of one value of one column under one pattern."""

    share: int
    total: int
    mask: int
    column: int
    value: str

    def beats(self, other: _Candidate | None) -> bool:
        return other is None or self.share * other.total > other.share * self.total


class _Shown:
    """The values of a group whose posterior counts, with how many targets have each.

    A value that is known beforehand, because its share is above the limit already, is left out: no draw could keep
    it below.
    """

    def __init__(self, group: Group, columns: int, limit: Fraction) -> None:
        self.size = group.count
        self.counts: list[Counter[str]] = []
        for column in range(columns):
            counts: Counter[str] = Counter()
            for kind in group.kinds:
                value = kind.secrets[column]
                if value is not None:
                    counts[value] += kind.count
            shown = {value: count for value, count in counts.items() if count <= limit * self.size}
            self.counts.append(Counter(shown))

    def candidates(self, mask: int, masses: Counter[Secrets]) -> Iterator[_Candidate]:
        total = masses.total()
        for column, counts in enumerate(self.counts):
            shares: Counter[str] = Counter()
            for secrets, mass in masses.items():
                value = secrets[column]
                if value is not None and value in counts:
                    shares[value] += mass
            for value, share in shares.items():
                yield _Candidate(share, total, mask, column, value)


@dataclass(frozen=True, slots=True)
class Masses:
    """Targets expected to show each pattern (a bit mask of draws) by secrets, in units of SCALE^-exponent."""

    by_pattern: ByPattern
    exponent: int


class Analysis:
    """Computes risks over groups; `own` are the places of draws with a stream of their own."""

    def __init__(self, draw_ids: Sequence[str], columns: Sequence[str], limit: Fraction) -> None:
        self.draw_ids = tuple(draw_ids)
        self.columns = tuple(columns)
        self.limit = limit

    def worst(self, groups: Iterable[Group], own: frozenset[int]) -> PatternRisk | None:
        """The largest posterior over all groups, patterns, columns and values."""
        return largest(self.of_group(group, own) for group in groups)

    def of_group(self, group: Group, own: frozenset[int]) -> PatternRisk | None:
        """The largest posterior within one group."""
        return self._largest(group, [pattern_masses(group.kinds, range(len(self.draw_ids)), own)])

    def single(self, group: Group) -> PatternRisk | None:
        """The largest posterior that one draw alone would cause: the part that coordination is not to blame for."""
        places = [place for place in range(len(self.draw_ids)) if group.has_draw(place)]
        return self._largest(group, [pattern_masses(group.kinds, (place,), frozenset()) for place in places])

    def repeated(self, group: Group, hits: int) -> PatternRisk | None:
        """The largest posterior after one draw has hit a target in `hits` rounds running, numbers new each time."""
        by_pattern: ByPattern = {}
        for place in range(len(self.draw_ids)):
            masses: Counter[Secrets] = Counter()
            for kind in group.kinds:
                masses[kind.secrets] += kind.count * kind.rates[place] ** hits
            by_pattern[1 << place] = masses
        return self._largest(group, [Masses(by_pattern, hits)])

    def _largest(self, group: Group, found: Iterable[Masses]) -> PatternRisk | None:
        shown = _Shown(group, len(self.columns), self.limit)
        best, scale = None, 1
        for masses in found:
            least = LEAST_TARGETS * SCALE**masses.exponent
            for mask, mass in masses.by_pattern.items():
                if mass.total() < least:
                    continue
                for candidate in shown.candidates(mask, mass):
                    if candidate.beats(best):
                        best, scale = candidate, SCALE**masses.exponent
        return None if best is None else self._risk(group, shown, best, scale)

    def _risk(self, group: Group, shown: _Shown, best: _Candidate, scale: int) -> PatternRisk:
        return PatternRisk(
            self.columns[best.column],
            best.value,
            group.label,
            tuple(name for place, name in enumerate(self.draw_ids) if best.mask >> place & 1),
            Fraction(best.share, best.total),
            Fraction(shown.counts[best.column][best.value], shown.size),
            Fraction(best.total, scale),
        )


def largest(risks: Iterable[PatternRisk | None]) -> PatternRisk | None:
    """The risk of the largest posterior, the first of equals; None where there is none."""
    return max((risk for risk in risks if risk is not None), key=lambda risk: risk.posterior, default=None)


def pattern_masses(kinds: Sequence[Kind], draws: Iterable[int], own: frozenset[int]) -> Masses:
    """How many targets of each class show each pattern of the draws.

    Own-stream draws with the same rates throughout are told apart by how many of them hit, not by which.
    """
    considered = tuple(draws)
    shared = [place for place in considered if place not in own]
    bundles = _bundles(kinds, [place for place in considered if place in own])
    masses: defaultdict[int, Counter[Secrets]] = defaultdict(Counter)
    for kind in kinds:
        for mask, length in _intervals(kind.rates, shared):
            for pattern, chance in _own_patterns(kind.rates, mask, bundles):
                masses[pattern][kind.secrets] += kind.count * length * chance
    return Masses(dict(masses), 1 + sum(map(len, bundles)))


def _intervals(rates: Sequence[int], shared: Sequence[int]) -> Iterator[tuple[int, int]]:
    """The patterns that one number u can give, each with the length of its interval."""
    hit = sorted((rates[place], place) for place in shared if rates[place])
    mask = sum(1 << place for _, place in hit)
    lower = 0
    for upper, place in hit:
        if upper > lower:
            yield mask, upper - lower
            lower = upper
        mask ^= 1 << place
    if lower < SCALE:
        yield 0, SCALE - lower


def _bundles(kinds: Sequence[Kind], own: Sequence[int]) -> list[list[int]]:
    """Own-stream draws of the same rates throughout; those that treat all kinds alike tell nothing: left out."""
    alike: defaultdict[tuple[int, ...], list[int]] = defaultdict(list)
    for place in own:
        alike[tuple(kind.rates[place] for kind in kinds)].append(place)
    bundles = [places for rates, places in alike.items() if len(set(rates)) > 1]
    if prod(len(places) + 1 for places in bundles) > _MOST_PATTERNS:
        raise refuse(
            "risk.own_streams",
            "独立数流的抽取太多，无法逐一核算泄露风险。",
            "Too many draws with streams of their own for every pattern to be computed.",
            "请让其中一些抽取共用本轮的数流，或统一它们的比例。",
            "Let some of them share the round's stream, or give them like ratios.",
        )
    return bundles


def _own_patterns(
    rates: Sequence[int], mask: int, bundles: Sequence[Sequence[int]]
) -> Iterator[tuple[int, int]]:
    """The patterns over own-stream draws with their chances, the first of each bundle standing for those that hit."""
    if not bundles:
        yield mask, 1
        return
    for hits in product(*(range(len(places) + 1) for places in bundles)):
        chance, found = 1, mask
        for count, places in zip(hits, bundles, strict=True):
            rate = rates[places[0]]
            chance *= comb(len(places), count) * rate**count * (SCALE - rate) ** (len(places) - count)
            found |= sum(1 << place for place in places[:count])
        if chance:
            yield found, chance
