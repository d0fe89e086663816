"""`python -m app round absence | seat-tree`: what happens to seats after their draw, and before a draw by coins."""

from __future__ import annotations

import csv
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Annotated, cast

import typer

from app import console
from app.db.database import Database
from app.people.alone import before_accounts
from app.rounds import seats
from app.rounds.absence import Absence
from app.rounds.vault import Vault
from app.rounds.worker import SystemClock
from app.settings import settings
from scheduler.lottery.replacement import Reason

REASONS = ("sickness", "recusal", "certificate")
RoundId = Annotated[str, typer.Argument(help="批次编号 · round id")]


@before_accounts
def absence(
    round_id: RoundId,
    inspectors: Annotated[
        list[str], typer.Option("--inspector", help="人员编号，可多次 · code, may be repeated")
    ],
    reason: Annotated[str, typer.Option(help="、".join(REASONS))],
    start: Annotated[
        datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="首日 · first day")
    ] = None,
    end: Annotated[
        datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="末日 · last day")
    ] = None,
    target: Annotated[str, typer.Option(help="回避的对象 · target of a late recusal")] = "",
    as_json: Annotated[
        bool, typer.Option("--json", help="末行输出 JSON · one JSON object as the last line")
    ] = False,
) -> None:
    """登记抽定后的缺勤：由候补递补，其他席位不变 · file a late absence: the next reserve moves in, nobody else."""
    if reason not in REASONS:
        raise typer.BadParameter(f"--reason: {' | '.join(REASONS)}")
    days = [moment.date() if moment else None for moment in (start, end)]
    filed = [Absence(code, cast("Reason", reason), days[0], days[1], target) for code in inspectors]
    with closing(Database(settings().url())) as db:
        moves = seats.file_absences(db, Vault(settings().data_dir), round_id, filed, SystemClock().now())
    if as_json:
        told = [{"seat_id": move.seat_id, "out": move.out, "into": move.into} for move in moves]
        console.emit({"round_id": round_id, "absences": len(filed), "moves": told})
        return
    rows = [(move.seat_id, move.out, move.into, move.reason) for move in moves]
    console.table(f"换人 moves · {round_id}", ("席位 seat", "原任 out", "递补 into", "原因 reason"), rows)


def seat_tree(
    round_id: RoundId,
    out: Annotated[Path, typer.Option(help="CSV 文件 · file to write")],
) -> None:
    """掷币之前列出全部 1,024 种人员安排 · before coins are tossed, write all 1,024 assignments, one a line."""
    with closing(Database(settings().url())) as db:
        tree = seats.tree_of(db, Vault(settings().data_dir), round_id)
    with out.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["coins", *tree[0]])
        writer.writerows([f"{number:010b}", *held.values()] for number, held in enumerate(tree))
    console.say(f"{out}：{len(tree)} 种安排 · assignments")
