"""Anomalies of rounds and of approvals: voids, public values near their deadline, hasty or one-sided approval."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime

from sqlmodel import Session, col, select

from app.audit.look import Look
from app.audit.schemas import Row
from app.audit.steps import check_steps
from app.ledger import repository as ledger
from app.people.sanctions import FREEZE
from app.people.tables import Sanction
from app.rounds.tables import EntropyUse, Round, RoundTime
from app.visits.tables import VisitCheck


def _voided(session: Session) -> list[Round]:
    query = select(Round).where(Round.status == "void").order_by(col(Round.created_at), col(Round.round_id))
    return list(session.exec(query))


def voids(look: Look) -> Iterator[Row]:
    """Who asked for or confirmed several voids, and plans with several; the clock's own name nobody."""
    plans, people = Counter[str](), Counter[str]()
    for row in _voided(look.session):
        plans[row.plan] += 1
        signed = {(row.problem or {}).get(name) for name in ("by", "confirmed_by")}
        people.update(look.coded(person) for person in signed if person)
    for plan, times in plans.items():
        if times >= look.limits.voids:
            yield Row(where=f"plan:{plan}", figure=str(times))
    for person, times in people.items():
        if times >= look.limits.voids:
            yield Row(where="", who=person, figure=str(times))


def entropy_late(look: Look) -> Iterator[Row]:
    """Minutes between a value and its deadline, below 0 after it; a missed deadline has no figure."""
    for row in _voided(look.session):
        if (row.problem or {}).get("code") == "void.deadline_missed":
            yield Row(where=f"round:{row.round_id}")
    uses = select(EntropyUse.round_id, EntropyUse.name, EntropyUse.at).where(EntropyUse.part == "entropy")
    for round_id, name, at in look.session.exec(uses.order_by(col(EntropyUse.at), col(EntropyUse.name))):
        manifest = ledger.find(look.session, round_id, "manifest.json")
        if manifest is None:
            continue
        deadline = datetime.fromisoformat(json.loads(manifest)["deadlines"]["entropy"])
        minutes = (deadline - at).total_seconds() / 60
        if minutes < look.limits.near_minutes:
            yield Row(where=f"round:{round_id}", who=name, figure=f"{minutes:.1f} min")


def approval_fast(look: Look) -> Iterator[Row]:
    """Seconds between what could be looked at and its approval: requests of accounts, and reviews of results."""
    frozen = dict(
        look.session.exec(select(RoundTime.round_id, RoundTime.at).where(RoundTime.stage == "frozen")).all()
    )
    for row in _approved(look.session):
        assert row.approved_at is not None
        began = row.requested_at
        if row.action == FREEZE:
            began = max(began, frozen.get(row.subject, began))
        seconds = (row.approved_at - began).total_seconds()
        if seconds < look.limits.approval_seconds:
            kind = "round" if row.action.startswith("round.") else "subject"
            yield Row(
                where=f"{kind}:{row.subject}", who=f"account:{row.approved_by}", figure=f"{seconds:.0f} s"
            )
    reviewers = dict(look.session.exec(select(VisitCheck.key, VisitCheck.reviewed_by)).all())
    for step in check_steps(look.session):
        if step.name == "review" and step.since("record") < look.limits.approval_seconds:
            who = look.coded(reviewers.get(step.key))
            yield Row(where=f"check:{step.key}", who=who, figure=f"{step.since('record'):.0f} s")


def _approved(session: Session) -> list[Sanction]:
    """Requests of persons that another one approved."""
    query = select(Sanction).where(
        col(Sanction.approved_at).is_not(None), col(Sanction.requested_by).is_not(None)
    )
    return list(session.exec(query.order_by(col(Sanction.id))))


def same_pair(look: Look) -> Iterator[Row]:
    """Who approves nearly nobody but one, of requests and of results apart, where others ask too."""
    requests = [
        (f"account:{row.requested_by}", f"account:{row.approved_by}") for row in _approved(look.session)
    ]
    signed = select(VisitCheck.recorded_by, VisitCheck.reviewed_by).where(
        col(VisitCheck.recorded_by).is_not(None), col(VisitCheck.reviewed_by).is_not(None)
    )
    reviews = [(look.coded(one), look.coded(other)) for one, other in look.session.exec(signed)]
    for pairs in (requests, reviews):
        asked: dict[str, Counter[str]] = defaultdict(Counter)
        for requester, approver in pairs:
            asked[approver][requester] += 1
        if len({requester for requester, _ in pairs}) < 3:
            continue
        for approver, counted in sorted(asked.items()):
            (requester, times), total = counted.most_common(1)[0], counted.total()
            if total >= look.limits.pair_least and 100 * times >= look.limits.pair_percent * total:
                yield Row(where="", who=f"{approver} ← {requester}", figure=f"{times}/{total}")
