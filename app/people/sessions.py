"""Signing in and being recognised again: opaque random secrets, of which the database has only digests."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import datetime, timedelta
from typing import Final

from sqlmodel import Session
from starlette.concurrency import run_in_threadpool

from app.db.database import Database
from app.db.scope import NOTHING, Scope
from app.errors import Problem, Unauthorized
from app.http.access import FIRM, Actor
from app.people import attempts, passwords, repository
from app.people.tables import AccessRecord, Account, SignIn

LASTS: Final = timedelta(hours=12)
IDLE: Final = timedelta(minutes=30)
TOUCH: Final = timedelta(minutes=1)


def sign_in(db: Database, login: str, password: str, place: str, now: datetime, before: str = "") -> str:
    """A new session's secret. `place`: the address it comes from; `before`: the secret of a session that this replaces.

    Raises TooMany, and Unauthorized `sign_in.refused`: the same answer, after the same work, whatever was wrong.
    """
    number = attempts.begin(db, f"login:{login.strip().lower()}", place, now)
    with db.read() as session:
        account = repository.by_login(session, login)
    good = passwords.matches(password, account.password if account else "")
    if account is None or not good or account.locked:
        raise refused()
    with db.write() as session:
        attempts.succeeded(session, number)
        return begin(session, now, account=account.id, before=before)


def begin(
    session: Session,
    now: datetime,
    *,
    account: int | None = None,
    target_id: str | None = None,
    before: str = "",
) -> str:
    """Make a session, ending the one whose secret is `before`; gives its secret."""
    if before:
        end(session, before, now)
    secret = passwords.new_token()
    made = SignIn(
        digest=passwords.digest(secret), account=account, target_id=target_id, created_at=now, seen_at=now
    )
    session.add(made)
    session.flush()
    return secret


def end(session: Session, secret: str, now: datetime) -> None:
    """Sign out."""
    found = repository.session_of(session, passwords.digest(secret))
    if found is not None:
        found.ended_at = now
        session.add(found)


def refused() -> Unauthorized:
    """The one answer to a sign-in that fails."""
    return Unauthorized(
        Problem(
            "sign_in.refused",
            "登录失败：登录名、密码或验证码不正确，或账户已停用。",
            "Sign-in failed: login, password or code is wrong, or the account is locked.",
            "请核对后重试；连续失败将暂停登录。",
            "Check and try again; repeated failures suspend signing in for a while.",
        )
    )


class People:
    """What the edge asks of this room (`app.http.access.Identify`)."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._known = False
        self._waiting: list[tuple[AccessRecord, asyncio.Future[None]]] = []
        self._writing = False

    def accounts_exist(self) -> bool:
        """Accounts are never deleted, so a yes holds for good."""
        if not self._known:
            with self._db.read() as session:
                self._known = repository.anybody(session)
        return self._known

    def by_token(self, token: str, now: datetime) -> Actor | None:
        """A token's account, narrowed to the token's scopes."""
        with self._db.read() as session:
            found = repository.token_of(session, passwords.digest(token))
            if found is None or found.revoked_at is not None or found.expires_at <= now:
                return None
            account = session.get_one(Account, found.account)
            return None if account.locked else actor(session, account, tokens=frozenset(found.scopes))

    def by_session(self, secret: str, now: datetime) -> Actor | None:
        """A session's account or firm, unless it is too old or lay idle for too long."""
        digest = passwords.digest(secret)
        with self._db.read() as session:
            found = repository.session_of(session, digest)
            if found is None or found.created_at + LASTS <= now or found.seen_at + IDLE <= now:
                return None
            account = session.get(Account, found.account) if found.account else None
            if account is not None and account.locked:
                return None
            known = actor(session, account, secret=secret) if account else firm(found.target_id or "", secret)
        if now - found.seen_at >= TOUCH:
            self._touch(digest, now)
        return known

    def _touch(self, digest: str, now: datetime) -> None:
        with self._db.write() as session:
            found = repository.session_of(session, digest)
            if found is not None:
                found.seen_at = max(found.seen_at, now)
                session.add(found)

    async def record(self, actor: Actor, route: str, subject: str, status: int, now: datetime) -> None:
        """Keep it before the answer goes out; what comes while others are being written goes in one transaction."""
        firm_id = actor.scope.target_id if actor.kind == FIRM else ""
        row = AccessRecord(
            account=actor.account, firm=firm_id, route=route, subject=subject, status=status, at=now
        )
        kept = asyncio.get_running_loop().create_future()
        self._waiting.append((row, kept))
        if not self._writing:
            self._writing = True
            try:
                while self._waiting:
                    await self._write_waiting()
            finally:
                self._writing = False
        await kept

    async def _write_waiting(self) -> None:
        batch, self._waiting = self._waiting, []
        try:
            await run_in_threadpool(self._write, [row for row, _ in batch])
        except BaseException as error:
            for _, kept in batch:
                kept.set_exception(error)
            raise
        for _, kept in batch:
            kept.set_result(None)

    def _write(self, rows: list[AccessRecord]) -> None:
        with self._db.write() as session:
            session.add_all(rows)


def actor(
    session: Session, account: Account, *, tokens: frozenset[str] | None = None, secret: str = ""
) -> Actor:
    """Who an account is to the edge."""
    return Actor(
        "account",
        account.id,
        account.login,
        frozenset(repository.roles(session, account.id or 0)),
        scope_of(account),
        tokens,
        secret,
        csrf_of(secret) if secret else "",
        account.must_change and tokens is None,
        account.inspector or "",
    )


def scope_of(account: Account) -> Scope:
    """Whose rows an account sees: administrators none, auditors and city accounts without a department all."""
    if account.kind not in ("business", "auditor"):
        return NOTHING
    return Scope(account.department or None, frozenset(account.districts) if account.districts else None)


def firm(target_id: str, secret: str) -> Actor:
    """A firm that has signed in: its own row and no other."""
    scope = Scope(department="", districts=frozenset(), target_id=target_id)
    return Actor(FIRM, None, target_id, frozenset({FIRM}), scope, None, secret, csrf_of(secret))


def csrf_of(secret: str) -> str:
    """What a session's forms bring along: nobody gets it from the cookie's digest or guesses it."""
    return hashlib.sha256(f"csrf:{secret}".encode()).hexdigest()[:32]
