"""The round's targets counted by what matters to disclosure: who is in which draw's stratum, with which class.

Half a million rows become a few thousand profiles, so that the risk of many variants can be computed in a moment.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from scheduler.encoding import PPM
from scheduler.frame import Frame
from scheduler.manifest import DrawSpec
from scheduler.probability import cooldown_probabilities, design_probability
from scheduler.sizes import Key

SCALE: Final = 10**12
SMALLEST_GROUP: Final = 200


@dataclass(frozen=True, slots=True)
class Membership:
    """A target's place in one draw: its stratum, `recent` ("" without cool-down) and its internal cells."""

    draw_id: str
    stratum: Key
    recent: str = ""
    secrets: tuple[str, ...] = ()


Profile = tuple[Membership, ...]
Population = Mapping[Profile, int]
Label = tuple[tuple[str, Key], ...]


def population_of(specs: Iterable[DrawSpec], frames: Mapping[str, Frame]) -> Counter[Profile]:
    """Count the targets of all frames by their memberships, which stand in the order of `specs`."""
    profiles: list[Profile] = [()]
    steps: dict[tuple[int, Membership], int] = {}
    held: dict[str, int] = {}
    for spec in specs:
        known: dict[tuple[str, ...], Membership] = {}
        for target_id, cells in _used_cells(spec, frames[spec.draw_id]):
            if cells not in known:
                known[cells] = _membership(spec, cells)
            before, member = held.get(target_id, 0), known[cells]
            after = steps.get((before, member))
            if after is None:
                after = steps[before, member] = len(profiles)
                profiles.append((*profiles[before], member))
            held[target_id] = after
    return Counter({profiles[place]: count for place, count in Counter(held.values()).items()})


def _used_cells(spec: DrawSpec, frame: Frame) -> Iterable[tuple[str, tuple[str, ...]]]:
    names = [*spec.strata_by, *(("recent",) if spec.cooldown else ()), *_secret_columns(spec)]
    columns = [frame.column(name) for name in names]
    cells: Iterable[tuple[str, ...]] = zip(*columns, strict=True) if columns else [()] * len(frame)
    return zip(frame.ids, cells, strict=True)


def _membership(spec: DrawSpec, cells: tuple[str, ...]) -> Membership:
    width = len(spec.strata_by)
    recent = cells[width] if spec.cooldown else ""
    return Membership(spec.draw_id, cells[:width], recent, cells[width + bool(spec.cooldown) :])


def _secret_columns(spec: DrawSpec) -> tuple[str, ...]:
    return tuple(name for name in spec.columns if name in spec.internal)


@dataclass(frozen=True, slots=True)
class Kind:
    """Targets that the draws treat alike and that share their secrets.

    `rates[d]` is the chance to be in draw d's sample in units of 1/SCALE, 0 outside its frame; `secrets` are the
    values of the round's internal columns, None where no frame of the target has that column.
    """

    secrets: tuple[str | None, ...]
    rates: tuple[int, ...]
    count: int


@dataclass(frozen=True, slots=True)
class Group:
    """Targets that look alike to the public before the draw. `label`: its draws with their public stratum values."""

    label: Label
    kinds: tuple[Kind, ...]

    @property
    def count(self) -> int:
        """Targets in the group."""
        return sum(kind.count for kind in self.kinds)

    def has_draw(self, place: int) -> bool:
        """Tell whether any of them can be drawn by the draw at `place`."""
        return any(kind.rates[place] for kind in self.kinds)


def secret_columns(specs: Sequence[DrawSpec]) -> tuple[str, ...]:
    """The internal columns of the round, each once."""
    return tuple(dict.fromkeys(name for spec in specs for name in _secret_columns(spec)))


def groups_of(
    specs: Sequence[DrawSpec], population: Population, smallest: int = SMALLEST_GROUP
) -> tuple[Group, ...]:
    """Divide the population by public cells and memberships.

    The class shares of a group of fewer than `smallest` targets are nobody's knowledge: such groups are taken
    together by their draws alone, and what is still smaller is taken together once more.
    """
    rates = part_rates(specs, population)
    members: dict[Label, Counter[tuple[tuple[str | None, ...], tuple[int, ...]]]]
    members = defaultdict(Counter)
    reader = _Reader(specs, rates)
    for profile, count in population.items():
        members[reader.label(profile)][reader.secrets(profile), reader.rates(profile)] += count
    for coarser in (_draws_alone, _nothing):
        for label in [label for label, kinds in members.items() if kinds.total() < smallest]:
            kinds = members.pop(label)
            members[coarser(label)].update(kinds)
    return tuple(
        Group(label, tuple(Kind(*kind, count) for kind, count in sorted(kinds.items(), key=repr)))
        for label, kinds in sorted(members.items())
    )


def _draws_alone(label: Label) -> Label:
    return tuple((draw_id, ()) for draw_id, _ in label)


def _nothing(label: Label) -> Label:
    return label[:0]


class _Reader:
    """Reads profiles against the draws' specifications."""

    def __init__(self, specs: Sequence[DrawSpec], rates: Mapping[tuple[str, Key, str], int]) -> None:
        self._places = {spec.draw_id: place for place, spec in enumerate(specs)}
        self._specs = {spec.draw_id: spec for spec in specs}
        self._columns = secret_columns(specs)
        self._rates = rates

    def label(self, profile: Profile) -> Label:
        return tuple((member.draw_id, self._public(member)) for member in profile)

    def _public(self, member: Membership) -> Key:
        spec = self._specs[member.draw_id]
        names = (*spec.strata_by, *(("recent",) if spec.cooldown else ()))
        cells = (*member.stratum, *((member.recent,) if spec.cooldown else ()))
        return tuple(cell for name, cell in zip(names, cells, strict=True) if name not in spec.internal)

    def secrets(self, profile: Profile) -> tuple[str | None, ...]:
        known: dict[str, str] = {}
        for member in profile:
            names = _secret_columns(self._specs[member.draw_id])
            known = {**dict(zip(names, member.secrets, strict=True)), **known}
        return tuple(known.get(name) for name in self._columns)

    def rates(self, profile: Profile) -> tuple[int, ...]:
        found = [0] * len(self._places)
        for member in profile:
            found[self._places[member.draw_id]] = self._rates[member.draw_id, member.stratum, member.recent]
        return tuple(found)


def part_rates(specs: Sequence[DrawSpec], population: Population) -> dict[tuple[str, Key, str], int]:
    """Design probability of each (draw, stratum, recent) from the counts, in units of 1/SCALE, rounded."""
    rows: Counter[tuple[str, Key]] = Counter()
    parts: Counter[tuple[str, Key, str]] = Counter()
    for profile, count in population.items():
        for member in profile:
            rows[member.draw_id, member.stratum] += count
            parts[member.draw_id, member.stratum, member.recent] += count
    by_id = {spec.draw_id: spec for spec in specs}
    return {
        (draw_id, stratum, recent): round(
            SCALE
            * _rate(by_id[draw_id], stratum, recent, rows[draw_id, stratum], parts[draw_id, stratum, "1"])
        )
        for draw_id, stratum, recent in parts
    }


def _rate(spec: DrawSpec, stratum: Key, recent: str, rows: int, recent_rows: int) -> Fraction:
    rule = spec.rule_of(stratum)
    if spec.cooldown is None:
        return design_probability(rule, rows)
    design = cooldown_probabilities(rule, rows, recent_rows, spec.cooldown.lambda_ppm)
    found = design[recent == "1"]
    return Fraction() if found is None else found


def parts_per_million(share: Fraction) -> int:
    """A share in millionths, rounded up: a risk is never shown smaller than it is."""
    return -(-share.numerator * PPM // share.denominator)
