"""All SQL of the estimates: what they are made from, and the sheets that are kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import delete, func, select
from sqlmodel import Session, SQLModel, col

from app.db.bulk import upsert
from app.estimates.tables import EstimateMark, EstimateSheet
from app.ledger.tables import LogEntry
from app.registers.repository import in_batches
from app.registers.tables import CheckItem, Target
from app.rounds.tables import Round
from app.visits.tables import PublishedResult, Visit, VisitAnswer, VisitCheck

_OF_CHECKS: Final = ("visit.disclose", "visit.correct", "visit.withdraw", "visit.replace", "visit.approve")
_OF_ROUNDS: Final = ("round.reveal", "round.void")
_COLUMNS: Final = ("plan", "draw_id", "item", "by", "internal", "about", "cells", "made_at")


class Checked(NamedTuple):
    """A department's check of a target: `disclosed` tells whether the public may read `result`; None: withdrawn."""

    target_id: str
    kind: str
    visit: str
    draws: list[str]
    items: list[str]
    points: list[str]
    state: str
    disclosed: bool
    result: str | None


def revealed(session: Session, plan: str) -> list[Round]:
    """The plan's revealed rounds, the oldest first."""
    query = select(Round).where(col(Round.plan) == plan, col(Round.stage) == "revealed")
    query = query.where(col(Round.status) != "void").order_by(col(Round.created_at), col(Round.round_id))
    return list(session.scalars(query))


def stale(session: Session) -> dict[str, int]:
    """Plans with revealed rounds about which something was logged that their sheets don't take into account yet.

    The value is the log entry up to which they are to be brought.
    """
    last = session.scalar(select(func.max(LogEntry.index)))
    if last is None:
        return {}
    plans = set(session.scalars(select(col(Round.plan)).where(col(Round.stage) == "revealed").distinct()))
    marks = {row.plan: row.through for row in session.scalars(select(EstimateMark))}
    since = min((marks.get(plan, -1) for plan in plans), default=last)
    touched = _touched(session, since)
    found = [
        plan for plan in sorted(plans) if touched.get(plan, -1) > marks.get(plan, -1) or plan not in marks
    ]
    return dict.fromkeys(found, int(last))


def _touched(session: Session, since: int) -> dict[str, int]:
    """The newest entry after `since` about each plan's results or rounds."""
    index, subject, kind = col(LogEntry.index), col(LogEntry.subject), col(LogEntry.type)
    newest = func.max(index)
    checks = (
        select(col(Round.plan), newest)
        .select_from(LogEntry)
        .join(VisitCheck, col(VisitCheck.key) == func.substr(subject, len("check:") + 1))
        .join(Visit, col(Visit.key) == col(VisitCheck.visit))
        .join(Round, col(Round.round_id) == col(Visit.round_id))
        .where(index > since, kind.in_(_OF_CHECKS))
        .group_by(col(Round.plan))
    )
    rounds = (
        select(col(Round.plan), newest)
        .select_from(LogEntry)
        .join(Round, col(Round.round_id) == subject)
        .where(index > since, kind.in_(_OF_ROUNDS))
        .group_by(col(Round.plan))
    )
    found: dict[str, int] = {}
    for query in (checks, rounds):
        for plan, number in session.execute(query):
            found[plan] = max(found.get(plan, -1), int(number))
    return found


def checked(session: Session, round_id: str) -> Iterable[Checked]:
    """Every check of a round, with its published result where there is one: aggregates outlive the line's display."""
    line = col(PublishedResult.result_id)
    query = (
        select(
            col(Visit.target_id), col(Visit.kind), col(Visit.key), col(VisitCheck.draws), col(VisitCheck.items),
            col(VisitCheck.points), col(VisitCheck.state), line.is_not(None), col(PublishedResult.result),
        )
        .select_from(VisitCheck)
        .join(Visit, col(Visit.key) == col(VisitCheck.visit))
        .outerjoin(PublishedResult, line == col(VisitCheck.key))
        .where(col(Visit.round_id) == round_id)
        .order_by(col(VisitCheck.key))
    )  # fmt: skip
    return (Checked._make(row) for row in session.execute(query))


def not_applicable(session: Session, round_id: str) -> dict[str, set[str]]:
    """Questions answered "not applicable", by visit."""
    query = (
        select(col(VisitAnswer.visit), col(VisitAnswer.question))
        .join(Visit, col(Visit.key) == col(VisitAnswer.visit))
        .where(col(Visit.round_id) == round_id, col(VisitAnswer.answer) == "not_applicable")
    )
    found: dict[str, set[str]] = {}
    for visit, question in session.execute(query):
        found.setdefault(visit, set()).add(question)
    return found


def attributes(session: Session, target_ids: Sequence[str]) -> dict[str, dict[str, str]]:
    """District and trade of each target as the register has them now."""
    found = {}
    for batch in in_batches(target_ids):
        query = select(col(Target.target_id), col(Target.district), col(Target.trade))
        for target_id, district, trade in session.execute(query.where(col(Target.target_id).in_(batch))):
            found[target_id] = {"district": district, "trade": trade}
    return found


def item_titles(session: Session) -> dict[str, tuple[str, str]]:
    """(Chinese, English) title of each check item, of its newest version, by code."""
    query = select(col(CheckItem.code), col(CheckItem.title_zh), col(CheckItem.title_en)).order_by(
        col(CheckItem.version)
    )
    return {code: (zh, en or zh) for code, zh, en in session.execute(query)}


def replace_sheets(
    session: Session, plan: str, sheets: Sequence[Mapping[str, Any]], through: int, now: datetime
) -> None:
    """Put a plan's sheets in place of its earlier ones."""
    session.execute(delete(EstimateSheet).where(col(EstimateSheet.plan) == plan))
    rows = [[{**sheet, "plan": plan, "made_at": now}[name] for name in _COLUMNS] for sheet in sheets]
    tables = SQLModel.metadata.tables
    upsert(session, tables["estimate_sheet"], _COLUMNS, rows, _COLUMNS[:4])
    upsert(session, tables["estimate_mark"], ("plan", "through"), [(plan, through)], ("plan",))


def plans(session: Session) -> list[tuple[str, datetime]]:
    """Plans with sheets, those whose rounds are newest first, and when their sheets were made."""
    newest = (
        select(col(Round.plan), func.max(col(Round.created_at)).label("at"))
        .group_by(col(Round.plan))
        .subquery()
    )
    query = (
        select(col(EstimateSheet.plan), func.max(col(EstimateSheet.made_at)))
        .join(newest, newest.c.plan == col(EstimateSheet.plan))
        .group_by(col(EstimateSheet.plan), newest.c.at)
        .order_by(newest.c.at.desc(), col(EstimateSheet.plan))
    )
    return [(plan, made_at) for plan, made_at in session.execute(query)]


def sheets(
    session: Session, plan: str, by: str, *, internal: bool = False, **wanted: str
) -> list[EstimateSheet]:
    """A plan's sheets by an attribute in order of draw and item; internal ones only where they are asked for."""
    query = select(EstimateSheet).where(col(EstimateSheet.plan) == plan, col(EstimateSheet.by) == by)
    if not internal:
        query = query.where(col(EstimateSheet.internal).is_(False))
    for name, value in wanted.items():
        query = query.where(col(getattr(EstimateSheet, name)) == value)
    return list(session.scalars(query.order_by(col(EstimateSheet.draw_id), col(EstimateSheet.item))))


def attributes_of(session: Session, plan: str, draw_id: str, *, internal: bool = False) -> list[str]:
    """By which attributes there are sheets of a draw."""
    query = select(col(EstimateSheet.by)).where(
        col(EstimateSheet.plan) == plan, col(EstimateSheet.draw_id) == draw_id, col(EstimateSheet.item) == ""
    )
    if not internal:
        query = query.where(col(EstimateSheet.internal).is_(False))
    return sorted(session.scalars(query))
