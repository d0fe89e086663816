"""`python -m app round explain | visits | replan | move | stop`: the plan looked at and changed from a terminal."""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer

from app import console
from app.db.database import Database
from app.people.alone import before_accounts
from app.rounds import changes, packed, solving
from app.rounds.changing import Asked, Move, Urgent
from app.rounds.packing_schemas import ChangeOut, ExplanationOut
from app.rounds.vault import Vault
from app.settings import settings
from app.web.templates import clock

RoundId = Annotated[str, typer.Argument(help="批次编号 · round id")]
AsJson = Annotated[bool, typer.Option("--json", help="末行输出 JSON · one JSON object as the last line")]
Reason = Annotated[str, typer.Option(help="理由，将公开 · reason, published")]
Take = Annotated[
    str, typer.Option(help="确认码：不给只显示代价 · confirmation; without it only the cost is shown")
]
Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"])]
MEASURES = {
    "entries": "进门次数 entries",
    "inspector_days": "人日 inspector-days",
    "travel_min": "路途分钟 minutes on the way",
    "host_min": "企业接待分钟 minutes as host",
    "people_per_visit_max": "每次至多人数 people per visit",
}


def _database() -> Database:
    return Database(settings().url())


def explain(round_id: RoundId, as_json: AsJson = False) -> None:
    """为何未排、为何不能合并：规则与最省的办法 · why a check has no visit, why visits are not one, and what to do."""
    with closing(_database()) as db:
        found = packed.explained(db, Vault(settings().data_dir), round_id)
    if as_json:
        console.emit({"explanations": [ExplanationOut.of(row).model_dump() for row in found]})
        return
    if not found:
        console.say(
            "✓ 检查全部排上，没有不能合并的入户 · every check has a visit, and no visits were kept apart"
        )
        return
    cells = [
        (
            " ".join(row.visits) or row.checks[0],
            row.code,
            "；".join(rule.zh for rule in row.rules),
            "；".join(remedy.zh for remedy in row.remedies),
        )
        for row in found
    ]
    console.table(
        f"{round_id} · {len(found)}", ("检查或入户 subject", "代码 code", "规则 rules", "办法 remedy"), cells
    )


def visits(round_id: RoundId, day: Day = None, as_json: AsJson = False) -> None:
    """已排定的入户，含以后的调整 · the visits as they stand, with every change so far."""
    with closing(_database()) as db:
        found = packed.visits(db, round_id)
    wanted = [row for row in found if day is None or row["date"] == day.date().isoformat()]
    if as_json:
        console.emit({"visits": wanted})
        return
    cells = [
        (row["visit_id"], row["date"], clock(row["start"]), row["target_id"], len(row["checks"]))
        for row in wanted
    ]
    columns = ("入户 visit", "日期 date", "开始 start", "对象 target", "检查 checks")
    console.table(f"{round_id} · {len(cells)}", columns, cells)


@before_accounts
def stop(round_id: RoundId, by: Annotated[str, typer.Option(help="何人 · who asks")]) -> None:
    """停止求解，取目前最好的安排 · stop packing and take the best plan so far."""
    with closing(_database()) as db:
        solving.stop(db, round_id, by, datetime.now(UTC))
    console.say("已请求停止；目前最好的安排将被采用 · asked to stop; the best plan so far is taken")


@before_accounts
def move(
    round_id: RoundId,
    visit: Annotated[str, typer.Argument(help="入户编号 · visit id")],
    reason: Reason,
    to: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="改到 · to this day")] = None,
    avoid: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="避开 · not on this day")
    ] = None,
    take: Take = "",
    as_json: AsJson = False,
) -> None:
    """固定或禁止某次入户的日期：先看代价，再以确认码采用 · fix or forbid a visit's day; the cost comes first."""
    days = [moment.date().isoformat() if moment else "" for moment in (to, avoid)]
    _change(round_id, Asked(reason, Move(visit, *days)), take, as_json)


@before_accounts
def replan(
    round_id: RoundId,
    reason: Reason,
    cancel: Annotated[
        list[str] | None, typer.Option(help="当日不能进行的入户 · a visit that can't be on its day")
    ] = None,
    closed: Annotated[
        list[str] | None, typer.Option(help="对象或区县=日期 · TARGET or DISTRICT=DATE, nobody can go there")
    ] = None,
    fewer: Annotated[
        list[str] | None, typer.Option(help="部门=日期=人数 · DEPARTMENT=DATE=OFFICERS who can't come")
    ] = None,
    urgent: Annotated[
        list[str] | None, typer.Option(help="对象=事项[,事项] · TARGET=ITEM[,ITEM], a check that can't wait")
    ] = None,
    take: Take = "",
    as_json: AsJson = False,
) -> None:
    """按新情况重排，改动最少：先看代价，再以确认码采用 · fit the plan to what happened; the cost comes first."""
    asked = Asked(
        reason,
        None,
        tuple(cancel or ()),
        tuple((place, day) for place, day in (_parts(text, 2) for text in closed or ())),
        tuple((name, day, _number(count)) for name, day, count in (_parts(text, 3) for text in fewer or ())),
        tuple(
            Urgent(place, tuple(items.split(",")))
            for place, items in (_parts(text, 2) for text in urgent or ())
        ),
    )
    _change(round_id, asked, take, as_json)


def _parts(text: str, count: int) -> list[str]:
    parts = text.split("=")
    if len(parts) != count or not all(parts):
        raise typer.BadParameter(f"{text!r}：应有 {count} 部分，以 = 分隔 · {count} parts, parted by =")
    return parts


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise typer.BadParameter(f"{text!r}：应为正整数 · a positive number")
    return int(text)


def _change(round_id: str, asked: Asked, take: str, as_json: bool) -> None:
    vault, now = Vault(settings().data_dir), datetime.now(UTC)
    with closing(_database()) as db:
        if take:
            made = changes.take(db, vault, round_id, asked, take, now)
        else:
            made = changes.propose(db, vault, round_id, asked, now)
    shown = ChangeOut.of(round_id, made, bool(take))
    if as_json:
        console.emit(shown.model_dump(mode="json"))
        return
    before, after = asdict(made.before), asdict(made.after)
    rows = [(MEASURES[name], before[name], after[name], after[name] - before[name]) for name in before]
    console.table(f"{round_id} · 代价 cost", ("指标 measure", "原 before", "新 after", "差 difference"), rows)
    listed = (("改 changed", shown.changed), ("撤 cancelled", shown.cancelled), ("增 added", shown.added))
    for label, names in (*listed, ("须告知 told", shown.told)):
        console.say(f"{label}：{' '.join(names) or '–'}")
    if shown.unscheduled:
        lost = [(row["check_id"], row["reason"], row["remedy"]) for row in shown.unscheduled]
        console.table("未排 unscheduled", ("检查 check", "原因 reason", "办法 remedy"), lost)
    console.say("已采用 taken" if take else f"采用 to take it：--take {shown.confirm}")
