"""What the coordinator's desk shows first: what is due, where each round stands, what is late, what was covered.

Everything is read in a session that is kept to the rows of whoever asks, so a department sees its own figures.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from sqlmodel import Session, col, func, select

from app.disclosure import facts
from app.disclosure import repository as disclosure
from app.office.round_view import title_of
from app.people.tables import Sanction
from app.plans import calendar
from app.plans import repository as plans
from app.plans.schemas import PlanDocument
from app.plans.service import upcoming
from app.registers.tables import Department, Supervision, SupervisionRule
from app.rounds import repository as rounds
from app.rounds.tables import Round
from app.visits import deadlines, rating, repository, states
from app.visits.deadlines import Terms
from app.visits.desk import official_day
from app.visits.tables import Visit, VisitCheck, VisitObjection, VisitRectification
from app.visits.views import Context, deadline_ladder
from app.web.language import Language, marked

ROUNDS: Final = 30
AHEAD: Final = 5
WORDS: Final = 5
"""How many rounds, coming periods and firms' words are listed."""
NEXT: Final = {
    "approval": marked("审批冻结的名录"),
    "deposits": marked("各方交存秘密"),
    "entropy": marked("录入公共随机数"),
    "entropy_seats": marked("录入抽取人员的公共随机数"),
    "reveal": marked("开展检查，到期公开"),
}
"""The next step of a round that waits, as an instruction."""
ACTIONS: Final = {
    "round.freeze": marked("冻结名录"),
    "round.void": marked("作废批次"),
    "cap.exemption": marked("不计入频次"),
    "result.correction": marked("更正或撤下结果"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """A round: its title and what is to be done next, as an instruction."""

    row: Round
    title: str
    says: str
    next: str


@dataclass(frozen=True, slots=True)
class Covered:
    """A department's year. `targets`: under its supervision; `visited`: of them, entered this year."""

    name: str
    targets: int
    visited: int
    planned: int
    done: int
    disclosed: int

    @property
    def share(self) -> float | None:
        """Entered ÷ supervised."""
        return self.visited / self.targets if self.targets else None


def dashboard(session: Session, terms: Terms, now: datetime, language: Language) -> Context:
    """Everything on the page."""
    today = official_day(now)
    lines = [_line(session, row, language) for row in disclosure.latest(session, ROUNDS)]
    open_ = repository.undisclosed(session, states.CLOSED)
    days = calendar.load(session)
    return {
        "checkpoint": None,
        "today": today,
        "open_rounds": [line for line in lines if line.row.status not in ("done", "void")],
        "past_rounds": [line for line in lines if line.row.status in ("done", "void")],
        "coming": [(due, _title(due.plan, language)) for due in upcoming(session, now)[:AHEAD]],
        "startable": startable(session, language),
        "plans": [
            (plan, (language == "en" and plan.title_en) or plan.title_zh)
            for plan in plans.plans(session)
            if plan.status != "withdrawn"
        ],
        "sanctions": open_sanctions(session),
        "actions": ACTIONS,
        "timeliness": deadlines.timeliness(repository.deadlines(session), today),
        "picture": deadline_ladder(deadlines.rungs(days, open_, today), language),
        "objections": _objections(session),
        "rectifications": _rectifications(session, today),
        "covered": coverage(session, today.year, language),
        "said_by_firms": rating.latest(session, WORDS),
        "scores": rating.NAMES,
        "warning": terms.warning,
    }


def _line(session: Session, row: Round, language: Language) -> Line:
    title = title_of(session, row, language)
    waits = row.status == "waiting" and row.waiting_for in NEXT
    here = marked("改正后重试") if row.status == "refused" else marked("服务正在办理")
    return Line(row, title, facts.waiting(row), NEXT[row.waiting_for or ""] if waits else here)


def _title(document: PlanDocument, language: Language) -> str:
    return (language == "en" and document.title_en) or document.title_zh


def startable(session: Session, language: Language) -> list[tuple[PlanDocument, str]]:
    """Plans in force that name one period whose round is not made yet: made by hand, from the desk."""
    found = (PlanDocument.model_validate(row.document) for row in plans.all_in_force(session))
    return [
        (document, _title(document, language))
        for document in found
        if document.period and not rounds.of_period(session, document.code, document.period)
    ]


def open_sanctions(session: Session) -> list[Sanction]:
    """Requests that somebody has still to approve or carry out, the oldest first."""
    query = select(Sanction).where(col(Sanction.executed_at).is_(None), col(Sanction.withdrawn_at).is_(None))
    return list(session.exec(query.order_by(col(Sanction.id))))


def _objections(session: Session) -> list[tuple[VisitObjection, str]]:
    """Objections without an answer and the names of those who filed them, what is due first at the top."""
    query = (
        select(VisitObjection, Visit.name)
        .join(VisitCheck, col(VisitCheck.key) == col(VisitObjection.check_key))
        .join(Visit, col(Visit.key) == col(VisitCheck.visit))
        .where(col(VisitObjection.outcome).is_(None))
    )
    rows = session.exec(query.order_by(col(VisitObjection.due_on), col(VisitObjection.check_key)))
    return [(row, name) for row, name in rows]


def _rectifications(session: Session, today: date) -> int:
    """Orders to correct whose day has passed and which are not cleared."""
    query = select(func.count()).select_from(VisitRectification)
    late = query.where(col(VisitRectification.cleared_on).is_(None), col(VisitRectification.due_on) < today)
    return session.exec(late).one()


def coverage(session: Session, year: int, language: Language) -> list[Covered]:
    """Each department that has targets or checks: its targets, and what of the year's checks is done."""
    supervised = dict(
        session.execute(
            select(SupervisionRule.department, func.count(func.distinct(Supervision.target)))
            .join(Supervision, col(Supervision.rule) == col(SupervisionRule.code))
            .where(col(SupervisionRule.active).is_(True))
            .group_by(SupervisionRule.department)
        ).all()
    )
    planned, done, disclosed = Counter[str](), Counter[str](), Counter[str]()
    visited: dict[str, set[str]] = {}
    for department, target_id, state in _checks(session, year):
        planned[department] += 1
        disclosed[department] += state in (states.DISCLOSED, states.WITHDRAWN)
        if state in states.OVER:
            done[department] += 1
            visited.setdefault(department, set()).add(target_id)
    names = {
        row.code: (language == "en" and row.name_en) or row.name_zh
        for row in session.exec(select(Department).order_by(col(Department.code)))
    }
    return [
        Covered(
            name,
            supervised.get(code, 0),
            len(visited.get(code, ())),
            planned[code],
            done[code],
            disclosed[code],
        )
        for code, name in names.items()
        if supervised.get(code) or planned[code]
    ]


def _checks(session: Session, year: int) -> list[tuple[str, str, str]]:
    """(department, target, state) of the year's checks that are not void or replaced."""
    query = (
        select(VisitCheck.department, Visit.target_id, VisitCheck.state)
        .join(Visit, col(Visit.key) == col(VisitCheck.visit))
        .where(
            col(Visit.day) >= date(year, 1, 1),
            col(Visit.day) <= date(year, 12, 31),
            col(VisitCheck.state).not_in((states.VOID, states.REPLACED)),
        )
    )
    return [(department, target_id, state) for department, target_id, state in session.exec(query)]
