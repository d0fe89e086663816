"""`python -m app plan trial PLAN`: what the plan would ask for if its round were frozen now; writes nothing."""

from __future__ import annotations

import secrets
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import typer

from app import console
from app.db.database import Database
from app.rounds.trial import Trial, trial
from app.settings import settings
from scheduler.seed import SECRET_SIZE

WATERMARK: Final = "试抽 · 不作数 · trial, counts for nothing"

Code = Annotated[str, typer.Argument(help="计划编号 the plan's code")]
AsJson = Annotated[bool, typer.Option("--json", help="one JSON object on standard output")]


def trial_of(code: Code, as_json: AsJson = False) -> None:
    """试抽（不作数）：按名录现状抽一次，只列数目，什么都不写 · Draw once for trial, counts only, nothing kept."""
    noise = secrets.token_bytes(SECRET_SIZE)
    with closing(Database(settings().url())) as db, console.progress(as_json) as told:
        found = trial(db, code, datetime.now(UTC), noise, settings().risk_limit_ppm, told)
    if as_json:
        console.emit(shown(found))
        return
    _tables(found)


def shown(found: Trial) -> dict[str, Any]:
    """The trial as JSON, its watermark first."""
    plain = asdict(found)
    plain["at"], plain["days"] = found.at.isoformat(), [day.isoformat() for day in found.days]
    return {"watermark": WATERMARK, **plain}


def _tables(found: Trial) -> None:
    console.say(f"{WATERMARK}：{found.plan} v{found.version} {found.title_zh}")
    draws = [
        (
            one.task_id,
            " ".join(one.departments),
            one.rows,
            sum(n for _, n in one.left_out),
            one.idle,
            one.drawn,
        )
        for one in found.draws
    ]
    columns = (
        "抽取 draw",
        "部门 departments",
        "名录 frame",
        "上限排除 capped",
        "一户不抽 idle",
        "抽中 drawn",
    )
    console.table(WATERMARK, columns, draws)
    needs = [
        (
            one.department,
            one.checks,
            one.least,
            one.free,
            "✗ 不够 short" if one.short else "✓",
            sum(n for _, n in one.unplaced),
            one.outside,
        )
        for one in found.needs
    ]
    heads = (
        "部门 department", "检查 checks", "至少人日 least", "可用人日 free", "",
        "排不上 unplaced", "不在名录 outside",
    )  # fmt: skip
    console.table(WATERMARK, heads, needs)
    work, risk = found.work, found.risk
    console.say(
        f"对象 targets {work.targets} · 检查 checks {work.checks} · 入户 visits {work.entries} · "
        f"人日 inspector-days ≥ {work.least}，简单合并 greedy {work.greedy}"
    )
    if risk.worst_ppm is not None:
        console.say(
            f"推知类别 disclosure risk {risk.worst_ppm / 10_000:g} %，上限 limit {risk.limit_ppm / 10_000:g} %"
        )
    for problem in (*found.warnings, *([risk.problem] if risk.problem else [])):
        console.warning(problem)
    console.say(WATERMARK)
