"""Seats of a plan's routes and who may take them. docs/lottery.md, 1 and 2."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from optimizer.model import Plan, Route
from scheduler.lottery.roster import Roster

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
        self._everyone = (1 << len(self.inspectors)) - 1
        index = {item.code: place for place, item in enumerate(self.inspectors)}
        self._leave = [(leave.start, leave.end, 1 << index[leave.code]) for leave in roster.leave]
        self._recused = _masks((item.target_id, index[item.code]) for item in roster.recusals)
        self._department = _masks((item.department, index[item.code]) for item in self.inspectors)
        self._district = _masks((item.district, index[item.code]) for item in self.inspectors)
        self._expires = _masks((item.certificate_expires, index[item.code]) for item in self.inspectors)
        self._specialty = _masks(
            (name, index[item.code]) for item in self.inspectors for name in item.specialties
        )
        self._lead = sum(1 << index[item.code] for item in self.inspectors if item.lead)
        self._on_date: dict[str, int] = {}

    def mask(self, seat: Seat) -> int:
        """The eligible inspectors of a seat, bit i for inspector i."""
        mask = self._free_on(seat.date)
        if "department" not in self._dropped:
            mask &= self._department.get(seat.department, 0)
        if seat.lead and "lead" not in self._dropped:
            mask &= self._lead
        if "specialty" not in self._dropped:
            for specialty in seat.specialties:
                mask &= self._specialty.get(specialty, 0)
        if "recusal" not in self._dropped:
            for target in seat.targets:
                mask &= ~self._recused.get(target, 0)
        return mask & self._in_district(seat.district)

    def codes(self, mask: int) -> tuple[str, ...]:
        """The codes of a mask, ascending."""
        return tuple(item.code for place, item in enumerate(self.inspectors) if mask >> place & 1)

    def _in_district(self, district: str) -> int:
        if self._rule == "any" or "district" in self._dropped:
            return self._everyone
        home = self._district.get(district, 0)
        return home if self._rule == "home" else self._everyone & ~home

    def _free_on(self, date: str) -> int:
        """Those with a good certificate and no leave on that date."""
        if date not in self._on_date:
            barred = 0
            if "certificate" not in self._dropped:
                barred |= _union(mask for last, mask in self._expires.items() if last < date)
            if "leave" not in self._dropped:
                barred |= _union(bit for start, end, bit in self._leave if start <= date <= end)
            self._on_date[date] = self._everyone & ~barred
        return self._on_date[date]


def _masks(pairs: Iterable[tuple[str, int]]) -> dict[str, int]:
    """For each key the mask of the places that go with it."""
    masks: dict[str, int] = {}
    for key, place in pairs:
        masks[key] = masks.get(key, 0) | 1 << place
    return masks


def _union(masks: Iterable[int]) -> int:
    together = 0
    for mask in masks:
        together |= mask
    return together
