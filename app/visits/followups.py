"""Visits that follow from others: the re-check of failed points, and the backup that steps in for a target.

Both are proposals until a person other than the proposer approves them, with a day and a crew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from app.errors import Refused, refuse
from app.rounds.replacements import replace_target
from app.rounds.tables import Round
from app.visits import codes, publishing, repository, states
from app.visits.checklist import merged, shared_questions
from app.visits.desk import Actor, key_of, log_visit
from app.visits.opening import new_nonce
from app.visits.steps import OFFICERS, Here, require, take
from app.visits.tables import Visit, VisitCheck
from scheduler.seed import RoundKeys


@dataclass(frozen=True, slots=True)
class Party:
    """What a department checks at a proposed visit."""

    department: str
    items: tuple[str, ...]
    draws: tuple[str, ...]
    directed: bool


def after_review(at: Here, visit: Visit, check: VisitCheck, actor: Actor) -> Visit | None:
    """Propose the re-check that a reviewed order to correct asks for; close those that this re-check was about."""
    _clear_rectified(at, visit, check)
    row = repository.rectification(at.session, check.key)
    if row is None or row.recheck is not None:
        return None
    points = [question for question in visit.checklist if question["code"] in row.points]
    party = Party(check.department, tuple(check.items), tuple(check.draws), check.directed)
    made = _propose(at, visit, "recheck", _of(visit), [party], _only(points, check.department), actor)
    row.recheck = made.key
    at.session.add(row)
    return made


def _clear_rectified(at: Here, visit: Visit, check: VisitCheck) -> None:
    if visit.kind != "recheck" or check.result != codes.NO_PROBLEM:
        return
    for row in repository.rectified_by(at.session, visit.key):
        row.cleared_on = check.completed_on
        at.session.add(row)
        at.session.flush()
        origin = repository.check(at.session, row.check_key)
        if origin.state == states.DISCLOSED:
            publishing.write_line(at, repository.visit(at.session, origin.visit), origin)


def _only(points: Sequence[Mapping[str, Any]], department: str) -> list[dict[str, Any]]:
    return [{**point, "departments": [department]} for point in points]


def replace(
    at: Here,
    keys: RoundKeys,
    visit: Visit,
    checks: Sequence[VisitCheck],
    reason: str,
    evidence: str,
    actor: Actor,
) -> list[Visit]:
    """Replace a visit's target in every draw that chose it by the next backups; gives the visits proposed for them.

    Raises Refused `replacement.*`: the reasons are a closed list, and the evidence is one of the visit's files.
    """
    if evidence not in {row.sha256 for row in repository.evidence(at.session, visit.key)}:
        raise _no_evidence(visit)
    round_ = at.session.get_one(Round, visit.round_id)
    parties: dict[str, list[Party]] = {}
    for check in checks:
        require("replace", check, Actor(actor.code, actor.role))
        for draw in check.draws:
            event = replace_target(at.session, round_, keys, draw, visit.target_id, reason, evidence, at.now)
            if event.backup is not None:
                party = Party(check.department, tuple(check.items), (draw,), check.directed)
                parties.setdefault(event.backup, []).append(party)
        check.result = next((c.code for c in codes.RESULTS.values() if c.replaced_as == reason), None)
        take(at, "replace", check, actor)
    made = [_for_backup(at, visit, target, found, actor) for target, found in sorted(parties.items())]
    log_visit(at.desk, at.session, "replaced", visit, actor, at.now, f"{reason} {evidence}")
    return made


@dataclass(frozen=True, slots=True)
class _Whom:
    target_id: str
    name: str
    code: str
    district: str
    address: str


def _of(visit: Visit) -> _Whom:
    return _Whom(visit.target_id, visit.name, visit.code, visit.district, visit.address)


def _for_backup(at: Here, visit: Visit, target_id: str, parties: list[Party], actor: Actor) -> Visit:
    target = repository.target(at.session, target_id)
    whom = _Whom(target_id, target.name, target.code or target_id, target.district, target.address)
    wanted = {party.department: party.items for party in parties}
    catalogue = repository.items(at.session, {item for items in wanted.values() for item in items})
    questions = merged(wanted, catalogue, shared_questions())
    listed = [question.to_json() for question in questions]
    return _propose(at, visit, "replacement", whom, parties, listed, actor)


def _propose(
    at: Here,
    origin: Visit,
    kind: str,
    whom: _Whom,
    parties: Sequence[Party],
    checklist: list[dict[str, Any]],
    actor: Actor,
) -> Visit:
    mark = f"{kind}:{origin.planned_id}:{parties[0].department}:{whom.target_id}"
    visit = Visit(
        key=key_of(at.desk.vault, origin.round_id, mark), round_id=origin.round_id, planned_id=mark, kind=kind,
        origin=origin.key, target_id=whom.target_id, name=whom.name, code=whom.code, district=whom.district,
        address=whom.address, nonce=new_nonce(), checklist=checklist, proposed_by=actor.code, demo=origin.demo,
        created_at=at.now,
    )  # fmt: skip
    at.session.add(visit)
    at.session.flush()
    for party in _joined(parties):
        at.session.add(
            VisitCheck(
                key=key_of(at.desk.vault, origin.round_id, mark, party.department), visit=visit.key,
                department=party.department, items=list(party.items), draws=list(party.draws),
                directed=party.directed, seats=[], crew=[], present=[], points=[], state=states.PROPOSED,
            )
        )  # fmt: skip
    at.session.flush()
    log_visit(at.desk, at.session, "proposed", visit, actor, at.now, kind)
    return visit


def _joined(parties: Sequence[Party]) -> list[Party]:
    """One party per department, however many of its draws chose the target."""
    found: dict[str, Party] = {}
    for party in parties:
        known = found.get(party.department)
        draws = (*(known.draws if known else ()), *party.draws)
        found[party.department] = Party(party.department, party.items, draws, party.directed)
    return list(found.values())


def approve(
    at: Here,
    visit: Visit,
    checks: Sequence[VisitCheck],
    day: date | None,
    crews: Mapping[str, Sequence[str]],
    actor: Actor,
) -> None:
    """Approve a proposed visit with its day and crews; without a day it rides along with the target's next visit.

    Raises Refused `visit.day`, `visit.crew`, Conflict `visit.four_eyes` for the proposer.
    """
    states.require_other_person("approve", actor.persons, (visit.proposed_by,), visit.key)
    beside = repository.next_visit(at.session, visit.target_id, at.today) if day is None else None
    chosen = day or (beside.day if beside else None)
    if chosen is None or chosen < at.today or not at.calendar.is_workday(chosen, provisional=True):
        raise _bad_day(visit, chosen)
    for check in checks:
        require("approve", check, Actor(actor.code, actor.role))
        check.crew = _crew(at, check, crews.get(check.department, ()))
        take(at, "approve", check, actor)
    visit.day, visit.start = chosen, beside.start if beside else visit.start
    visit.approved_by, visit.nonce = actor.code, new_nonce()
    at.session.add(visit)
    log_visit(at.desk, at.session, "approval", visit, actor, at.now, f"{chosen} {visit.nonce}")


def _crew(at: Here, check: VisitCheck, named: Sequence[str]) -> list[str]:
    crew = list(dict.fromkeys(named))
    known = repository.officers(at.session, crew)
    own = [code for code in crew if code in known and known[code].department == check.department]
    if len(own) < OFFICERS or len(own) != len(crew):
        raise refuse(
            "visit.crew",
            f"{check.department} 须指派至少 {OFFICERS} 名本部门执法人员，现为 {len(own)} 名。",
            f"{check.department} needs at least {OFFICERS} inspectors of its own; {len(own)} are named.",
            "请填写本部门人员编号。",
            "Name inspectors of that department by code.",
            department=check.department,
        )
    return crew


def _bad_day(visit: Visit, day: date | None) -> Refused:
    return refuse(
        "visit.day",
        f"检查日期 {day or '未填'} 不可用：须为今日或以后的工作日；该对象近期也没有可搭乘的检查。",
        f"The day {day or '(none)'} won't do: it has to be a working day from today on; nor is there a visit of this "
        "target to ride along with.",
        "请填写一个工作日。",
        "Give a working day.",
        visit=visit.key,
    )


def _no_evidence(visit: Visit) -> Refused:
    return refuse(
        "replacement.evidence",
        f"替换检查 {visit.key} 的对象须以已上传的证据为依据。",
        f"Replacing the target of visit {visit.key} rests on evidence that was uploaded for it.",
        "请先上传证据，再填写其哈希。",
        "Upload the evidence first, then give its hash.",
        visit=visit.key,
    )
