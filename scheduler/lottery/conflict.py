"""A plan whose seats cannot be filled is refused with the reason: which seats, whose absence, which rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from optimizer.errors import Refused, refuse
from optimizer.seats.feasibility import can_fill
from optimizer.seats.network import IntArray, SeatNetwork
from optimizer.seats.shortage import shortages
from scheduler.encoding import Json, canonical_json
from scheduler.lottery.classes import SeatClasses, network_of, seat_classes
from scheduler.lottery.roster import Roster
from scheduler.lottery.seats import FAMILIES, DistrictRule, Eligibility, Family, Seat

_SHOWN: Final = 120
_EXAMPLES: Final = 5
_REMEDIES: Final[dict[Family, tuple[str, str]]] = {
    "lead": ("再任命一名组长（可考虑 {who}）。", "Appoint one more lead (it could be {who})."),
    "specialty": (
        "再培训一名具备“{asked}”专业的人员（可考虑 {who}）。",
        "Train one more officer in {asked} (it could be {who}).",
    ),
    "certificate": ("为 {who} 换发证件。", "Renew the certificates of {who}."),
    "leave": ("调整 {who} 在 {days} 的请假。", "Change the leave of {who} on {days}."),
    "recusal": (
        "把须回避的对象移到其他路线（回避者：{who}）。",
        "Move the targets concerned to another route (recused: {who}).",
    ),
    "district": ("改变辖区规则。", "Change the district rule."),
    "workload": ("提高 {who} 的工作量上限。", "Raise the workload caps of {who}."),
    "department": (
        "为 {department} 增加执法人员（其他部门中合适的有 {who}）。",
        "Add inspectors to {department} (suited in other departments: {who}).",
    ),
}
_MOVE: Final = (
    "把路线 {route} 移到 {other}，届时席位可以安排。",
    "Move route {route} to {other}, when its seats can be filled.",
)
_MORE: Final = (
    "没有哪一条规则单独放宽即可解决：请增加人员，或减少路线。",
    "No single rule stands in the way: add inspectors, or drop a route.",
)


@dataclass(frozen=True, slots=True)
class Repair:
    """A rule family whose removal alone lets the seats be filled, and the inspectors it would free."""

    family: Family
    frees: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Conflict:
    """Seats that cannot be filled together although any one fewer can, who may take them, and what repairs it.

    `route_id` is one of their routes, `other_days` the dates on which all its seats could be filled beside those
    that are there already.
    """

    seats: tuple[Seat, ...]
    eligible: tuple[str, ...]
    repairs: tuple[Repair, ...]
    route_id: str
    other_days: tuple[str, ...]

    def to_json(self) -> Json:
        """Everything by id and code."""
        return {
            "department": self.seats[0].department,
            "seats": [seat.seat_id for seat in self.seats],
            "eligible": list(self.eligible),
            "repairs": [{"family": item.family, "frees": list(item.frees)} for item in self.repairs],
            "route_id": self.route_id,
            "other_days": list(self.other_days),
        }


def find_conflicts(
    roster: Roster,
    seats: tuple[Seat, ...],
    shape: SeatClasses,
    network: SeatNetwork,
    district_rule: DistrictRule,
) -> tuple[Conflict, ...]:
    """Find irreducible conflicts that share no seat class; none if all seats can be filled."""
    by_id = {seat.seat_id: seat for seat in seats}
    found = [_seats_in(shortage, shape, by_id) for shortage in shortages(network)]
    return tuple(explain(roster, short, seats, district_rule) for short in found)


def explain(
    roster: Roster, short: tuple[Seat, ...], seats: tuple[Seat, ...], district_rule: DistrictRule
) -> Conflict:
    """Say who may take these seats, which rule family alone stands in the way, and when a route could go instead."""
    now = Eligibility(roster, district_rule)
    together = _union(now, short)
    repairs = (_repair(roster, short, district_rule, family, now) for family in FAMILIES)
    route_id = min(short, key=lambda seat: seat.seat_id.encode()).route_id
    return Conflict(
        short,
        now.codes(together),
        tuple(item for item in repairs if item is not None),
        route_id,
        _other_days(now, route_id, seats),
    )


def _other_days(eligibility: Eligibility, route_id: str, seats: tuple[Seat, ...]) -> tuple[str, ...]:
    """Dates of the plan on which this route's seats and its department's other seats can all be filled."""
    own = [seat for seat in seats if seat.route_id == route_id]
    found = []
    for date in sorted({seat.date for seat in seats} - {own[0].date}):
        beside = [seat for seat in seats if seat.date == date and seat.department == own[0].department]
        moved = beside + [replace(seat, date=date) for seat in own]
        if can_fill(network_of(seat_classes(moved, eligibility, {}))):
            found.append(date)
    return tuple(found)


def officers_seatable(roster: Roster, seats: Sequence[Seat], district_rule: DistrictRule) -> int:
    """How many of these seats, of one date, can be filled together if routes are taken whole, in order of their id."""
    eligibility = Eligibility(roster, district_rule)
    routes: dict[str, list[Seat]] = {}
    for seat in seats:
        routes.setdefault(seat.route_id, []).append(seat)
    kept: list[Seat] = []
    for route_id in sorted(routes, key=str.encode):
        if can_fill(network_of(seat_classes(kept + routes[route_id], eligibility, {}))):
            kept += routes[route_id]
    return len(kept)


def _seats_in(shortage: IntArray, shape: SeatClasses, by_id: dict[str, Seat]) -> tuple[Seat, ...]:
    """The shortage's seats: those of a class are alike, so its first ones stand for it."""
    return tuple(
        by_id[seat]
        for place in np.flatnonzero(shortage).tolist()
        for seat in shape.classes[place].seats[: int(shortage[place])]
    )


def _repair(
    roster: Roster, seats: tuple[Seat, ...], rule: DistrictRule, family: Family, now: Eligibility
) -> Repair | None:
    """The family, if dropping it alone lets the seats be filled; it frees whom it kept from one of them."""
    without = Eligibility(roster, rule, (family,))
    shape = seat_classes(seats, without, {})
    caps = [len(seats) if family == "workload" else group.cap for group in shape.groups]
    if not can_fill(network_of(shape, caps)):
        return None
    if family == "workload":
        capped = {item.code for item in roster.inspectors if item.cap < len(seats)}
        return Repair(family, tuple(code for code in now.codes(_union(now, seats)) if code in capped))
    freed = 0
    for seat in seats:
        freed |= without.mask(seat) & ~now.mask(seat)
    return Repair(family, now.codes(freed))


def _union(eligibility: Eligibility, seats: tuple[Seat, ...]) -> int:
    together = 0
    for seat in seats:
        together |= eligibility.mask(seat)
    return together


def refuse_unfillable(conflicts: tuple[Conflict, ...]) -> Refused:
    """The refusal of a plan with these conflicts, each told with its remedies; `details` holds them all as JSON."""
    first, days = conflicts[0], [_days(conflict) for conflict in conflicts]
    reasons = [_reason(conflict, when) for conflict, when in zip(conflicts, days, strict=True)]
    remedies = [_remedy(conflict, when) for conflict, when in zip(conflicts, days, strict=True)]
    return refuse(
        "seats.unfillable",
        _numbered([zh for zh, _ in reasons]),
        _numbered([en for _, en in reasons]),
        _numbered([zh for zh, _ in remedies]),
        _numbered([en for _, en in remedies]),
        department=first.seats[0].department,
        dates=",".join(sorted({seat.date for seat in first.seats})),
        seats=",".join(seat.seat_id for seat in first.seats),
        eligible=",".join(first.eligible),
        repairs=",".join(item.family for item in first.repairs),
        route=first.route_id,
        other_days=",".join(first.other_days),
        conflicts=len(conflicts),
        details=canonical_json([conflict.to_json() for conflict in conflicts]).decode(),
    )


def _days(conflict: Conflict) -> str:
    dates = sorted({seat.date for seat in conflict.seats})
    return dates[0] if len(dates) == 1 else f"{dates[0]} … {dates[-1]}"


def _numbered(texts: Sequence[str]) -> str:
    """One text as it is, several with their numbers."""
    if len(texts) == 1:
        return texts[0]
    return " ".join(f"({number}) {text}" for number, text in enumerate(texts, start=1))


def _reason(conflict: Conflict, days: str) -> tuple[str, str]:
    """Which seats, of whom, when, and how many may take them."""
    department, count, able = conflict.seats[0].department, len(conflict.seats), len(conflict.eligible)
    names = ", ".join(seat.seat_id for seat in conflict.seats)
    shown = names if len(names) <= _SHOWN else names[:_SHOWN] + " …"
    if count == 1:
        return (
            f"{department} 在 {days} 的席位 {shown} 无人可以担任。",
            f"Nobody may take the seat {shown} of {department} on {days}.",
        )
    return (
        f"{department} 在 {days} 的 {count} 个席位（{shown}）无法同时安排：有资格者共 {able} 人。",
        f"The {count} seats {shown} of {department} on {days} cannot be filled together: "
        f"inspectors eligible for any of them: {able}.",
    )


def _remedy(conflict: Conflict, days: str) -> tuple[str, str]:
    """Each family that repairs alone and another day for a route, in plain words; else more people."""
    values = {
        "department": conflict.seats[0].department,
        "asked": ", ".join(sorted({name for seat in conflict.seats for name in seat.specialties})),
        "days": days,
        "route": conflict.route_id,
        "other": ", ".join(conflict.other_days[:_EXAMPLES]),
    }
    texts = [
        [
            text.format_map(values | {"who": ", ".join(item.frees[:_EXAMPLES]) or "—"})
            for text in _REMEDIES[item.family]
        ]
        for item in conflict.repairs
    ]
    if conflict.other_days:
        texts.append([text.format_map(values) for text in _MOVE])
    if not texts:
        texts.append(list(_MORE))
    return "或：".join(zh for zh, _ in texts), " Or: ".join(en for _, en in texts)
