"""Back-ups of a database that is in use: SQLite by `VACUUM INTO`, PostgreSQL by `pg_dump` in its custom format."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from app.db.database import Database, sqlite_backup
from app.errors import refuse


def backup(database: Database, target: Path) -> None:
    """Write one consistent state of the database into `target`, which must not be there yet.

    Raises Refused `backup.exists`, `backup.no_tool` (no pg_dump), `backup.failed`.
    """
    if target.exists():
        raise refuse(
            "backup.exists",
            f"{target} 已存在，不覆盖任何备份。",
            f"{target} is there already; no back-up is overwritten.",
            "请换一个文件名。",
            "Choose another name.",
            file=str(target),
        )
    if database.is_sqlite:
        sqlite_backup(database.url, str(target))
        return
    tool = shutil.which("pg_dump")
    if tool is None:
        raise refuse(
            "backup.no_tool",
            "找不到 pg_dump，无法备份 PostgreSQL。",
            "There is no pg_dump on the PATH, which a back-up of PostgreSQL takes.",
            "请安装与服务器同版本的 PostgreSQL 客户端。",
            "Install PostgreSQL's client programs of the server's version.",
        )
    address = database.url.replace("postgresql+psycopg://", "postgresql://", 1)
    command = [tool, "--format=custom", f"--file={target}", address]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  the operator's own tool
    if done.returncode:
        target.unlink(missing_ok=True)
        said = (done.stderr.strip().splitlines() or ["pg_dump"])[-1]
        raise refuse(
            "backup.failed",
            f"pg_dump 未能完成：{said}",
            f"pg_dump did not finish: {said}",
            "请检查数据库地址、权限和磁盘空间。",
            "Check the database's address, rights and the disk's space.",
        )
