"""All SQL of accounts, sessions, tokens and the access record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import update
from sqlmodel import Session, col, select

from app.http.pagination import Paging
from app.people.tables import AccessRecord, Account, AccountRole, ApiToken, SignIn


def anybody(session: Session) -> bool:
    """Whether there is an account."""
    return session.exec(select(Account.id).limit(1)).first() is not None


def by_login(session: Session, login: str) -> Account | None:
    """An account by its login, whatever its case."""
    return session.exec(select(Account).where(Account.login == login.strip().lower())).one_or_none()


def by_subject(session: Session, subject: str) -> Account | None:
    """An account by its `issuer subject`."""
    return session.exec(select(Account).where(Account.oidc_subject == subject)).one_or_none()


def accounts(session: Session) -> list[Account]:
    """All accounts in the order they were made."""
    return list(session.exec(select(Account).order_by(col(Account.id))))


def page_of_accounts(session: Session, paging: Paging) -> list[Account]:
    """A page of them, and one more."""
    return [row[0] for row in paging.rows(session, select(Account), [col(Account.id)])]


def roles(session: Session, account: int) -> list[str]:
    """An account's roles, ascending."""
    query = select(AccountRole.role).where(AccountRole.account == account).order_by(AccountRole.role)
    return list(session.exec(query))


def set_roles(session: Session, account: Account, wanted: Sequence[str]) -> None:
    """Exactly these; the database refuses what does not belong to the account's kind."""
    for row in session.exec(select(AccountRole).where(AccountRole.account == account.id)):
        session.delete(row)
    session.flush()
    session.add_all(AccountRole(account=account.id or 0, kind=account.kind, role=role) for role in wanted)
    session.flush()


def session_of(session: Session, digest: str) -> SignIn | None:
    """A session that has not been ended."""
    query = select(SignIn).where(SignIn.digest == digest, col(SignIn.ended_at).is_(None))
    return session.exec(query).one_or_none()


def end_sessions(session: Session, account: int, now: datetime, but: str = "") -> None:
    """Sign an account out everywhere, except for one session."""
    mine = (col(SignIn.account) == account) & col(SignIn.ended_at).is_(None) & (col(SignIn.digest) != but)
    session.execute(update(SignIn).where(mine).values(ended_at=now))


def revoke_tokens(session: Session, account: int, now: datetime) -> None:
    """End every token of an account."""
    mine = (col(ApiToken.account) == account) & col(ApiToken.revoked_at).is_(None)
    session.execute(update(ApiToken).where(mine).values(revoked_at=now))


def token_of(session: Session, digest: str) -> ApiToken | None:
    """A token by the hash of its text."""
    return session.exec(select(ApiToken).where(ApiToken.digest == digest)).one_or_none()


def tokens(session: Session, account: int) -> list[ApiToken]:
    """An account's tokens, the newest first."""
    query = select(ApiToken).where(ApiToken.account == account).order_by(col(ApiToken.id).desc())
    return list(session.exec(query))


def sessions_of(session: Session, account: int, since: datetime) -> list[SignIn]:
    """An account's sessions that have not ended and began after `since`, the one used last first."""
    mine = (
        (col(SignIn.account) == account) & col(SignIn.ended_at).is_(None) & (col(SignIn.created_at) > since)
    )
    return list(session.exec(select(SignIn).where(mine).order_by(col(SignIn.seen_at).desc())))


@dataclass(frozen=True, slots=True)
class Asked:
    """Which records; what is empty asks nothing. `subject`: a part of the object's name. `until` is not included."""

    account: int | None = None
    route: str = ""
    subject: str = ""
    since: datetime | None = None
    until: datetime | None = None


def page_of_records(
    session: Session, paging: Paging, asked: Asked, kinds: Sequence[str] = ()
) -> list[AccessRecord]:
    """A page of the access record, the newest first, and one more; `kinds`: of accounts of these kinds alone."""
    query = select(AccessRecord)
    if asked.account is not None:
        query = query.where(AccessRecord.account == asked.account)
    if asked.route:
        query = query.where(AccessRecord.route == asked.route)
    if asked.subject:
        query = query.where(col(AccessRecord.subject).contains(asked.subject, autoescape=True))
    if asked.since is not None:
        query = query.where(col(AccessRecord.at) >= asked.since)
    if asked.until is not None:
        query = query.where(col(AccessRecord.at) < asked.until)
    if kinds:
        of_kind = select(Account.id).where(col(Account.kind).in_(kinds))
        query = query.where(col(AccessRecord.account).in_(of_kind))
    return [row[0] for row in paging.rows(session, query, [col(AccessRecord.id)], newest=True)]
