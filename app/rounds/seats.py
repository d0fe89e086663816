"""After the freeze: who falls sick, is recused late or loses the certificate is replaced by the next reserve.

Nothing is drawn again and no other seat changes (docs/lottery.md, 7.5). Every absence and every move is an event,
kept here until the reveal publishes it, and an entry in the log, hidden under `K_seal` until then.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlmodel import Session, select

from app.db.database import Database
from app.errors import Conflict, Problem, Refused, refuse
from app.ledger import repository as ledger
from app.registers.tables import Inspector, Target
from app.rounds import lottery_store, repository, service
from app.rounds.absence import Absence
from app.rounds.log import OFFICIAL, entry_of, stamp
from app.rounds.stages import Work, keys_of, roster_of
from app.rounds.tables import Round, SeatEvent
from app.rounds.vault import Vault
from optimizer.progress import Silent
from scheduler.changes import after_changes
from scheduler.lottery.observable import observable_tree
from scheduler.lottery.replacement import (
    LateBar,
    Move,
    Standing,
    event_digest,
    moves_for,
    standing_of,
)
from scheduler.lottery.seats import seats_of
from scheduler.seed import RoundKeys


def file_absences(
    db: Database, vault: Vault, round_id: str, absences: Sequence[Absence], now: datetime
) -> tuple[Move, ...]:
    """Log absences filed together and move in the reserves that they ask for; gives the moves.

    Raises:
        NotFound: no such round.
        Conflict: `round.stage`, its seats are not drawn or it is about to be revealed.
        Refused: `absence.*`; `seats.no_reserve`, then nothing at all is written.
    """
    keys = keys_before_reveal(db, vault, service.get(db, round_id), now)
    with db.write() as session:
        row = repository.get_locked(session, round_id)
        if row is None or row.stage != "seated" or row.status != "waiting":
            raise _not_seated(row or service.found(session, round_id))
        now = ledger.moment(session, now)
        standing, days = standing_now(session, row)
        bars = [_late_bar(absence, standing, days, now) for absence in absences]
        moves = moves_for(standing, [*_bars_before(session, row), *bars])
        at = stamp(now)
        events = [(bar.to_json(at, standing), bar.target_id or None) for bar in bars]
        events += [(move.to_json(at), None) for move in moves]
        write_events(session, row, keys, events, now)
        return moves


def require_own(seen: Database, absences: Sequence[Absence]) -> None:
    """Refuse inspectors and targets that whoever files doesn't see as unknown: others' draws are under embargo too."""
    if seen.scope.unlimited:
        return
    with seen.read() as session:
        for absence in absences:
            if session.get(Inspector, absence.inspector) is None:
                raise _unknown(absence)
            target = select(Target.id).where(Target.target_id == absence.target_id)
            if absence.reason == "recusal" and session.exec(target).first() is None:
                raise _no_check(absence)


def keys_before_reveal(db: Database, vault: Vault, row: Round, now: datetime) -> RoundKeys:
    """The keys that hide what is logged of a seated round. Raises Conflict `round.stage` for any other."""
    if row.stage != "seated":
        raise _not_seated(row)
    work = _work(db, vault, row, now)
    return keys_of(work, work.manifest())


def _work(db: Database, vault: Vault, row: Round, now: datetime) -> Work:
    with db.read() as session:
        document = repository.document(session, row)
    return Work(db, vault, row, document, now, None, Silent())


def write_events(
    session: Session,
    row: Round,
    keys: RoundKeys,
    events: Sequence[tuple[dict[str, Any], str | None]],
    now: datetime,
) -> None:
    """Keep events for the reveal, each with a late recusal's target or None, and log them hidden."""
    first = len(repository.seat_events(session, row.round_id))
    for number, (event, target_id) in enumerate(events, start=first):
        session.add(SeatEvent(round_id=row.round_id, number=number, event=event, target_id=target_id))
        digest = event_digest(keys, event).hex()
        ledger.append(session, entry_of(row, f"round.{event['type']}", "planner", now, digest), now)
    session.flush()


def tree_of(db: Database, vault: Vault, round_id: str) -> tuple[dict[str, str], ...]:
    """All assignments that ten coins can pick, once the plan is logged: for a room that wants to watch.

    Raises Refused `seats.not_observable` where the plan does not ask for coins.
    """
    row = service.get(db, round_id)
    if row.stage not in ("packed", "entropy_seats"):
        raise service.wrong_stage(row, "seat-tree", "packed")
    work = _work(db, vault, row, row.updated_at)
    kept, visits, schedule = (
        work.json(name) for name in ("internal/lottery-plan.json", "visits.json", "schedule.json")
    )
    lottery = lottery_store.rebuilt(kept, roster_of(work), visits, schedule)
    return observable_tree(lottery, lottery.plan_hash(work.manifest().algorithms))


def standing_now(session: Session, row: Round) -> tuple[Standing, tuple[str, ...]]:
    """Who holds which seat by now, and the round's days."""
    visits, schedule, lottery = (
        json.loads(ledger.load(session, row.round_id, name))
        for name in ("visits.json", "schedule.json", "lottery.json")
    )
    days = tuple(schedule["days"])
    targets = _targets_now(visits, schedule, events_of(session, row.round_id))
    seats = [
        replace(seat, targets=targets[seat.route_id])
        for seat in seats_of(lottery_store.plan_of(visits, schedule), days)
    ]
    moves = [
        Move(*(event[key] for key in ("seat_id", "class_id", "out", "into", "reason")))
        for event in events_of(session, row.round_id)
        if event["type"] == "seat_move"
    ]
    return standing_of(lottery, seats).after(moves), days


def _targets_now(
    visits: dict[str, Any], schedule: dict[str, Any], events: Sequence[dict[str, Any]]
) -> dict[str, tuple[str, ...]]:
    """Targets of every route, with the changes of the plan so far."""
    now, routes = after_changes(visits, schedule, events)
    of_visit = {row["visit_id"]: row["target_id"] for row in now["visits"]}
    return {
        row["route_id"]: tuple(sorted({of_visit[stop["visit_id"]] for stop in row["stops"]}, key=str.encode))
        for row in routes["routes"]
    }


def events_of(session: Session, round_id: str) -> list[dict[str, Any]]:
    """The round's absences and moves as events.json publishes them, in the order in which they were filed."""
    return [dict(row.event) for row in repository.seat_events(session, round_id)]


def _bars_before(session: Session, row: Round) -> list[LateBar]:
    return [
        LateBar(
            kept.event["inspector"],
            kept.event["reason"],
            kept.event.get("from", ""),
            kept.event.get("to", ""),
            kept.target_id or "",
        )
        for kept in repository.seat_events(session, row.round_id)
        if kept.event["type"] == "absence"
    ]


def _late_bar(absence: Absence, standing: Standing, days: tuple[str, ...], now: datetime) -> LateBar:
    """The absence as a bar on seats; refused where it names nobody, nothing, or days that are over."""
    if absence.inspector not in standing.caps:
        raise _unknown(absence)
    today = now.astimezone(OFFICIAL).date().isoformat()
    if absence.reason == "recusal":
        return _recusal(absence, standing, today)
    start = absence.start.isoformat() if absence.start else ""
    last = days[-1] if absence.reason == "certificate" else ""
    end = absence.end.isoformat() if absence.end else last
    if not start or not end or start > end:
        raise _bad_days(absence, "缺少起止日期，或起日晚于止日", "the days are missing or in the wrong order")
    if start < today:
        raise _bad_days(absence, f"起日早于今日 {today}", f"the first day is before today, {today}")
    return LateBar(absence.inspector, absence.reason, start, end)


def _recusal(absence: Absence, standing: Standing, today: str) -> LateBar:
    dates = {seat.date for seat in standing.seats.values() if absence.target_id in seat.targets}
    if not dates or min(dates) < today:
        raise _no_check(absence)
    return LateBar(absence.inspector, "recusal", target_id=absence.target_id)


def _unknown(absence: Absence) -> Refused:
    return refuse(
        "absence.unknown_inspector",
        f"执法人员 {absence.inspector} 不在本批次可任席位的人员之列，或不属于您的部门。",
        f"Inspector {absence.inspector} is not among those who may be seated in this round, or not your department's.",
        "请核对人员编号；不在其列者无须登记。",
        "Check the code; nothing need be filed for anybody else.",
        inspector=absence.inspector,
    )


def _no_check(absence: Absence) -> Refused:
    return refuse(
        "absence.target",
        f"对象 {absence.target_id} 不在本批次尚未进行的检查之内，无须回避。",
        f"No check of {absence.target_id} is still to come in this round, so there is nothing to recuse from.",
        "请核对对象编号；已进行的检查不能再换人。",
        "Check the target's id; nobody can be replaced in a visit that is over.",
        target_id=absence.target_id,
    )


def _bad_days(absence: Absence, zh: str, en: str) -> Exception:
    return refuse(
        "absence.days",
        f"{absence.inspector} 的缺勤登记：{zh}。",
        f"The absence of {absence.inspector}: {en}.",
        "请写明自今日起的起止日期。",
        "Give a first and a last day, from today on.",
        inspector=absence.inspector,
    )


def _not_seated(row: Round) -> Conflict:
    return Conflict(
        Problem(
            "round.stage",
            f"批次 {row.round_id} 处于 {row.stage}/{row.status}，只有席位已抽定、等待公开期间可以登记缺勤。",
            f"Round {row.round_id} is at {row.stage}/{row.status}; absences are filed between seats and reveal.",
            "席位抽定之前请在名录库登记请假或回避；公开之后不再变动。",
            "Before the seats are drawn, register leave or a recusal; after the reveal nothing changes.",
            {"round_id": row.round_id, "stage": row.stage, "needed": "seated"},
        )
    )
