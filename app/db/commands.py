"""`python -m app db …`: back-up and upgrade."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.db.backups import backup
from app.db.database import Database
from app.db.migrations import is_newest
from app.db.migrations import upgrade as run_migrations
from app.settings import settings

commands = typer.Typer(help="数据库：备份与升级 · the database: back-up and upgrade", no_args_is_help=True)


@commands.command("backup")
def write_backup(
    target: Annotated[Path, typer.Argument(help="备份文件，不得已存在 · a file that is not there yet")],
) -> None:
    """备份正在使用的数据库 · back up the database while it is in use (SQLite: VACUUM INTO; PostgreSQL: pg_dump)."""
    db = Database(settings().url())
    backup(db, target)
    db.close()
    typer.echo(f"{target} {target.stat().st_size}")


@commands.command("upgrade")
def upgrade() -> None:
    """升级数据库结构，先运行 log fsck · bring the schema up to date; run `log fsck` before."""
    db = Database(settings().url())
    run_migrations(db)
    typer.echo("最新 newest" if is_newest(db) else "未完成 not finished")
    db.close()
