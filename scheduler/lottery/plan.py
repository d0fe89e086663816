"""From a packed plan and a frozen roster to the published probabilities. docs/lottery.md, 4 to 6."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

import numpy as np

from optimizer.errors import Refused, refuse
from optimizer.model import Plan
from optimizer.progress import Progress, Silent
from optimizer.seats.fair import FairSpread, fair_spread
from optimizer.seats.feasibility import can_fill
from optimizer.seats.network import IntArray, SeatNetwork
from scheduler.encoding import canonical_json
from scheduler.lottery.classes import SeatClasses, network_of, seat_classes
from scheduler.lottery.conflict import Conflict, find_conflicts, refuse_unfillable
from scheduler.lottery.roster import Roster
from scheduler.lottery.schedule import routes_json, visits_json
from scheduler.lottery.seats import DistrictRule, Eligibility, Seat, seats_of
from scheduler.suite import Suite

UNIT_BITS: Final = 20
UNIT: Final = 1 << UNIT_BITS
OBSERVABLE_BITS: Final = 10


@dataclass(frozen=True, slots=True, eq=False)
class LotteryPlan:
    """Everything that is bound before the second entropy exists.

    `load` is per group, `units` per arc of `shape`; `a` (groups), `b` (classes) and `t` ({(group, date): factor},
    only where not 1) are the factors of the spread.
    """

    roster: Roster
    plan: Plan
    days: tuple[str, ...]
    district_rule: DistrictRule
    seats: tuple[Seat, ...]
    shape: SeatClasses
    load: tuple[Fraction, ...]
    units: IntArray
    a: tuple[float, ...]
    b: tuple[float, ...]
    t: tuple[tuple[int, str, float], ...]
    unit_bits: int = UNIT_BITS

    def groups_json(self) -> list[dict[str, Any]]:
        """The groups with their exact loads."""
        return [
            {
                "group_id": group.group_id,
                "members": list(group.members),
                "cap": group.cap,
                "weight": group.weight,
                "load": str(load),
            }
            for group, load in zip(self.shape.groups, self.load, strict=True)
        ]

    def classes_json(self) -> list[dict[str, Any]]:
        """The classes with their eligible groups and units."""
        bounds = np.searchsorted(self.shape.arc_class, np.arange(len(self.shape.classes) + 1))
        names = [group.group_id for group in self.shape.groups]
        group, units = self.shape.arc_group.tolist(), self.units.tolist()
        return [
            {
                "class_id": item.class_id,
                "date": item.date,
                "seats": list(item.seats),
                "groups": [names[place] for place in group[start:stop]],
                "units": units[start:stop],
            }
            for item, start, stop in zip(
                self.shape.classes, bounds[:-1].tolist(), bounds[1:].tolist(), strict=True
            )
        ]

    def certificate_json(self) -> dict[str, Any]:
        """The factors of the spread as decimal text."""
        groups = self.shape.groups
        return {
            "a": [_decimal(value) for value in self.a],
            "b": [_decimal(value) for value in self.b],
            "t": [
                {"group_id": groups[place].group_id, "date": date, "factor": _decimal(value)}
                for place, date, value in self.t
            ],
        }

    def plan_object(self, suite: Suite) -> dict[str, Any]:
        """The object whose canonical JSON is hashed."""
        return {
            "classes": self.classes_json(),
            "district_rule": self.district_rule,
            "groups": self.groups_json(),
            "roster_hash": self.roster.roster_hash(suite).hex(),
            "routes": routes_json(self.plan, self.days),
            "seats": [seat.to_json() for seat in self.seats],
            "unit_bits": self.unit_bits,
            "visits": visits_json(self.plan, self.days),
        }

    def plan_hash(self, suite: Suite) -> bytes:
        """H of the canonical JSON of the plan object, 32 bytes."""
        return suite.hash(canonical_json(self.plan_object(suite)))


def plan_lottery(
    roster: Roster,
    plan: Plan,
    days: tuple[str, ...],
    progress: Progress | None = None,
    *,
    district_rule: DistrictRule = "any",
    weights: Mapping[str, int] | None = None,
    observable: bool = False,
) -> LotteryPlan:
    """Find the fairest probabilities for the seats of a packed plan.

    `observable` keeps seats and inspectors apart and counts in units of 2^-10, for a draw by ten public coins.

    Raises:
        Refused: `seats.unfillable`, naming a smallest set of seats that cannot be filled together;
            `seats.too_fine`; `seats.bad_weight`; `roster.*`.
    """
    watch = progress or Silent()
    eligibility = Eligibility(roster.checked(), district_rule)
    seats = seats_of(plan, days)
    watch.step("classes", 0, len(seats))
    shape = seat_classes(seats, eligibility, _checked_weights(weights or {}), observable)
    network = network_of(shape)
    watch.step("classes", len(seats), len(seats))
    if not can_fill(network):
        raise refuse_unfillable(find_conflicts(roster, seats, shape, network, district_rule))
    bits = OBSERVABLE_BITS if observable else UNIT_BITS
    try:
        fair = fair_spread(network, 1 << bits, watch)
    except ArithmeticError as failure:
        raise _too_fine(len(seats), bits) from failure
    return LotteryPlan(
        roster,
        plan,
        days,
        district_rule,
        seats,
        shape,
        fair.load,
        fair.units,
        tuple(fair.a.tolist()),
        tuple(fair.b.tolist()),
        _day_factors(shape, network, fair),
        bits,
    )


def unfillable(
    roster: Roster, plan: Plan, days: tuple[str, ...], *, district_rule: DistrictRule = "any"
) -> tuple[Conflict, ...]:
    """What packing asks before it commits to a plan: the conflicts that would refuse it, none if it can be filled."""
    seats = seats_of(plan, days)
    shape = seat_classes(seats, Eligibility(roster.checked(), district_rule), {})
    return find_conflicts(roster, seats, shape, network_of(shape), district_rule)


def _day_factors(
    shape: SeatClasses, network: SeatNetwork, fair: FairSpread
) -> tuple[tuple[int, str, float], ...]:
    dates = sorted({item.date for item in shape.classes})
    return tuple(
        (int(network.day_group[day]), dates[int(network.day_date[day])], float(fair.t[day]))
        for day in np.flatnonzero(fair.t != 1.0)
    )


def _checked_weights(weights: Mapping[str, int]) -> Mapping[str, int]:
    for code, weight in weights.items():
        if not 1 <= weight <= 1_000_000:
            raise refuse(
                "seats.bad_weight",
                f"执法人员 {code} 的权重 {weight} 不在 1 至 1000000 之间。",
                f"Inspector {code} has the weight {weight}, outside 1 to 1000000.",
                "请在清单中更正权重。",
                "Correct the weight in the manifest.",
                inspector=code,
                weight=weight,
            )
    return weights


def _too_fine(seats: int, bits: int) -> Refused:
    return refuse(
        "seats.too_fine",
        f"{seats} 个席位的概率过细，无法以 1/{1 << bits} 为单位均匀表示。",
        f"The probabilities of these {seats} seats are too fine to be even in units of 1/{1 << bits}.",
        "如用公开掷币抽取，请在计划中改用 halvings；否则请分成较小的批次。",
        "If the seats are drawn by coins, let the plan say halvings; else divide the round into smaller ones.",
        seats=seats,
        unit_bits=bits,
    )


def _decimal(value: float) -> str:
    return format(value, ".15e")
