"""Results for a demonstration's round: every visit is lived through, from notice to disclosure, on a simulated clock.

Outcomes follow from a seed: 80 % no problem, 6 % ordered to correct, 10 % faults of disclosure, 4 % cannot be
contacted (docs of the field); about one disclosure in thirty is late, one in a hundred is objected to or corrected.
All steps are the ordinary ones, with their rules and log entries; those of one day share a transaction.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import groupby
from typing import Final

from sqlmodel import Session

from app.errors import Conflict, Problem, Refused
from app.ledger import repository as ledger
from app.plans import calendar
from app.rounds.log import OFFICIAL
from app.rounds.service import found
from app.visits import followups, opening, publishing, repository, states, steps
from app.visits.desk import Actor, Desk, official_day
from app.visits.records import Record
from app.visits.service import Upload, put_answer, put_evidence
from app.visits.steps import Here
from app.visits.tables import Visit, VisitCheck
from scheduler.calendar import WorkCalendar

REVIEWER, LEGAL, PUBLISHER = (
    Actor("demo-reviewer", "reviewer"), Actor("demo-legal", "legal"), Actor("demo-publisher", "publisher"),
)  # fmt: skip
SHARES: Final = (("not_contacted", 40), ("ordered_to_correct", 60), ("not_disclosed", 100))
"""Per mille of checks; what is left has no problem."""
LATE, OBJECTED, CORRECTED = 30, 10, 10
"""Per mille of disclosures."""
CORRECT_IN: Final = timedelta(days=15)


@dataclass(frozen=True, slots=True)
class Filled:
    """How many checks came to which result, and when the last step was."""

    counts: dict[str, int]
    last: datetime


@dataclass(frozen=True, slots=True, order=True)
class _Due:
    """A step to take at a moment; `place` keeps equal moments in order."""

    at: datetime
    place: int
    do: Callable[[Here], None] = field(compare=False)


def fill_results(desk: Desk, round_id: str, seed: int, now: datetime) -> Filled:
    """Live through every visit of a demonstration's round from `now` on, each not before its day.

    Raises Conflict `visit.not_a_demo` for a round that is none: results are never made up.
    """
    with desk.db.read() as session:
        if not found(session, round_id).demo:
            raise _not_a_demo(round_id)
    opening.open_visits(desk, round_id, now)
    with desk.db.read() as session:
        now = max(now, ledger.last_time(session) or now)
        due = _Story(session, round_id, seed, now).due()
    counts: Counter[str] = Counter()
    last = now
    for _, batch in groupby(sorted(due), key=lambda item: official_day(item.at)):
        last = _take(desk, list(batch))
    with desk.db.read() as session:
        for _, check in repository.of_round(session, round_id):
            counts[check.result or check.state] += 1
    return Filled(dict(sorted(counts.items())), last)


def _take(desk: Desk, batch: list[_Due]) -> datetime:
    with desk.db.write() as session:
        days = calendar.load(session)
        moment = batch[0].at
        for item in batch:
            moment = max(item.at, ledger.last_time(session) or item.at)
            item.do(Here(desk, session, moment, days))
    return moment


class _Story:
    """What happens at each visit of a round, and when."""

    def __init__(self, session: Session, round_id: str, seed: int, now: datetime) -> None:
        self._seed, self._now = f"{seed}/{round_id}", now
        self._calendar: WorkCalendar = calendar.load(session)
        self._visits: dict[str, tuple[Visit, list[VisitCheck]]] = {}
        self._last_day: dict[str, date] = {}
        for visit, check in repository.of_round(session, round_id):
            if visit.kind == "drawn" and visit.day is not None:
                self._visits.setdefault(visit.key, (visit, []))[1].append(check)
                known = self._last_day.get(visit.target_id, visit.day)
                self._last_day[visit.target_id] = max(known, visit.day)
        self._places = 0
        self._due: list[_Due] = []

    def due(self) -> list[_Due]:
        """Every step of every visit."""
        for visit, checks in self._visits.values():
            self._visit(visit, checks)
        return self._due

    def _add(self, day: date, minute: int, do: Callable[[Here], None]) -> None:
        at = datetime.combine(day, time(minute // 60, minute % 60), OFFICIAL)
        self._places += 1
        self._due.append(_Due(max(at, self._now), self._places, do))

    def _visit(self, visit: Visit, checks: list[VisitCheck]) -> None:
        assert visit.day is not None
        key, day = visit.key, visit.day
        present = {check.department: check.crew for check in checks}
        outcomes = self._outcomes(visit, checks)
        self._add(day, 510, lambda at: steps.notify(at, *_locked(at, key), PUBLISHER))
        self._add(day, visit.start, lambda at: _arrive(at, key, present))
        self._add(day, 1080, lambda at: _record(at, key, outcomes))
        for check in checks:
            self._publication(visit, check)

    def _publication(self, visit: Visit, check: VisitCheck) -> None:
        assert visit.day is not None
        key = check.key
        name = f"{visit.planned_id}/{check.department}"
        done = self._working(max(visit.day, official_day(self._now)), 1)
        self._add(done, 600, lambda at: _review(at, key))
        after = self._working(self._last_day[visit.target_id], 2)
        late = self._draw(name, "is_late") < LATE
        wait = 21 + self._draw(name, "late", 4) if late else 2 + self._draw(name, "wait", 14)
        shown = max(after, self._working(done, wait))
        self._add(shown, 660, lambda at: _disclose(at, key))
        if self._draw(name, "objected") < OBJECTED:
            answered = self._working(shown, 6)
            self._add(self._working(shown, 2), 700, lambda at: _object(at, key))
            self._add(answered, 720, lambda at: _answer(at, key))
            if self._draw(name, "corrected", 2):
                self._add(self._working(answered, 1), 730, lambda at: _correct(at, key))

    def _working(self, day: date, count: int) -> date:
        return self._calendar.add_working_days(day, count, provisional=True).date

    def _outcomes(self, visit: Visit, checks: list[VisitCheck]) -> dict[str, str]:
        """Result by department: who cannot be contacted cannot be by all who came."""
        (absent, share), *others = SHARES
        if self._draw(visit.planned_id, absent) < share:
            return {check.department: absent for check in checks}
        found_: dict[str, str] = {}
        for check in checks:
            place = self._draw(f"{visit.planned_id}/{check.department}", "outcome", 1000 - share)
            found_[check.department] = "no_problem"
            for code, part in others:
                if 0 <= place < part and _own_question(visit, check.department):
                    found_[check.department] = code
                place -= part
        return found_

    def _draw(self, name: str, what: str, among: int = 1000) -> int:
        digest = hashlib.sha256(f"{self._seed}/{name}/{what}".encode()).digest()
        return int.from_bytes(digest[:8], "big") % among


def _own_question(visit: Visit, department: str) -> str | None:
    return next((q["code"] for q in visit.checklist if q["departments"] == [department]), None)


def _locked(at: Here, key: str) -> tuple[Visit, list[VisitCheck]]:
    return repository.visit(at.session, key), repository.checks_of(at.session, key)


def _arrive(at: Here, key: str, present: dict[str, list[str]]) -> None:
    visit, checks = _locked(at, key)
    for check in checks:
        present[check.department] = steps.crew(at.session, visit, check)
    try:
        with at.session.begin_nested():
            steps.arrive(at, visit, checks, present, PUBLISHER)
    except Refused:
        at.session.expire_all()  # a certificate ran out meanwhile: the visit stays notified, and is seen to be late


def _record(at: Here, key: str, outcomes: dict[str, str]) -> None:
    visit, checks = _locked(at, key)
    here_ = [check for check in checks if check.state == states.ARRIVED]
    for check in here_:
        actor, outcome = Actor(check.present[0]), outcomes[check.department]
        _prepare(at, visit, check, outcome, actor)
    for check in here_:
        outcome = outcomes[check.department]
        ordered = outcome == "ordered_to_correct"
        given = Record(
            outcome, _disposition(outcome), "演示 demo", at.today + CORRECT_IN if ordered else None
        )
        steps.record(at, visit, check, given, Actor(check.present[0]))


def _disposition(outcome: str) -> str:
    named = {"ordered_to_correct": "ordered", "not_disclosed": "corrected_on_site"}
    return named.get(outcome, "none")


def _prepare(at: Here, visit: Visit, check: VisitCheck, outcome: str, actor: Actor) -> None:
    bad = (
        _own_question(visit, check.department) if outcome in ("ordered_to_correct", "not_disclosed") else None
    )
    if outcome != "not_contacted":
        for question in visit.checklist:
            if check.department in question["departments"]:
                put_answer(at, visit, question["code"], "no" if question["code"] == bad else "yes", "", actor)
    kinds = {"not_contacted": ("attempt", "attempt"), "no_problem": ()}.get(outcome, ("photo",))
    for number, kind in enumerate(kinds):
        taken = at.now - timedelta(minutes=90 * (len(kinds) - number) - 60)
        picture = demo_picture(f"{visit.key}/{check.department}/{number}")
        put_evidence(at, visit, Upload(picture, check.department, kind, taken, note="演示 demo"), actor)


def _review(at: Here, key: str) -> None:
    check = repository.check(at.session, key)
    if check.state == states.RECORDED:
        steps.review(at, check, REVIEWER)
        followups.after_review(at, repository.visit(at.session, check.visit), check, REVIEWER)
        if check.legal_review:
            steps.legal_review(at, check, LEGAL)


def _disclose(at: Here, key: str) -> None:
    check = repository.check(at.session, key)
    if states.allowed("disclose", check.state, check.legal_review):
        publishing.disclose(at, repository.visit(at.session, check.visit), check, PUBLISHER)


def _object(at: Here, key: str) -> None:
    check = repository.check(at.session, key)
    if check.state == states.DISCLOSED:
        visit = repository.visit(at.session, check.visit)
        publishing.object_to(at, visit, check, "演示异议 demo", Actor("demo-firm", "firm"))


def _answer(at: Here, key: str) -> None:
    check = repository.check(at.session, key)
    if check.state == states.DISCLOSED:
        visit = repository.visit(at.session, check.visit)
        publishing.answer_objection(at, visit, check, "upheld", "演示答复 demo", REVIEWER)


def _correct(at: Here, key: str) -> None:
    check = repository.check(at.session, key)
    if check.state != states.DISCLOSED:
        return
    visit = repository.visit(at.session, check.visit)
    other = ("no_problem", "none") if check.result != "no_problem" else ("not_disclosed", "corrected_on_site")
    publishing.correct(at, visit, check, *other, "objection_upheld", PUBLISHER, REVIEWER.code)


def demo_picture(label: str) -> bytes:
    """A small grey PNG, another one for each label, with the word demo inside."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + hashlib.sha256(f"{label}{row}".encode()).digest()[:16] for row in range(16))
    parts = (
        chunk(b"IHDR", struct.pack(">IIBBBBB", 16, 16, 8, 0, 0, 0, 0)),
        chunk(b"tEXt", b"Comment\0demo " + label.encode("ascii", "replace")),
        chunk(b"IDAT", zlib.compress(rows)),
        chunk(b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def _not_a_demo(round_id: str) -> Conflict:
    return Conflict(
        Problem(
            "visit.not_a_demo",
            f"批次 {round_id} 不是演示批次，结果不得代填。",
            f"Round {round_id} is no demonstration; results are never made up.",
            "请由检查人员登记。",
            "Have the inspectors record them.",
            {"round_id": round_id},
        )
    )
