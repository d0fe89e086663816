"""After the freeze: who cannot come is replaced by the next reserve of the same class, and nobody else moves.

docs/lottery.md, 7.6. What is filed late (sickness, a recusal, an expired certificate) is an event, never an input
of the draw.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

from optimizer.errors import Refused, refuse
from scheduler.encoding import canonical_json, lp
from scheduler.lottery.seats import Seat
from scheduler.seed import RoundKeys

Reason: TypeAlias = Literal["sickness", "recusal", "certificate"]


@dataclass(frozen=True, slots=True)
class LateBar:
    """An inspector who cannot serve from `start` to `end`, both included, or, by recusal, at `target_id`."""

    code: str
    reason: Reason
    start: str = ""
    end: str = ""
    target_id: str = ""

    def bars(self, code: str, seat: Seat) -> bool:
        """Tell whether this keeps that inspector from that seat."""
        if code != self.code:
            return False
        if self.reason == "recusal":
            return self.target_id in seat.targets
        return self.start <= seat.date <= self.end

    def to_json(self, at: str, standing: Standing) -> dict[str, Any]:
        """Give the event. In place of a target, which only the auditor may know, a recusal names the routes.

        Those are the routes that stop there and on which the inspector sits or is a reserve; no other seat could
        ever ask.
        """
        event: dict[str, Any] = {"at": at, "type": "absence", "inspector": self.code, "reason": self.reason}
        if self.reason != "recusal":
            return {**event, "from": self.start, "to": self.end}
        routes = {
            seat.route_id
            for seat_id, seat in standing.seats.items()
            if self.bars(self.code, seat)
            and self.code in (standing.assignment[seat_id], *standing.reserves[standing.class_of[seat_id]])
        }
        return {**event, "routes": sorted(routes, key=str.encode)}


@dataclass(frozen=True, slots=True)
class Move:
    """One seat that changes hands, for events.json."""

    seat_id: str
    class_id: str
    out: str
    into: str
    reason: Reason

    def to_json(self, at: str) -> dict[str, Any]:
        """Give the event; `at` is the official time at which it was decided."""
        return {
            "at": at,
            "type": "seat_move",
            "seat_id": self.seat_id,
            "class_id": self.class_id,
            "out": self.out,
            "into": self.into,
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True)
class Standing:
    """Who holds which seat now, the reserves of each class in order, and each inspector's cap."""

    seats: Mapping[str, Seat]
    class_of: Mapping[str, str]
    caps: Mapping[str, int]
    reserves: Mapping[str, Sequence[str]]
    assignment: Mapping[str, str]

    def after(self, moves: Sequence[Move]) -> Standing:
        """The standing when these moves are made."""
        changed = {**self.assignment, **{move.seat_id: move.into for move in moves}}
        return replace(self, assignment=changed)


def standing_of(lottery: Mapping[str, Any], seats: Sequence[Seat]) -> Standing:
    """Read lottery.json as drawn; `seats` are those of the plan (`seats_of`), which know their targets."""
    return Standing(
        {seat.seat_id: seat for seat in seats},
        {seat: item["class_id"] for item in lottery["classes"] for seat in item["seats"]},
        {code: group["cap"] for group in lottery["groups"] for code in group["members"]},
        lottery["reserves"],
        lottery["assignment"],
    )


def event_digest(keys: RoundKeys, event: Mapping[str, Any]) -> bytes:
    """What the log says of an absence or a move before the reveal: hidden, for codes and seats could be guessed."""
    return keys.suite.hash(lp("DR1/seat-event", keys.seal, canonical_json(dict(event))))


def moves_for(standing: Standing, bars: Sequence[LateBar]) -> tuple[Move, ...]:
    """The moves that these bars make necessary; `bars` are all in force, earlier ones too. Seats in order.

    Several absences filed together are known to all of them: nobody moves in who is barred as well.

    Raises:
        Refused: `seats.no_reserve`, naming the seat whose reserves are used up.
    """
    moves: list[Move] = []
    for seat_id in sorted(standing.assignment, key=str.encode):
        seat, holder = standing.seats[seat_id], standing.assignment[seat_id]
        bar = next((item for item in bars if item.bars(holder, seat)), None)
        if bar is not None:
            into = _next_reserve(standing.after(moves), seat, bars)
            moves.append(Move(seat_id, standing.class_of[seat_id], holder, into, bar.reason))
    return tuple(moves)


def _next_reserve(standing: Standing, seat: Seat, bars: Sequence[LateBar]) -> str:
    """The first of the class's reserves who is free that day, below the cap and not barred."""
    held = Counter(standing.assignment.values())
    busy = {code for name, code in standing.assignment.items() if standing.seats[name].date == seat.date}
    for code in standing.reserves[standing.class_of[seat.seat_id]]:
        free = code not in busy and held[code] < standing.caps[code]
        if free and not any(bar.bars(code, seat) for bar in bars):
            return code
    raise _used_up(seat)


def _used_up(seat: Seat) -> Refused:
    return refuse(
        "seats.no_reserve",
        f"席位 {seat.seat_id}（{seat.date}）的候补人员已用尽。",
        f"Nobody is left among the reserves of seat {seat.seat_id} on {seat.date}.",
        "请把该路线推迟到其他日期并记录原因；已抽定的其他席位不变。",
        "Postpone that route and log the reason; no other seat changes.",
        seat=seat.seat_id,
        date=seat.date,
    )
