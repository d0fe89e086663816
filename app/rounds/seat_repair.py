"""When a packed plan has seats that nobody can take: how many officers each department may plan on those days."""

from __future__ import annotations

from collections.abc import Sequence

from optimizer.model import PackingProblem, Plan
from scheduler.lottery.conflict import Conflict, officers_seatable
from scheduler.lottery.roster import Roster
from scheduler.lottery.seats import DistrictRule, Seat, seats_of

CREW = 2
"""Officers that every route has at least."""


def too_many(
    conflicts: Sequence[Conflict],
    asked: PackingProblem,
    plan: Plan,
    roster: Roster,
    rule: DistrictRule,
    *,
    every_day: bool = False,
) -> dict[tuple[str, str], int]:
    """Heads to leave out of every (department, date) that a conflict names, over and above those left out already.

    What remains is as many officers as can be seated there on that day's routes, and a crew fewer than were planned.
    `every_day` allows a department no more on any other day either, for packing might only move the crews there.
    """
    seats = seats_of(plan, asked.days)
    named = sorted({(seat.department, seat.date) for conflict in conflicts for seat in conflict.seats})
    left = {place: _left(seats, place, roster, rule) for place in named}
    most = {
        department: max(left[place] for place in named if place[0] == department) for department, _ in named
    }
    found = {}
    for department in asked.departments:
        name = department.department
        for day, heads in zip(asked.days, department.heads, strict=True):
            allowed = left.get((name, day), most.get(name, heads) if every_day else heads)
            if allowed < heads:
                found[name, day] = heads - allowed
    return found


def _left(seats: Sequence[Seat], place: tuple[str, str], roster: Roster, rule: DistrictRule) -> int:
    own = [seat for seat in seats if (seat.department, seat.date) == place]
    return min(officers_seatable(roster, own, rule), len(own) - CREW)
