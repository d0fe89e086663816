"""Commands of the plans: `plan create|check|publish|withdraw|list|show|limit` and `calendar show|put`."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from app import console
from app.db.database import Database
from app.db.migrations import upgrade
from app.errors import Problem, Refused, refuse
from app.plans import calendar, limits, service
from app.plans.schemas import CalendarYearIn, PlanDocument, PlanOut
from app.settings import settings

commands = typer.Typer(name="plan", help="抽查计划 Plans: save, check, publish.", no_args_is_help=True)
calendar_commands = typer.Typer(
    name="calendar", help="工作日历 The working-day calendar.", no_args_is_help=True
)

AsJson = Annotated[bool, typer.Option("--json", help="one JSON object on standard output")]
Code = Annotated[str, typer.Argument(help="计划编号 the plan's code")]
PlanFile = Annotated[Path, typer.Argument(help="计划文件 .toml or .json", exists=True, dir_okay=False)]


def open_database() -> Database:
    """The configured database, migrated."""
    database = Database(settings().url())
    upgrade(database)
    return database


def read_file(path: Path) -> dict[str, Any]:
    """A TOML or JSON file. Raises Refused `plan.file`."""
    try:
        text = path.read_text("utf-8-sig")
        data = json.loads(text) if path.suffix.lower() == ".json" else tomllib.loads(text)
    except (UnicodeDecodeError, json.JSONDecodeError, tomllib.TOMLDecodeError) as error:
        raise refuse(
            "plan.file",
            f"无法读取 {path.name}：{error}。",
            f"{path.name} can't be read: {error}.",
            "请存为 UTF-8 编码的 .toml 或 .json 文件。",
            "Save it as a .toml or .json file in UTF-8.",
            file=path.name,
        ) from None
    if not isinstance(data, dict):
        raise refuse(
            "plan.file",
            f"{path.name} 的最外层应为对象。",
            f"{path.name} does not hold an object.",
            "请参照 docs/plans.md 的示例。",
            "See the example in docs/plans.md.",
            file=path.name,
        )
    return data


def _show(plan: PlanOut, as_json: bool) -> None:
    if as_json:
        console.emit(plan.model_dump(mode="json"))
        return
    console.say(f"✓ {plan.code} v{plan.version} {plan.title_zh} ({plan.status}) {plan.recurrence or ''}")
    console.say(f"  sha256 {plan.digest}")


def _told(found: Iterable[Problem]) -> list[dict[str, Any]]:
    return [{"code": p.code, "zh": p.zh, "en": p.en, "params": dict(p.params)} for p in found]


def _warn(database: Database, document: PlanDocument) -> None:
    """What today's roster could not do for the plan; it may still be published."""
    for problem in service.warnings(database, document, datetime.now(UTC)):
        console.warning(problem)


@commands.command()
def create(
    file: PlanFile,
    as_json: AsJson = False,
    revise: Annotated[bool, typer.Option(help="save a new version of a plan that exists")] = False,
) -> None:
    """保存计划草稿 Save a plan from FILE as a draft."""
    document = service.parse_document(read_file(file))
    database = open_database()
    if revise:
        _show(service.revise(database, document), as_json)
    else:
        _show(service.create(database, document, datetime.now(UTC)), as_json)


@commands.command()
def check(file: PlanFile, as_json: AsJson = False) -> None:
    """检查计划文件 List every rule that the plan in FILE would break; exit status 1 if there are any."""
    database, document = open_database(), service.parse_document(read_file(file))
    found = service.check(database, document)
    if as_json:
        doubts = service.warnings(database, document, datetime.now(UTC))
        console.emit({"problems": _told(found), "warnings": _told(doubts)})
    else:
        for problem in found:
            console.refusal(problem)
        console.say("✓ 可以发布 may be published" if not found else f"✗ {len(found)}")
        _warn(database, document)
    if found:
        raise typer.Exit(1)


@commands.command()
def publish(
    code: Code,
    as_json: AsJson = False,
    reason: Annotated[
        str, typer.Option(help="变更理由，将公开 · why it replaces the last one; published")
    ] = "",
) -> None:
    """发布计划 Put the newest version of a plan in force."""
    database = open_database()
    try:
        plan = service.publish(database, code, datetime.now(UTC), reason=reason)
        _show(plan, as_json)
        if not as_json:
            _warn(database, plan.document)
    except Refused as error:
        if error.problem.params.get("broken", 1) != 1 and not as_json:
            for problem in service.check(database, service.get(database, code).document)[1:]:
                console.refusal(problem)
        raise


@commands.command()
def withdraw(code: Code, as_json: AsJson = False) -> None:
    """撤回计划 Take a plan out of force."""
    _show(service.withdraw(open_database(), code, datetime.now(UTC)), as_json)


@commands.command("list")
def list_(as_json: AsJson = False) -> None:
    """列出计划 List the plans."""
    plans = service.list_plans(open_database())
    if as_json:
        console.emit({"plans": [plan.model_dump(mode="json") for plan in plans]})
        return
    rows = [(p.code, p.version, p.status, p.title_zh, p.recurrence or "-", p.tasks) for p in plans]
    console.table("抽查计划 Plans", ("code", "version", "status", "名称", "recurrence", "tasks"), rows)


@commands.command()
def show(code: Code, as_json: AsJson = False) -> None:
    """查看计划 Show a plan as last saved."""
    plan = service.get(open_database(), code)
    _show(plan, as_json)
    if not as_json:
        rows = [
            (t.task_id, t.title_zh, " ".join(t.departments), " ".join(t.items)) for t in plan.document.tasks
        ]
        console.table("任务 Tasks", ("task", "名称", "departments", "items"), rows)


@commands.command()
def limit(
    name: Annotated[str | None, typer.Argument(help="which limit")] = None,
    value: Annotated[int | None, typer.Argument(help="its new value")] = None,
    basis: Annotated[str, typer.Option(help="依据 the provision that sets it")] = "",
    as_json: AsJson = False,
) -> None:
    """上限 Show the authority's limits, or set one."""
    database = open_database()
    if name is not None and value is not None:
        limits.put(database, name, value, basis, datetime.now(UTC))
    found = limits.current(database)
    if as_json:
        console.emit(found)
        return
    console.table("上限 Limits", ("name", "value"), list(found.items()))


@calendar_commands.command("show")
def show_year(year: int, as_json: AsJson = False) -> None:
    """查看某年工作日历 Show a year's holidays and make-up days."""
    found = calendar.get_year(open_database(), year)
    if as_json:
        console.emit(found.model_dump(mode="json"))
        return
    days = [(day, "休 off", name) for day, name in found.holidays.items()]
    days += [(day, "班 work", name) for day, name in found.makeup.items()]
    state = "已确认 confirmed" if found.confirmed else "未确认 not confirmed"
    console.table(f"{year} {state}", ("date", "", "名称"), sorted(days))


@calendar_commands.command("put")
def put_year(file: PlanFile, as_json: AsJson = False) -> None:
    """录入某年工作日历 Store a year from FILE (year, confirmed, source, holidays, makeup)."""
    try:
        year = CalendarYearIn.model_validate(read_file(file))
    except ValidationError as error:
        raise refuse(
            "calendar.unreadable",
            f"{file.name} 不符合格式：{error.errors()[0]['msg']}。",
            f"{file.name} is not valid: {error.errors()[0]['msg']}.",
            "请参照 docs/plans.md 的日历示例。",
            "See the calendar example in docs/plans.md.",
            field=".".join(str(part) for part in error.errors()[0]["loc"]),
        ) from None
    database = open_database()
    calendar.put_year(database, year, datetime.now(UTC))
    if as_json:
        console.emit(calendar.get_year(database, year.year).model_dump(mode="json"))
        return
    console.say(f"✓ {year.year}: {len(year.holidays)} 休 off, {len(year.makeup)} 班 work")
