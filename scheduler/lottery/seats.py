"""Seats of a plan's routes and who may take them. docs/lottery.md, 1 and 2."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from optimizer.model import Plan, Route
from scheduler.lottery.roster import Inspector, Roster

DistrictRule: TypeAlias = Literal["any", "home", "away"]
Family: TypeAlias = Literal[
    "department", "certificate", "leave", "recusal", "lead", "specialty", "district", "workload"
]
FAMILIES: Final[tuple[Family, ...]] = (
    "lead", "specialty", "certificate", "leave", "recusal", "district", "workload", "department",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Seat:
    """One officer's place on a route. `targets` are those of the route's visits, ascending."""

    seat_id: str
    route_id: str
    date: str
    department: str
    district: str
    lead: bool
    specialties: tuple[str, ...]
    targets: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Give the seat as lottery.json publishes it."""
        return {
            "seat_id": self.seat_id,
            "route_id": self.route_id,
            "date": self.date,
            "department": self.department,
            "lead": self.lead,
            "specialties": list(self.specialties),
        }


def seats_of(plan: Plan, days: tuple[str, ...]) -> tuple[Seat, ...]:
    """All seats of the plan's routes, ascending by id; `days` are the ISO dates that routes point into."""
    target_of = {visit.visit_id: visit.target_id for visit in plan.visits}
    seats = [seat for route in plan.routes for seat in _route_seats(route, days[route.day], target_of)]
    return tuple(sorted(seats, key=lambda seat: seat.seat_id.encode()))


def _route_seats(route: Route, date: str, target_of: Mapping[str, str]) -> list[Seat]:
    """Seat 1 is the lead's; specialties are asked of 2, 3, …, m, 1, 2, … in turn."""
    asked: list[list[str]] = [[] for _ in range(route.officers)]
    for turn, specialty in enumerate(sorted(set(route.specialties), key=str.encode)):
        asked[(turn + 1) % route.officers].append(specialty)
    targets = tuple(sorted({target_of[stop.visit_id] for stop in route.stops}, key=str.encode))
    return [
        Seat(
            f"{route.route_id}#{number + 1}",
            route.route_id,
            date,
            route.department,
            route.district,
            number == 0,
            tuple(asked[number]),
            targets,
        )
        for number in range(route.officers)
    ]


class Eligibility:
    """Answers who may take a seat, as a bit mask over the inspectors in ascending order of code.

    `dropped` names rule families that are left out, to find what stands in the way of a seat.
    """

    def __init__(
        self, roster: Roster, district_rule: DistrictRule = "any", dropped: Iterable[Family] = ()
    ) -> None:
        self.inspectors = tuple(sorted(roster.inspectors, key=lambda item: item.code.encode()))
        self._rule: DistrictRule = district_rule
        self._dropped = frozenset(dropped)
        index = {item.code: place for place, item in enumerate(self.inspectors)}
        self._leave = [(leave.start, leave.end, 1 << index[leave.code]) for leave in roster.leave]
        self._recused: dict[str, int] = {}
        for recusal in roster.recusals:
            known = self._recused.get(recusal.target_id, 0)
            self._recused[recusal.target_id] = known | 1 << index[recusal.code]
        self._base: dict[tuple[str, str, str, bool, tuple[str, ...]], int] = {}
        self._away: dict[str, int] = {}

    def mask(self, seat: Seat) -> int:
        """The eligible inspectors of a seat, bit i for inspector i."""
        district = "" if self._rule == "any" else seat.district
        key = (seat.department, seat.date, district, seat.lead, seat.specialties)
        base = self._base.get(key)
        if base is None:
            base = self._base[key] = self._base_mask(seat)
        if "recusal" not in self._dropped:
            for target in seat.targets:
                base &= ~self._recused.get(target, 0)
        return base

    def codes(self, mask: int) -> tuple[str, ...]:
        """The codes of a mask, ascending."""
        return tuple(item.code for place, item in enumerate(self.inspectors) if mask >> place & 1)

    def _base_mask(self, seat: Seat) -> int:
        """All rules but recusal, which alone depends on the route."""
        mask = sum(1 << place for place, item in enumerate(self.inspectors) if self._suits(item, seat))
        if "leave" not in self._dropped:
            mask &= ~self._away_on(seat.date)
        return mask

    def _away_on(self, date: str) -> int:
        if date not in self._away:
            away = 0
            for start, end, bit in self._leave:
                if start <= date <= end:
                    away |= bit
            self._away[date] = away
        return self._away[date]

    def _suits(self, item: Inspector, seat: Seat) -> bool:
        rules: dict[Family, bool] = {
            "department": item.department == seat.department,
            "certificate": item.certificate_expires >= seat.date,
            "lead": item.lead or not seat.lead,
            "specialty": set(seat.specialties) <= set(item.specialties),
            "district": self._rule == "any" or (item.district == seat.district) == (self._rule == "home"),
        }
        return all(holds or family in self._dropped for family, holds in rules.items())
