"""`estimate`: make the rates anew from what is published by now."""

from __future__ import annotations

from datetime import UTC, datetime

import typer

from app import console
from app.db.database import Database
from app.estimates.service import refresh
from app.settings import settings

commands = typer.Typer(help="由公示结果作抽样推断 · What the samples prove", no_args_is_help=True)


@commands.callback()
def estimate() -> None:
    """由公示结果作抽样推断 · What the samples prove."""


@commands.command("make")
def make() -> None:
    """重算有变化的计划 · make the estimates of plans that changed; the clock does so by itself."""
    db = Database(settings().url())
    try:
        plans = refresh(db, datetime.now(UTC))
    finally:
        db.close()
    console.say(f"已重算 made: {'、'.join(plans) or '–'}")
