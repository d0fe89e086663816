"""Use cases of the visits: each is one transaction that changes rows, logs the step, and so feeds the outbox."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime

from app.errors import Refused, refuse
from app.ledger import repository as ledger
from app.rounds.seats import keys_before_reveal
from app.rounds.tables import Round
from app.visits import evidence as files
from app.visits import followups, publishing, repository, states, steps
from app.visits.desk import Actor, Desk, log_visit
from app.visits.records import Record
from app.visits.steps import Here, here
from app.visits.tables import ANSWERS, EVIDENCE_KINDS, Visit, VisitAnswer, VisitCheck, VisitEvidence


@dataclass(frozen=True, slots=True)
class Upload:
    """A photo or file to add; `taken_at`: when it was made, as its maker says."""

    data: bytes
    department: str
    kind: str
    taken_at: datetime
    question: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """A correction or withdrawal: what, why (a code), and the second person."""

    reason: str
    confirmed_by: str
    result: str = ""
    disposition: str = ""
    revoked_on: date | None = None


@contextmanager
def _visit(desk: Desk, key: str, now: datetime) -> Iterator[tuple[Here, Visit, list[VisitCheck]]]:
    """One transaction on a visit and its checks, all locked."""
    with desk.db.write() as session:
        at = here(desk, session, now)
        yield at, repository.visit(session, key, lock=True), repository.checks_of(session, key, lock=True)


@contextmanager
def _check(desk: Desk, key: str, now: datetime) -> Iterator[tuple[Here, Visit, VisitCheck]]:
    """One transaction on a check, its visit locked first, as everywhere."""
    with desk.db.write() as session:
        at = here(desk, session, now)
        visit = repository.visit(session, repository.check(session, key).visit, lock=True)
        yield at, visit, repository.check(session, key, lock=True)


def approve(
    desk: Desk, key: str, day: date | None, crews: Mapping[str, Sequence[str]], actor: Actor, now: datetime
) -> None:
    """Approve a proposed visit; see `followups.approve`."""
    with _visit(desk, key, now) as (at, visit, checks):
        followups.approve(at, visit, checks, day, crews, actor)


def notify(desk: Desk, key: str, actor: Actor, now: datetime) -> None:
    """Serve the notice of a visit."""
    with _visit(desk, key, now) as (at, visit, checks):
        steps.notify(at, visit, checks, actor)


def arrive(desk: Desk, key: str, present: Mapping[str, Sequence[str]], actor: Actor, now: datetime) -> None:
    """The crews are at the door; `present`: inspectors' codes by department."""
    with _visit(desk, key, now) as (at, visit, checks):
        steps.arrive(at, visit, checks, present, actor)


def answer(desk: Desk, key: str, given: Mapping[str, tuple[str, str]], actor: Actor, now: datetime) -> int:
    """Keep answers (`{question: (answer, note)}`) of a visit under way; how many. The last word on each counts.

    Raises Conflict `visit.step` unless a check of the visit is at `arrived`; Refused `answer.*`.
    """
    with _visit(desk, key, now) as (at, visit, checks):
        own = [check for check in checks if not actor.department or check.department == actor.department]
        for check in own[:1] if all(check.state != states.ARRIVED for check in own) else ():
            states.require("record", check.state, check.legal_review, check.key)
        steps.require_seated(at.session, visit, own, actor)
        open_ = {check.department for check in own if check.state == states.ARRIVED}
        known = {row["code"]: row for row in visit.checklist}
        for code, (word, _) in given.items():
            _require_answer(code, word, known.get(code), open_)
        put_answers(at, visit, given, actor)
        return len(given)


def put_answers(at: Here, visit: Visit, given: Mapping[str, tuple[str, str]], actor: Actor) -> None:
    """Keep answers (word, note) by question in the caller's transaction; the last word counts."""
    known = repository.answers(at.session, visit.key)
    for question, (word, note) in given.items():
        row = known.get(question)
        if row is None:
            row = VisitAnswer(
                visit=visit.key, question=question, answer=word, note=note, answered_by=actor.code, at=at.now
            )
        row.answer, row.note, row.answered_by, row.at = word, note, actor.code, at.now
        at.session.add(row)


def _require_answer(
    code: str, word: str, question: Mapping[str, Sequence[str]] | None, open_: set[str]
) -> None:
    if question is None or word not in ANSWERS:
        raise refuse(
            "answer.unknown",
            f"问题 {code} 不在本次检查表中，或答案“{word}”不是 {'、'.join(ANSWERS)} 之一。",
            f"There is no question {code} in this checklist, or {word!r} is none of {', '.join(ANSWERS)}.",
            "请按检查表作答。",
            "Answer what the checklist asks.",
            question=code,
        )
    if not open_.intersection(question["departments"]):
        raise refuse(
            "answer.closed",
            f"问题 {code} 所属部门已登记结果，或不是您的部门。",
            f"The departments that question {code} concerns have recorded their result, or are not yours.",
            "已登记的须退回后才能修改。",
            "What is recorded has to be returned before it can be changed.",
            question=code,
        )


def add_evidence(desk: Desk, key: str, given: Upload, actor: Actor, now: datetime) -> VisitEvidence:
    """Keep a photo or file with its hash; the same bytes again are welcome. Raises Refused `evidence.*`."""
    with _visit(desk, key, now) as (at, visit, checks):
        steps.require_seated(at.session, visit, checks, actor)
        _require_place(given, visit, [check.department for check in checks])
        return put_evidence(at, visit, given, actor)


def put_evidence(at: Here, visit: Visit, given: Upload, actor: Actor) -> VisitEvidence:
    """Keep a photo or file in the caller's transaction."""
    sniffed = files.sniff(given.data, at.desk.evidence_bytes)
    digest = hashlib.sha256(given.data).hexdigest()
    known = at.session.get(VisitEvidence, (visit.key, digest))
    if known is not None:
        return known
    ledger.keep(at.session, f"visit:{visit.key}", f"evidence/{digest}", given.data, at.now)
    row = VisitEvidence(
        visit=visit.key, sha256=digest, department=given.department, kind=given.kind,
        question=given.question, media_type=sniffed.media_type, size=len(given.data), width=sniffed.width,
        height=sniffed.height, note=given.note, taken_at=given.taken_at, added_by=actor.code, at=at.now,
    )  # fmt: skip
    at.session.add(row)
    log_visit(at.desk, at.session, "evidence", visit, actor, at.now, digest)
    return row


def _require_place(given: Upload, visit: Visit, departments: Sequence[str]) -> None:
    questions = {row["code"] for row in visit.checklist}
    wrong = (
        given.kind not in EVIDENCE_KINDS
        or given.department not in departments
        or (given.question and given.question not in questions)
    )
    if wrong:
        raise refuse(
            "evidence.place",
            f"证据的种类、部门或问题不属于检查 {visit.key}。",
            f"The evidence's kind, department or question does not belong to visit {visit.key}.",
            f"种类为 {'、'.join(EVIDENCE_KINDS)}；部门为 {'、'.join(departments)}。",
            f"Kinds: {', '.join(EVIDENCE_KINDS)}; departments: {', '.join(departments)}.",
            visit=visit.key,
        )


def record(desk: Desk, key: str, given: Record, actor: Actor, now: datetime) -> VisitCheck:
    """Submit a department's record."""
    with _check(desk, key, now) as (at, visit, check):
        steps.record(at, visit, check, given, actor)
        return check


def review(desk: Desk, key: str, actor: Actor, now: datetime) -> VisitCheck:
    """Review a record; proposes the re-check that an order to correct asks for."""
    with _check(desk, key, now) as (at, visit, check):
        steps.review(at, check, actor)
        followups.after_review(at, visit, check, actor)
        return check


def send_back(desk: Desk, key: str, reason: str, actor: Actor, now: datetime) -> VisitCheck:
    """Return a record with the reason."""
    return _simple(desk, key, now, lambda at, _visit, check: steps.send_back(at, check, reason, actor))


def legal_review(desk: Desk, key: str, actor: Actor, now: datetime) -> VisitCheck:
    """Legal review of a major decision."""
    return _simple(desk, key, now, lambda at, _visit, check: steps.legal_review(at, check, actor))


def disclose(desk: Desk, key: str, actor: Actor, now: datetime) -> VisitCheck:
    """Publish a result."""
    return _simple(desk, key, now, lambda at, visit, check: publishing.disclose(at, visit, check, actor))


def correct(desk: Desk, key: str, change: Change, actor: Actor, now: datetime) -> VisitCheck:
    """Correct a disclosed result; before and after stay to be seen."""
    return _simple(
        desk,
        key,
        now,
        lambda at, visit, check: publishing.correct(
            at, visit, check, change.result, change.disposition, change.reason, actor, change.confirmed_by
        ),
    )


def withdraw(desk: Desk, key: str, change: Change, actor: Actor, now: datetime) -> VisitCheck:
    """Withdraw a disclosed result."""
    revoked_on = change.revoked_on
    if revoked_on is None:
        raise _no_day(key)
    return _simple(
        desk,
        key,
        now,
        lambda at, visit, check: publishing.withdraw(
            at, visit, check, change.reason, revoked_on, actor, change.confirmed_by
        ),
    )


def object_to(desk: Desk, key: str, text: str, actor: Actor, now: datetime) -> VisitCheck:
    """File a firm's objection."""
    return _simple(
        desk, key, now, lambda at, visit, check: publishing.object_to(at, visit, check, text, actor)
    )


def answer_objection(
    desk: Desk, key: str, outcome: str, text: str, actor: Actor, now: datetime
) -> VisitCheck:
    """Answer the open objection."""
    return _simple(
        desk,
        key,
        now,
        lambda at, visit, check: publishing.answer_objection(at, visit, check, outcome, text, actor),
    )


def _simple(
    desk: Desk, key: str, now: datetime, do: Callable[[Here, Visit, VisitCheck], object]
) -> VisitCheck:
    with _check(desk, key, now) as (at, visit, check):
        do(at, visit, check)
        return check


def replace(desk: Desk, key: str, reason: str, evidence: str, actor: Actor, now: datetime) -> list[Visit]:
    """Replace a visit's target by the next backups of its draws; see `followups.replace`."""
    with desk.db.read() as session:
        round_ = session.get_one(Round, repository.visit(session, key).round_id)
    keys = keys_before_reveal(desk.db, desk.vault, round_, now)
    with _visit(desk, key, now) as (at, visit, checks):
        return followups.replace(at, keys, visit, checks, reason, evidence, actor)


def void_round(desk: Desk, round_id: str, actor: Actor, now: datetime) -> int:
    """A voided round visits nobody any more: every check that is not disclosed is void; how many."""
    with desk.db.write() as session:
        at = here(desk, session, now)
        if session.get_one(Round, round_id).status != "void":
            return 0
        left = repository.not_over(session, round_id, states.STEPS["void"].before)
        for check in left:
            steps.void(at, check, actor)
        return len(left)


def void_due(desk: Desk, now: datetime) -> int:
    """Void what is left of rounds that were voided; how many checks."""
    with desk.db.read() as session:
        voided = repository.to_void(session, states.STEPS["void"].before)
    return sum(void_round(desk, round_id, Actor("service", "service"), now) for round_id in voided)


def _no_day(key: str) -> Refused:
    return refuse(
        "result.revoked_on",
        f"撤下检查 {key} 的结果须写明处理决定被撤销的日期。",
        f"Withdrawing the result of check {key} needs the day on which the decision was revoked.",
        "请填写撤销文书的日期。",
        "Give the date of the revocation.",
        check=key,
    )
