"""Published plans as the public reads them: what each version asks for, what it changed and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlmodel import Session

from app.disclosure import facts, repository
from app.disclosure.views import Context, newest_checkpoint
from app.errors import NotFound, Problem
from app.plans import differences, service
from app.plans import repository as plans
from app.plans.schemas import PlanDocument, Task
from app.plans.tables import Plan, PlanRevision
from app.rounds.tables import Round
from app.web.language import Language, marked, translate
from app.web.templates import listed, share

PPM: Final = 1_000_000
COLUMNS: Final = (
    marked("计划"), marked("版本"), marked("任务"), marked("任务名称"), marked("牵头部门"), marked("协同部门"),
    marked("事项"), marked("抽查类型"), marked("抽取比例"), marked("重复"),
)  # fmt: skip
FIELDS: Final = {
    "title_zh": marked("名称"),
    "title_en": marked("英文名称"),
    "department": marked("牵头部门"),
    "partners": marked("协同部门"),
    "rules": marked("对象范围"),
    "items": marked("事项"),
    "directed": marked("定向"),
    "strata_by": marked("分类依据"),
    "ratios": marked("抽取比例"),
    "default_ratio": marked("其他类别的抽取比例"),
    "min": marked("最少户数"),
    "max": marked("最多户数"),
    "cooldown": marked("近期已查对象的机会"),
    "backups": marked("备选户数"),
    "recurrence": marked("重复"),
    "starts_on": marked("开始日期"),
    "ends_on": marked("结束日期"),
    "caps": marked("频次上限"),
    "entropy": marked("公共随机源"),
    "entropy_seats": marked("抽取人员的随机源"),
    "deadlines": marked("期限"),
    "schedule": marked("检查日程"),
    "people_per_visit": marked("一次到场最多人数"),
}
RATIOS: Final = ("ratios", "default_ratio", "cooldown")
WITHDRAWN: Final = "withdrawn"


@dataclass(frozen=True, slots=True)
class Line:
    """A plan in the list, by its newest published version."""

    revision: PlanRevision
    title: str
    document: PlanDocument
    withdrawn: bool


@dataclass(frozen=True, slots=True)
class TaskLine:
    """A task as shown: names instead of codes, ratios as text."""

    task: Task
    title: str
    departments: tuple[str, ...]
    items: tuple[str, ...]
    ratios: str


@dataclass(frozen=True, slots=True)
class Change:
    """One changed field in words, with its path as the documents have it."""

    task: str
    name: str
    field: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Version:
    """A version, what it changed against the one before, and the reason that was given."""

    number: int
    published_at: datetime
    digest: str
    reason: str
    changes: tuple[Change, ...]
    first: bool


def list_view(session: Session, language: Language) -> Context:
    """Every plan that was ever published."""
    return {"checkpoint": newest_checkpoint(session), "plans": published(session, language)}


def published(session: Session, language: Language) -> list[Line]:
    """Plans with a published version, by code."""
    found = []
    for plan in plans.plans(session):
        revision = plans.published(session, plan.code)
        if revision is not None:
            found.append(_line(plan, revision, language))
    return found


def _line(plan: Plan, revision: PlanRevision, language: Language) -> Line:
    document = PlanDocument.model_validate(revision.document)
    title = (language == "en" and document.title_en) or document.title_zh
    return Line(revision, title, document, plan.status == WITHDRAWN)


def plan_view(session: Session, code: str, number: int | None, language: Language, now: datetime) -> Context:
    """A published version (the newest where `number` is None) with all versions. Raises `plan.not_public`."""
    plan, revisions = plans.find(session, code), plans.revisions(session, code)
    wanted = next((row for row in revisions if number in (None, row.version)), None)
    if plan is None or wanted is None:
        raise not_public(code)
    line = _line(plan, wanted, language)
    coming = [due for due in service.upcoming(session, now) if due.plan.code == code]
    rounds = [row for row in repository.latest(session, 1_000) if row.plan == code]
    return {
        "checkpoint": newest_checkpoint(session),
        "line": line,
        "tasks": task_lines(session, line.document, language),
        "versions": versions(revisions, language),
        "newest": wanted is revisions[0],
        "next": coming[0].period if coming and wanted is revisions[0] else None,
        "rounds": [_round(session, row, language) for row in rounds],
    }


def _round(session: Session, row: Round, language: Language) -> tuple[Round, str, str]:
    title = facts.title_in(language, repository.manifest(session, row) or {}, row.round_id)
    return row, title, facts.waiting(row)


def task_lines(session: Session, document: PlanDocument, language: Language) -> list[TaskLine]:
    """The tasks of a plan in its order."""
    names = facts.names_in(language, repository.department_names(session))
    titles = {
        key.partition("@")[0]: title
        for key, title in facts.names_in(language, repository.item_titles(session)).items()
    }
    return [
        TaskLine(
            task,
            (language == "en" and task.title_en) or task.title_zh,
            tuple(names.get(code, code) for code in task.departments),
            tuple(titles.get(code, code) for code in task.items),
            _ratios(task, language),
        )
        for task in document.tasks
    ]


def _ratios(task: Task, language: Language) -> str:
    """`A 1%、B 3%、其他 3%`: the rule as the manifest of each round will publish it."""
    told = [f"{name} {share(ppm / PPM)}" for name, ppm in task.ratios.items()]
    other = translate(language, marked("其他")) if told else ""
    return listed([*told, f"{other} {share(task.default_ratio / PPM)}".strip()], language)


def rows(session: Session, lines: Sequence[Line], language: Language) -> list[tuple[str, ...]]:
    """Tasks of plans as a table's rows, in the order of `COLUMNS`."""
    kinds = {True: translate(language, marked("定向抽查")), False: translate(language, marked("不定向抽查"))}
    return [
        (
            line.document.code, str(line.revision.version), row.task.task_id, row.title, row.departments[0],
            listed(row.departments[1:], language), listed(row.items, language), kinds[row.task.directed],
            row.ratios, line.document.recurrence or line.document.period or "",
        )
        for line in lines
        for row in task_lines(session, line.document, language)
    ]  # fmt: skip


def versions(revisions: Sequence[PlanRevision], language: Language) -> list[Version]:
    """Versions, the newest first, each against the published one before it."""
    return [
        Version(
            row.version,
            row.published_at,
            row.digest,
            row.reason,
            _changes(older.document, row.document, language) if older else (),
            older is None,
        )
        for row, older in zip(revisions, [*revisions[1:], None], strict=True)
    ]


def _changes(old: Mapping[str, Any], new: Mapping[str, Any], language: Language) -> tuple[Change, ...]:
    found = []
    for row in differences.differences(old, new):
        head = row.field.partition(".")[0]
        name = translate(language, FIELDS.get(head, "")) or head
        told = (_told(head, value, language) for value in (row.before, row.after))
        found.append(Change(row.task, name, row.field, *told))
    return tuple(found)


def _told(field: str, value: Any, language: Language) -> str:
    if value is None or value in ([], ""):
        return "–"
    if isinstance(value, bool):
        return translate(language, marked("是") if value else marked("否"))
    if field in RATIOS and isinstance(value, int):
        return share(value / PPM)
    return listed([str(one) for one in value], language) if isinstance(value, list) else str(value)


def not_public(code: str) -> NotFound:
    """The one answer for plans that are absent and for those never published."""
    return NotFound(
        Problem(
            "plan.not_public",
            f"没有已公布的计划 {code}，或没有这个版本。",
            f"There is no published plan {code}, or not that version of it.",
            "请从计划列表进入。",
            "Start from the list of plans.",
            {"plan": code},
        )
    )
