"""All SQL of the rounds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import case, delete, update
from sqlmodel import Session, col, select

from app.db.bulk import upsert
from app.http.pagination import Paging
from app.http.tables import Operation
from app.plans import service as plans
from app.plans.schemas import PlanDocument
from app.rounds.schemas import nameless
from app.rounds.tables import (
    STAGES,
    Deposit,
    EntropyUse,
    PlannedCheck,
    Round,
    RoundTime,
    SeatEvent,
    SolvePoint,
)


def get(session: Session, round_id: str) -> Round | None:
    """A round by its id."""
    return session.get(Round, round_id)


def get_locked(session: Session, round_id: str) -> Round | None:
    """A round, locked until the transaction ends (SQLite's write transaction holds the whole database anyway)."""
    return session.exec(select(Round).where(Round.round_id == round_id).with_for_update()).one_or_none()


class Lost(Exception):  # noqa: N818  not an error: another worker has taken over and will finish
    """The round's lease went to another worker; what this one computed is dropped."""


def fenced(session: Session, row: Round) -> Round:
    """The round as it stands, locked until the transaction ends. Raises Lost where another worker holds it now."""
    current = get_locked(session, row.round_id)
    if current is None or current.fence != row.fence:
        raise Lost(row.round_id)
    return current


def waiting(session: Session) -> list[Round]:
    """Rounds that wait for somebody or for a time."""
    return list(session.exec(select(Round).where(Round.status == "waiting").order_by(col(Round.round_id))))


def of_period(session: Session, plan: str, period: str) -> list[Round]:
    """Every round of a (plan, period), in order of sequence."""
    query = select(Round).where(Round.plan == plan, Round.period == period).order_by(col(Round.sequence))
    return list(session.exec(query))


def frozen(session: Session, plan: str) -> list[Round]:
    """A plan's rounds whose registers are frozen; a void one is none of them."""
    query = select(Round).where(Round.plan == plan, Round.stage != STAGES[0], Round.status != "void")
    return list(session.exec(query.order_by(col(Round.round_id))))


def revealed(session: Session, plan: str) -> list[Round]:
    """A plan's revealed rounds; a void one is none of them."""
    query = select(Round).where(Round.plan == plan, Round.stage == STAGES[-1], Round.status == "done")
    return list(session.exec(query.order_by(col(Round.created_at), col(Round.round_id))))


def newest(session: Session, limit: int = 50) -> list[Round]:
    """The latest rounds, newest first."""
    query = select(Round).order_by(col(Round.created_at).desc(), col(Round.round_id).desc()).limit(limit)
    return list(session.exec(query))


def page_of(session: Session, paging: Paging, wanted: Mapping[str, str | None]) -> list[Round]:
    """A page of rounds, newest first, and one more; `wanted`: column to value, empty ones ask nothing."""
    query = select(Round)
    for column, value in wanted.items():
        if value:
            query = query.where(col(getattr(Round, column)) == value)
    keys = [col(Round.created_at), col(Round.round_id)]
    return [row[0] for row in paging.rows(session, query, keys, newest=True)]


def _leased(owner: str, now: datetime, lease_seconds: int) -> dict[str, Any]:
    """What a claim writes; a lease that was neither given back nor renewed counts as a take-over."""
    return {
        "lease_owner": owner,
        "lease_until": now + timedelta(seconds=lease_seconds),
        "fence": Round.fence + 1,
        "takeovers": Round.takeovers + case((col(Round.lease_until).is_(None), 0), else_=1),
    }


def claim(session: Session, owner: str, now: datetime, lease_seconds: int) -> Round | None:
    """Lease the oldest round with work to do; the fence grows, so an earlier holder can write no more.

    One `UPDATE … RETURNING`, the same on both databases.
    """
    free = (col(Round.lease_until).is_(None)) | (col(Round.lease_until) < now)
    oldest = (
        select(Round.round_id)
        .where(Round.status == "running", free)
        .order_by(col(Round.created_at), col(Round.round_id))
        .limit(1)
        .scalar_subquery()
    )
    statement = (
        update(Round)
        .where(col(Round.round_id) == oldest, free)
        .values(**_leased(owner, now, lease_seconds))
        .returning(Round)
    )
    return session.scalars(statement).one_or_none()


def claim_one(session: Session, round_id: str, owner: str, now: datetime, lease_seconds: int) -> Round | None:
    """Lease this very round if it has work to do and nobody else holds it."""
    free = (col(Round.lease_until).is_(None)) | (col(Round.lease_until) < now)
    statement = (
        update(Round)
        .where(col(Round.round_id) == round_id, col(Round.status) == "running", free)
        .values(**_leased(owner, now, lease_seconds))
        .returning(Round)
    )
    return session.scalars(statement).one_or_none()


def renew(session: Session, round_id: str, fence: int, until: datetime) -> bool:
    """Keep a lease; False when somebody else has taken over."""
    statement = (
        update(Round)
        .where(col(Round.round_id) == round_id, col(Round.fence) == fence)
        .values(lease_until=until)
        .returning(col(Round.round_id))
    )
    return session.scalars(statement).one_or_none() is not None


def release(session: Session, round_id: str, fence: int) -> None:
    """Give a lease back."""
    statement = update(Round).where(col(Round.round_id) == round_id, col(Round.fence) == fence)
    session.execute(statement.values(lease_owner=None, lease_until=None))


def mark(session: Session, round_id: str, stage: str, at: datetime, seconds: float) -> None:
    """Note when a stage was done and how long it took."""
    session.add(RoundTime(round_id=round_id, stage=stage, at=at, seconds=seconds))


def times(session: Session, round_id: str) -> dict[str, RoundTime]:
    """When each stage was done."""
    return {row.stage: row for row in session.exec(select(RoundTime).where(RoundTime.round_id == round_id))}


def document(session: Session, row: Round) -> PlanDocument:
    """The plan as it was when the round was made: a revision binds later rounds only."""
    return plans.document_of(session, row.plan, row.plan_digest)


def deposits(session: Session, round_id: str) -> list[Deposit]:
    """Commitments and secrets of a round, ascending by party bytes; the salt's row has the party ""."""
    rows = session.exec(select(Deposit).where(Deposit.round_id == round_id))
    return sorted(rows, key=lambda row: row.party.encode())


def entropy(session: Session, round_id: str, part: str) -> dict[str, str]:
    """Values supplied so far for `entropy` or `entropy_seats`, by source."""
    query = select(EntropyUse).where(EntropyUse.round_id == round_id, EntropyUse.part == part)
    return {row.name: row.value for row in session.exec(query)}


def source_user(session: Session, source: str) -> EntropyUse | None:
    """The round that used a source, if any did."""
    return session.get(EntropyUse, source)


def value_user(session: Session, value: str) -> EntropyUse | None:
    """A round that took this very value, if any did."""
    return session.exec(select(EntropyUse).where(EntropyUse.value == value).limit(1)).first()


def seat_events(session: Session, round_id: str) -> list[SeatEvent]:
    """What happened to a round's seats since they were drawn, in order."""
    query = select(SeatEvent).where(SeatEvent.round_id == round_id).order_by(col(SeatEvent.number))
    return list(session.exec(query))


def plan_checks(session: Session, rows: Iterable[Sequence[object]]) -> None:
    """Store planned checks: (round_id, check_id, target_id, department, items, day)."""
    columns = ("round_id", "check_id", "target_id", "department", "items", "day")
    upsert(session, PlannedCheck.__table__, columns, rows, ("round_id", "check_id"))  # type: ignore[attr-defined]  # SQLModel hides __table__


def planned_checks(session: Session, round_id: str) -> list[PlannedCheck]:
    """What a round planned, as it stands."""
    return list(session.exec(select(PlannedCheck).where(PlannedCheck.round_id == round_id)))


def solve_points(session: Session, round_id: str) -> list[SolvePoint]:
    """The course of a round's packing, in order."""
    query = select(SolvePoint).where(SolvePoint.round_id == round_id).order_by(col(SolvePoint.number))
    return list(session.exec(query))


def forget_course(session: Session, round_id: str) -> None:
    """A packing that begins anew leaves no points of the one before."""
    session.execute(delete(SolvePoint).where(col(SolvePoint.round_id) == round_id))


def forget_checks(session: Session, round_id: str) -> None:
    """A voided round visited nobody."""
    for row in session.exec(select(PlannedCheck).where(PlannedCheck.round_id == round_id)):
        session.delete(row)


def visited_since(session: Session, since: date, until: date) -> set[str]:
    """Targets with a planned check in [since, until)."""
    query = select(PlannedCheck.target_id).where(PlannedCheck.day >= since, PlannedCheck.day < until)
    return set(session.exec(query.distinct()))


def past_checks(session: Session, since: date, until: date) -> Iterator[PlannedCheck]:
    """Planned checks in [since, until), streamed."""
    query = select(PlannedCheck).where(PlannedCheck.day >= since, PlannedCheck.day < until)
    yield from session.exec(query.execution_options(yield_per=5000))


def operation_of(session: Session, subject: str) -> Operation | None:
    """The newest operation about a subject."""
    query = select(Operation).where(Operation.subject == subject).order_by(col(Operation.id).desc()).limit(1)
    return session.exec(query).first()


def note_operation(session: Session, row: Round) -> None:
    """Bring a round's operation up to where the round stands."""
    operation = operation_of(session, row.round_id)
    if operation is not None:
        names = {"done": "done", "waiting": "waiting", "refused": "failed", "void": "failed"}
        operation.status = names.get(row.status, "running")
        operation.stage, operation.note, operation.updated_at = (
            row.stage,
            row.waiting_for or "",
            row.updated_at,
        )
        operation.percent, operation.problem = percent(row.stage), nameless(row.problem)
        session.add(operation)


def percent(stage: str, done: int = 0, total: int = 0) -> int:
    """How much of a round is behind it: its stages count alike, `done` of `total` is what runs after `stage`."""
    within = min(done / total, 0.99) if total else 0.0
    return int((STAGES.index(stage) + within) * 100 / (len(STAGES) - 1)) if stage != STAGES[-1] else 100
