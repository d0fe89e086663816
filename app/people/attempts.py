"""Lock-out and rate limits: every attempt is written down before it is judged, so guesses at once count too.

Counted by what was tried (whether or not it exists) and by address, in the database, so that restarts and further
servers forget nothing. What was tried and the address are kept as digests, for a day.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, func, text
from sqlmodel import Session, col, select

from app.db.database import Database
from app.errors import Problem, TooMany
from app.people.tables import SignInAttempt

WINDOW: Final = timedelta(minutes=15)
PER_ACCOUNT: Final = 5
PER_PLACE: Final = 30
KEPT: Final = timedelta(days=1)


def begin(
    db: Database, who: str, place: str, now: datetime, most: int = PER_ACCOUNT, per_day: int | None = None
) -> int:
    """Write an attempt down, as failed until it succeeds; its number.

    Raises TooMany `sign_in.too_many` where there were `most` failures for `who` since the last success, or thirty
    attempts from `place`, within a quarter of an hour; or `per_day` failures for `who` within a day.
    """
    who, place = _digest("who", who), _digest("place", place)
    with db.write() as session:
        _alone(session)
        session.execute(delete(SignInAttempt).where(col(SignInAttempt.at) < now - KEPT))
        if _failures(session, who, now - WINDOW) >= most or _from(session, place, now) >= PER_PLACE:
            raise _too_many()
        if per_day is not None and _failures(session, who, now - KEPT) >= per_day:
            raise _too_many()
        made = SignInAttempt(who=who, place=place, at=now)
        session.add(made)
        session.flush()
        return made.id or 0


def succeeded_at_once(db: Database, who: str, place: str, now: datetime) -> None:
    """Count an attempt against its address alone. Raises TooMany."""
    number = begin(db, f"{who}:{secrets.token_hex(8)}", place, now)
    with db.write() as session:
        succeeded(session, number)


def succeeded(session: Session, number: int) -> None:
    """The attempt was good: failures before it count no more."""
    made = session.get_one(SignInAttempt, number)
    made.good = True
    session.add(made)


def _alone(session: Session) -> None:
    """One attempt at a time is counted (SQLite's write transaction sees to it by itself)."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(7710001)"))


def _failures(session: Session, who: str, since: datetime) -> int:
    recent = select(SignInAttempt).where(SignInAttempt.who == who, SignInAttempt.at > since)
    last = session.exec(
        select(func.max(SignInAttempt.id)).where(SignInAttempt.who == who, col(SignInAttempt.good))
    ).one()
    query = recent.where(col(SignInAttempt.id) > (last or 0))
    return len(session.exec(query).all())


def _from(session: Session, place: str, now: datetime) -> int:
    query = select(func.count()).where(SignInAttempt.place == place, SignInAttempt.at > now - WINDOW)
    return int(session.execute(query).scalar_one())


def _digest(kind: str, text_: str) -> str:
    return hashlib.sha256(f"{kind}:{text_}".encode()).hexdigest()


def _too_many() -> TooMany:
    minutes = WINDOW.seconds // 60
    return TooMany(
        Problem(
            "sign_in.too_many",
            f"尝试次数过多，请 {minutes} 分钟后再试。",
            f"Too many attempts; try again in {minutes} minutes.",
            "忘记密码请联系系统管理员。",
            "If the password is forgotten, ask the system administrator.",
        )
    )
