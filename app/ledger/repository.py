"""All SQL of the log and the artefacts. Called inside the transaction of the room that writes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlmodel import Session, col, select

from app.errors import Conflict, NotFound, Problem
from app.ledger.tables import Artefact, LogEntry
from scheduler.encoding import canonical_json

OFFICIAL = ZoneInfo("Asia/Shanghai")
SKEW = timedelta(minutes=5)
"""By how much a process's clock may lie behind the log's newest entry."""
_END = "log.end"
"""Where a session keeps (transaction, index, time) of the newest entry."""
_LOG_LOCK = 0x444F55424C45  # any constant: the advisory lock under which PostgreSQL numbers entries


def lock_log(session: Session) -> None:
    """Keep the log's end to this transaction (SQLite's write transaction holds the whole database anyway)."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOG_LOCK})


def moment(session: Session, now: datetime, took: float = 0.0) -> datetime:
    """When something is logged: `now`, never before the newest entry. Keeps the log's end to this transaction.

    `took`: seconds that the work lasted which began at `now`; where others logged something meanwhile, its end counts.
    Clocks of two processes differ a little, and who asked first may write second: up to `SKEW` the newest entry's
    time is taken. Raises Conflict `log.clock_behind` beyond that: a clock is wrong, and times would be made up.
    """
    last, ended = _end(session)[1], now + timedelta(seconds=took)
    if last is None or last <= now:
        return now
    if last - ended > SKEW:
        raise _clock_behind(last, ended)
    return max(last, ended)


def _clock_behind(last: datetime, now: datetime) -> Conflict:
    before, here = (f"{at.astimezone(OFFICIAL):%Y-%m-%d %H:%M:%S}" for at in (last, now))
    return Conflict(
        Problem(
            "log.clock_behind",
            f"日志最后一条记于 {before}，而本机时钟是 {here}：日志的时间不能倒退，已拒绝登记。",
            f"The log's newest entry is of {before}, but the clock says {here}: the log's times never go back, "
            "so nothing is logged.",
            "请校准时钟；若最后一条来自模拟时钟的演示，正式批次请用另一个数据库。",
            "Set the clock right. Where that entry came from a demonstration's simulated clock, use another database "
            "for real rounds.",
            {"last": before, "clock": here},
        )
    )


def append(session: Session, entry: Mapping[str, Any], at: datetime) -> LogEntry:
    """Append canonical JSON with RFC 9162's leaf hash; the caller's transaction carries it.

    `entry` has at least `type`, `subject`, `actor_role` and `digest`, and never personal data. Times never go back:
    see `moment`.
    """
    logged_at = moment(session, at)
    last = _end(session)[0]
    official = {"at": logged_at.astimezone(OFFICIAL).isoformat(timespec="seconds")}
    body = canonical_json({**official, **entry} if logged_at == at else {**entry, **official})
    row = LogEntry(
        index=last + 1,
        type=str(entry["type"]),
        subject=str(entry["subject"]),
        at=logged_at,
        body=body.decode(),
        leaf_hash=hashlib.sha256(b"\x00" + body).hexdigest(),
    )
    session.add(row)
    session.flush()
    session.info[_END] = (_transaction(session), row.index, row.at)
    return row


def _end(session: Session) -> tuple[int, datetime | None]:
    """Index and time of the newest entry, (−1, None) before the first; keeps the log's end to this transaction.

    Nobody else can append until this transaction ends, so it is asked once; a savepoint, which may be rolled back, is
    a transaction of its own.
    """
    inside, index, at = session.info.get(_END, (None, -1, None))
    if inside is not None and inside is _transaction(session):
        return index, at
    lock_log(session)
    query = select(LogEntry.index, LogEntry.at).order_by(col(LogEntry.index).desc()).limit(1)
    index, at = session.exec(query).first() or (-1, None)
    session.info[_END] = (_transaction(session), index, at)
    return index, at


def _transaction(session: Session) -> object:
    return session.get_nested_transaction() or session.get_transaction()


def last_time(session: Session) -> datetime | None:
    """When the newest entry was appended."""
    return session.exec(select(LogEntry.at).order_by(col(LogEntry.index).desc()).limit(1)).first()


def entries(session: Session, subject: str) -> list[dict[str, Any]]:
    """`{index, entry}` of everything logged about `subject`, in order."""
    query = select(LogEntry).where(LogEntry.subject == subject).order_by(col(LogEntry.index))
    return [{"index": row.index, "entry": json.loads(row.body)} for row in session.exec(query)]


def keep(session: Session, subject: str, name: str, data: bytes, at: datetime) -> str:
    """Store an artefact once; the same bytes again are welcome, other bytes are an alarm. Returns its SHA-256."""
    digest = hashlib.sha256(data).hexdigest()
    query = select(Artefact.digest).where(Artefact.subject == subject, Artefact.name == name)
    known = session.exec(query).first()
    if known is None:
        session.add(Artefact(subject=subject, name=name, digest=digest, size=len(data), data=data, at=at))
        session.flush()
    elif known != digest:
        raise Conflict(
            Problem(
                "artefact.changed",
                f"{subject} 的 {name} 已存档，再次生成的内容不同，已拒绝覆盖。",
                f"{name} of {subject} is on record and was made again with other contents; it is not overwritten.",
                "请停止该批次并由审计人员核查。",
                "Stop the round and have it audited.",
                {"subject": subject, "name": name, "stored": known, "made": digest},
            )
        )
    return digest


def load(session: Session, subject: str, name: str) -> bytes:
    """An artefact's bytes."""
    data = find(session, subject, name)
    if data is None:
        raise NotFound(
            Problem(
                "artefact.absent",
                f"{subject} 没有 {name}。",
                f"{subject} has no {name}.",
                params={"subject": subject, "name": name},
            )
        )
    return data


def find(session: Session, subject: str, name: str) -> bytes | None:
    """An artefact's bytes, or None."""
    query = select(Artefact.data).where(Artefact.subject == subject, Artefact.name == name)
    return session.exec(query).first()


def names(session: Session, subject: str) -> list[str]:
    """Names of what is on record about `subject`, ascending by code point."""
    return sorted(session.exec(select(Artefact.name).where(Artefact.subject == subject)))
