"""A revealed round's inspectors: what each could expect, what came of it, and what they served before. By code only."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

from sqlmodel import Session

from app.disclosure import repository
from app.ledger import repository as ledger
from app.rounds import repository as rounds
from app.rounds.seat_history import after_moves, served_in
from app.rounds.tables import Round
from app.web.kept import Kept
from scheduler.lottery.shares import Share, shares_of
from scheduler.lottery.weights import EVEN


@dataclass(frozen=True, slots=True)
class DateChance:
    """A date on which an inspector could be seated: the probability as published, and the seat that came of it."""

    date: str
    seats_open: int
    probability: Fraction
    seat_id: str


@dataclass(frozen=True, slots=True)
class InspectorSeats:
    """One inspector in one round.

    `expected`: published load. `fair`: the department's seats shared by weight alone, as if everybody could take any.
    `drawn`: seats of the draw; `served`: the same after moves. `dates` ascend.
    """

    code: str
    department: str
    weight: int
    expected: Fraction
    fair: Fraction
    drawn: int
    served: int
    dates: tuple[DateChance, ...]


@dataclass(frozen=True, slots=True)
class RoundSeats:
    """A round's inspectors by department, then code; `moves` after the freeze."""

    round_id: str
    inspectors: tuple[InspectorSeats, ...]
    moves: int

    def departments(self) -> tuple[str, ...]:
        """Codes of the departments with inspectors, ascending."""
        return tuple(sorted({one.department for one in self.inspectors}))

    def of(self, department: str) -> tuple[InspectorSeats, ...]:
        """A department's inspectors, ascending."""
        return tuple(one for one in self.inspectors if one.department == department)

    def one(self, code: str) -> InspectorSeats | None:
        """The inspector of that code."""
        return next((one for one in self.inspectors if one.code == code), None)


@dataclass(frozen=True, slots=True)
class Past:
    """Seats an inspector served in a revealed round of the same plan; None where he was not among its inspectors."""

    round_id: str
    period: str
    seats: int | None


_ROUNDS: Final[Kept[RoundSeats]] = Kept(4)
_SERVED: Final[Kept[dict[str, int]]] = Kept(64)


def seats_of_round(session: Session, round_id: str) -> RoundSeats:
    """The inspectors of a revealed round. What is absent, void or under embargo raises `round.not_public`."""
    if repository.is_void(repository.released_round(session, round_id)):
        raise repository.not_public(round_id)
    return _ROUNDS.get(repository.origin(session, round_id), lambda: _read(session, round_id))


def _read(session: Session, round_id: str) -> RoundSeats:
    lottery, events = (
        json.loads(ledger.load(session, round_id, name)) for name in ("lottery.json", "events.json")
    )
    department = _departments(lottery)
    weight = {code: group["weight"] for group in lottery["groups"] for code in group["members"]}
    total: dict[str, int] = defaultdict(int)
    for code, name in department.items():
        total[name] += weight[code]
    seats: dict[str, int] = defaultdict(int)
    for seat in lottery["seats"]:
        seats[seat["department"]] += 1
    held = _held(lottery, after_moves(lottery["assignment"], events))
    found = [
        _inspector(
            share,
            department[share.code],
            weight[share.code],
            Fraction(seats[department[share.code]] * weight[share.code], total[department[share.code]]),
            held.get(share.code, {}),
        )
        for share in shares_of(lottery)
    ]
    ordered = sorted(found, key=lambda one: (one.department, one.code))
    return RoundSeats(round_id, tuple(ordered), sum(event["type"] == "seat_move" for event in events))


def _departments(lottery: Mapping[str, Any]) -> dict[str, str]:
    """Each inspector's department: that of any seat open to them."""
    of_seat = {seat["seat_id"]: seat["department"] for seat in lottery["seats"]}
    of_group = {name: of_seat[item["seats"][0]] for item in lottery["classes"] for name in item["groups"]}
    return {code: of_group[group["group_id"]] for group in lottery["groups"] for code in group["members"]}


def _held(lottery: Mapping[str, Any], assignment: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Seats by inspector and date."""
    dates = {seat["seat_id"]: seat["date"] for seat in lottery["seats"]}
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for seat_id, code in assignment.items():
        found[code][dates[seat_id]] = seat_id
    return found


def _inspector(
    share: Share, department: str, weight: int, fair: Fraction, held: Mapping[str, str]
) -> InspectorSeats:
    open_on: dict[str, int] = defaultdict(int)
    probability: dict[str, Fraction] = defaultdict(Fraction)
    for chance in share.chances:
        open_on[chance.date] += chance.seats
        probability[chance.date] += chance.probability
    dates = tuple(
        DateChance(date, open_on[date], probability[date], held.get(date, "")) for date in sorted(open_on)
    )
    return InspectorSeats(
        share.code, department, weight, share.expected, fair, share.drawn or 0, len(held), dates
    )


def history_of(session: Session, row: Round, code: str) -> tuple[Past, ...]:
    """What an inspector served in the plan's revealed rounds up to this one, oldest first."""
    before = [other for other in rounds.revealed(session, row.plan) if other.created_at <= row.created_at]
    return tuple(Past(other.round_id, other.period, _served(session, other).get(code)) for other in before)


def _served(session: Session, row: Round) -> dict[str, int]:
    return _SERVED.get(repository.origin(session, row.round_id), lambda: served_in(session, row))


def weight_text(weight: int) -> str:
    """A weight as a multiple of the usual one."""
    return f"{weight / EVEN:.2f}"
