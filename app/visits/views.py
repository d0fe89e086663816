"""What the pages of the visits show, gathered in one read: the templates only lay it out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from fastapi import Request
from sqlmodel import Session

from app.plans import calendar
from app.registers.gazetteer import district_name
from app.visits import codes, deadlines, repository, states, steps
from app.visits.checklist import of_department
from app.visits.deadlines import Standing, Terms
from app.visits.forms import FORMS
from app.visits.tables import ANSWERS, Visit, VisitCheck
from app.web.canvas import ACCENT, RULE, WARNING
from app.web.grids import Rung, ladder
from app.web.language import Language, marked, translate
from app.web.picture import Picture
from app.web.templates import number

Context = Mapping[str, object]
QUEUE: Final = (states.RECORDED, states.REVIEWED, states.LEGAL)
FORM_NAMES: Final = {
    "approval": marked("检查审批表"),
    "notice": marked("检查通知书"),
    "on-site": marked("现场检查笔录"),
    "record": marked("检查记录表"),
    "result": marked("结果告知书"),
}
ANSWER_NAMES: Final = {"yes": marked("是"), "no": marked("否"), "not_applicable": marked("不适用")}
EVIDENCE_NAMES: Final = {
    "photo": marked("照片"),
    "file": marked("文件"),
    "attempt": marked("联系记录"),
    "signature": marked("签名"),
}


@dataclass(frozen=True, slots=True)
class Stop:
    """A visit of the day with the checks that are shown of it."""

    visit: Visit
    checks: tuple[VisitCheck, ...]
    district: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """A check in the queue, how its deadline stands and how many working days are left."""

    visit: Visit
    check: VisitCheck
    standing: Standing
    left: int
    steps: tuple[str, ...]


def today(session: Session, day: date, department: str, inspector: str, language: Language) -> Context:
    """The day's visits in route order, of a department and of an inspector where asked for."""
    stops: dict[str, tuple[Visit, list[VisitCheck]]] = {}
    for visit_, check in repository.of_day(session, day, department):
        if not inspector or inspector in steps.crew(session, visit_, check):
            stops.setdefault(visit_.key, (visit_, []))[1].append(check)
    shown = [Stop(row, tuple(checks), _district(row, language)) for row, checks in stops.values()]
    ahead = [stop for stop in shown if any(check.state not in states.OVER for check in stop.checks)]
    return {
        "day": day,
        "stops": shown,
        "next": ahead[0] if ahead else None,
        "department": department,
        "inspector": inspector,
        **_names(session, language),
    }


def visit(session: Session, key: str, language: Language, now: date, by: str) -> Context:
    """A visit with its merged checklist, answers, files and checks."""
    row = repository.visit(session, key)
    checks = repository.checks_of(session, key)
    return {
        "visit": row,
        "district": _district(row, language),
        "checks": checks,
        "crews": {check.department: steps.crew(session, row, check) for check in checks},
        "people": {
            code: person.name
            for code, person in repository.officers(
                session, [code for check in checks for code in steps.crew(session, row, check)]
            ).items()
        },
        "answers": repository.answers(session, key),
        "evidence": repository.evidence(session, key),
        "open": {check.key: _unanswered(session, row, check) for check in checks},
        "allowed": {check.key: states.legal_steps(check.state, check.legal_review) for check in checks},
        "today": now,
        "by": by,
        "forms": {kind: FORM_NAMES[kind] for kind in FORMS},
        "answer_names": ANSWER_NAMES,
        "evidence_names": EVIDENCE_NAMES,
        "results": codes.RESULTS.values(),
        "dispositions": codes.DISPOSITIONS.values(),
        **_names(session, language),
    }


def queue(session: Session, terms: Terms, now: date, department: str, by: str, language: Language) -> Context:
    """What waits for somebody, what is due first at the top; and the share that was in time."""
    days = calendar.load(session)
    rows = []
    for visit_, check in repository.in_states(session, QUEUE, department):
        due = check.due_on or now
        rows.append(
            Waiting(
                visit_,
                check,
                deadlines.standing(days, due, now, check.disclosed_on, terms.warning),
                deadlines.days_left(days, due, now),
                states.legal_steps(check.state, check.legal_review),
            )
        )
    open_ = repository.undisclosed(session, states.CLOSED, department)
    return {
        "rows": rows,
        "picture": deadline_ladder(deadlines.rungs(days, open_, now), language),
        "timeliness": deadlines.timeliness(repository.deadlines(session), now),
        "department": department,
        "by": by,
        "results": {code.code: code for code in codes.RESULTS.values()},
        **_names(session, language),
    }


RUNG_NAMES: Final = {
    -5: marked("逾期 5 个工作日以上"),
    -1: marked("逾期 1–4 个工作日"),
    0: marked("今日到期"),
    2: marked("剩 1–2 个工作日"),
    5: marked("剩 3–5 个工作日"),
    10: marked("剩 6–10 个工作日"),
    None: marked("剩 10 个工作日以上"),
}
RUNG_COLOURS: Final = {-5: RULE, -1: RULE, 0: WARNING, 2: WARNING, 5: ACCENT, 10: ACCENT, None: ACCENT}


def deadline_ladder(rungs: Sequence[tuple[int | None, int]], language: Language) -> Picture:
    """How many results wait for publication, by the working days that are left."""
    title = translate(language, marked("公示期限阶梯"))
    description = translate(
        language, marked("尚未公示的检查按剩余工作日排列，最急的在上；红色已逾期，棕色即将到期。")
    )
    steps = [
        Rung(translate(language, RUNG_NAMES[end]), count, number(count), RUNG_COLOURS[end])
        for end, count in rungs
    ]
    header = (translate(language, marked("剩余时间")), translate(language, marked("检查数")))
    table = tuple((step.label, step.note) for step in steps)
    return Picture(title, description, ladder("deadlines", title, description, steps), header, table)


async def answers_of(request: Request) -> dict[str, tuple[str, str]]:
    """The checklist's form: `answer:<question>` and `note:<question>`; only what was answered."""
    form = await request.form()
    given = {}
    for name, value in form.items():
        kind, _, question = name.partition(":")
        if kind == "answer" and value in ANSWERS:
            given[question] = (str(value), str(form.get(f"note:{question}", ""))[:2000])
    return given


def _names(session: Session, language: Language) -> dict[str, object]:
    english = language == "en"
    return {
        "english": english,
        "departments": {
            code: (row.name_en or row.name_zh) if english else row.name_zh
            for code, row in repository.departments(session).items()
        },
        "states": {code: pair[1] if english else pair[0] for code, pair in states.NAMES.items()},
    }


def _district(row: Visit, language: Language) -> str:
    return district_name(row.district, language == "en") if row.district.isdecimal() else row.district


def _unanswered(session: Session, row: Visit, check: VisitCheck) -> int:
    given = repository.answers(session, row.key)
    return sum(question["code"] not in given for question in of_department(row.checklist, check.department))
