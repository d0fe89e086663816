"""Who asks does not approve, who approves does not carry out: freeze, void, exemptions from caps, corrections.

Called in the transaction of the room whose action it is; the same is a constraint of the table. The operator of a
machine without accounts types names in instead (who asks and who confirms), and nothing is kept here.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Final

import sqlalchemy
from sqlmodel import Session, SQLModel, col, select

from app.errors import Conflict, NotFound, Problem
from app.http.access import Actor, forbidden
from app.http.pagination import Paging
from app.people.tables import Sanction

FREEZE, VOID, EXEMPTION, CORRECTION = "round.freeze", "round.void", "cap.exemption", "result.correction"
_SUBJECTS: Final = {
    FREEZE: ("round", "round_id"),
    VOID: ("round", "round_id"),
    EXEMPTION: ("target", "target_id"),
    CORRECTION: ("visit_check", "key"),
}
"""Table and column of what an action is about, by name: those rooms stand above this one."""


def standing(session: Session, action: str, subject: str, *, lock: bool = False) -> Sanction | None:
    """The one that is open."""
    query = select(Sanction).where(
        Sanction.action == action,
        Sanction.subject == subject,
        col(Sanction.executed_at).is_(None),
        col(Sanction.withdrawn_at).is_(None),
    )
    return session.exec(query.with_for_update() if lock else query).one_or_none()


def require_subject(session: Session, action: str, subject: str) -> None:
    """Raise NotFound `sanction.subject` unless whoever asks sees what the action is about."""
    name, key = _SUBJECTS[action]
    column = SQLModel.metadata.tables[name].c[key]
    if session.execute(sqlalchemy.select(column).where(column == subject)).first() is None:
        raise NotFound(
            Problem(
                "sanction.subject",
                f"没有 {subject}，或不属于您的部门。",
                f"There is no {subject}, or it is not your department's.",
                "请核对批次编号、结果编号或对象编号。",
                "Check the id of the round, the result or the target.",
                {"subject": subject},
            )
        )


def ask(
    session: Session, action: str, subject: str, reason: str, actor: Actor | None, now: datetime
) -> Sanction:
    """Ask; `actor` None is the service itself. Raises Conflict `sanction.open` where somebody has asked already."""
    known = standing(session, action, subject, lock=True)
    if known is not None:
        raise Conflict(
            Problem(
                "sanction.open",
                f"{subject} 的同一事项已在办理（{known.id} 号）。",
                f"The same is being decided for {subject} already (number {known.id}).",
                "请审批、执行或撤回该申请。",
                "Approve it, carry it out or withdraw it.",
                {"sanction": known.id or 0},
            )
        )
    made = Sanction(
        action=action,
        subject=subject,
        reason=reason,
        requested_by=actor.account if actor else None,
        requested_at=now,
    )
    session.add(made)
    session.flush()
    return made


def approve(session: Session, made: Sanction, actor: Actor, now: datetime) -> Sanction:
    """Approve what another person asked for. Raises Forbidden `sanction.same_person`, Conflict `sanction.closed`."""
    if made.approved_at is not None or made.executed_at is not None or made.withdrawn_at is not None:
        raise _closed(made)
    another(actor, made.requested_by)
    made.approved_by, made.approved_at = actor.account, now
    session.add(made)
    session.flush()
    return made


def execute(
    session: Session, action: str, subject: str, actor: Actor, now: datetime, reason: str | None = None
) -> Sanction | None:
    """Carry out what was approved; None for the operator. `reason`: as it was approved, where it matters.

    Raises Forbidden `sanction.needed` without an approval for this very reason, `sanction.same_person`.
    """
    if actor.is_operator:
        return None
    made = standing(session, action, subject, lock=True)
    if made is None or made.approved_at is None or (reason is not None and made.reason != reason):
        raise forbidden(
            "sanction.needed",
            "此操作须先由一人申请、另一人审批，再由第三人执行。",
            "One person has to ask for this and another to approve it before a third one carries it out.",
        )
    another(actor, made.requested_by, made.approved_by)
    made.executed_by, made.executed_at = actor.account, now
    session.add(made)
    session.flush()
    return made


def carry_on(session: Session, action: str, subject: str, actor: Actor, now: datetime) -> None:
    """A step of carrying out what may take several: by none who asked or approved; the first one is kept."""
    query = select(Sanction).where(Sanction.action == action, Sanction.subject == subject)
    made = session.exec(query.order_by(col(Sanction.id).desc()).limit(1)).one_or_none()
    if actor.is_operator or made is None:
        return
    another(actor, made.requested_by, made.approved_by)
    if made.executed_at is None and made.approved_at is not None:
        made.executed_by, made.executed_at = actor.account, now
        session.add(made)
        session.flush()


def approved(session: Session, action: str) -> dict[str, str]:
    """What is approved and not carried out yet: subject to reason."""
    query = select(Sanction).where(
        Sanction.action == action,
        col(Sanction.approved_at).is_not(None),
        col(Sanction.executed_at).is_(None),
        col(Sanction.withdrawn_at).is_(None),
    )
    return {row.subject: row.reason for row in session.exec(query)}


def consume(session: Session, action: str, subjects: Collection[str], now: datetime) -> None:
    """The service itself carries out what was approved for these subjects, once."""
    for subject in sorted(subjects):
        made = standing(session, action, subject, lock=True)
        if made is not None and made.approved_at is not None:
            made.executed_at = now
            session.add(made)
    session.flush()


def withdraw(session: Session, made: Sanction, actor: Actor, now: datetime) -> Sanction:
    """Take back what one asked for oneself."""
    if made.executed_at is not None or made.withdrawn_at is not None:
        raise _closed(made)
    if made.requested_by != actor.account:
        raise forbidden("sanction.not_yours", "只能撤回本人的申请。", "Only who asked can take it back.")
    made.withdrawn_at = now
    session.add(made)
    return made


def another(actor: Actor, *before: int | None) -> None:
    """Refuse somebody who stands for an earlier step."""
    if actor.account is not None and actor.account in before:
        raise forbidden(
            "sanction.same_person",
            "申请、审批、执行须由不同的人办理。",
            "Who asks, who approves and who carries out have to be different persons.",
        )


def found(session: Session, number: int, *, lock: bool = False) -> Sanction:
    """A request by its number. Raises NotFound `sanction.absent`."""
    made = session.get(Sanction, number, with_for_update=lock or None)
    if made is None:
        raise NotFound(
            Problem(
                "sanction.absent", f"没有申请 {number}。", f"There is no request {number}.",
                "请查看申请列表。", "See the list of requests.", {"sanction": number},
            )
        )  # fmt: skip
    return made


def page_of(session: Session, paging: Paging, action: str, subject: str) -> list[Sanction]:
    """Requests, the newest first, and one more."""
    query = select(Sanction)
    if action:
        query = query.where(Sanction.action == action)
    if subject:
        query = query.where(Sanction.subject == subject)
    return [row[0] for row in paging.rows(session, query, [col(Sanction.id)], newest=True)]


def _closed(made: Sanction) -> Conflict:
    return Conflict(
        Problem(
            "sanction.closed",
            f"{made.id} 号申请已办理。",
            f"Request {made.id} has been decided.",
            "请查看该申请。",
            "See that request.",
            {"sanction": made.id or 0},
        )
    )
