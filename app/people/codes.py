"""A firm signs in with a one-time code that is sent to its registered contact; its code number alone opens nothing.

Whether or not the firm exists and has a contact, asking takes the same work, leaves the same rows and gets the same
answer. A code has eight digits, is kept as its Argon2 hash, counts once and for ten minutes, and a newer one replaces
it. Five wrong ones within a quarter of an hour suspend the firm's sign-in (`attempts`): at most 480 guesses a day among
10^8.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, update
from sqlmodel import Session, col, select

from app.db.database import Database
from app.people import attempts, contacts, passwords, sessions
from app.people.messages import post
from app.people.tables import FirmCode

DIGITS: Final = 8
LIFE: Final = timedelta(minutes=10)
ASKED_AT_ONCE: Final = 3
ASKED_PER_DAY: Final = 10
KEPT: Final = timedelta(days=1)


def ask(db: Database, firm: str, place: str, now: datetime) -> None:
    """Send a code to the firm's registered contact, if it has one. Raises TooMany: per firm and per address."""
    wanted = contacts.named(firm)
    attempts.begin(db, f"firm code:{wanted}", place, now, ASKED_AT_ONCE, ASKED_PER_DAY)
    code = f"{secrets.randbelow(10**DIGITS):0{DIGITS}d}"
    kept = passwords.hashed(code)
    with db.write() as session:
        session.execute(delete(FirmCode).where(col(FirmCode.at) < now - KEPT))
        contact = contacts.contact_of(session, wanted)
        made = FirmCode(
            asked_for=_digest(wanted), target_id=contact.target_id if contact else None, code=kept, at=now
        )
        session.add(made)
        post(session, "firm_code", contact, _words(code), now, now + LIFE)


def sign_in(db: Database, firm: str, code: str, place: str, now: datetime, before: str = "") -> str:
    """A new session's secret. Raises TooMany, and Unauthorized `sign_in.refused`, whatever was wrong."""
    wanted, given = contacts.named(firm), contacts.named(code)
    number = attempts.begin(db, f"firm:{wanted}", place, now)
    with db.read() as session:
        newest = _newest(session, wanted)
    good = passwords.matches(given, newest.code if newest else "")
    if not good or newest is None or newest.target_id is None or newest.at + LIFE <= now:
        raise sessions.refused()
    with db.write() as session:
        if not _use(session, newest, now) or contacts.contact_of(session, wanted) is None:
            raise sessions.refused()
        attempts.succeeded(session, number)
        return sessions.begin(session, now, target_id=newest.target_id, before=before)


def _newest(session: Session, wanted: str) -> FirmCode | None:
    query = select(FirmCode).where(FirmCode.asked_for == _digest(wanted))
    return session.exec(query.order_by(col(FirmCode.id).desc()).limit(1)).one_or_none()


def _use(session: Session, code: FirmCode, now: datetime) -> bool:
    """Once: of two who come at the same moment one finds it unused."""
    unused = (col(FirmCode.id) == code.id) & col(FirmCode.used_at).is_(None)
    used = update(FirmCode).where(unused).values(used_at=now).returning(col(FirmCode.id))
    return session.scalars(used).one_or_none() is not None


def _digest(wanted: str) -> str:
    return hashlib.sha256(wanted.encode()).hexdigest()


def _words(code: str) -> str:
    minutes = LIFE.seconds // 60
    return (
        f"【双随机、一公开】登录验证码 {code}，{minutes} 分钟内有效，限用一次，请勿告知他人。"
        f"非本单位操作请忽略。Sign-in code {code}, valid once within {minutes} minutes; tell nobody."
    )
