"""`export`: a released round as files."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from app.db.database import Database
from app.db.migrations import upgrade
from app.disclosure import open_data
from app.disclosure.export import export_round
from app.rounds.log import OFFICIAL
from app.settings import settings
from app.visits.published import Window
from scheduler.notes import VerifierKey

commands = typer.Typer(help="导出已公开的批次 · Export released rounds", no_args_is_help=True)


@commands.callback()
def export() -> None:
    """导出已公开的批次 · Export released rounds."""


@commands.command("round")
def round_(
    round_id: Annotated[str, typer.Argument(metavar="ROUND", help="批次编号 · the round's id")],
    out: Annotated[Path, typer.Option(help="输出目录 · folder to write to")],
    as_json: Annotated[
        bool, typer.Option("--json", help="最后一行为 JSON · one JSON object as the last line")
    ] = False,
) -> None:
    """归档两份、静态页面、检查安排与日历 · Both bundles, the static page, the schedule and its calendars."""
    db = Database(settings().url())
    try:
        upgrade(db)
        made = export_round(db, round_id, out)
    finally:
        db.close()
    paths = {
        "bundle": made.bundles.public,
        "auditor": made.bundles.auditor,
        "page": made.page,
        "staff": made.internal,
    }
    written = {name: str(path) for name, path in paths.items() if path is not None}
    if as_json:
        typer.echo(json.dumps(written, ensure_ascii=False))
        return
    console = Console()
    for name, path in written.items():
        console.print(f"{name:<8} {path}", soft_wrap=True, highlight=False)


@commands.command()
def data(
    out: Annotated[Path, typer.Option(help="输出目录 · folder to write to")],
    as_json: Annotated[bool, typer.Option("--json", help="末行输出 JSON · JSON as the last line")] = False,
) -> None:
    """开放数据全部文件与签名清单 · Every file of the open data with its signed manifest."""
    now = datetime.now(UTC)
    db = Database(settings().url())
    try:
        upgrade(db)
        window = Window(now.astimezone(OFFICIAL).date(), settings().results_before_reveal)
        made = open_data.export(db, settings().data_dir, window, out, now)
    finally:
        db.close()
    typer.echo(json.dumps({"manifest": str(made)}, ensure_ascii=False) if as_json else str(made))


@commands.command("verify-data")
def verify_data(
    folder: Annotated[Path, typer.Argument(help="下载的文件夹 · folder with the files", exists=True)],
    log_key: Annotated[str, typer.Option("--log-key", help="日志公钥 · the log's public key")],
) -> None:
    """核对下载的开放数据 · Check downloaded open data against its signed manifest."""
    for name in open_data.verify(folder, VerifierKey.parse(log_key)):
        typer.echo(f"OK {name}")
