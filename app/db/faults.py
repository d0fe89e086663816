"""What a database or disk that can't take a request now says, as refusals. The transaction has left nothing behind."""

from __future__ import annotations

import errno
import sqlite3
from typing import Final

from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnection

from app.errors import Problem, Unavailable

FAILURES: Final = (DBAPIError, NoConnection, OSError)
"""What `unavailable` may know a refusal for."""
AGAIN_S: Final = 5
"""After so many seconds it is worth trying again; after a minute where somebody has to make room first."""
ROOM_S: Final = 60
_LOW_BYTE: Final = 0xFF
_SQLITE: Final = {
    sqlite3.SQLITE_BUSY: "busy",
    sqlite3.SQLITE_LOCKED: "busy",
    sqlite3.SQLITE_FULL: "full",
    sqlite3.SQLITE_IOERR: "disk",
    sqlite3.SQLITE_CANTOPEN: "disk",
    sqlite3.SQLITE_READONLY: "disk",
}
"""Primary result codes (sqlite.org/rescode.html)."""
_POSTGRES: Final = {"55P03": "busy", "40P01": "busy", "40001": "busy", "53100": "full", "58030": "disk"}
"""SQLSTATEs (PostgreSQL, appendix A): lock not available, deadlock, serialization, disk full, input or output."""
_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_WORDS: Final = {
    "busy": (
        "数据库正被长时间占用，请求没有执行",
        "The database has been locked for too long; the request was not carried out",
        "请稍后原样重试；若一再发生，请运行单位查看是否有长时间的写入。",
        "Send the same again later; if it happens again and again, the operator should look for a long write.",
    ),
    "full": (
        "存储空间已满，请求没有执行，也没有写下任何部分",
        "There is no room left on the disk; the request was not carried out and no part of it was written",
        "请运行单位腾出空间；之后原样重试，已开始的批次会自行继续。",
        "The operator has to make room; then send the same again. Rounds that have begun go on by themselves.",
    ),
    "disk": (
        "存储设备读写出错，请求没有执行",
        "The disk can't be read or written; the request was not carried out",
        "请运行单位检查磁盘与数据目录的权限；之后原样重试。",
        "The operator has to check the disk and the data folder's permissions; then send the same again.",
    ),
    "away": (
        "数据库没有回答，请求没有执行",
        "The database does not answer; the request was not carried out",
        "请稍后原样重试；若一再发生，请运行单位查看数据库是否在运行。",
        "Send the same again later; if it happens again and again, the operator should see whether it runs.",
    ),
}


def unavailable(error: Exception) -> Unavailable | None:
    """The refusal (503) that a failure comes to; None where it is a fault of ours."""
    kind = _kind(error)
    if kind is None:
        return None
    zh, en, remedy_zh, remedy_en = _WORDS[kind]
    seconds = ROOM_S if kind in ("full", "disk") else AGAIN_S
    code = f"database.{kind}" if not isinstance(error, OSError) else f"storage.{kind}"
    return Unavailable(Problem(code, f"{zh}。", f"{en}.", remedy_zh, remedy_en, {"retry_after_s": seconds}))


def _kind(error: Exception) -> str | None:
    if isinstance(error, OSError):
        return "full" if error.errno in _FULL else None
    if isinstance(error, NoConnection):
        return "busy"
    if not isinstance(error, DBAPIError):
        return None
    if isinstance(error.orig, sqlite3.Error):
        return _SQLITE.get(getattr(error.orig, "sqlite_errorcode", 0) & _LOW_BYTE)
    state = getattr(error.orig, "sqlstate", None)
    gone = isinstance(error, OperationalError) or error.connection_invalidated
    return _POSTGRES.get(state or "", "away" if gone else None)
