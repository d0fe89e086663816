"""The open data sets: which columns each has, what they mean, and the rows, read as the public pages read them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Literal

from sqlmodel import Session, col, select

from app.disclosure import plan_views, repository
from app.disclosure.listing import drawn_list
from app.plans.schemas import PlanDocument
from app.registers.tables import CheckItem
from app.rounds.tables import Round
from app.visits import published
from app.visits.published import Wanted, Window
from app.visits.tables import PublishedResult
from app.web.language import marked

Type = Literal["string", "date", "datetime", "boolean", "integer", "list", "history"]
Row = tuple[Any, ...]
Rows = Callable[[Session, Window, date | None], Iterable[Row]]


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name is stable; `means` says in Chinese what it is (translated where it is shown)."""

    name: str
    type: Type
    means: str


@dataclass(frozen=True, slots=True)
class Dataset:
    """A data set. Its first `key` columns are its rows' stable id. `since`: rows can be asked by day of change."""

    id: str
    title: str
    says: str
    columns: tuple[Column, ...]
    rows: Rows
    key: int = 1
    since: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(column.name for column in self.columns)


def _results(session: Session, window: Window, since: date | None) -> Iterator[Row]:
    for line in published.all_results(session, window, Wanted(changed_since=since)):
        yield tuple(getattr(line, column.name) for column in RESULTS.columns)


def _rounds(session: Session, _window: Window, _since: date | None) -> Iterator[Row]:
    for row in session.scalars(select(Round).order_by(col(Round.round_id))):
        drawn = repository.reached(row, "drawn")
        yield (
            row.round_id, row.plan, row.period, row.sequence, row.privacy, row.stage, row.status,
            row.assurance if drawn else None, row.late, row.demo, repository.void_reason(row), row.created_at,
        )  # fmt: skip


def _drawn(session: Session, _window: Window, _since: date | None) -> Iterator[Row]:
    for row in session.scalars(select(Round).order_by(col(Round.round_id))).all():
        if repository.released(row):
            for one in drawn_list(session, row.round_id, "zh"):
                yield (
                    row.round_id, one.target_id, one.name, list(one.draws), list(one.departments), list(one.items),
                    list(one.dates), list(one.visits),
                )  # fmt: skip


def _plans(session: Session, _window: Window, _since: date | None) -> Iterator[Row]:
    for line in plan_views.published(session, "zh"):
        document: PlanDocument = line.document
        for task in document.tasks:
            yield (
                document.code, task.task_id, line.revision.version, task.title_zh, task.title_en,
                list(task.departments), list(task.items), task.directed, task.default_ratio,
                [f"{k}={v}" for k, v in task.ratios.items()],
                document.recurrence or document.period, line.revision.published_at, line.withdrawn,
            )  # fmt: skip


def _items(session: Session, _window: Window, _since: date | None) -> Iterator[Row]:
    query = select(CheckItem).where(col(CheckItem.status).in_(("published", "withdrawn")))
    for row in session.scalars(query.order_by(col(CheckItem.code), col(CheckItem.version))):
        yield tuple(getattr(row, column.name) for column in ITEMS.columns)


def _columns(*given: tuple[str, Type, str]) -> tuple[Column, ...]:
    return tuple(Column(*one) for one in given)


RESULTS: Final = Dataset(
    "results", marked("检查结果"), marked("每个部门每次检查一行；更正和撤销改变该行，前后都在 history 里。"),
    _columns(
        ("result_id", "string", marked("结果编号，不变")), ("round_id", "string", marked("批次编号")),
        ("plan", "string", marked("计划编号")), ("period", "string", marked("期次")),
        ("draws", "list", marked("抽中该对象的抽取")), ("directed", "boolean", marked("是否定向抽查")),
        ("kind", "string", marked("来由：drawn 抽中，replacement 备选替换，recheck 整改复查")),
        ("name", "string", marked("名称")), ("code", "string", marked("统一社会信用代码或其他代码")),
        ("district", "string", marked("区县代码（GB/T 2260）")), ("department", "string", marked("部门代码")),
        ("items", "list", marked("事项代码@版本")), ("checked_on", "date", marked("检查完成日期")),
        ("result", "string", marked("结果代码；撤销公示后为空")), ("disposition", "string", marked("处理方式代码")),
        ("rectify_by", "date", marked("改正期限")), ("rectified_on", "date", marked("改正日期")),
        ("disclosed_on", "date", marked("公示日期")), ("due_on", "date", marked("应公示的最后日期")),
        ("provisional", "boolean", marked("期限是否依据未确认的工作日历")),
        ("on_time", "boolean", marked("是否按期公示")),
        ("expires_on", "date", marked("公示期满日期")),
        ("history", "history", marked("各版本：序号、种类、结果、处理、原因、日期")),
        ("objection", "string", marked("异议：open，upheld，rejected，无则空")),
        ("changed_on", "date", marked("该行最近一次变化的日期")), ("demo", "boolean", marked("演示数据")),
    ),
    _results, since=True,
)  # fmt: skip
ROUNDS: Final = Dataset(
    "rounds", marked("抽查批次"), marked("每个批次一行，未公开的只有状态。"),
    _columns(
        ("round_id", "string", marked("批次编号")), ("plan", "string", marked("计划编号")),
        ("period", "string", marked("期次")), ("sequence", "integer", marked("该期次的第几个批次")),
        ("privacy", "string", marked("open 公开抽取，sealed 封存抽取")), ("stage", "string", marked("已完成的步骤")),
        ("status", "string", marked("状态")), ("assurance", "integer", marked("保证级别 0–2，抽取之前为空")),
        ("late", "boolean", marked("是否迟于应办时间")), ("demo", "boolean", marked("演示数据")),
        ("void_reason", "string", marked("作废原因代码")), ("created_at", "datetime", marked("建立时间")),
    ),
    _rounds,
)  # fmt: skip
DRAWN: Final = Dataset(
    "drawn", marked("抽中名单"), marked("已公开批次抽中的对象，每批次每对象一行。"),
    _columns(
        ("round_id", "string", marked("批次编号")), ("target_id", "string", marked("对象代码")),
        ("name", "string", marked("名称")), ("draws", "list", marked("抽中该对象的抽取")),
        ("departments", "list", marked("部门名称")), ("items", "list", marked("事项代码@版本")),
        ("dates", "list", marked("计划检查日期")), ("visits", "list", marked("检查编号")),
    ),
    _drawn, key=2,
)  # fmt: skip
PLANS: Final = Dataset(
    "plans", marked("抽查计划"), marked("已公布计划的任务，每个任务一行。"),
    _columns(
        ("plan", "string", marked("计划编号")), ("task", "string", marked("任务编号")),
        ("version", "integer", marked("版本")), ("title_zh", "string", marked("名称")),
        ("title_en", "string", marked("英文名称")), ("departments", "list", marked("部门代码，牵头部门在前")),
        ("items", "list", marked("事项代码")), ("directed", "boolean", marked("是否定向抽查")),
        ("default_ratio", "integer", marked("抽取比例，百万分之")),
        ("ratios", "list", marked("各类别的抽取比例，类别=百万分之")), ("period", "string", marked("重复规则或期次")),
        ("published_at", "datetime", marked("公布时间")), ("withdrawn", "boolean", marked("是否已撤回")),
    ),
    _plans, key=2,
)  # fmt: skip
ITEMS: Final = Dataset(
    "items", marked("抽查事项清单"), marked("已公布和已撤回的事项，每个版本一行。"),
    _columns(
        ("code", "string", marked("事项代码")), ("version", "integer", marked("版本")),
        ("title_zh", "string", marked("名称")), ("title_en", "string", marked("英文名称")),
        ("content", "string", marked("检查内容")), ("procedure", "string", marked("检查程序")),
        ("method", "string", marked("检查方式")), ("legal_basis", "string", marked("法律依据")),
        ("kind", "string", marked("key 重点事项，general 一般事项")), ("department", "string", marked("部门代码")),
        ("partners", "list", marked("协同部门代码")), ("minutes", "integer", marked("现场分钟数")),
        ("officers", "integer", marked("所需执法人员数")), ("cap", "integer", marked("每年对同一对象的检查次数上限")),
        ("status", "string", marked("published 已公布，withdrawn 已撤回")),
    ),
    _items, key=2,
)  # fmt: skip
DATASETS: Final = {one.id: one for one in (RESULTS, DRAWN, ROUNDS, PLANS, ITEMS)}

assert {column.name for column in RESULTS.columns} <= set(PublishedResult.model_fields)
