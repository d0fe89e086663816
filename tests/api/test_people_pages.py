"""Signing in as a person does: forms, the cookie, a first password, out again."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from app.db.database import Database
from app.main import create_app
from app.people import attempts, service
from app.people.entrance import own_path
from app.settings import Settings
from tests.accounts import HTTPS
from tests.small_city import NOW

NEW = "quite another phrase"


@pytest.fixture
def first(database: Database) -> dict[str, str]:
    """Login to initial password of the first accounts."""
    return dict(service.init(database, NOW))


@pytest.fixture
def client(database: Database, tmp_path: Path) -> TestClient:
    app = create_app(database, Settings(data_dir=tmp_path), with_clock=False)
    return TestClient(app, base_url=HTTPS, follow_redirects=False, headers={"accept": "text/html"})


def csrf(html: str) -> str:
    found = re.search(r'name="csrf" value="(\w+)"', html)
    assert found
    return found[1]


def test_in_with_a_first_password_that_has_to_be_changed_and_out_again(
    client: TestClient, first: dict[str, str]
) -> None:
    sent = client.get("/staff/today?day=2026-03-02")
    assert (sent.status_code, sent.headers["location"]) == (
        303, "/sign-in?next=%2Fstaff%2Ftoday%3Fday%3D2026-03-02",
    )  # fmt: skip
    form = {"login": "system-admin", "password": first["system-admin"], "next": "/account"}
    entered = client.post("/sign-in", data=form)
    assert (entered.status_code, entered.headers["location"]) == (303, "/account")
    cookie = entered.headers["set-cookie"]
    for said in ("__Host-session=", "HttpOnly", "Secure", "SameSite=lax", "Path=/"):
        assert said in cookie
    assert "Domain" not in cookie
    assert client.get("/api/v1/accounts").json()["code"] == "access.password"
    page = client.get("/account").text
    assert "请先修改初始密码" in page
    wanted = {"old": first["system-admin"], "new": NEW}
    assert client.post("/account/password", data=wanted).status_code == 403, "not a form of this session"
    weak = client.post("/account/password", data={**wanted, "new": "short", "csrf": csrf(page)})
    assert weak.status_code == 422
    assert client.post("/account/password", data={**wanted, "csrf": csrf(page)}).status_code == 200
    assert client.get("/api/v1/accounts").status_code == 200
    assert client.post("/sign-out", data={"csrf": csrf(page)}).status_code == 303
    client.cookies.set("__Host-session", re.match("__Host-session=([^;]+)", cookie)[1])  # type: ignore[index]
    assert client.get("/api/v1/accounts").status_code == 401, "the session has ended, whoever kept the cookie"


@pytest.mark.parametrize("address", ["/sign-in", "/en/sign-in"])
def test_the_same_answer_whether_or_not_the_login_is_known(
    client: TestClient, first: dict[str, str], address: str
) -> None:
    answers = []
    for login in ("system-admin", "nobody-here1"):
        answer = client.post(address, data={"login": login, "password": "wrong"})
        assert answer.status_code == 401
        answers.append(answer.text.replace(login, ""))
    assert answers[0] == answers[1]


def test_a_suspended_login_is_told_so(client: TestClient, first: dict[str, str]) -> None:
    form = {"login": "system-admin", "password": "wrong"}
    codes = [client.post("/sign-in", data=form).status_code for _ in range(attempts.PER_ACCOUNT + 1)]
    assert codes == [401] * attempts.PER_ACCOUNT + [429]


@pytest.mark.parametrize(
    "wanted", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:x", "/a\nb", ""]
)
def test_signing_in_leads_nowhere_else(wanted: str) -> None:
    assert own_path(wanted) == "/account"


def test_without_accounts_the_cookie_of_nobody_opens_nothing_more(client: TestClient) -> None:
    assert client.get("/sign-in").status_code == 200
    assert client.get("/account").status_code == 200
    assert client.post("/sign-out").status_code == 403
