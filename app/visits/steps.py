"""The steps of a visit inside the caller's transaction: each is checked, changes the rows, and is logged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlmodel import Session

from app.errors import Conflict, Problem, Refused, refuse
from app.ledger import repository as ledger
from app.plans import calendar
from app.rounds.seat_history import after_moves
from app.visits import codes, deadlines, records, repository, states
from app.visits.desk import Actor, Desk, log_check, log_visit, official_day
from app.visits.records import Record
from app.visits.tables import Visit, VisitCheck, VisitRectification
from scheduler.calendar import WorkCalendar
from scheduler.encoding import Json, canonical_json

OFFICERS = 2
"""Certified officers of each department who have to be there (行政处罚法 42: 不得少于两人)."""


@dataclass(frozen=True, slots=True)
class Here:
    """One transaction's view: whose desk, which session, what moment, which calendar."""

    desk: Desk
    session: Session
    now: datetime
    calendar: WorkCalendar

    @property
    def today(self) -> date:
        """The day in official time."""
        return official_day(self.now)


def here(desk: Desk, session: Session, now: datetime) -> Here:
    """The transaction's view at the log's moment."""
    return Here(desk, session, ledger.moment(session, now), calendar.load(session))


def take(at: Here, step: str, check: VisitCheck, actor: Actor) -> None:
    """Put a check into the state that a step leads to and log it; the caller has changed the rest of the row."""
    check.state = states.STEPS[step].after
    at.session.add(check)
    log_check(at.desk, at.session, step, check, actor, at.now)


def require(step: str, check: VisitCheck, actor: Actor) -> None:
    """Refuse an illegal step, and one of another department's check as if there were none."""
    if actor.department and actor.department != check.department:
        raise repository.absent(check.key)
    states.require(step, check.state, check.legal_review, check.key)


def notify(at: Here, visit: Visit, checks: Sequence[VisitCheck], actor: Actor) -> None:
    """The notice is served: from now on the visit code is answered 有备案."""
    for check in checks:
        require("notify", check, Actor(actor.code, actor.role))
        take(at, "notify", check, actor)
    visit.notified_at = at.now
    at.session.add(visit)
    log_visit(at.desk, at.session, "notice", visit, actor, at.now, visit.nonce)


def arrive(
    at: Here,
    visit: Visit,
    checks: Sequence[VisitCheck],
    present: Mapping[str, Sequence[str]],
    actor: Actor,
) -> None:
    """The crews are there: `present` are inspectors' codes by department.

    A missing second officer is a refusal, for all departments and before anything is changed.
    """
    if visit.day is not None and at.today < visit.day:
        raise _too_early(visit, at.today)
    require_seated(at.session, visit, checks, actor)
    moves, there = repository.seat_moves(at.session, visit.round_id), dict[str, list[str]]()
    for check in checks:
        require("arrive", check, Actor(actor.code, actor.role))
        found = list(dict.fromkeys(present.get(check.department, ())))
        _require_officers(at, check, found, moves)
        there[check.department] = found
    for check in checks:
        check.present = there[check.department]
        take(at, "arrive", check, actor)
    visit.arrived_at = at.now
    at.session.add(visit)
    log_visit(at.desk, at.session, "arrival", visit, actor, at.now, at.now.isoformat())


def crew(session: Session, visit: Visit, check: VisitCheck) -> list[str]:
    """Who holds the check's seats by now, moves after the draw included."""
    return held(check, repository.seat_moves(session, visit.round_id) if check.seats else [])


def held(check: VisitCheck, moves: Sequence[Mapping[str, Any]]) -> list[str]:
    """Who holds the check's seats after these moves."""
    if not check.seats:
        return list(check.crew)
    moved = after_moves(dict(zip(check.seats, check.crew, strict=False)), moves)
    return [moved[seat] for seat in check.seats if seat in moved]


def require_seated(session: Session, visit: Visit, checks: Sequence[VisitCheck], actor: Actor) -> None:
    """Only who holds a seat at the visit works on it. Raises Conflict `visit.not_seated`."""
    if actor.inspector is None or any(actor.inspector in crew(session, visit, check) for check in checks):
        return
    raise Conflict(
        Problem(
            "visit.not_seated",
            "您不在这次检查的席位上：检查由抽定的人员办理。",
            "You hold no seat at this visit: those who were drawn do it.",
            "请由抽定的人员办理；缺勤请先登记，由候补递补。账户尚未对应执法人员的，请系统管理员办理。",
            "Leave it to them; file an absence first, so that the reserve steps in. Where the roster's code is missing "
            "from your account, ask the system administrator.",
            {"visit": visit.key, "inspector": actor.inspector},
        )
    )


def inspected_by(check: VisitCheck) -> tuple[str | None, ...]:
    """Who was there and who recorded: none of them looks it over."""
    return (check.recorded_by, *check.present)


def _require_officers(
    at: Here, check: VisitCheck, present: Sequence[str], moves: Sequence[Mapping[str, Any]]
) -> None:
    expected = set(held(check, moves))
    known = repository.officers(at.session, present)
    valid = [
        code
        for code in present
        if code in expected and code in known and _certified(at, known[code].certificate_expires)
    ]
    if len(valid) < OFFICERS:
        raise _second_officer(check, len(valid), sorted(set(present) - set(valid)))


def _certified(at: Here, expires: date | None) -> bool:
    return expires is not None and expires >= at.today


def record(at: Here, visit: Visit, check: VisitCheck, given: Record, actor: Actor) -> None:
    """A department's record of its check; kept as a file of its own each time."""
    require("record", check, actor)
    require_seated(at.session, visit, [check], actor)
    answers = repository.answers(at.session, visit.key)
    evidence = repository.evidence(at.session, visit.key)
    records.require_complete(visit, check, given, answers, evidence, at.today)
    check.result, check.disposition = given.result, given.disposition
    check.points = records.failed_points(visit, check.department, answers)
    check.legal_review = codes.needs_legal_review(given.result, given.disposition)
    check.recorded_by, check.reviewed_by, check.legal_by, check.returned = actor.code, None, None, None
    check.submissions += 1
    if check.completed_on is None:
        check.completed_on = at.today
        ends = deadlines.due(at.calendar, at.today, at.desk.terms.disclosure)
        check.due_on, check.provisional = ends.date, ends.provisional
    document: dict[str, Json] = {
        "check": check.key, "department": check.department, "items": check.items, "present": check.present,
        "answers": {code: [row.answer, row.note] for code, row in sorted(answers.items())},
        "evidence": sorted(row.sha256 for row in evidence if row.department == check.department),
        "result": given.result, "disposition": given.disposition, "note": given.note,
        "rectify_by": given.rectify_by.isoformat() if given.rectify_by else None, "by": actor.code,
    }  # fmt: skip
    name = f"{check.key}/record-{check.submissions}.json"
    ledger.keep(at.session, f"visit:{visit.key}", name, canonical_json(document) + b"\n", at.now)
    _rectification(at, check, given.rectify_by)
    take(at, "record", check, actor)


def _rectification(at: Here, check: VisitCheck, due_on: date | None) -> None:
    kept = repository.rectification(at.session, check.key)
    if due_on is None:
        if kept is not None:
            at.session.delete(kept)
        return
    row = kept or VisitRectification(check_key=check.key, points=[], due_on=due_on)
    row.points, row.due_on = list(check.points), due_on
    at.session.add(row)


def review(at: Here, check: VisitCheck, actor: Actor) -> None:
    """Another person has looked at the record."""
    require("review", check, actor)
    states.require_other_person("review", actor.persons, inspected_by(check), check.key)
    check.reviewed_by = actor.code
    take(at, "review", check, actor)


def send_back(at: Here, check: VisitCheck, reason: str, actor: Actor) -> None:
    """Return a record with the reason: it is made anew, and reviewed anew."""
    require("return", check, actor)
    states.require_other_person("return", actor.persons, inspected_by(check), check.key)
    if not reason.strip():
        raise refuse(
            "visit.return_reason",
            f"退回检查 {check.key} 须写明理由。",
            f"Returning check {check.key} needs a reason.",
            "请写明需要补正什么。",
            "Say what has to be put right.",
            check=check.key,
        )
    check.returned, check.reviewed_by, check.legal_by = reason.strip(), None, None
    take(at, "return", check, actor)


def legal_review(at: Here, check: VisitCheck, actor: Actor) -> None:
    """A third person has reviewed a major decision (重大执法决定法制审核)."""
    require("legal_review", check, actor)
    states.require_other_person(
        "legal_review", actor.persons, (*inspected_by(check), check.reviewed_by), check.key
    )
    check.legal_by = actor.code
    take(at, "legal_review", check, actor)


def void(at: Here, check: VisitCheck, actor: Actor) -> None:
    """The round was voided: nobody visits any more."""
    require("void", check, actor)
    take(at, "void", check, actor)


def _too_early(visit: Visit, today: date) -> Conflict:
    return Conflict(
        Problem(
            "visit.too_early",
            f"检查定于 {visit.day}，今日为 {today}，不能提前到场。",
            f"The visit is on {visit.day}; today is {today}, so nobody can arrive yet.",
            "请在检查当日到场；确需改期的，由协调人员调整。",
            "Arrive on its day; if it has to be moved, the coordinator does that.",
            {"visit": visit.key, "day": str(visit.day)},
        )
    )


def _second_officer(check: VisitCheck, found: int, others: Sequence[str]) -> Refused:
    return refuse(
        "visit.second_officer",
        f"{check.department} 到场的持证执法人员为 {found} 人，不得少于 {OFFICERS} 人"
        f"（不在席位上或证件无效：{'、'.join(others) or '无'}）。",
        f"{check.department} has {found} certified officers present and needs {OFFICERS} "
        f"(not seated here, or without a valid certificate: {', '.join(others) or 'none'}).",
        "当事人有权拒绝检查。请由抽定的人员到场；缺勤请先登记，由候补递补。",
        "The firm may refuse. Have those who were drawn come; file an absence first, so that the reserve steps in.",
        check=check.key,
        department=check.department,
        found=found,
    )
