"""Use cases of accounts: make, give roles, lock, set passwords, make and revoke tokens. Each leaves a log entry.

Log entries name an account by its number and hold no names. Who makes an account does not give it roles: that is the
security administrator's, and nobody changes what concerns themselves.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from app.db.database import Database
from app.errors import Conflict, NotFound, Problem, refuse
from app.http.access import BUSINESS, Actor, forbidden
from app.ledger import repository as ledger
from app.people import attempts, passwords, repository, sessions
from app.people.schemas import AccountIn
from app.people.tables import Account, ApiToken
from app.registers.tables import Inspector
from scheduler.encoding import canonical_json

FIRST: Final = ("system_admin", "security_admin", "audit_admin")
LONGEST_TOKEN: Final = timedelta(days=366)


def init(db: Database, now: datetime) -> list[tuple[str, str]]:
    """Make the three administrators; (login, initial password) of each, shown once. Raises Conflict `people.exist`."""
    made = []
    with db.write() as session:
        if repository.anybody(session):
            raise Conflict(
                Problem(
                    "people.exist",
                    "已有账户，不能再次初始化。",
                    "There are accounts already.",
                    "请由系统管理员新建账户，由安全管理员授予角色。",
                    "Let the system administrator make accounts and the security administrator give roles.",
                )
            )
        for kind in FIRST:
            account, password = _make(session, AccountIn(login=kind.replace("_", "-"), kind=kind), now)
            _give(session, account, [kind], now, "operator")
            made.append((account.login, password))
    return made


def create(db: Database, wanted: AccountIn, actor: Actor, now: datetime) -> tuple[Account, str]:
    """A new account without roles, and its initial password. Raises Conflict `people.login`, Refused `people.*`."""
    try:
        with db.write() as session:
            made = _make(session, wanted, now, role_of(actor, "system_admin"))
    except IntegrityError:
        raise Conflict(
            Problem(
                "people.login",
                f"登录名 {wanted.login} 已被使用，或部门、层级、区县不完整。",
                f"The login {wanted.login} is taken, or department, level and districts don't agree.",
                "请换一个登录名；区级账户须写明区县，科室账户须写明部门。",
                "Take another login; district accounts name their districts, business accounts their department.",
                {"login": wanted.login},
            )
        ) from None
    return made


def _make(session: Session, wanted: AccountIn, now: datetime, role: str = "operator") -> tuple[Account, str]:
    password = secrets.token_urlsafe(15)
    made = Account(
        **wanted.model_dump(exclude={"login"}),
        login=wanted.login.lower(),
        district_count=len(wanted.districts),
        password=passwords.hashed(password),
        created_at=now,
    )
    session.add(made)
    session.flush()
    held = {"kind": made.kind, "department": made.department, "districts": made.districts}
    _log(session, "account.created", made, role, held, now)
    return made, password


def give_roles(db: Database, number: int, wanted: Sequence[str], actor: Actor, now: datetime) -> Account:
    """Set an account's roles. Refused `people.roles` where they don't belong to its kind, and to oneself."""
    not_oneself(actor, number)
    with db.write() as session:
        account = found(session, number)
        _give(session, account, wanted, now, role_of(actor, "security_admin"))
        return account


def _give(session: Session, account: Account, wanted: Sequence[str], now: datetime, role: str) -> None:
    possible = BUSINESS if account.kind == "business" else {account.kind}
    if not set(wanted) <= possible:
        raise refuse(
            "people.roles",
            f"该账户类别只能有角色：{'、'.join(sorted(possible))}。三员互斥，且不得兼任业务或审计角色。",
            f"An account of this kind can have: {', '.join(sorted(possible))}. Administrators exclude each other, "
            "auditors and all who do the work.",
            "请为另一人另建账户。",
            "Make another account, for another person.",
            roles=", ".join(wanted),
        )
    repository.set_roles(session, account, sorted(set(wanted)))
    _log(session, "account.roles", account, role, {"roles": sorted(set(wanted))}, now)


def lock(db: Database, number: int, locked: bool, actor: Actor, now: datetime) -> Account:
    """Lock an account, which ends its sessions and tokens, or let it in again."""
    not_oneself(actor, number)
    with db.write() as session:
        account = found(session, number)
        account.locked = locked
        session.add(account)
        if locked:
            repository.end_sessions(session, number, now)
            repository.revoke_tokens(session, number, now)
        kind = "account.locked" if locked else "account.unlocked"
        _log(session, kind, account, role_of(actor, "security_admin"), {}, now)
        return account


def reset_password(db: Database, number: int, actor: Actor, now: datetime) -> str:
    """A new initial password, shown once; the account is signed out everywhere, and linked to no identity any more."""
    not_oneself(actor, number)
    password = secrets.token_urlsafe(15)
    kept = passwords.hashed(password)
    with db.write() as session:
        account = found(session, number)
        account.password, account.must_change, account.oidc_subject = kept, True, None
        session.add(account)
        repository.end_sessions(session, number, now)
        repository.revoke_tokens(session, number, now)
        _log(session, "account.password_reset", account, role_of(actor, "system_admin"), {}, now)
    return password


def link(db: Database, number: int, subject: str, actor: Actor, now: datetime) -> Account:
    """Let an account sign in as `issuer subject`, and by no password; it is signed out. Conflict `oidc.taken`."""
    not_oneself(actor, number)
    try:
        with db.write() as session:
            account = found(session, number)
            account.oidc_subject, account.password, account.must_change = subject, "", False
            session.add(account)
            repository.end_sessions(session, number, now)
            repository.revoke_tokens(session, number, now)
            _log(session, "account.linked", account, role_of(actor, "system_admin"), {}, now)
            return account
    except IntegrityError:
        raise Conflict(
            Problem(
                "oidc.taken",
                "该身份已关联另一账户。",
                "This identity is another account's.",
                "请核对身份标识；一人只有一个账户。",
                "Check the identity; each person has one account.",
            )
        ) from None


def name_inspector(db: Database, number: int, code: str, actor: Actor, now: datetime) -> Account:
    """Say which inspector of the roster an account's person is; an empty `code`: none.

    Raises Refused `people.inspector` for an unknown one, another department's and for others than business accounts;
    Conflict `people.inspector_taken`.
    """
    not_oneself(actor, number)
    try:
        with db.write() as session:
            account = found(session, number)
            if code:
                _require_inspector(session, account, code)
            account.inspector = code or None
            session.add(account)
            _log(session, "account.inspector", account, role_of(actor, "system_admin"), {}, now)
            return account
    except IntegrityError:
        raise Conflict(
            Problem(
                "people.inspector_taken",
                f"执法人员 {code} 已对应另一账户。",
                f"Inspector {code} is another account's person.",
                "请核对人员编号；一人只有一个账户。",
                "Check the code; each person has one account.",
                {"inspector": code},
            )
        ) from None


def _require_inspector(session: Session, account: Account, code: str) -> None:
    row = session.get(Inspector, code)
    if account.kind == "business" and row is not None and account.department in ("", row.department):
        return
    raise refuse(
        "people.inspector",
        f"执法人员库中没有 {code}，或其部门与该账户不同，或该账户不是业务账户。",
        f"{code} is not in the roster, is of another department, or the account is no business account.",
        "请核对执法人员编号；新人员先导入执法人员库。",
        "Check the code; a new person is imported into the roster first.",
        inspector=code,
    )


def sign_out(db: Database, number: int, actor: Actor, now: datetime) -> None:
    """End an account's sessions, not its tokens."""
    not_oneself(actor, number)
    with db.write() as session:
        account = found(session, number)
        repository.end_sessions(session, number, now)
        _log(session, "account.signed_out", account, role_of(actor, "security_admin"), {}, now)


def kinds_seen(actor: Actor) -> tuple[str, ...]:
    """Whose records an actor sees: the audit administrator the other two's, auditors and the operator all (empty)."""
    limited = "audit_admin" in actor.roles and not actor.is_operator
    return ("system_admin", "security_admin") if limited else ()


def change_password(db: Database, actor: Actor, old: str, new: str, place: str, now: datetime) -> None:
    """Set one's own password; every other session and every token ends. Raises Unauthorized, TooMany, Refused."""
    passwords.check_new(new, actor.name)
    number = attempts.begin(db, f"login:{actor.name}", place, now)
    with db.read() as session:
        kept = found(session, actor.account or 0).password
    if not passwords.matches(old, kept):
        raise sessions.refused()
    made = passwords.hashed(new)
    with db.write() as session:
        attempts.succeeded(session, number)
        account = found(session, actor.account or 0)
        account.password, account.must_change = made, False
        session.add(account)
        repository.end_sessions(session, account.id or 0, now, but=passwords.digest(actor.session))
        repository.revoke_tokens(session, account.id or 0, now)


def make_token(
    db: Database, actor: Actor, name: str, scopes: Sequence[str], days: int, now: datetime
) -> tuple[ApiToken, str]:
    """A token of one's own, and its text, shown once."""
    text = passwords.new_token("dr_")
    with db.write() as session:
        made = ApiToken(
            account=actor.account or 0,
            name=name,
            digest=passwords.digest(text),
            scopes=sorted(set(scopes)),
            created_at=now,
            expires_at=now + min(timedelta(days=days), LONGEST_TOKEN),
        )
        session.add(made)
        session.flush()
        return made, text


def revoke_token(db: Database, actor: Actor, number: int, now: datetime) -> None:
    """End a token of one's own. Another's is not found."""
    with db.write() as session:
        token = session.get(ApiToken, number)
        if token is None or token.account != actor.account:
            raise NotFound(
                Problem(
                    "token.absent", f"没有令牌 {number}。", f"There is no token {number}.",
                    "请查看令牌列表。", "See the list of tokens.", {"token": number},
                )
            )  # fmt: skip
        token.revoked_at = token.revoked_at or now
        session.add(token)


def found(session: Session, number: int) -> Account:
    """An account. Raises NotFound `people.absent`."""
    account = session.get(Account, number)
    if account is None:
        raise NotFound(
            Problem(
                "people.absent", f"没有账户 {number}。", f"There is no account {number}.",
                "请查看账户列表。", "See the list of accounts.", {"account": number},
            )
        )  # fmt: skip
    return account


def not_oneself(actor: Actor, number: int) -> None:
    """Nobody administers what concerns themselves."""
    if actor.account == number:
        raise forbidden(
            "people.oneself", "不能办理与本人账户有关的事项。", "Nobody administers their own account."
        )


def role_of(actor: Actor, role: str) -> str:
    """As whom an actor does something, for the log."""
    return "operator" if actor.is_operator else role


def _log(
    session: Session, kind: str, account: Account, role: str, held: dict[str, Any], now: datetime
) -> None:
    now = ledger.moment(session, now)
    body = {"account": account.id, **held}
    digest = hashlib.sha256(canonical_json(body)).hexdigest()
    entry = {"type": kind, "subject": f"account:{account.id}", "actor_role": role, "digest": digest, **held}
    ledger.append(session, {"at": now.isoformat(), **entry}, now)
