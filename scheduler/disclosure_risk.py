"""Disclosure risk before the freeze: refused above the authority's limit, remedies with their prices (section 4)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final

from optimizer.errors import Refused, refuse
from scheduler.encoding import PPM, Json
from scheduler.manifest import DrawSpec
from scheduler.patterns import Analysis, PatternRisk, largest
from scheduler.population import (
    SCALE,
    SMALLEST_GROUP,
    Group,
    Kind,
    Population,
    groups_of,
    parts_per_million,
    secret_columns,
)

DEFAULT_LIMIT_PPM: Final = 600_000
HITS: Final = (1, 2, 3)
MOST_REMEDIES: Final = 6
MOST_DRAWS: Final = 4
MOST_FLOORS: Final = 8

Change = Callable[[Kind], Kind]


@dataclass(frozen=True, slots=True)
class Remedy:
    """A change that lowers the risk, and its price: expected checks and shared visits before and after.

    `kind`: `own_stream`, `like_shape` (of `reference`) or `common_floor` (of `floor_ppm`). A shared visit is a check
    made at a visit that another draw causes anyway.
    """

    kind: str
    draw_id: str
    posterior: Fraction
    enough: bool
    checks: tuple[int, int]
    shared_visits: tuple[int, int]
    reference: str = ""
    floor_ppm: int | None = None

    @property
    def lost(self) -> int:
        """Shared visits that the remedy costs; negative where it gains some."""
        return self.shared_visits[0] - self.shared_visits[1]

    @property
    def added(self) -> int:
        """Checks that the remedy adds."""
        return self.checks[1] - self.checks[0]

    def to_json(self) -> dict[str, Json]:
        """For the plan's page."""
        return {
            "kind": self.kind,
            "draw_id": self.draw_id,
            "reference": self.reference,
            "floor_ppm": self.floor_ppm,
            "posterior_ppm": parts_per_million(self.posterior),
            "enough": int(self.enough),
            "checks": self.checks,
            "shared_visits": self.shared_visits,
            "lost": self.lost,
        }


@dataclass(frozen=True, slots=True)
class RiskReport:
    """What the check found. `worst` over all patterns; `single` is unavoidable with a single tiered draw.

    `history`: the worst after 1, 2 and 3 hits by one draw in as many rounds. `remedies` only where refused.
    All are None or empty where no column is internal.
    """

    limit: Fraction
    worst: PatternRisk | None
    single: PatternRisk | None
    history: tuple[PatternRisk, ...]
    remedies: tuple[Remedy, ...]
    groups: int
    known_beforehand: int

    @property
    def refused(self) -> bool:
        """Tell whether the freeze has to be refused."""
        return self.worst is not None and self.worst.posterior > self.limit

    def to_json(self) -> dict[str, Json]:
        """For the plan's page; kept internal."""
        return {
            "limit_ppm": parts_per_million(self.limit),
            "refused": int(self.refused),
            "worst": self.worst.to_json() if self.worst else None,
            "single": self.single.to_json() if self.single else None,
            "history": [risk.to_json() for risk in self.history],
            "remedies": [remedy.to_json() for remedy in self.remedies],
            "groups": self.groups,
            "known_beforehand": self.known_beforehand,
        }


def disclosure_risk(
    specs: Sequence[DrawSpec],
    population: Population,
    limit_ppm: int = DEFAULT_LIMIT_PPM,
    smallest_group: int = SMALLEST_GROUP,
) -> RiskReport:
    """Compute the risk of a round from its draws and `population_of(specs, frames)`.

    `smallest_group` 1 assumes a public that knows the class shares of however few targets.
    """
    columns = secret_columns(specs)
    limit = Fraction(limit_ppm, PPM)
    groups = groups_of(specs, population, smallest_group) if columns else ()
    analysis = Analysis([spec.draw_id for spec in specs], columns, limit)
    own = frozenset(place for place, spec in enumerate(specs) if spec.stream == "own")
    worst = analysis.worst(groups, own)
    report = RiskReport(
        limit,
        worst,
        largest(analysis.single(group) for group in groups),
        _history(analysis, groups),
        (),
        len(groups),
        sum(group.count for group in groups if _known_beforehand(group, limit)),
    )
    if worst is None or not report.refused:
        return report
    return replace(report, remedies=_Remedies(analysis, groups, own).all_for(worst))


def check_disclosure(
    specs: Sequence[DrawSpec], population: Population, limit_ppm: int = DEFAULT_LIMIT_PPM
) -> RiskReport:
    """Give the report, or raise Refused `risk.disclosure` with the remedies and their prices above the limit."""
    report = disclosure_risk(specs, population, limit_ppm)
    refused = refusal_of(report)
    if refused is not None:
        raise refused
    return report


def refusal_of(report: RiskReport) -> Refused | None:
    """Why a freeze would be refused, with the remedies and their prices; None where it would not."""
    return _refusal(report, report.worst) if report.refused and report.worst is not None else None


def _history(analysis: Analysis, groups: Sequence[Group]) -> tuple[PatternRisk, ...]:
    """The worst after so many hits in a row by one draw."""
    found = [largest(analysis.repeated(group, hits) for group in groups) for hits in HITS]
    return tuple(risk for risk in found if risk is not None)


def _known_beforehand(group: Group, limit: Fraction) -> bool:
    for place in range(len(group.kinds[0].secrets)):
        counts: dict[str | None, int] = {}
        for kind in group.kinds:
            counts[kind.secrets[place]] = counts.get(kind.secrets[place], 0) + kind.count
        if any(value is not None and Fraction(count, group.count) > limit for value, count in counts.items()):
            return True
    return False


@dataclass(frozen=True, slots=True)
class _Trial:
    """A remedy to be tried: what it does to each kind of target in the draws `touched`, and to the streams."""

    kind: str
    touched: tuple[int, ...]
    change: Change
    own: frozenset[int]
    reference: int | None = None
    floor: int | None = None

    def on(self, group: Group) -> Group:
        return replace(group, kinds=tuple(map(self.change, group.kinds)))


class _Remedies:
    """Tries the three remedies on the draws of the worst group, there first; those that help there, everywhere."""

    def __init__(self, analysis: Analysis, groups: Sequence[Group], own: frozenset[int]) -> None:
        self._analysis, self._groups, self._own = analysis, groups, own
        self._risks = [_posterior(analysis.of_group(group, own)) for group in groups]
        self._before = totals(groups, own)

    def all_for(self, worst: PatternRisk) -> tuple[Remedy, ...]:
        """Those that suffice first, then those that add the fewest checks, then by lost shared visits."""
        group = next(group for group in self._groups if group.label == worst.group)
        shared = self._considered(group, worst)
        trials = [*self._own_streams(shared), *self._like_shapes(shared), *self._common_floor(group, shared)]
        local = [_posterior(self._analysis.of_group(trial.on(group), trial.own)) for trial in trials]
        order = sorted(range(len(trials)), key=lambda place: (local[place], place))
        hopeful = [place for place in order if local[place] <= self._analysis.limit] or order
        return tuple(
            sorted((self._tried(trials[place]) for place in hopeful[:MOST_REMEDIES]), key=_preference)
        )

    def _considered(self, group: Group, worst: PatternRisk) -> list[int]:
        """Shared draws of the worst group: those of the pattern first, then the largest, a handful in all."""
        ids = self._analysis.draw_ids
        shared = [place for place in range(len(ids)) if group.has_draw(place) and place not in self._own]
        shared.sort(key=lambda place: (ids[place] not in worst.drawn_by, -_checks((group,), place)))
        return shared[:MOST_DRAWS]

    def _own_streams(self, shared: Sequence[int]) -> Iterator[_Trial]:
        for place in shared:
            yield _Trial("own_stream", (place,), _unchanged, self._own | {place})

    def _like_shapes(self, shared: Sequence[int]) -> Iterator[_Trial]:
        """Each draw takes the shape of the largest other one, its own number of checks kept."""
        by_size = sorted(shared, key=lambda place: _checks(self._groups, place), reverse=True)
        for place in shared:
            reference = next((other for other in by_size if other != place), None)
            if reference is not None:
                yield _Trial("like_shape", (place,), self._reshape(place, reference), self._own, reference)

    def _reshape(self, place: int, reference: int) -> Change:
        kinds = [kind for group in self._groups for kind in group.kinds]
        both = [kind for kind in kinds if kind.rates[place] and kind.rates[reference]]
        wanted = sum(kind.count * kind.rates[place] for kind in both)
        shape = sum(kind.count * kind.rates[reference] for kind in both)

        def change(kind: Kind) -> Kind:
            if not (kind.rates[place] and kind.rates[reference]):
                return kind
            return _with_rate(kind, place, min(SCALE, kind.rates[reference] * wanted // shape))

        return change

    def _common_floor(self, worst: Group, shared: Sequence[int]) -> Iterator[_Trial]:
        """The smallest of a few floors under these draws that keeps the worst group below the limit."""
        floors = sorted({kind.rates[place] for kind in worst.kinds for place in shared} - {0})
        for floor in reversed(floors[:: -max(1, len(floors) // MOST_FLOORS)]):
            trial = _Trial("common_floor", tuple(shared), _floored(shared, floor), self._own, None, floor)
            if _posterior(self._analysis.of_group(trial.on(worst), self._own)) <= self._analysis.limit:
                yield trial
                return

    def _tried(self, trial: _Trial) -> Remedy:
        groups, posterior = [], Fraction()
        for group, risk in zip(self._groups, self._risks, strict=True):
            touched = any(group.has_draw(draw) for draw in trial.touched)
            groups.append(trial.on(group) if touched else group)
            after = _posterior(self._analysis.of_group(groups[-1], trial.own)) if touched else risk
            posterior = max(posterior, after)
        checks, shared = zip(self._before, totals(groups, trial.own), strict=True)
        ids = self._analysis.draw_ids
        return Remedy(
            trial.kind,
            ids[trial.touched[0]] if len(trial.touched) == 1 else "",
            posterior,
            posterior <= self._analysis.limit,
            checks,
            shared,
            "" if trial.reference is None else ids[trial.reference],
            None if trial.floor is None else -(-trial.floor * PPM // SCALE),
        )


def totals(groups: Iterable[Group], own: frozenset[int]) -> tuple[int, int]:
    """Expected checks, and expected shared visits: checks less the targets that at least one draw selects."""
    checks = visits = 0
    for group in groups:
        for kind in group.kinds:
            checks += kind.count * sum(kind.rates)
            spared = SCALE - max(
                (rate for place, rate in enumerate(kind.rates) if place not in own), default=0
            )
            for place in own:
                spared = spared * (SCALE - kind.rates[place]) // SCALE
            visits += kind.count * (SCALE - spared)
    return _rounded(checks), _rounded(checks - visits)


def _preference(remedy: Remedy) -> tuple[bool, int, int, str, str]:
    return not remedy.enough, max(0, remedy.added), remedy.lost, remedy.kind, remedy.draw_id


def _rounded(mass: int) -> int:
    return (2 * mass + SCALE) // (2 * SCALE)


def _posterior(risk: PatternRisk | None) -> Fraction:
    return Fraction() if risk is None else risk.posterior


def _checks(groups: Iterable[Group], place: int) -> int:
    return sum(kind.count * kind.rates[place] for group in groups for kind in group.kinds)


def _with_rate(kind: Kind, place: int, rate: int) -> Kind:
    return replace(kind, rates=(*kind.rates[:place], rate, *kind.rates[place + 1 :]))


def _unchanged(kind: Kind) -> Kind:
    return kind


def _floored(places: Sequence[int], floor: int) -> Change:
    """Raise the rates of those draws, where a target is in them at all, to the floor."""

    def change(kind: Kind) -> Kind:
        rates = [
            max(rate, floor) if rate and place in places else rate for place, rate in enumerate(kind.rates)
        ]
        return replace(kind, rates=tuple(rates))

    return change


def _refusal(report: RiskReport, worst: PatternRisk) -> Refused:
    drawn = "、".join(worst.drawn_by)
    single = report.single.posterior if report.single else Fraction()
    percent, limit, alone = map(_percent, (worst.posterior, report.limit, single))
    return refuse(
        "risk.disclosure",
        f"若冻结，公众可由“{drawn or '未被抽中'}”推知 {worst.column} 为 {worst.value}，概率 {percent}，"
        f"上限 {limit}；单独一次抽取已达 {alone}。",
        f"Whoever is drawn by {drawn or 'none'} would be known to have {worst.column} {worst.value} "
        f"with probability {percent}, above the limit of {limit}; a single draw alone gives {alone}.",
        "可选补救：" + "；".join(_priced_zh(remedy) for remedy in report.remedies[:3]) + "。",
        "Remedies: " + "; ".join(_priced_en(remedy) for remedy in report.remedies[:3]) + ".",
        column=worst.column,
        value=worst.value,
        drawn_by=drawn,
        posterior_ppm=parts_per_million(worst.posterior),
        limit_ppm=parts_per_million(report.limit),
    )


def _percent(share: Fraction) -> str:
    return f"{parts_per_million(share) / 10_000:.1f} %"


def _priced_zh(remedy: Remedy) -> str:
    what = {
        "own_stream": f"{remedy.draw_id} 使用独立数流",
        "like_shape": f"{remedy.draw_id} 采用与 {remedy.reference} 同形的比例",
        "common_floor": f"共同下限 {(remedy.floor_ppm or 0) / 10_000:g} %",
    }[remedy.kind]
    return f"{what}（降至 {_percent(remedy.posterior)}，合并检查 {-remedy.lost:+d}，检查 {remedy.added:+d}）"


def _priced_en(remedy: Remedy) -> str:
    what = {
        "own_stream": f"an own stream for {remedy.draw_id}",
        "like_shape": f"for {remedy.draw_id} ratios of the shape of {remedy.reference}",
        "common_floor": f"a common floor of {(remedy.floor_ppm or 0) / 10_000:g} %",
    }[remedy.kind]
    return f"{what} (down to {_percent(remedy.posterior)}, shared visits {-remedy.lost:+d}, checks {remedy.added:+d})"
