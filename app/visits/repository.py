"""All SQL of the visits; the public's reading of results is in `published`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import func
from sqlalchemy import select as sa_select
from sqlmodel import Session, col, select

from app.errors import NotFound, Problem
from app.http.pagination import Paging
from app.ledger import repository as ledger
from app.registers.tables import CheckItem, Department, Inspector, Target
from app.rounds.tables import Round, SeatEvent
from app.visits.states import APPROVED, NOTIFIED
from app.visits.tables import (
    Visit,
    VisitAnswer,
    VisitCheck,
    VisitEvidence,
    VisitObjection,
    VisitRectification,
    VisitVersion,
)
from scheduler.changes import CHANGE


def visit(session: Session, key: str, *, lock: bool = False) -> Visit:
    """A visit. Raises NotFound `visit.absent`."""
    found = session.get(Visit, key, with_for_update=lock or None, populate_existing=lock)
    if found is None:
        raise absent(key)
    return found


def check(session: Session, key: str, *, lock: bool = False) -> VisitCheck:
    """A department's check. Raises NotFound `visit.absent`."""
    found = session.get(VisitCheck, key, with_for_update=lock or None, populate_existing=lock)
    if found is None:
        raise absent(key)
    return found


def absent(key: str) -> NotFound:
    """The one answer for what is not there and for what the reader may not see."""
    return NotFound(
        Problem(
            "visit.absent",
            f"没有检查 {key}，或所查内容不对您开放。",
            f"There is no visit or check {key}, or it is not open to you.",
            "请核对编号。",
            "Check the key.",
            {"key": key},
        )
    )


def checks_of(session: Session, visit_key: str, *, lock: bool = False) -> list[VisitCheck]:
    """A visit's checks in order of department."""
    query = select(VisitCheck).where(VisitCheck.visit == visit_key).order_by(col(VisitCheck.department))
    return list(session.exec(query.with_for_update() if lock else query))


def opened(session: Session, round_id: str) -> bool:
    """Whether a round's visits have been made."""
    return session.exec(select(Visit.key).where(Visit.round_id == round_id).limit(1)).first() is not None


def to_open(session: Session) -> list[str]:
    """Rounds whose seats are sealed and whose visits are not made yet."""
    made = select(Visit.key).where(Visit.round_id == Round.round_id).exists()
    seated = (col(Round.stage) == "seated") & (col(Round.status) == "waiting")
    return list(session.exec(select(Round.round_id).where(seated, ~made).order_by(col(Round.created_at))))


def drawn_visits(session: Session, round_id: str) -> dict[str, Visit]:
    """A round's visits that come from its schedule, by their id there."""
    query = select(Visit).where(Visit.round_id == round_id, Visit.kind == "drawn").with_for_update()
    return {row.planned_id: row for row in session.exec(query)}


def plan_changes(session: Session, round_id: str) -> int:
    """How many changes of its plan a round has."""
    return sum(event["type"] == CHANGE for event in seat_moves(session, round_id))


def changed(session: Session) -> list[str]:
    """Seated rounds with visits and with seat events: their plan may have changed since."""
    events = select(SeatEvent.round_id).where(SeatEvent.round_id == Round.round_id).exists()
    made = select(Visit.key).where(Visit.round_id == Round.round_id).exists()
    seated = (col(Round.stage) == "seated") & (col(Round.status) == "waiting")
    return list(session.exec(select(Round.round_id).where(seated, made, events)))


def to_void(session: Session, among: Sequence[str]) -> list[str]:
    """Voided rounds with checks in these states."""
    query = select(Visit.round_id).join(VisitCheck, col(VisitCheck.visit) == col(Visit.key))
    query = query.join(Round, col(Round.round_id) == col(Visit.round_id))
    query = query.where(Round.status == "void", col(VisitCheck.state).in_(among))
    return sorted(session.exec(query.distinct()))


def page_of(session: Session, paging: Paging, wanted: Mapping[str, Any]) -> list[tuple[Visit, VisitCheck]]:
    """Checks with their visits in order of day and start; `wanted`: column to value, empty ones ask nothing."""
    query: Any = select(Visit, VisitCheck).join(VisitCheck, col(VisitCheck.visit) == col(Visit.key))
    for name, value in wanted.items():
        if value:
            column = getattr(VisitCheck, name, None) or getattr(Visit, name)
            query = query.where(column == value)
    keys = [col(Visit.round_id), col(Visit.planned_id), col(VisitCheck.key)]
    return [(row[0], row[1]) for row in paging.rows(session, query, keys)]


def of_round(session: Session, round_id: str) -> list[tuple[Visit, VisitCheck]]:
    """A round's checks with their visits, in order of their ids in the schedule."""
    query = select(Visit, VisitCheck).join(VisitCheck, col(VisitCheck.visit) == col(Visit.key))
    query = query.where(Visit.round_id == round_id)
    return list(session.exec(query.order_by(col(Visit.planned_id), col(VisitCheck.department))))


def together(session: Session, keys: Collection[str]) -> list[Visit | VisitCheck | Round]:
    """Visits with their checks and rounds, read at once: while they are held, the session asks for none of them."""
    visits = select(Visit).where(col(Visit.key).in_(keys))
    checks = select(VisitCheck).where(col(VisitCheck.visit).in_(keys))
    rounds = select(Round).where(
        col(Round.round_id).in_(select(Visit.round_id).where(col(Visit.key).in_(keys)))
    )
    return [*session.exec(visits), *session.exec(checks), *session.exec(rounds)]


def of_day(session: Session, day: date, department: str = "") -> list[tuple[Visit, VisitCheck]]:
    """The day's checks in order of time."""
    query = select(Visit, VisitCheck).join(VisitCheck, col(VisitCheck.visit) == col(Visit.key))
    query = query.where(Visit.day == day)
    if department:
        query = query.where(VisitCheck.department == department)
    return list(session.exec(query.order_by(col(Visit.start), col(Visit.key), col(VisitCheck.department))))


def in_states(
    session: Session, states: Sequence[str], department: str = "", limit: int = 500
) -> list[tuple[Visit, VisitCheck]]:
    """Checks in one of these states, those due first."""
    query = select(Visit, VisitCheck).join(VisitCheck, col(VisitCheck.visit) == col(Visit.key))
    query = query.where(col(VisitCheck.state).in_(states))
    if department:
        query = query.where(VisitCheck.department == department)
    order = (col(VisitCheck.due_on), col(Visit.day), col(VisitCheck.key))
    return list(session.exec(query.order_by(*order).limit(limit)))


def not_over(session: Session, round_id: str, among: Sequence[str]) -> list[VisitCheck]:
    """A round's checks in these states, locked."""
    query = select(VisitCheck).join(Visit, col(Visit.key) == col(VisitCheck.visit))
    query = query.where(Visit.round_id == round_id, col(VisitCheck.state).in_(among))
    return list(session.exec(query.order_by(col(VisitCheck.key)).with_for_update(of=VisitCheck)))


def deadlines(session: Session, round_id: str = "") -> list[tuple[date, date | None]]:
    """(due on, disclosed on) of every check that has a deadline."""
    query = select(VisitCheck).where(col(VisitCheck.due_on).is_not(None))
    if round_id:
        query = query.join(Visit, col(Visit.key) == col(VisitCheck.visit)).where(Visit.round_id == round_id)
    return [(row.due_on, row.disclosed_on) for row in session.exec(query) if row.due_on is not None]


def undisclosed(session: Session, over: Sequence[str], department: str = "") -> list[date]:
    """The last day for the disclosure of each check that was recorded and is neither disclosed nor over."""
    query = sa_select(col(VisitCheck.due_on)).where(
        col(VisitCheck.due_on).is_not(None), col(VisitCheck.state).not_in(over)
    )
    if department:
        query = query.where(col(VisitCheck.department) == department)
    return [due_on for due_on in session.scalars(query) if due_on is not None]


def answers(session: Session, visit_key: str) -> dict[str, VisitAnswer]:
    """Answers by question."""
    rows = session.exec(select(VisitAnswer).where(VisitAnswer.visit == visit_key))
    return {row.question: row for row in rows}


def evidence(session: Session, visit_key: str, department: str = "") -> list[VisitEvidence]:
    """What proves a visit's records, in order of being added."""
    query = select(VisitEvidence).where(VisitEvidence.visit == visit_key)
    if department:
        query = query.where(VisitEvidence.department == department)
    return list(session.exec(query.order_by(col(VisitEvidence.at), col(VisitEvidence.sha256))))


def versions(session: Session, check_key: str) -> list[VisitVersion]:
    """A result's versions in order."""
    query = select(VisitVersion).where(VisitVersion.check_key == check_key)
    return list(session.exec(query.order_by(col(VisitVersion.number))))


def objections(session: Session, check_key: str) -> list[VisitObjection]:
    """Objections to a result in order."""
    query = select(VisitObjection).where(VisitObjection.check_key == check_key)
    return list(session.exec(query.order_by(col(VisitObjection.number))))


def rectification(session: Session, check_key: str) -> VisitRectification | None:
    """What has to be put right, if anything."""
    return session.get(VisitRectification, check_key)


def rectified_by(session: Session, visit_key: str) -> list[VisitRectification]:
    """The rectifications that a re-check looks at."""
    return list(session.exec(select(VisitRectification).where(VisitRectification.recheck == visit_key)))


def items(session: Session, names: Iterable[str]) -> dict[str, CheckItem]:
    """Check items by `code@version`."""
    codes = {name.partition("@")[0] for name in names}
    rows = session.exec(select(CheckItem).where(col(CheckItem.code).in_(codes)))
    return {f"{row.code}@{row.version}": row for row in rows}


def departments(session: Session) -> dict[str, Department]:
    """Departments by code."""
    return {row.code: row for row in session.exec(select(Department))}


def officers(session: Session, codes: Iterable[str]) -> dict[str, Inspector]:
    """Inspectors by code."""
    rows = session.exec(select(Inspector).where(col(Inspector.code).in_(set(codes))))
    return {row.code: row for row in rows}


def social_codes(session: Session, target_ids: Iterable[str]) -> dict[str, str]:
    """统一社会信用代码 by target; empty where the register has none."""
    query = select(Target.target_id, Target.code).where(col(Target.target_id).in_(set(target_ids)))
    return dict(session.exec(query).all())


def target(session: Session, target_id: str) -> Target:
    """A target of the register."""
    return session.exec(select(Target).where(Target.target_id == target_id)).one()


def next_visit(session: Session, target_id: str, since: date) -> Visit | None:
    """The next visit of a target that nobody is done with."""
    ahead = col(VisitCheck.state).in_((APPROVED, NOTIFIED))
    query = select(Visit).join(VisitCheck, col(VisitCheck.visit) == col(Visit.key))
    query = query.where(Visit.target_id == target_id, col(Visit.day) >= since, ahead)
    return session.exec(query.order_by(col(Visit.day), col(Visit.start)).limit(1)).first()


def seat_moves(session: Session, round_id: str) -> list[dict[str, Any]]:
    """The round's seat events."""
    query = select(SeatEvent).where(SeatEvent.round_id == round_id).order_by(col(SeatEvent.number))
    return [row.event for row in session.exec(query)]


def open_visits_of(session: Session, round_id: str, target_id: str, over: Sequence[str]) -> int:
    """How many checks of a target in a round the inspectors are not done with; re-checks, which nobody drew, apart."""
    query = select(func.count()).select_from(VisitCheck).join(Visit, col(Visit.key) == col(VisitCheck.visit))
    query = query.where(Visit.round_id == round_id, Visit.target_id == target_id, Visit.kind != "recheck")
    return session.exec(query.where(col(VisitCheck.state).not_in(over))).one()


def artefact(session: Session, visit_key: str, name: str) -> bytes:
    """A record or a file of a visit."""
    return ledger.load(session, f"visit:{visit_key}", name)


def require_seen(session: Session, key: str) -> None:
    """Raise NotFound unless whoever asks sees the visit or the check of this key."""
    if session.get(VisitCheck, key) is None and session.get(Visit, key) is None:
        raise absent(key)
