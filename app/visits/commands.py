"""`python -m app visit …`: what the pages do, for operators; `fill` gives a demonstration's round its results."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from app import console
from app.db.database import Database
from app.ledger import repository as ledger
from app.people.alone import before_accounts
from app.plans import calendar
from app.settings import settings
from app.visits import deadlines, demo_results, forms, opening, repository, service
from app.visits.desk import Actor, Desk, official_day
from app.visits.printing import pdf
from app.visits.records import Record
from app.visits.schemas import CheckOut
from app.visits.service import Change
from app.visits.tables import VisitCheck
from app.visits.visit_code import CodeKey

commands = typer.Typer(
    help="检查：通知、到场、登记、复核、公示 · visits: notice, arrival, record, review, disclosure",
    no_args_is_help=True,
)

Key = Annotated[str, typer.Argument(help="编号 · key")]
RoundId = Annotated[str, typer.Argument(help="批次编号 · round id")]
By = Annotated[str, typer.Option(help="办理人 · who acts")]
AsJson = Annotated[bool, typer.Option("--json", help="末行输出 JSON · one JSON object as the last line")]


def _desk() -> Desk:
    return Desk.of(Database(settings().url()), settings())


def _now() -> datetime:
    return datetime.now(UTC)


def _show(check: VisitCheck, as_json: bool) -> None:
    shown = CheckOut.of(check)
    if as_json:
        console.emit(shown.model_dump(mode="json"))
    else:
        console.say(
            f"{shown.key}  {shown.department}  {shown.state}  {shown.result or '–'}  {shown.due_on or ''}"
        )


def _tell(as_json: bool, found: Mapping[str, Any], words: str) -> None:
    if as_json:
        console.emit(found)
    else:
        console.say(words)


@commands.command("open")
def open_(round_id: RoundId, as_json: AsJson = False) -> None:
    """由已封存的排班生成检查 · make a seated round's visits, once."""
    made = opening.open_visits(_desk(), round_id, _now())
    _tell(as_json, {"made": made}, f"{made} 户 visits")


@commands.command("list")
def list_(round_id: RoundId, as_json: AsJson = False) -> None:
    """一个批次的检查 · a round's checks."""
    with _desk().db.read() as session:
        rows = repository.of_round(session, round_id)
    if as_json:
        console.emit({"checks": [CheckOut.of(check).model_dump(mode="json") for _, check in rows]})
        return
    lines = [
        (
            str(visit.day or "–"),
            visit.name,
            check.department,
            check.state,
            check.result or "–",
            visit.key,
            check.key,
        )
        for visit, check in rows
    ]
    heads = ("日期 day", "对象 target", "部门", "状态 state", "结果 result", "检查 visit", "记录 check")
    console.table(round_id, heads, lines)


@commands.command("notify")
@before_accounts
def notify(key: Key, by: By) -> None:
    """送达通知 · serve a visit's notice."""
    service.notify(_desk(), key, Actor(by), _now())


@commands.command("arrive")
@before_accounts
def arrive(
    key: Key, by: By, present: Annotated[list[str], typer.Option(help="部门/人员编号 · DEPARTMENT/CODE")]
) -> None:
    """到场，每个部门不少于两名持证人员 · arrive, two certified officers of each department."""
    people: dict[str, list[str]] = {}
    for entry in present:
        department, _, code = entry.rpartition("/")
        people.setdefault(department, []).append(code)
    service.arrive(_desk(), key, people, Actor(by), _now())


@commands.command("record")
@before_accounts
def record(
    key: Key,
    by: By,
    result: Annotated[str, typer.Option(help="结果代码 · result code")],
    disposition: Annotated[str, typer.Option(help="处理方式 · disposition")],
    rectify_by: Annotated[str, typer.Option(help="改正期限 · YYYY-MM-DD")] = "",
    note: Annotated[str, typer.Option(help="说明 · note, internal")] = "",
    as_json: AsJson = False,
) -> None:
    """登记一个部门的结果 · record a department's result."""
    due = date.fromisoformat(rectify_by) if rectify_by else None
    _show(service.record(_desk(), key, Record(result, disposition, note, due), Actor(by), _now()), as_json)


@commands.command("review")
@before_accounts
def review(key: Key, by: By, as_json: AsJson = False) -> None:
    """复核 · review a record."""
    _show(service.review(_desk(), key, Actor(by, "reviewer"), _now()), as_json)


@commands.command("return")
@before_accounts
def return_(
    key: Key, by: By, reason: Annotated[str, typer.Option(help="理由 · why")], as_json: AsJson = False
) -> None:
    """退回 · return a record."""
    _show(service.send_back(_desk(), key, reason, Actor(by, "reviewer"), _now()), as_json)


@commands.command("legal-review")
@before_accounts
def legal_review(key: Key, by: By, as_json: AsJson = False) -> None:
    """法制审核 · legal review."""
    _show(service.legal_review(_desk(), key, Actor(by, "legal"), _now()), as_json)


@commands.command("disclose")
@before_accounts
def disclose(key: Key, by: By, as_json: AsJson = False) -> None:
    """公示 · publish a result."""
    _show(service.disclose(_desk(), key, Actor(by, "publisher"), _now()), as_json)


@commands.command("correct")
@before_accounts
def correct(
    key: Key,
    by: By,
    confirmed_by: Annotated[str, typer.Option(help="确认人 · the second person")],
    result: Annotated[str, typer.Option(help="更正后的结果 · the right result")],
    disposition: Annotated[str, typer.Option(help="处理方式 · disposition")],
    reason: Annotated[str, typer.Option(help="原因代码 · reason code")],
    as_json: AsJson = False,
) -> None:
    """更正，前后都保留 · correct a result; before and after stay."""
    change = Change(reason, confirmed_by, result, disposition)
    _show(service.correct(_desk(), key, change, Actor(by, "publisher"), _now()), as_json)


@commands.command("withdraw")
@before_accounts
def withdraw(
    key: Key,
    by: By,
    confirmed_by: Annotated[str, typer.Option(help="确认人 · the second person")],
    revoked_on: Annotated[str, typer.Option(help="撤销日期 · YYYY-MM-DD")],
    reason: Annotated[str, typer.Option(help="原因代码 · reason code")] = "penalty_revoked",
    as_json: AsJson = False,
) -> None:
    """撤下 · withdraw a result."""
    change = Change(reason, confirmed_by, revoked_on=date.fromisoformat(revoked_on))
    _show(service.withdraw(_desk(), key, change, Actor(by, "publisher"), _now()), as_json)


@commands.command("replace")
@before_accounts
def replace(
    key: Key,
    by: By,
    reason: Annotated[str, typer.Option(help="deregistered | revoked | moved_away | duplicate")],
    evidence: Annotated[str, typer.Option(help="证据哈希 · SHA-256 of the evidence")],
    as_json: AsJson = False,
) -> None:
    """按顺序启用候补 · replace a target by the next backups."""
    made = service.replace(_desk(), key, reason, evidence, Actor(by), _now())
    keys = [visit.key for visit in made]
    _tell(as_json, {"visits": keys}, "候补 backups: " + (" ".join(keys) or "无 none"))


@commands.command("form")
def form(
    key: Key,
    kind: Annotated[str, typer.Argument(help="approval | notice | on-site | record | result")],
    out: Annotated[Path, typer.Option(help="PDF 文件 · where it goes")],
    base: Annotated[
        str, typer.Option(help="服务地址，写入检查码 · the service's address, for the code")
    ] = "",
) -> None:
    """文书 PDF · a form as PDF."""
    with _desk().db.read() as session:
        found = forms.papers(session, key)
    code = CodeKey(settings().data_dir).sign(found.visit) if base and found.visit.day else ""
    out.write_bytes(pdf(forms.form(found, kind), f"{base}/visit-code?code={code}" if code else ""))


@commands.command("deadlines")
def show_deadlines(
    round_id: Annotated[str, typer.Option("--round", help="批次 · of one round")] = "",
    as_json: AsJson = False,
) -> None:
    """公示期限：将到期、逾期、按期率 · what is due, what is late, the share in time."""
    desk, today = _desk(), official_day(_now())
    with desk.db.read() as session:
        days = calendar.load(session)
        pairs = repository.deadlines(session, round_id)
    found = deadlines.timeliness(pairs, today)
    soon = sum(
        deadlines.standing(days, due, today, done, desk.terms.warning) == "soon" for due, done in pairs
    )
    shown = {
        "on_time": found.on_time, "late": found.late, "overdue": found.overdue, "ahead": found.ahead,
        "soon": soon, "share": found.share,
    }  # fmt: skip
    _tell(
        as_json, shown, "公示期限 deadlines: " + "  ".join(f"{name} {value}" for name, value in shown.items())
    )


@commands.command("fill")
def fill(
    round_id: RoundId,
    seed: Annotated[int, typer.Option(help="种子 · seed")] = 1,
    as_json: AsJson = False,
) -> None:
    """仅限演示批次：按种子生成结果 · results for a demonstration's round, on a simulated clock."""
    desk = _desk()
    with desk.db.read() as session:
        begin = max(_now(), ledger.last_time(session) or _now())
    made = demo_results.fill_results(desk, round_id, seed, begin)
    if as_json:
        console.emit({"counts": made.counts, "last": made.last})
    else:
        console.table("演示结果 demo results", ("结果 result", "检查 checks"), list(made.counts.items()))
