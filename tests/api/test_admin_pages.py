"""The three administrators at their pages, in both languages: each does their part and nobody another's."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlmodel import select

from app.db.database import Database
from app.http.access import ROLES
from app.ledger.tables import LogEntry
from app.main import create_app
from app.needs import NEEDS
from app.settings import Settings
from tests.accounts import HTTPS, made, signed_in


@pytest.fixture
def app(database: Database, tmp_path: Path) -> FastAPI:
    """Over an empty database."""
    return create_app(database, Settings(data_dir=tmp_path), with_clock=False)


def browser(app: FastAPI, db: Database, role: str) -> TestClient:
    """Somebody with this role at their browser."""
    client = signed_in(app, db, made(db, role.replace("_", "-"), role))
    client.headers["accept"] = "text/html"
    client.follow_redirects = False
    return client


def csrf(client: TestClient) -> str:
    found = re.search(r'name="csrf" value="(\w+)"', client.get("/account").text)
    assert found
    return found[1]


def sent(client: TestClient, address: str, **form: Any) -> tuple[int, str]:
    """A form with the session's own mark; several values under one name as a list."""
    answer = client.post(address, data={"csrf": csrf(client), **form})
    return answer.status_code, answer.text


def test_one_makes_the_account_another_gives_roles_and_the_third_reads_of_it(
    app: FastAPI, database: Database
) -> None:
    system, security, audit = (
        browser(app, database, role) for role in ("system_admin", "security_admin", "audit_admin")
    )
    form = {"login": "Li.Ping", "kind": "business", "name": "李平", "department": "market", "districts": ""}
    status, page = sent(system, "/admin/accounts", **form)
    assert status == 200
    shown = re.search(r"初始密码.*?<code>([\w-]+)</code>", page)
    assert shown
    assert shown[1] not in system.get("/admin/accounts").text, "shown once"
    assert sent(system, "/admin/accounts", **form)[0] == 409
    assert sent(system, "/en/admin/accounts", **{**form, "login": "x y"})[0] == 422
    number = 4
    address = f"/admin/accounts/{number}"
    assert sent(system, f"{address}/roles", role=["planner"])[0] == 403
    assert sent(security, f"{address}/roles", role=["planner", "inspector"])[0] == 303
    assert "李平" in security.get(address).text
    assert 'value="planner" checked' in security.get(f"/en{address}").text
    assert sent(security, f"{address}/roles", role=["planner", "auditor"])[0] == 422
    browsing = TestClient(app, base_url=HTTPS, follow_redirects=False, headers={"accept": "text/html"})
    entered = {"login": "li.ping", "password": shown[1], "next": ""}
    assert browsing.post("/sign-in", data=entered).status_code == 303
    assert "登录于" in security.get(address).text
    assert sent(security, f"{address}/sessions")[0] == 303
    assert "没有登录" in security.get(address).text
    assert browsing.get("/account").status_code == 303
    status, page = sent(system, f"{address}/password")
    assert status == 200
    assert re.search(r"<code>([\w-]+)</code>", page)
    assert sent(security, f"{address}/lock", locked="true")[0] == 303
    assert "已停用" in security.get(address).text
    record = audit.get("/admin/record?login=system-admin&route=create_account_form").text
    assert record.count("create_account_form</code>") == 3
    assert audit.get("/admin/record?login=nobody").text.count("<code>") == 0
    assert "roles_form" in audit.get("/en/admin/record?subject=number=4&since=2020-01-01").text
    assert "roles_form" not in audit.get("/admin/record?until=2020-01-01").text
    with database.read() as session:
        kinds = set(session.exec(select(LogEntry.type)))
    assert {"account.created", "account.roles", "account.signed_out", "account.locked"} <= kinds


def test_nobody_administers_themselves_at_the_page_either(app: FastAPI, database: Database) -> None:
    security = browser(app, database, "security_admin")
    for step, form in (("roles", {"role": ["security_admin"]}), ("lock", {"locked": "true"})):
        status, page = sent(security, f"/admin/accounts/1/{step}", **form)
        assert (status, "不能办理与本人账户有关的事项" in page) == (403, True)
    assert "<form" not in security.get("/admin/accounts/1").text.replace('class="language"', "")


FORMS: dict[str, tuple[str, dict[str, Any]]] = {
    "create_account_form": ("/admin/accounts", {"login": "new", "kind": "business"}),
    "roles_form": ("/admin/accounts/1/roles", {"role": ["planner"]}),
    "lock_form": ("/admin/accounts/1/lock", {"locked": "false"}),
    "end_sessions_form": ("/admin/accounts/1/sessions", {}),
    "reset_password_form": ("/admin/accounts/1/password", {}),
    "identity_form": ("/admin/accounts/1/identity", {"subject": "x"}),
    "create_token_form": ("/account/tokens", {"name": "x", "days": "1", "scope": ["people:read"]}),
    "revoke_token_form": ("/account/tokens/1/end", {}),
}


@pytest.mark.parametrize("role", sorted(ROLES))
def test_each_form_is_for_its_role_and_its_session(
    sqlite_database: Database, tmp_path: Path, role: str
) -> None:
    app = create_app(sqlite_database, Settings(data_dir=tmp_path), with_clock=False)
    made(sqlite_database, "other", "planner")
    with browser(app, sqlite_database, role) as client:
        mark = csrf(client)
        for name, (address, form) in FORMS.items():
            may = not NEEDS[name].roles or role in NEEDS[name].roles
            assert client.post(address, data=form).status_code == 403, (name, "without the session's mark")
            assert client.post(address, data={**form, "csrf": "0" * 32}).status_code == 403, name
            answer = client.post(address, data={**form, "csrf": mark})
            assert (answer.status_code != 403) == may, (role, name, answer.status_code)


def test_a_token_is_made_once_shown_once_and_ended(app: FastAPI, database: Database) -> None:
    planner = browser(app, database, "planner")
    page = planner.get("/account/tokens").text
    assert 'value="plans:write"' in page
    assert 'value="people:write"' not in page, "beyond the role"
    assert sent(planner, "/account/tokens", name="x", days="1", scope=["people:write"])[0] == 422
    status, page = sent(planner, "/en/account/tokens", name="report", days="7", scope=["plans:read"])
    shown = re.search(r"<code>(dr_[\w-]+)</code>", page)
    assert status == 200
    assert shown
    assert shown[1] not in planner.get("/account/tokens").text
    program = TestClient(app, base_url=HTTPS, headers={"authorization": f"Bearer {shown[1]}"})
    assert program.get("/api/v1/plans").status_code == 200
    assert program.get("/api/v1/registers/targets").status_code == 403
    assert sent(planner, "/account/tokens/1/end")[0] == 303
    assert program.get("/api/v1/plans").status_code == 401


@pytest.mark.parametrize("language", ["", "/en"])
def test_auditors_and_administrators_find_their_pages(
    sqlite_database: Database, tmp_path: Path, language: str
) -> None:
    app = create_app(sqlite_database, Settings(data_dir=tmp_path), with_clock=False)
    links = {
        "planner": set(), "auditor": {"record"}, "system_admin": {"accounts"}, "security_admin": {"accounts"},
        "audit_admin": {"accounts", "record"},
    }  # fmt: skip
    for role, wanted in links.items():
        with browser(app, sqlite_database, role) as client:
            page = client.get(f"{language}/account").text
            assert set(re.findall(rf'href="{language}/admin/(\w+)"', page)) == wanted, role
            for name in ("accounts", "record"):
                status = client.get(f"{language}/admin/{name}").status_code
                assert status == (200 if name in wanted else 403), (role, name)
