"""Accounts of every kind over the small city, and clients that have signed in as them."""

from __future__ import annotations

from datetime import UTC, datetime

from fastapi import FastAPI
from fastapi.testclient import TestClient

from app.db.database import Database
from app.http.access import OPERATOR
from app.needs import scopes
from app.people import service, sessions
from app.people.schemas import AccountIn
from app.people.tables import Account

HTTPS = "https://testserver"
KINDS: dict[str, tuple[str, ...]] = {
    "business": ("coordinator", "planner", "inspector", "legal_reviewer"),
    "auditor": ("auditor",),
    "system_admin": ("system_admin",),
    "security_admin": ("security_admin",),
    "audit_admin": ("audit_admin",),
}
KIND_OF = {role: kind for kind, roles in KINDS.items() for role in roles}


def made(
    db: Database,
    login: str,
    role: str,
    department: str = "",
    districts: tuple[str, ...] = (),
    at: datetime | None = None,
    inspector: str = "",
) -> Account:
    """An account with one role, its initial password already changed; `at`: on a simulated clock.

    `inspector`: whose it is in the roster.
    """
    now = at or datetime.now(UTC)
    wanted = AccountIn(
        login=login, kind=KIND_OF[role], department=department,
        level="district" if districts else "city", districts=list(districts),
    )  # fmt: skip
    account, _ = service.create(db, wanted, OPERATOR, now)
    service.give_roles(db, account.id or 0, [role], OPERATOR, now)
    if inspector:
        service.name_inspector(db, account.id or 0, inspector, OPERATOR, now)
    with db.write() as session:
        kept = service.found(session, account.id or 0)
        kept.must_change = False
        session.add(kept)
        return kept


def signed_in(app: FastAPI, db: Database, account: Account) -> TestClient:
    """A browser with the account's session."""
    with db.write() as session:
        secret = sessions.begin(session, datetime.now(UTC), account=account.id)
    client = TestClient(app, base_url=HTTPS, headers={"accept-language": "en"})
    client.cookies.set("__Host-session", secret)
    return client


def firm_signed_in(app: FastAPI, db: Database, target_id: str) -> TestClient:
    """A browser with a firm's session."""
    with db.write() as session:
        secret = sessions.begin(session, datetime.now(UTC), target_id=target_id)
    client = TestClient(app, base_url=HTTPS, headers={"accept-language": "en"})
    client.cookies.set("__Host-session", secret)
    return client


def with_token(app: FastAPI, db: Database, account: Account, *wanted: str) -> TestClient:
    """A program with a token of the account; without scopes named, all of them."""
    headers = {"authorization": f"Bearer {token_of(db, account, *wanted)}", "accept-language": "en"}
    return TestClient(app, base_url=HTTPS, headers=headers)


def token_of(db: Database, account: Account, *wanted: str) -> str:
    """The text of a new token."""
    with db.read() as session:
        actor = sessions.actor(session, account)
    _, text = service.make_token(db, actor, "test", wanted or scopes(), 1, datetime.now(UTC))
    return text
