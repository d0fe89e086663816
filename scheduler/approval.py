"""The strata that need approval by name: those that would turn a lottery into an order (end of section 5)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from scheduler.encoding import PPM, Json
from scheduler.frame import Frame
from scheduler.manifest import DrawSpec, Rule
from scheduler.probability import possible_sizes
from scheduler.sizes import Key, canonical

FEW: Final = 20


@dataclass(frozen=True, slots=True)
class StratumToApprove:
    """A stratum of `rows` targets of which up to `most` can be drawn, and why it is listed."""

    draw_id: str
    department: str
    stratum: Key
    rows: int
    most: int
    ratio_ppm: int
    few: bool
    over_drawn: bool

    def to_json(self) -> dict[str, Json]:
        """The entry as it is listed with the plan."""
        return {
            "draw_id": self.draw_id,
            "department": self.department,
            "stratum": self.stratum,
            "rows": self.rows,
            "most": self.most,
            "ratio_ppm": self.ratio_ppm,
            "few": self.few,
            "over_drawn": self.over_drawn,
        }


def strata_to_approve(specs: Iterable[DrawSpec], frames: Mapping[str, Frame]) -> tuple[StratumToApprove, ...]:
    """Strata of fewer than 20 rows, and those whose n/N can exceed twice their ratio, by draw and canonical order.

    Approval comes before the entropy, so the larger of the two sizes that rounding may give counts.
    """
    return tuple(
        found
        for spec in specs
        for found in _of_draw(spec, stratum_rows(frames[spec.draw_id], spec.strata_by))
        if found.few or found.over_drawn
    )


def stratum_rows(frame: Frame, strata_by: Iterable[str]) -> Counter[Key]:
    """Rows of each stratum of a frame."""
    columns = [frame.column(name) for name in strata_by]
    return Counter(zip(*columns, strict=True)) if columns else Counter({(): len(frame)})


def _of_draw(spec: DrawSpec, rows: Mapping[Key, int]) -> Iterable[StratumToApprove]:
    for key in canonical(rows):
        rule, count = spec.rule_of(key), rows[key]
        most = largest_size(rule, count)
        over = Fraction(most, count) > Fraction(2 * rule.ratio_ppm, PPM)
        yield StratumToApprove(
            spec.draw_id, spec.department, key, count, most, rule.ratio_ppm, count < FEW, over
        )


def largest_size(rule: Rule, rows: int) -> int:
    """The largest sample that the rule can take from a stratum."""
    return max(n for n, _ in possible_sizes(rule, rows))
