"""Disclosure, correction, withdrawal, objections: each writes the line that the public reads, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from app.errors import Conflict, Problem, Refused, refuse
from app.people import sanctions
from app.rounds.tables import Round
from app.visits import codes, deadlines, repository, search, states
from app.visits.desk import Actor, log_check, official_day
from app.visits.steps import Here, inspected_by, require, take
from app.visits.tables import PublishedResult, Visit, VisitCheck, VisitObjection, VisitVersion


def disclose(at: Here, visit: Visit, check: VisitCheck, actor: Actor) -> None:
    """Publish a reviewed result.

    Raises Conflict `visit.embargo` while other visits of the round are still to come at this target and the round
    is not revealed: the line would tell them.
    """
    require("disclose", check, actor)
    states.require_other_person("disclose", actor.persons, inspected_by(check), check.key)
    _require_no_embargo(at, visit)
    check.disclosed_by, check.disclosed_on = actor.code, at.today
    check.expires_on = deadlines.expiry(at.today, at.desk.terms)
    _version(at, check, "original", actor.code, check.reviewed_by or "")
    take(at, "disclose", check, actor)
    write_line(at, visit, check)


def correct(
    at: Here,
    visit: Visit,
    check: VisitCheck,
    result: str,
    disposition: str,
    reason: str,
    actor: Actor,
    confirmed_by: str,
) -> None:
    """Replace a disclosed result by another; both stay to be seen, with the reason's code. Two persons."""
    require("correct", check, actor)
    codes.result(result), codes.disposition(disposition), codes.change(reason)
    confirmed_by = _second(at, check, actor, reason, confirmed_by)
    if (result, disposition) == (check.result, check.disposition):
        raise _same(check)
    check.result, check.disposition = result, disposition
    _version(at, check, "correction", actor.code, confirmed_by, reason)
    take(at, "correct", check, actor)
    write_line(at, visit, check)


def withdraw(
    at: Here,
    visit: Visit,
    check: VisitCheck,
    reason: str,
    revoked_on: date,
    actor: Actor,
    confirmed_by: str,
) -> None:
    """Take a result back; its clock runs from the day on which the decision was revoked. Two persons."""
    require("withdraw", check, actor)
    codes.change(reason)
    confirmed_by = _second(at, check, actor, reason, confirmed_by)
    if revoked_on > at.today:
        raise refuse(
            "result.revoked_on",
            f"撤销日期 {revoked_on} 晚于今日 {at.today}。",
            f"The day of the revocation, {revoked_on}, lies after today, {at.today}.",
            "请核对撤销文书的日期。",
            "Check the date of the revocation.",
            revoked_on=revoked_on.isoformat(),
        )
    ends = deadlines.due(at.calendar, revoked_on, at.desk.terms.withdrawal)
    _version(
        at, check, "withdrawal", actor.code, confirmed_by, reason, revoked_on, ends.date, ends.provisional
    )
    take(at, "withdraw", check, actor)
    write_line(at, visit, check)


def object_to(at: Here, visit: Visit, check: VisitCheck, text: str, actor: Actor) -> VisitObjection:
    """A firm's objection to what was disclosed about it."""
    if check.state != states.DISCLOSED:
        raise _nothing_to_object(check)
    earlier = repository.objections(at.session, check.key)
    if any(row.outcome is None for row in earlier):
        raise _open_objection(check)
    ends = deadlines.due(at.calendar, at.today, at.desk.terms.objection)
    row = VisitObjection(
        check_key=check.key, number=len(earlier) + 1, text=text, filed_by=actor.code, filed_at=at.now,
        due_on=ends.date, provisional=ends.provisional,
    )  # fmt: skip
    at.session.add(row)
    at.session.flush()
    log_check(at.desk, at.session, "objection", check, actor, at.now)
    write_line(at, visit, check)
    return row


def answer_objection(
    at: Here, visit: Visit, check: VisitCheck, outcome: str, text: str, actor: Actor
) -> VisitObjection:
    """Answer the open objection; not by who recorded the result. An upheld one is followed by a correction."""
    open_ = [row for row in repository.objections(at.session, check.key) if row.outcome is None]
    if not open_:
        raise _nothing_to_object(check)
    states.require_other_person("review", actor.persons, inspected_by(check), check.key)
    row = open_[0]
    row.outcome, row.answer, row.answered_by, row.answered_at = outcome, text, actor.code, at.now
    at.session.add(row)
    at.session.flush()
    log_check(at.desk, at.session, "objection_answered", check, actor, at.now)
    write_line(at, visit, check)
    return row


def write_line(at: Here, visit: Visit, check: VisitCheck) -> None:
    """The public line as it follows from the rows: nothing but the allow-listed fields of `PublishedResult`."""
    versions = repository.versions(at.session, check.key)
    round_ = at.session.get_one(Round, visit.round_id)
    gone = versions[-1].kind == "withdrawal"
    rectification = repository.rectification(at.session, check.key)
    assert check.disclosed_on is not None
    assert check.completed_on is not None
    assert check.due_on is not None
    assert check.expires_on is not None
    line = PublishedResult(
        result_id=check.key,
        round_id=visit.round_id,
        plan=round_.plan,
        period=round_.period,
        draws=check.draws,
        directed=check.directed,
        kind=visit.kind,
        name=visit.name,
        code=visit.code,
        district=visit.district,
        department=check.department,
        items=check.items,
        item_codes=f" {' '.join(item.partition('@')[0] for item in check.items)} ",
        checked_on=check.completed_on,
        result=None if gone else check.result,
        disposition=None if gone else check.disposition,
        rectify_by=rectification.due_on if rectification and not gone else None,
        rectified_on=rectification.cleared_on if rectification and not gone else None,
        disclosed_on=check.disclosed_on,
        due_on=check.due_on,
        provisional=check.provisional,
        on_time=check.disclosed_on <= check.due_on,
        expires_on=check.expires_on,
        history=[_told(version, gone) for version in versions],
        objection=_objection(repository.objections(at.session, check.key)),
        changed_on=at.today,
        demo=visit.demo,
    )
    at.session.merge(line)
    at.session.flush()
    search.index(at.session, [(line.result_id, line.name)])


def _told(version: VisitVersion, gone: bool) -> dict[str, Any]:
    """A version as the public sees it; of a withdrawn result only that it was, why, and whether in time."""
    on = official_day(version.at)
    return {
        "number": version.number,
        "kind": version.kind,
        "result": None if gone else version.result,
        "disposition": None if gone else version.disposition,
        "reason": version.reason,
        "on": on.isoformat(),
        "due_on": version.due_on and version.due_on.isoformat(),
        "on_time": None if version.due_on is None else on <= version.due_on,
    }


def _objection(rows: Sequence[VisitObjection]) -> str | None:
    return (rows[-1].outcome or "open") if rows else None


def _version(
    at: Here,
    check: VisitCheck,
    kind: str,
    made_by: str,
    confirmed_by: str,
    reason: str | None = None,
    revoked_on: date | None = None,
    due_on: date | None = None,
    provisional: bool = False,
) -> None:
    check.number += 1
    at.session.add(
        VisitVersion(
            check_key=check.key, number=check.number, kind=kind, result=check.result,
            disposition=check.disposition, reason=reason, made_by=made_by, confirmed_by=confirmed_by,
            revoked_on=revoked_on, due_on=due_on, provisional=provisional, at=at.now,
        )
    )  # fmt: skip


def embargoed(at: Here, visit: Visit) -> int:
    """How many checks are still to come at the target of a visit while its round is not revealed."""
    if at.session.get_one(Round, visit.round_id).stage == "revealed":
        return 0
    return repository.open_visits_of(at.session, visit.round_id, visit.target_id, states.OVER)


def _require_no_embargo(at: Here, visit: Visit) -> None:
    left = embargoed(at, visit)
    if left:
        raise Conflict(
            Problem(
                "visit.embargo",
                f"批次 {visit.round_id} 尚未公开，该对象还有 {left} 项检查没有完成，现在公示会泄露。",
                f"Round {visit.round_id} is not revealed and {left} checks of this target are still to come; "
                "disclosing now would tell them.",
                "请在这些检查完成之后公示。",
                "Disclose once those checks are done.",
                {"round_id": visit.round_id, "left": left},
            )
        )


def _second(at: Here, check: VisitCheck, actor: Actor, reason: str, confirmed_by: str) -> str:
    """Who confirms it: named by the operator; with accounts who approved it, after a third person asked for it."""
    agreed = sanctions.execute(at.session, sanctions.CORRECTION, check.key, at.desk.who, at.now, reason)
    if agreed is not None:
        return f"account:{agreed.approved_by}"
    if not confirmed_by or actor.code == confirmed_by:
        raise refuse(
            "result.two_persons",
            f"更正或撤下检查 {check.key} 的结果须由两人分别提出和确认。",
            f"Correcting or withdrawing the result of check {check.key} takes two different persons.",
            "请由另一人确认。",
            "Have another person confirm it.",
            check=check.key,
        )
    return confirmed_by


def _same(check: VisitCheck) -> Refused:
    return refuse(
        "result.unchanged",
        f"检查 {check.key} 的结果没有变化，无须更正。",
        f"The result of check {check.key} is the same; there is nothing to correct.",
        "请核对更正后的结果。",
        "Check what the result should be.",
        check=check.key,
    )


def _nothing_to_object(check: VisitCheck) -> Conflict:
    return Conflict(
        Problem(
            "objection.none",
            f"检查 {check.key} 没有可提出异议的公示结果，或没有待答复的异议。",
            f"Check {check.key} has no disclosed result to object to, or no objection to answer.",
            "请核对编号。",
            "Check the key.",
            {"check": check.key},
        )
    )


def _open_objection(check: VisitCheck) -> Conflict:
    return Conflict(
        Problem(
            "objection.open",
            f"检查 {check.key} 已有一项异议待答复。",
            f"An objection to check {check.key} is waiting for its answer already.",
            "请等待答复。",
            "Wait for the answer.",
            {"check": check.key},
        )
    )
