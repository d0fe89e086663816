"""The five forms of the Ministry's flow, filled from data: what stands in them, apart from how they look."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlmodel import Session

from app.errors import NotFound, Problem
from app.registers.gazetteer import district_name
from app.rounds.log import OFFICIAL
from app.rounds.tables import Round
from app.visits import codes, repository, steps
from app.visits.checklist import of_department
from app.visits.tables import Visit, VisitAnswer, VisitCheck, VisitEvidence

WORDS: Final = {"yes": "是", "no": "否", "not_applicable": "不适用"}
EVIDENCE: Final = {"photo": "照片", "file": "文件", "attempt": "联系记录", "signature": "签名"}


@dataclass(frozen=True, slots=True)
class Table:
    """A table of a form: its caption, heads, and rows of as many cells."""

    caption: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Form:
    """A form: title, number, labelled values, tables, paragraphs, lines to sign on; `qr`: whether the code is shown."""

    title: str
    number: str
    facts: tuple[tuple[str, str], ...]
    tables: tuple[Table, ...] = ()
    paragraphs: tuple[str, ...] = ()
    signatures: tuple[str, ...] = ()
    qr: bool = False
    demo: bool = False


@dataclass(frozen=True, slots=True)
class Papers:
    """Everything that a visit's forms are filled from."""

    visit: Visit
    round_: Round
    checks: Sequence[VisitCheck]
    departments: Mapping[str, str]
    titles: Mapping[str, tuple[str, str]]
    officers: Mapping[str, tuple[str, str]]
    crews: Mapping[str, Sequence[str]]
    answers: Mapping[str, VisitAnswer]
    evidence: Sequence[VisitEvidence]
    rectify_by: Mapping[str, str]

    def people(self, check: VisitCheck) -> str:
        """Name and certificate of who came, or is to come."""
        found = [self.officers.get(code, (code, "")) for code in check.present or self.crews[check.key]]
        return "；".join(f"{name}（执法证号 {number or '—'}）" for name, number in found) or "—"

    def items(self, check: VisitCheck) -> str:
        """Titles of a check's items."""
        return "；".join(self.titles.get(item, (item, ""))[0] for item in check.items)

    def basis(self, check: VisitCheck) -> str:
        """Legal basis of a check's items, each once."""
        return (
            "；".join(dict.fromkeys(self.titles[item][1] for item in check.items if item in self.titles))
            or "—"
        )


def papers(session: Session, visit_key: str) -> Papers:
    """Read what a visit's forms need. Raises NotFound `visit.absent`."""
    visit = repository.visit(session, visit_key)
    checks = repository.checks_of(session, visit_key)
    crews = {check.key: steps.crew(session, visit, check) for check in checks}
    codes_ = {code for check in checks for code in (*check.present, *crews[check.key])}
    items = repository.items(session, [item for check in checks for item in check.items])
    due = {check.key: repository.rectification(session, check.key) for check in checks}
    return Papers(
        visit=visit,
        round_=session.get_one(Round, visit.round_id),
        checks=checks,
        departments={code: row.name_zh for code, row in repository.departments(session).items()},
        titles={name: (row.title_zh, row.legal_basis) for name, row in items.items()},
        officers={
            code: (row.name, row.certificate_no) for code, row in repository.officers(session, codes_).items()
        },
        crews=crews,
        answers=repository.answers(session, visit_key),
        evidence=repository.evidence(session, visit_key),
        rectify_by={key: row.due_on.isoformat() for key, row in due.items() if row is not None},
    )


def form(found: Papers, kind: str) -> Form:
    """One of the forms. Raises NotFound `form.absent`."""
    made = FORMS.get(kind)
    if made is None:
        raise NotFound(
            Problem(
                "form.absent",
                f"没有名为 {kind} 的文书。",
                f"There is no form {kind}.",
                f"可用：{'、'.join(FORMS)}。",
                f"There are: {', '.join(FORMS)}.",
                {"form": kind},
            )
        )
    return made(found)


def _whom(found: Papers) -> tuple[tuple[str, str], ...]:
    visit = found.visit
    return (
        ("被检查对象", visit.name),
        ("统一社会信用代码", visit.code),
        ("地址", f"{_district(visit.district)} {visit.address}".strip() or "—"),
        ("检查日期", str(visit.day or "待定")),
    )


def _district(code: str) -> str:
    return district_name(code, False) if code.isdecimal() else code


def _task(found: Papers) -> tuple[tuple[str, str], ...]:
    return (("计划与批次", f"{found.round_.plan} · {found.round_.period} · {found.round_.round_id}"),)


def _plan_table(found: Papers) -> Table:
    rows = tuple(
        (found.departments[check.department], found.items(check), found.basis(check), found.people(check))
        for check in found.checks
    )
    return Table("检查部门、事项、依据与人员", ("部门", "检查事项", "检查依据", "执法人员"), rows)


def _approval(found: Papers) -> Form:
    drawn = "本次检查对象和检查人员由“双随机”抽取产生，批次已经审批并登记入日志。"
    others = {
        "recheck": "本次检查为责令改正事项的复查，只复查不符合项。",
        "replacement": "本次检查对象为依次启用的候补对象。",
    }
    approved = (("批准人", found.visit.approved_by or "（待审批）"),)
    return Form(
        "检查审批表", _number(found, "审批"), (*_task(found), *_whom(found), *approved), (_plan_table(found),),
        (others.get(found.visit.kind, drawn),), ("承办部门意见", "审批人签字", "日期"), demo=found.visit.demo,
    )  # fmt: skip


def _notice(found: Papers) -> Form:
    words = (
        "依据上列法律法规规定，决定对你单位（个人）进行检查，请予配合并提供有关资料。",
        "执法人员不得少于两人并应主动出示执法证件，否则你有权拒绝检查；与检查事项有利害关系的，你有权申请回避。",
        "请扫描检查码核对：显示“这次检查有备案”的方为经批准的检查；显示“查不到”的，请拒绝并拨打 12345。",
    )
    return Form(
        "检查通知书", _number(found, "通知"), _whom(found), (_plan_table(found),), words,
        ("检查机关（印章）", "被检查对象签收", "日期"), qr=True, demo=found.visit.demo,
    )  # fmt: skip


def _made(row: VisitEvidence) -> str:
    """When a file was made; where its phone's clock was ahead, when it was received and what the phone claimed."""
    claimed = _moment(row.taken_at)
    return f"{_moment(row.at)} 收到（手机时间 {claimed}）" if row.ahead else claimed


def _on_site(found: Papers) -> Form:
    facts = (
        *_whom(found),
        ("到场时间", _moment(found.visit.arrived_at)),
        ("现场负责人", "（现场填写）"),
    )
    rows = tuple((found.departments[check.department], found.people(check)) for check in found.checks)
    files = tuple(
        (str(place), EVIDENCE[row.kind], _made(row), f"{row.sha256[:16]}…")
        for place, row in enumerate(found.evidence, start=1)
    )
    tables = (
        Table("到场人员", ("部门", "执法人员"), rows),
        Table("现场取证", ("序号", "种类", "形成时间", "SHA-256"), files or (("—",) * 4,)),
    )
    words = (
        "执法人员已出示执法证件，告知检查事项、依据以及当事人陈述申辩、申请回避的权利。",
        *(f"{question['zh']}：{_answer(found, question['code'])}" for question in found.visit.checklist),
        "以上笔录经当事人核对无误。（当事人拒绝签字的，由执法人员注明情况。）",
    )
    signatures = ("当事人签字", "执法人员签字", "执法人员签字", "日期")
    return Form(
        "现场检查笔录", _number(found, "笔录"), facts, tables, words, signatures, demo=found.visit.demo
    )


def _record(found: Papers) -> Form:
    tables = tuple(
        Table(
            f"{found.departments[check.department]}：{found.items(check)}",
            ("检查内容", "结论", "说明"),
            tuple(
                (question["zh"], _answer(found, question["code"]), _note(found, question["code"]))
                for question in of_department(found.visit.checklist, check.department)
            ),
        )
        for check in found.checks
    )
    outcome = Table(
        "检查结果", ("部门", "结果", "处理方式", "改正期限"), tuple(map(_outcome(found), found.checks))
    )
    return Form(
        "检查记录表", _number(found, "记录"), _whom(found), (*tables, outcome), (),
        ("执法人员签字", "执法人员签字", "被检查对象签字", "日期"), demo=found.visit.demo,
    )  # fmt: skip


def _result(found: Papers) -> Form:
    outcome = Table(
        "检查结果", ("部门", "结果", "处理方式", "改正期限"), tuple(map(_outcome(found), found.checks))
    )
    words = (
        "检查结果经复核后将在公示期限内向社会公示。",
        "如对检查结果有异议，可以自收到本告知书之日起向检查机关书面提出，检查机关将核查并答复。",
    )
    return Form(
        "结果告知书", _number(found, "告知"), _whom(found), (outcome,), words,
        ("检查机关（印章）", "被检查对象签收", "日期"), qr=True, demo=found.visit.demo,
    )  # fmt: skip


def _outcome(found: Papers) -> Callable[[VisitCheck], tuple[str, ...]]:
    def row(check: VisitCheck) -> tuple[str, ...]:
        result = codes.RESULTS[check.result].zh if check.result else "尚未登记"
        done = codes.DISPOSITIONS[check.disposition].zh if check.disposition else "—"
        return found.departments[check.department], result, done, found.rectify_by.get(check.key, "—")

    return row


def _number(found: Papers, word: str) -> str:
    return f"双随机{word}〔{found.round_.period}〕{found.visit.key[:10]}号"


def _answer(found: Papers, question: str) -> str:
    given = found.answers.get(question)
    return WORDS[given.answer] if given else "（未填）"


def _note(found: Papers, question: str) -> str:
    given = found.answers.get(question)
    return given.note if given else ""


def _moment(at: datetime | None) -> str:
    return at.astimezone(OFFICIAL).strftime("%Y-%m-%d %H:%M") if at else "（未到场）"


FORMS: Final[Mapping[str, Callable[[Papers], Form]]] = {
    "approval": _approval,
    "notice": _notice,
    "on-site": _on_site,
    "record": _record,
    "result": _result,
}
"""检查审批表, 检查通知书, 现场检查笔录, 检查记录表, 结果告知书, by the name in their address."""
