"""Role × route, generated from the application's own routes: each declares its need, and nobody gets past it.

What counts is whether a request gets past the door (401, 403) or not; behind it anything may follow (404, 409, 422).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from app.db.database import Database, sqlite_backup
from app.http.access import FIRM, ROLES, Need
from app.main import create_app
from app.needs import NEEDS
from app.settings import Settings
from tests.accounts import HTTPS, firm_signed_in, made, signed_in, with_token
from tests.small_city import fill

VALUES = {"number": "999", "version": "9", "year": "2031", "register": "targets", "operation_id": "999"}
STREAMS = ("operation_events",)


class World(NamedTuple):
    """An application and its database."""

    app: FastAPI
    db: Database


def routes(app: FastAPI) -> Iterator[tuple[str, str, str]]:
    """(name, method, path) of every route, with the prefix that it is served under."""

    def walk(router: Any, prefix: str) -> Iterator[tuple[str, str, str]]:
        for route in router.routes:
            inner = getattr(route, "original_router", None)
            if inner is not None:
                yield from walk(inner, prefix + route.include_context.prefix)
            else:
                for method in sorted(set(route.methods) - {"HEAD"}):
                    yield route.name, method, prefix + route.path

    yield from walk(app, "")


def asked(client: TestClient, method: str, path: str) -> int:
    """The status that a request without a sensible body gets."""
    address = re.sub(r"{(\w+)}", lambda found: VALUES.get(found[1], "absent"), path)
    body: dict[str, Any] = {} if method == "GET" else {"json": {}}
    return client.request(method, address, follow_redirects=False, **body).status_code


@pytest.fixture
def app(sqlite_database: Database, tmp_path: Path) -> FastAPI:
    """Over the small city."""
    fill(sqlite_database)
    return create_app(sqlite_database, Settings(data_dir=tmp_path), with_clock=False)


def test_every_route_says_what_it_needs_and_no_need_is_left_over(app: FastAPI) -> None:
    names = {name for name, _, _ in routes(app)}
    assert names - set(NEEDS) == set(), "declare these in app/needs.py"
    assert set(NEEDS) - names <= {"openapi"}, "these are declared and not served"
    document = app.openapi()
    for methods in document["paths"].values():
        for operation in methods.values():
            public = NEEDS[operation["operationId"]].public
            assert ("security" in operation) != public
            assert public or {"401", "403"} <= set(operation["responses"])


def expected(need: Need, role: str) -> bool:
    """Whether an account with this role alone gets through."""
    if role == FIRM:
        return need.public or need.firms
    return need.public or not need.roles or role in need.roles


@pytest.fixture(scope="module")
def served(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One application for the tests that only knock at its doors."""
    folder = tmp_path_factory.mktemp("served")
    sqlite_backup(f"sqlite:///{sqlite_template}", str(folder / "served.db"))
    db = Database(f"sqlite:///{folder / 'served.db'}")
    fill(db)
    yield World(create_app(db, Settings(data_dir=folder), with_clock=False), db)
    db.close()


OF_A_SESSION = (
    "sign_out", "change_password_form", "firm_objection", "firm_rating", "create_account_form", "roles_form",
    "lock_form", "end_sessions_form", "identity_form", "inspector_form", "reset_password_form", "create_token_form",
    "revoke_token_form",
)  # fmt: skip
"""Refused without their session's own form, whoever asks: tried by themselves."""


@pytest.mark.parametrize("role", [*sorted(ROLES), FIRM])
def test_a_role_opens_what_is_declared_and_nothing_else(served: World, role: str) -> None:
    app, db = served
    if role == FIRM:
        clients = [(firm_signed_in(app, db, "T0001"), False)]
    else:
        clients = [(signed_in(app, db, made(db, f"{role}-1", role)), False)]
        clients.append((with_token(app, db, made(db, f"{role}-2", role)), True))
    for client, is_token in clients:
        client.headers["accept"] = "application/json"
        open_, shut = 0, 0
        with client:
            for name, method, path in routes(app):
                if name in (*OF_A_SESSION, "put_lock"):
                    continue  # tried by themselves: they end what this test goes by
                need = NEEDS[name]
                through = expected(need, role) and (need.public or not (is_token and need.own))
                status = asked(client, method, path)
                assert (status not in (401, 403)) == through, (role, name, status, is_token)
                open_, shut = open_ + through, shut + (not through)
        assert open_ > 15
        assert shut > 10


def test_nobody_gets_through_to_anything_but_what_is_public(served: World) -> None:
    app, db = served
    made(db, "any", "planner")
    anybody = TestClient(app, base_url=HTTPS, headers={"accept": "application/json"})
    stale = TestClient(app, base_url=HTTPS, headers={"authorization": "Bearer dr_wrong"})
    with anybody, stale:
        for name, method, path in routes(app):
            for client in (anybody, stale):
                status = asked(client, method, path)
                assert (status != 401) == NEEDS[name].public, (name, status)


def test_before_there_are_accounts_the_machines_operator_may_do_everything(app: FastAPI) -> None:
    with TestClient(app, base_url="http://127.0.0.1", client=("127.0.0.1", 4000)) as client:
        for name, method, path in routes(app):
            if name not in (*STREAMS, *OF_A_SESSION) and not name.startswith("firm_"):
                assert asked(client, method, path) not in (401, 403), name


def test_a_tokens_scope_is_not_more_than_it_says(served: World) -> None:
    app, db = served
    with with_token(app, db, made(db, "scoped", "planner"), "plans:read") as client:
        for name, method, path in routes(app):
            need = NEEDS[name]
            through = need.public or (need.scope == "plans:read" and "planner" in need.roles)
            assert (asked(client, method, path) not in (401, 403)) == through, name


def test_a_new_account_can_only_change_its_password(app: FastAPI, sqlite_database: Database) -> None:
    account = made(sqlite_database, "one", "planner")
    with sqlite_database.write() as session:
        account.must_change = True
        session.merge(account)
    client = signed_in(app, sqlite_database, account)
    refused = client.get("/api/v1/plans")
    assert (refused.status_code, refused.json()["code"]) == (403, "access.password")
    assert client.get("/api/v1/me/tokens").status_code == 200


CANARIES = ("650102199001011234", "13912345678", "金丝雀")


def test_another_departments_rows_are_in_no_answer(database: Database, tmp_path: Path) -> None:
    fill(database)
    _plant(database)
    app = create_app(database, Settings(data_dir=tmp_path), with_clock=False)
    clients = {
        role: signed_in(app, database, made(database, role, role, "fire" if role not in _ADMIN else ""))
        for role in sorted(ROLES)
    }
    clients["anybody"] = TestClient(app, base_url=HTTPS)
    with ExitStack() as open_clients:
        for client in clients.values():
            open_clients.enter_context(client)
        tried = _crawled(app, clients)
    assert tried > 300
    everybodys = signed_in(app, database, made(database, "all", "coordinator"))
    assert CANARIES[2] in everybodys.get("/api/v1/registers/targets/T0001").text, "control: the row is there"


def _crawled(app: FastAPI, clients: dict[str, TestClient]) -> int:
    """Ask for everything that can be read as each of them; how many answers were looked at."""
    tried = 0
    for name, method, path in routes(app):
        if method == "GET" and name not in STREAMS and not path.startswith("/en/"):
            for role, client in clients.items():
                answer = client.get(re.sub(r"{(\w+)}", lambda f: _KNOWN.get(f[1], "absent"), path))
                never = (
                    CANARIES[:1] if role == "auditor" else CANARIES
                )  # auditors see every department's rows
                assert not [word for word in never if word in answer.text], (role, name)
                tried += 1
    return tried


_ADMIN = ("auditor", "system_admin", "security_admin", "audit_admin")
_KNOWN = {**VALUES, "target_id": "T0001", "code": "market-9", "version": "1", "number": "1"}


def _plant(db: Database) -> None:
    """In rows of another department, and in fields that nobody is shown."""
    from app.registers.tables import CheckItem, Inspector, Target
    from tests.small_city import NOW

    with db.write() as session:
        target = session.get_one(Target, 2)  # under market alone
        target.name, target.address = CANARIES[2], CANARIES[1]
        session.add(target)
        person = session.get_one(Inspector, "P000")
        person.name, person.certificate_no = CANARIES[2], CANARIES[0]
        session.add(person)
        draft = CheckItem(
            code="market-9", version=1, title_zh=CANARIES[2], department="market", changed_at=NOW
        )
        session.add(draft)


def test_what_was_seen_and_done_is_recorded_before_it_is_given(
    app: FastAPI, sqlite_database: Database
) -> None:
    account = made(sqlite_database, "one", "planner", "fire")
    client = signed_in(app, sqlite_database, account)
    client.get("/api/v1/registers/targets/T0000")
    client.get("/api/v1/registers/targets/T0001")
    client.get("/api/v1/accounts")
    auditor = signed_in(app, sqlite_database, made(sqlite_database, "two", "auditor"))
    rows = auditor.get(f"/api/v1/access-record?account={account.id}").json()["items"]
    told = [(row["route"], row["subject"], row["status"]) for row in rows]
    assert told == [
        ("list_accounts", "", 403),
        ("get_target", "", 404),
        ("get_target", "target_id=T0000", 200),
    ]
    assert client.get("/api/v1/access-record").status_code == 403


def test_the_audit_administrator_sees_what_the_other_two_did(app: FastAPI, sqlite_database: Database) -> None:
    roles = ("planner", "system_admin", "security_admin", "audit_admin")
    clients = {role: signed_in(app, sqlite_database, made(sqlite_database, role, role)) for role in roles}
    for client in clients.values():
        client.get("/api/v1/me")
    rows = clients["audit_admin"].get("/api/v1/access-record").json()["items"]
    assert sorted(row["account"] for row in rows) == [2, 3]


@pytest.mark.parametrize(
    "headers",
    [{"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}, {"origin": "https://other.example"}],
    ids=["cross_site", "same_site", "origin"],
)
def test_another_sites_page_can_not_make_a_browser_act(
    app: FastAPI, sqlite_database: Database, headers: dict[str, str]
) -> None:
    client = signed_in(app, sqlite_database, made(sqlite_database, "one", "coordinator"))
    refused = client.post("/api/v1/rounds", json={}, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (403, "access.other_site")
    same = {"sec-fetch-site": "same-origin", "origin": HTTPS}
    assert client.post("/api/v1/rounds", json={}, headers=same).status_code == 422
