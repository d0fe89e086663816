"""What an estimate is made of: strata, what was observed at each examined target, and the domain asked about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from optimizer.errors import refuse
from scheduler.replacement import Handling, Reason, handling
from scheduler.selection import StratumResult
from scheduler.sizes import Key


class Outcome(StrEnum):
    """What a check gave. There is no default: a check not made yet is `PENDING`, never `CLEAR`.

    `NOT_CONTACTED` is a finding about the target, but says nothing about its items. `INELIGIBLE` targets are not in
    the population: they count in the sample (draw, section 8) but not in the rate. `NON_RESPONSE` and `PENDING` stay
    in the denominator. `NOT_COVERED`: the item does not apply to the target.
    """

    FINDING = "finding"
    CLEAR = "clear"
    NOT_CONTACTED = "not_contacted"
    INELIGIBLE = "ineligible"
    NON_RESPONSE = "non_response"
    PENDING = "pending"
    NOT_COVERED = "not_covered"


class Origin(StrEnum):
    """Why a target was checked. Only a lottery's targets stand for others."""

    RANDOM = "random"
    FOR_CAUSE = "for_cause"


RESULTS: Final[Mapping[str, Outcome]] = MappingProxyType(
    {
        "未发现问题": Outcome.CLEAR,
        "未按规定公示应当公示的信息": Outcome.FINDING,
        "公示信息隐瞒真实情况弄虚作假": Outcome.FINDING,
        "通过登记的住所（经营场所）无法联系": Outcome.NOT_CONTACTED,
        "发现问题已责令改正": Outcome.FINDING,
        "不配合检查情节严重": Outcome.FINDING,
        "未发现开展本次抽查涉及的经营活动": Outcome.CLEAR,
        "发现问题待后续处理": Outcome.FINDING,
        "注销": Outcome.INELIGIBLE,
        "吊销": Outcome.INELIGIBLE,
        "迁出": Outcome.INELIGIBLE,
        "停业": Outcome.NON_RESPONSE,
    }
)
"""Outcome of each public result code and non-response code."""

_OUTCOME_OF: Final = {
    Handling.REPLACE: Outcome.INELIGIBLE,
    Handling.FINDING: Outcome.NOT_CONTACTED,
    Handling.NON_RESPONSE: Outcome.NON_RESPONSE,
}
_WITHOUT_ITEMS: Final = {
    Outcome.INELIGIBLE: Outcome.INELIGIBLE,
    Outcome.NON_RESPONSE: Outcome.NON_RESPONSE,
    Outcome.PENDING: Outcome.PENDING,
    Outcome.NOT_CONTACTED: Outcome.NON_RESPONSE,
}


def outcome_of(reason: Reason) -> Outcome:
    """Outcome of a drawn target that could not simply be checked (draw, section 8)."""
    return _OUTCOME_OF[handling(reason)]


@dataclass(frozen=True, slots=True)
class Stratum:
    """A stratum, or under cool-down one of its parts (`recent` "0" or "1", else ""), of `rows` frame rows.

    `cells`: the attributes that all its rows share, so that domains can be told from strata.
    """

    key: Key
    rows: int
    recent: str = ""
    cells: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Observation:
    """One examined target: drawn, or a backup that was used. `key` and `recent` name its stratum.

    `items`: outcome per item, for items that apply; `outcome` is that of the whole check. `cells`: attributes as
    frozen, beside those of the stratum.
    """

    target: str
    key: Key
    outcome: Outcome
    recent: str = ""
    cells: Mapping[str, str] = field(default_factory=dict)
    items: Mapping[str, Outcome] = field(default_factory=dict)
    origin: Origin = Origin.RANDOM

    def outcome_for(self, item: str | None) -> Outcome:
        """Outcome of the item, or of the whole check for None. A target never reached is a non-response per item."""
        if item is None:
            return self.outcome
        return self.items.get(item) or _WITHOUT_ITEMS.get(self.outcome, Outcome.NOT_COVERED)


@dataclass(frozen=True, slots=True)
class Domain:
    """The targets that have these attributes, e.g. `Domain((("district", "650102"),))`; none: all targets."""

    cells: tuple[tuple[str, str], ...] = ()

    def excludes(self, stratum: Stratum) -> bool:
        """Tell whether no row of the stratum can be in the domain."""
        return any(stratum.cells.get(name, value) != value for name, value in self.cells)

    def holds(self, stratum: Stratum, observation: Observation) -> bool:
        """Tell whether the target is in the domain. Raises Refused `estimates.attribute` where that is unknown."""
        return all(_cell(stratum, observation, name) == value for name, value in self.cells)

    def is_whole(self, stratum: Stratum) -> bool:
        """Tell whether every row of the stratum is in the domain."""
        return all(stratum.cells.get(name) == value for name, value in self.cells)


EVERYTHING: Final = Domain()


def _cell(stratum: Stratum, observation: Observation, name: str) -> str:
    found = stratum.cells.get(name, observation.cells.get(name))
    if found is None:
        raise refuse(
            "estimates.attribute",
            f"对象 {observation.target} 没有属性“{name}”。",
            f"Target {observation.target} has no attribute {name!r}.",
            "请给出冻结时的全部分组属性。",
            "Give every attribute of a domain as it was frozen.",
            target=observation.target,
            attribute=name,
        )
    return found


def cell_of(stratum: Stratum, observation: Observation, name: str) -> str:
    """The target's attribute, its stratum's first. Raises Refused `estimates.attribute` where it has none."""
    return _cell(stratum, observation, name)


def strata_of(results: Iterable[StratumResult], strata_by: Sequence[str]) -> tuple[Stratum, ...]:
    """Strata of a draw's result, under cool-down their two parts; `strata_by` names the columns of the keys."""
    return tuple(
        Stratum(part.key, part.rows, part.recent, dict(zip(strata_by, part.key, strict=True)))
        for result in results
        for part in result.weighted_parts()
        if part.rows
    )
