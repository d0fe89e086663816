"""A plan whose seats cannot be filled is refused with the reason: which seats, whose absence, which rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from optimizer.errors import Refused, refuse
from optimizer.seats.feasibility import can_fill
from optimizer.seats.network import IntArray, SeatNetwork
from optimizer.seats.shortage import shortages
from scheduler.lottery.classes import SeatClasses, network_of, seat_classes
from scheduler.lottery.roster import Roster
from scheduler.lottery.seats import FAMILIES, DistrictRule, Eligibility, Family, Seat

_SHOWN: Final = 120
_REMEDIES: Final[dict[Family, tuple[str, str]]] = {
    "lead": ("再任命组长（可考虑 {who}）。", "Appoint another lead (it could be {who})."),
    "specialty": (
        "为更多人员培训专业“{asked}”（可考虑 {who}）。",
        "Train more officers in {asked} (it could be {who}).",
    ),
    "certificate": ("为 {who} 换发证件。", "Renew the certificates of {who}."),
    "leave": (
        "调整 {who} 的请假，或把路线移出 {days}。",
        "Change the leave of {who}, or move the routes away from {days}.",
    ),
    "recusal": (
        "把须回避的对象移到其他路线（回避者：{who}）。",
        "Move the targets concerned to another route (recused: {who}).",
    ),
    "district": ("改变辖区规则。", "Change the district rule."),
    "workload": ("提高 {who} 的工作量上限。", "Raise the workload caps of {who}."),
}


@dataclass(frozen=True, slots=True)
class Repair:
    """A rule family whose removal alone lets the seats be filled, and the inspectors it would free."""

    family: Family
    frees: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Conflict:
    """Seats that cannot be filled together although any one fewer can, who may take them, and what repairs it."""

    seats: tuple[Seat, ...]
    eligible: tuple[str, ...]
    repairs: tuple[Repair, ...]


def find_conflicts(
    roster: Roster,
    seats: tuple[Seat, ...],
    shape: SeatClasses,
    network: SeatNetwork,
    district_rule: DistrictRule,
) -> tuple[Conflict, ...]:
    """Find irreducible conflicts that share no seat class; none if all seats can be filled."""
    by_id = {seat.seat_id: seat for seat in seats}
    return tuple(
        explain(roster, _seats_in(shortage, shape, by_id), district_rule) for shortage in shortages(network)
    )


def explain(roster: Roster, seats: tuple[Seat, ...], district_rule: DistrictRule) -> Conflict:
    """Say who may take these seats and which rule family alone stands in the way."""
    now = Eligibility(roster, district_rule)
    together = _union(now, seats)
    repairs = (_repair(roster, seats, district_rule, family, together) for family in FAMILIES)
    return Conflict(seats, now.codes(together), tuple(item for item in repairs if item is not None))


def _seats_in(shortage: IntArray, shape: SeatClasses, by_id: dict[str, Seat]) -> tuple[Seat, ...]:
    """The shortage's seats: those of a class are alike, so its first ones stand for it."""
    return tuple(
        by_id[seat]
        for place in np.flatnonzero(shortage).tolist()
        for seat in shape.classes[place].seats[: int(shortage[place])]
    )


def _repair(
    roster: Roster, seats: tuple[Seat, ...], rule: DistrictRule, family: Family, together: int
) -> Repair | None:
    eligibility = Eligibility(roster, rule, (family,))
    shape = seat_classes(seats, eligibility, {})
    caps = [len(seats) if family == "workload" else group.cap for group in shape.groups]
    if not can_fill(network_of(shape, caps)):
        return None
    if family == "workload":
        capped = {item.code for item in roster.inspectors if item.cap < len(seats)}
        return Repair(family, tuple(code for code in eligibility.codes(together) if code in capped))
    return Repair(family, eligibility.codes(_union(eligibility, seats) & ~together))


def _union(eligibility: Eligibility, seats: tuple[Seat, ...]) -> int:
    together = 0
    for seat in seats:
        together |= eligibility.mask(seat)
    return together


def refuse_unfillable(conflicts: tuple[Conflict, ...]) -> Refused:
    """The refusal of a plan with these conflicts, the first told in full."""
    first = conflicts[0]
    seats = ", ".join(seat.seat_id for seat in first.seats)
    shown = seats if len(seats) <= _SHOWN else seats[:_SHOWN] + " …"
    dates = sorted({seat.date for seat in first.seats})
    days = dates[0] if len(dates) == 1 else f"{dates[0]} … {dates[-1]}"
    department = first.seats[0].department
    remedy_zh, remedy_en = _remedy(first, days)
    return refuse(
        "seats.unfillable",
        f"{days} {department} 的 {len(first.seats)} 个席位（{shown}）无法同时安排："
        f"有资格者仅 {len(first.eligible)} 人。",
        f"The {len(first.seats)} seats {shown} of {department} on {days} cannot be filled together: "
        f"only {len(first.eligible)} inspectors are eligible.",
        remedy_zh,
        remedy_en,
        department=department,
        dates=",".join(dates),
        seats=",".join(seat.seat_id for seat in first.seats),
        eligible=",".join(first.eligible),
        repairs=",".join(item.family for item in first.repairs),
        conflicts=len(conflicts),
    )


def _remedy(conflict: Conflict, days: str) -> tuple[str, str]:
    """Each family that repairs alone, in plain words; where none does, more people or fewer routes."""
    asked = sorted({name for seat in conflict.seats for name in seat.specialties})
    zh: list[str] = []
    en: list[str] = []
    for item in conflict.repairs:
        if item.family in _REMEDIES:
            values = {"asked": ", ".join(asked), "who": ", ".join(item.frees[:5]) or "—", "days": days}
            zh.append(_REMEDIES[item.family][0].format_map(values))
            en.append(_REMEDIES[item.family][1].format_map(values))
    if not zh:
        zh.append("没有哪一条规则单独放宽即可解决：请增加人员，或把部分路线移到其他日期。")
        en.append(
            "No single rule stands in the way: add inspectors, or move some of the routes to another day."
        )
    return "或：".join(zh), " Or: ".join(en)
