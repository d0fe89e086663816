"""A lottery plan between the stage that binds it and the stage that draws from it: stored, and rebuilt exactly.

Seats, classes and groups follow from roster, visits and routes; the probabilities were computed once and are read
back, never computed again.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from optimizer.model import Bound, Measures, Parameters, Plan, Report, Route, Stop, Visit
from scheduler.lottery.classes import seat_classes
from scheduler.lottery.plan import OBSERVABLE_BITS, LotteryPlan
from scheduler.lottery.roster import Roster
from scheduler.lottery.seats import Eligibility, seats_of
from scheduler.lottery.weights import EVEN

_NOTHING = Measures(0, 0, 0, 0, 0)
_NO_REPORT = Report(
    _NOTHING,
    _NOTHING,
    _NOTHING,
    0,
    Bound(0, "none"),
    0,
    0,
    "none",
    "",
    reproducible=True,
    parameters=Parameters(),
)


def stored(lottery: LotteryPlan) -> dict[str, Any]:
    """What can't be derived: loads, integer probabilities and the spread's factors (floats as exact hex text)."""
    return {
        "district_rule": lottery.district_rule,
        "unit_bits": lottery.unit_bits,
        "weights": {
            code: group.weight
            for group in lottery.shape.groups
            if group.weight != EVEN
            for code in group.members
        },
        "load": [str(load) for load in lottery.load],
        "units": lottery.units.tolist(),
        "a": [value.hex() for value in lottery.a],
        "b": [value.hex() for value in lottery.b],
        "t": [[group, day, factor.hex()] for group, day, factor in lottery.t],
    }


def rebuilt(
    kept: Mapping[str, Any], roster: Roster, visits: Mapping[str, Any], schedule: Mapping[str, Any]
) -> LotteryPlan:
    """The plan as it was bound."""
    plan, days = plan_of(visits, schedule), tuple(schedule["days"])
    eligibility = Eligibility(roster, kept["district_rule"])
    seats = seats_of(plan, days)
    return LotteryPlan(
        roster,
        plan,
        days,
        kept["district_rule"],
        seats,
        seat_classes(seats, eligibility, kept["weights"], kept["unit_bits"] == OBSERVABLE_BITS),
        tuple(Fraction(load) for load in kept["load"]),
        np.array(kept["units"], dtype=np.int64),
        tuple(float.fromhex(value) for value in kept["a"]),
        tuple(float.fromhex(value) for value in kept["b"]),
        tuple((group, day, float.fromhex(factor)) for group, day, factor in kept["t"]),
        kept["unit_bits"],
    )


def plan_of(visits: Mapping[str, Any], schedule: Mapping[str, Any]) -> Plan:
    """Visits and routes from their files; the report stays behind, nothing drawn depends on it."""
    day = {date: index for index, date in enumerate(schedule["days"])}
    return Plan(
        visits=tuple(
            Visit(row["visit_id"], row["target_id"], day[row["date"]], row["start"], tuple(row["checks"]))
            for row in visits["visits"]
        ),
        routes=tuple(_route(row, day) for row in schedule["routes"]),
        unscheduled=(),
        report=_NO_REPORT,
    )


def _route(row: Mapping[str, Any], day: Mapping[str, int]) -> Route:
    stops = tuple(Stop(stop["visit_id"], stop["arrive"], stop["start"], stop["end"]) for stop in row["stops"])
    specialties = tuple(row["specialties"])
    return Route(
        row["route_id"],
        row["department"],
        row["district"],
        day[row["date"]],
        row["officers"],
        specialties,
        stops,
    )
