"""What happens at each visit of a demonstration's round, and when: a story told by a seed, lived through step by step.

Every step is the ordinary one, with its rules and log entries; what a rule does not allow by then is left out.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Final

from sqlmodel import Session

from app.errors import Refused
from app.plans import calendar
from app.rounds.log import OFFICIAL
from app.visits import followups, publishing, rating, repository, states, steps
from app.visits.desk import Actor, official_day
from app.visits.records import Record
from app.visits.service import Upload, put_answers, put_evidence
from app.visits.steps import Here
from app.visits.tables import Visit, VisitCheck
from scheduler.calendar import WorkCalendar
from scheduler.seed import RoundKeys

REVIEWER, LEGAL, PUBLISHER = (
    Actor("demo-reviewer", "reviewer"), Actor("demo-legal", "legal"), Actor("demo-publisher", "publisher"),
)  # fmt: skip
FATES: Final = (("deregistered", 15), ("closed", 10))
"""Per mille of visits whose target is gone (a backup steps in) or has suspended its business (no answer)."""
ABSENT: Final = 40
"""Per mille of the other visits at which nobody can be contacted."""
OUTCOMES: Final = (("ordered_to_correct", 54), ("follow_up", 6), ("not_disclosed", 100))
"""Per mille of the other checks; what is left has no problem."""
RETURNED, LATE, NEVER, OBJECTED, WITHDRAWN = 15, 30, 8, 10, 5
"""Per mille of records that are returned, of disclosures that are late or not made, objected to, taken back."""
RATED: Final = 150
"""Per mille of visits that the firm rates."""
RATINGS: Final = (
    (520, 5, ("出示证件，一次查完，没有耽误营业。", "几个部门一起来，省去多次接待。", "")),
    (280, 4, ("态度好，讲解清楚；希望提前告知要准备的材料。", "")),
    (120, 3, ("检查时间较长。", "")),
    (55, 2, ("到场时间与通知不一致，等了一个上午。", "同样的材料给两个部门各交了一份。")),
    (25, 1, ("整改要求前后说法不一，希望书面写明依据。",)),
)
"""Per mille of ratings, score, and what is said with it."""
LEAST: Final = 3
"""So many of a round's rarest turns there are at least, so that pages have something to show of a small city too."""
CORRECT_IN: Final = timedelta(days=15)
DISPOSITIONS: Final = {
    "ordered_to_correct": "ordered", "not_disclosed": "corrected_on_site", "not_contacted": "listed_abnormal",
    "follow_up": "case_filed",
}  # fmt: skip
EVIDENCE: Final = {"not_contacted": ("attempt", "attempt"), "no_problem": ()}
"""Kinds of files by result; of others one photo."""
NOBODY_MET: Final = frozenset({"not_contacted", "closed"})
WITH_POINT: Final = ("ordered_to_correct", "follow_up", "not_disclosed")


@dataclass(frozen=True, slots=True, order=True)
class Due:
    """A step of a visit to take at a moment, which may give more of them; `place` keeps equal moments in order."""

    at: datetime
    place: int
    visit: str = field(compare=False)
    do: Callable[[Here], Sequence[Due] | None] = field(compare=False)


class Story:
    """One round's story. `keys` hide what is logged of its replacements."""

    def __init__(
        self, session: Session, round_id: str, seed: int, now: datetime, keys: RoundKeys | None
    ) -> None:
        self._seed, self._now, self._keys = f"{seed}/{round_id}", now, keys
        self._calendar: WorkCalendar = calendar.load(session)
        self._visits: dict[str, tuple[Visit, list[VisitCheck]]] = {}
        self._last_day: dict[str, date] = {}
        for visit, check in repository.of_round(session, round_id):
            if visit.kind == "drawn" and visit.day is not None and check.state == states.APPROVED:
                self._visits.setdefault(visit.key, (visit, []))[1].append(check)
                known = self._last_day.get(visit.target_id, visit.day)
                self._last_day[visit.target_id] = max(known, visit.day)
        self._places = 0
        planned = [visit.planned_id for visit, _ in self._visits.values()]
        parts = [
            f"{visit.planned_id}/{check.department}" for visit, own in self._visits.values() for check in own
        ]
        self._gone = self._rarest(planned, "fate", dict(FATES)["deregistered"])
        self._objected = self._rarest(parts, "objected", OBJECTED)
        self._withdrawn = self._rarest(parts, "withdrawn", WITHDRAWN) - self._objected

    def _rarest(self, names: Sequence[str], what: str, share: int) -> frozenset[str]:
        """`share` per mille of the names, `LEAST` at least."""
        ranked = sorted((self._draw(name, what), name) for name in names)
        return frozenset(name for place, (drawn, name) in enumerate(ranked) if drawn < share or place < LEAST)

    def due(self) -> list[Due]:
        """Every step of every visit as far as it can be told beforehand."""
        return [step for visit, checks in self._visits.values() for step in self._visit(visit, checks)]

    def _step(self, visit: str, day: date, minute: int, do: Callable[[Here], Sequence[Due] | None]) -> Due:
        at = datetime.combine(day, time(minute // 60, minute % 60), OFFICIAL)
        self._places += 1
        return Due(max(at, self._now), self._places, visit, do)

    def _visit(self, visit: Visit, checks: Sequence[VisitCheck]) -> list[Due]:
        assert visit.day is not None
        key, day = visit.key, visit.day
        fate = self._fate(visit)
        notice = self._step(key, day, 510, lambda at: steps.notify(at, *_locked(at, key), PUBLISHER))
        if fate == "deregistered" and self._keys is not None:
            return [notice, self._step(key, day, max(visit.start, 511), lambda at: self._replace(at, key))]
        there = self._step(key, day, max(visit.start, 511), lambda at: _arrive(at, key))
        outcomes = self._outcomes(visit, checks, fate)
        return [notice, there, *self._record(visit, checks, day, outcomes), *self._rating(visit, outcomes)]

    def _rating(self, visit: Visit, outcomes: Mapping[str, str]) -> list[Due]:
        """Some firms say what they think of the visit, a day or a few later; those that were met."""
        assert visit.day is not None
        name = visit.planned_id
        if self._draw(name, "rated") >= RATED or set(outcomes.values()) & NOBODY_MET:
            return []
        day = self._working(max(visit.day, official_day(self._now)), 1 + self._draw(name, "rated_after", 4))
        place = self._draw(name, "score")
        score, said = next((score, said) for share, score, said in _upto(RATINGS) if place < share)
        text = said[self._draw(name, "said", len(said))]
        return [self._step(visit.key, day, 870, lambda at: _rate(at, visit.key, score, text))]

    def _record(
        self, visit: Visit, checks: Sequence[VisitCheck], day: date, outcomes: Mapping[str, str]
    ) -> list[Due]:
        """From the record on; `outcomes` by department."""
        written = self._step(visit.key, day, 1080, lambda at: _record(at, visit.key, outcomes))
        more = [step for check in checks for step in self._publication(visit, check, day, outcomes)]
        return [written, *more]

    def _publication(
        self, visit: Visit, check: VisitCheck, day: date, outcomes: Mapping[str, str]
    ) -> list[Due]:
        key, name = check.key, f"{visit.planned_id}/{check.department}"
        done = self._working(max(day, official_day(self._now)), 1)
        found: list[Due] = []
        if self._draw(name, "returned") < RETURNED:
            found.append(self._step(visit.key, done, 600, lambda at: _send_back(at, key)))
            found.append(self._step(visit.key, done, 900, lambda at: _record(at, visit.key, outcomes)))
            done = self._working(done, 1)
        found.append(self._step(visit.key, done, 610, lambda at: self._review(at, key)))
        if self._draw(name, "never") < NEVER:
            return found
        after = self._working(max(self._last_day.get(visit.target_id, day), day), 2)
        late = self._draw(name, "is_late") < LATE
        wait = 21 + self._draw(name, "late", 4) if late else 2 + self._draw(name, "wait", 14)
        shown = max(after, self._working(done, wait))
        found.append(self._step(visit.key, shown, 660, lambda at: _disclose(at, key)))
        return [*found, *self._after(visit, check, shown)]

    def _after(self, visit: Visit, check: VisitCheck, shown: date) -> list[Due]:
        """Objections with their answers and corrections, and withdrawals."""
        key, name = check.key, f"{visit.planned_id}/{check.department}"
        found: list[Due] = []
        if name in self._objected:
            answered = self._working(shown, 6)
            found.append(self._step(visit.key, self._working(shown, 2), 700, lambda at: _object(at, key)))
            if self._draw(name, "answered", 4):
                found.append(self._step(visit.key, answered, 720, lambda at: _answer(at, key)))
                corrected = self._working(answered, 1)
                found.append(self._step(visit.key, corrected, 730, lambda at: _correct(at, key)))
        elif name in self._withdrawn:
            revoked = self._working(shown, 10)
            told = self._working(revoked, 1 + self._draw(name, "told", 5))
            found.append(self._step(visit.key, told, 740, lambda at: _withdraw(at, key, revoked)))
        return found

    def _replace(self, at: Here, key: str) -> list[Due]:
        """The target is not in the population: its next backups are visited three working days on."""
        assert self._keys is not None
        visit, checks = _locked(at, key)
        photo = Upload(demo_picture(f"{key}/gone"), checks[0].department, "file", at.now, note="演示 demo")
        proof = put_evidence(at, visit, photo, PUBLISHER).sha256
        made = followups.replace(at, self._keys, visit, checks, "deregistered", proof, PUBLISHER)
        crews = {check.department: check.crew for check in checks}
        return [
            step for backup in made for step in self._follow(at, backup, self._working(at.today, 3), crews)
        ]

    def _review(self, at: Here, key: str) -> list[Due]:
        """Another person looks at the record; an order to correct proposes its re-check."""
        check = repository.check(at.session, key)
        if check.state != states.RECORDED:
            return []
        visit = repository.visit(at.session, check.visit)
        steps.review(at, check, REVIEWER)
        again = followups.after_review(at, visit, check, REVIEWER)
        if check.legal_review:
            steps.legal_review(at, check, LEGAL)
        row = repository.rectification(at.session, key)
        if again is None or row is None:
            return []
        return self._follow(at, again, self._working(row.due_on, 1), {check.department: check.crew})

    def _follow(self, at: Here, visit: Visit, day: date, crews: Mapping[str, Sequence[str]]) -> list[Due]:
        """A proposed visit is approved for a day, and lived through."""
        checks = repository.checks_of(at.session, visit.key)
        key = visit.key
        followups.approve(at, visit, checks, day, crews, LEGAL)
        outcomes = {check.department: "no_problem" for check in checks}
        return [
            self._step(key, day, 515, lambda at: steps.notify(at, *_locked(at, key), PUBLISHER)),
            self._step(key, day, 600, lambda at: _arrive(at, key)),
            *self._record(visit, checks, day, outcomes),
        ]

    def _working(self, day: date, count: int) -> date:
        return self._calendar.add_working_days(day, count, provisional=True).date

    def _fate(self, visit: Visit) -> str:
        place = self._draw(visit.planned_id, "fate")
        if visit.planned_id in self._gone:
            return "deregistered"
        for fate, share in FATES:
            if place < share:
                return fate
            place -= share
        return ""

    def _outcomes(self, visit: Visit, checks: Sequence[VisitCheck], fate: str) -> dict[str, str]:
        """Result by department: who is closed or cannot be contacted is so for all who came."""
        if fate == "closed":
            return {check.department: fate for check in checks}
        if self._draw(visit.planned_id, "not_contacted") < ABSENT:
            return {check.department: "not_contacted" for check in checks}
        found = {}
        for check in checks:
            place = self._draw(f"{visit.planned_id}/{check.department}", "outcome", 1000 - ABSENT)
            found[check.department] = "no_problem"
            for code, share in OUTCOMES:
                if 0 <= place < share and _own_question(visit, check.department):
                    found[check.department] = code
                place -= share
        return found

    def _draw(self, name: str, what: str, among: int = 1000) -> int:
        digest = hashlib.sha256(f"{self._seed}/{name}/{what}".encode()).digest()
        return int.from_bytes(digest[:8], "big") % among


def _own_question(visit: Visit, department: str) -> str | None:
    return next((q["code"] for q in visit.checklist if q["departments"] == [department]), None)


def _locked(at: Here, key: str) -> tuple[Visit, list[VisitCheck]]:
    return repository.visit(at.session, key), repository.checks_of(at.session, key)


def _arrive(at: Here, key: str) -> None:
    visit, checks = _locked(at, key)
    moves = repository.seat_moves(at.session, visit.round_id)
    present = {check.department: steps.held(check, moves) for check in checks}
    with suppress(
        Refused
    ):  # a certificate ran out meanwhile: the visit stays notified, and is seen to be late
        steps.arrive(at, visit, checks, present, PUBLISHER)


def _record(at: Here, key: str, outcomes: Mapping[str, str]) -> None:
    visit, checks = _locked(at, key)
    here_ = [check for check in checks if check.state == states.ARRIVED]
    for check in here_:
        _prepare(at, visit, check, outcomes[check.department], Actor(check.present[0]))
    for check in here_:
        outcome = outcomes[check.department]
        by = at.today + CORRECT_IN if outcome == "ordered_to_correct" else None
        given = Record(outcome, DISPOSITIONS.get(outcome, "none"), "演示 demo", by)
        steps.record(at, visit, check, given, Actor(check.present[0]))


def _prepare(at: Here, visit: Visit, check: VisitCheck, outcome: str, actor: Actor) -> None:
    bad = _own_question(visit, check.department) if outcome in WITH_POINT else None
    if outcome not in NOBODY_MET:
        asked = [row["code"] for row in visit.checklist if check.department in row["departments"]]
        put_answers(at, visit, {code: ("no" if code == bad else "yes", "") for code in asked}, actor)
    kinds = EVIDENCE.get(outcome, ("photo",))
    for number, kind in enumerate(kinds):
        taken = at.now - timedelta(minutes=90 * (len(kinds) - number) - 60)
        picture = demo_picture(f"{visit.key}/{check.department}/{number}")
        put_evidence(at, visit, Upload(picture, check.department, kind, taken, note="演示 demo"), actor)


def _send_back(at: Here, key: str) -> None:
    check = repository.check(at.session, key)
    if check.state == states.RECORDED:
        steps.send_back(at, check, "演示：照片不清，请补拍 demo: the photo is blurred", REVIEWER)


def _upto(shares: Sequence[tuple[int, int, tuple[str, ...]]]) -> Iterator[tuple[int, int, tuple[str, ...]]]:
    """The same with shares added up."""
    total = 0
    for share, score, said in shares:
        total += share
        yield total, score, said


def _rate(at: Here, key: str, score: int, text: str) -> None:
    with suppress(Refused):  # the crew never arrived
        rating.add(at, key, score, f"演示：{text}" if text else "", Actor("demo-firm", "firm"))


def _disclose(at: Here, key: str) -> None:
    check = repository.check(at.session, key)
    visit = repository.visit(at.session, check.visit)
    if states.allowed("disclose", check.state, check.legal_review) and not publishing.embargoed(at, visit):
        publishing.disclose(at, visit, check, PUBLISHER)


def _disclosed(at: Here, key: str) -> tuple[Visit, VisitCheck] | None:
    check = repository.check(at.session, key)
    return (repository.visit(at.session, check.visit), check) if check.state == states.DISCLOSED else None


def _object(at: Here, key: str) -> None:
    if found := _disclosed(at, key):
        publishing.object_to(at, *found, "演示异议 demo", Actor("demo-firm", "firm"))


def _answer(at: Here, key: str) -> None:
    if found := _disclosed(at, key):
        publishing.answer_objection(at, *found, "upheld", "演示答复 demo", REVIEWER)


def _correct(at: Here, key: str) -> None:
    if found := _disclosed(at, key):
        clean = found[1].result == "no_problem"
        other = ("not_disclosed", "corrected_on_site") if clean else ("no_problem", "none")
        publishing.correct(at, *found, *other, "objection_upheld", PUBLISHER, REVIEWER.code)


def _withdraw(at: Here, key: str, revoked_on: date) -> None:
    if found := _disclosed(at, key):
        publishing.withdraw(at, *found, "penalty_revoked", revoked_on, PUBLISHER, REVIEWER.code)


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
