"""What the rounds, their log and the calendar tell to whoever watches: figures only, of nobody."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime

from sqlalchemy import func
from sqlmodel import Session, col, select

from app.db.database import Database
from app.http.metrics import Figure
from app.http.tables import Operation
from app.ledger import repository as ledger
from app.ledger.tables import LogEntry
from app.plans import calendar
from app.plans.tables import CalendarYear
from app.registers.repository import OFFICIAL_ZONE
from app.rounds.tables import Round, RoundTime

DAY_SECONDS = 86_400


def figures(db: Database, now: datetime) -> Iterator[Figure]:
    """Everything, from one read of the database."""
    with db.read() as session:
        yield from _stages(session)
        yield from _queue(session, now)
        yield from _last_gap(session)
        yield from _deadlines(session, now)
        yield _log_size(session)
        yield _calendar_left(session, now.astimezone(OFFICIAL_ZONE).date())


def _stages(session: Session) -> Iterator[Figure]:
    ask = select(RoundTime.stage, func.count(), func.sum(RoundTime.seconds)).group_by(RoundTime.stage)
    for stage, count, seconds in session.exec(ask):
        label = (("stage", stage),)
        yield Figure("round_stages_done", "Stages done, by stage.", count, label)
        yield Figure(
            "round_stage_seconds", "Seconds that their work took, in all.", float(seconds or 0), label
        )


def _queue(session: Session, now: datetime) -> Iterator[Figure]:
    for status, count in session.exec(select(Round.status, func.count()).group_by(Round.status)):
        yield Figure("rounds", "Rounds, by status.", count, (("status", status),))
    takeovers = session.exec(select(func.coalesce(func.sum(Round.takeovers), 0))).one()
    yield Figure("lease_takeovers", "Rounds taken over from a worker whose lease ran out.", takeovers)
    rounds = session.exec(select(func.min(Round.updated_at)).where(Round.status == "running")).one()
    yield _age("rounds", rounds, now)
    waiting = (Operation.kind == "import", Operation.status == "running")
    yield _age("imports", session.exec(select(func.min(Operation.updated_at)).where(*waiting)).one(), now)


def _age(queue: str, since: datetime | None, now: datetime) -> Figure:
    seconds = max((now - since).total_seconds(), 0.0) if since else 0.0
    help_ = "Seconds since the oldest unfinished work last moved."
    return Figure("queue_age_seconds", help_, seconds, (("queue", queue),))


def _last_gap(session: Session) -> Iterator[Figure]:
    ask = (
        select(RoundTime.round_id)
        .where(RoundTime.stage == "packed")
        .order_by(col(RoundTime.at).desc())
        .limit(1)
    )
    round_id = session.exec(ask).first()
    data = ledger.find(session, round_id, "schedule.json") if round_id else None
    if data is not None:
        gap = json.loads(data).get("report", {}).get("gap_ppm")
        if gap is not None:
            yield Figure("packing_gap_ratio", "Gap to the bound of the round packed last.", gap / 1_000_000)


def _deadlines(session: Session, now: datetime) -> Iterator[Figure]:
    """The nearest deadline of each kind among rounds that still have it before them."""
    nearest: dict[str, float] = {}
    for row in session.exec(select(Round).where(col(Round.status).in_(("running", "waiting")))):
        manifest = ledger.find(session, row.round_id, "manifest.json")
        times = json.loads(manifest)["deadlines"] if manifest else {}
        for name in ("entropy", "reveal"):
            if name in times and (name == "reveal" or row.stage == "committed"):
                days = (datetime.fromisoformat(times[name]) - now).total_seconds() / DAY_SECONDS
                nearest[name] = min(days, nearest.get(name, days))
    for name, days in sorted(nearest.items()):
        yield Figure(
            "deadline_days", "Days to the nearest deadline; below 0: missed.", days, (("kind", name),)
        )


def _log_size(session: Session) -> Figure:
    return Figure(
        "log_entries", "Entries of the log.", session.exec(select(func.count(col(LogEntry.index)))).one()
    )


def _calendar_left(session: Session, today: date) -> Figure:
    confirmed = session.exec(select(func.max(CalendarYear.year)).where(col(CalendarYear.confirmed))).one()
    last = confirmed or max(calendar.PACKAGED)
    help_ = "Days to the end of the last confirmed calendar year."
    return Figure("calendar_days_left", help_, (date(last, 12, 31) - today).days)


def asking(db: Database) -> Iterator[Figure]:
    """The figures at this moment."""
    return figures(db, datetime.now(UTC))
