"""Signing in through an OpenID provider that really runs, for staff and firms, and every attack on the way back."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlmodel import text

from app.db.database import Database
from app.http.access import OPERATOR
from app.main import create_app
from app.people import attempts, contacts, service
from app.people.contacts import Contact
from app.settings import Settings
from tests.accounts import HTTPS, made, signed_in
from tests.oidc_provider import CLIENT, FOREIGN, Provider, keyed_with_the_public_key, signed, unsigned
from tests.small_city import fill


@pytest.fixture
def provider() -> Iterator[Provider]:
    """One for each test."""
    found = Provider()
    yield found
    found.close()


@pytest.fixture
def app(city: Database, tmp_path: Path, provider: Provider) -> FastAPI:
    """A planner who is linked to the provider's subject, a firm too, over the small city."""
    return served(city, tmp_path, provider)


def served(city: Database, tmp_path: Path, provider: Provider) -> FastAPI:
    settings = Settings(
        data_dir=tmp_path, oidc_issuer=provider.issuer, oidc_client_id=CLIENT, oidc_client_secret="secret",
        firm_oidc_issuer=provider.issuer, firm_oidc_client_id=CLIENT, firm_oidc_client_secret="secret",
    )  # fmt: skip
    subject = f"{provider.issuer} {provider.subject}"
    service.link(city, made(city, "one", "planner", "market").id or 0, subject, OPERATOR, datetime.now(UTC))
    contact = Contact("T0001", "sms", "13912345678", subject)
    contacts.register(city, [contact], "operator", datetime.now(UTC))
    return create_app(city, settings, with_clock=False)


@pytest.fixture
def client(app: FastAPI) -> TestClient:
    """A browser that follows nothing by itself."""
    return TestClient(app, base_url=HTTPS, follow_redirects=False, headers={"accept-language": "en"})


def away(client: TestClient, door: str = "/sign-in/oidc") -> str:
    """Off to the provider, and the address that it sends the browser back to."""
    sent = client.get(door)
    assert sent.status_code == 303, sent.text
    asked = httpx2.get(sent.headers["location"], trust_env=False)
    assert asked.status_code == 302
    return asked.headers["location"]


def code_of(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json().get("code", "")


def test_a_linked_account_gets_in_with_its_own_roles_whatever_the_token_claims(
    client: TestClient, provider: Provider
) -> None:
    assert "/sign-in/oidc?next=%2Fresults" in client.get("/sign-in?next=/results").text
    back = away(client, "/sign-in/oidc?next=/results")
    asked = parse_qs(urlsplit(back).query)
    assert asked["iss"] == [provider.issuer]
    entered = client.get(back)
    assert (entered.status_code, entered.headers["location"]) == (303, "/results")
    me = client.get("/api/v1/me").json()
    assert (me["name"], me["roles"], me["department"]) == ("one", ["planner"], "market")
    assert client.get("/api/v1/accounts").status_code == 403


def test_a_linked_firm_gets_to_its_own_record(client: TestClient) -> None:
    assert "/firm/sign-in/oidc" in client.get("/firm/sign-in").text
    entered = client.get(away(client, "/firm/sign-in/oidc"))
    assert (entered.status_code, entered.headers["location"]) == (303, "/firm")
    assert client.get("/api/v1/me").json()["kind"] == "firm"
    assert "企业1" in client.get("/firm").text


@pytest.mark.parametrize("why", ["unknown", "locked"])
def test_who_is_not_linked_or_locked_stays_out_and_no_account_is_made(
    client: TestClient, provider: Provider, city: Database, why: str
) -> None:
    if why == "locked":
        service.lock(city, 1, True, OPERATOR, datetime.now(UTC))
    else:
        provider.subject = "somebody else"
    assert code_of(client.get(away(client))) == (401, "oidc.not_linked")
    with city.read() as session:
        assert session.execute(text("SELECT count(*) FROM account")).scalar_one() == 1


AN_HOUR_AGO = int(time.time()) - 3600
LIES: dict[str, dict[str, Any]] = {
    "nonce": {"nonce": "another"},
    "no_nonce": {"nonce": None},
    "expired": {"exp": AN_HOUR_AGO, "iat": AN_HOUR_AGO - 300},
    "never_expires": {"exp": None},
    "of_the_future": {"nbf": int(time.time()) + 3600},
    "audience": {"aud": "another-client"},
    "audiences": {"aud": [CLIENT, "another-client"]},
    "party": {"azp": "another-client"},
    "issuer": {"iss": "https://other.example"},
    "subject": {"sub": ""},
}


@pytest.mark.parametrize("lie", sorted(LIES))
def test_a_token_that_says_something_else_is_refused(
    sqlite_city: FastAPI, provider: Provider, lie: str
) -> None:
    provider.claims = LIES[lie]
    client = TestClient(sqlite_city, base_url=HTTPS, follow_redirects=False)
    assert code_of(client.get(away(client))) == (401, "oidc.refused")
    assert client.get("/api/v1/me").status_code == 401


@pytest.fixture
def sqlite_city(sqlite_database: Database, tmp_path: Path, provider: Provider) -> FastAPI:
    """Where nothing depends on the database."""
    fill(sqlite_database)
    return served(sqlite_database, tmp_path, provider)


@pytest.mark.parametrize(
    "sign",
    [unsigned, keyed_with_the_public_key, lambda claims: signed(claims, FOREIGN), lambda _: "no.jwt.at-all"],
    ids=["none", "hmac_with_public_key", "foreign_key", "rubbish"],
)
def test_a_token_that_is_not_the_providers_is_refused(
    sqlite_city: FastAPI, provider: Provider, sign: Any
) -> None:
    provider.sign = sign
    client = TestClient(sqlite_city, base_url=HTTPS, follow_redirects=False)
    assert code_of(client.get(away(client))) == (401, "oidc.refused")


def test_the_way_back_works_once_and_in_the_browser_that_went(
    client: TestClient, app: FastAPI, provider: Provider
) -> None:
    back = away(client)
    stranger = TestClient(app, base_url=HTTPS, follow_redirects=False)
    assert code_of(stranger.get(back)) == (401, "oidc.refused"), (
        "another browser: somebody's session is forced"
    )
    assert client.get(back).status_code == 303
    assert "__Host-oidc" not in client.cookies
    replayed = TestClient(app, base_url=HTTPS, follow_redirects=False)
    replayed.cookies.set("__Host-oidc", parse_qs(urlsplit(back).query)["state"][0])
    assert code_of(replayed.get(back)) == (401, "oidc.refused")
    assert len(provider.redeemed) == 1


@pytest.mark.parametrize("changed", ["state", "code", "iss", "door"])
def test_a_changed_return_is_refused(client: TestClient, provider: Provider, changed: str) -> None:
    back = urlsplit(away(client))
    query = {name: values[0] for name, values in parse_qs(back.query).items()}
    path = "/firm/sign-in/oidc/back" if changed == "door" else back.path
    if changed != "door":
        query[changed] = "other"
    assert code_of(client.get(path, params=query)) == (401, "oidc.refused")
    assert provider.redeemed == []


def test_a_return_that_comes_too_late_is_refused(client: TestClient, city: Database) -> None:
    back = away(client)
    old = datetime.now(UTC) - timedelta(hours=1)
    stored = old.isoformat(timespec="microseconds") if city.is_sqlite else old
    with city.write() as session:
        session.execute(text("UPDATE oidc_trip SET at = :at"), {"at": stored})
    assert code_of(client.get(back)) == (401, "oidc.refused")


@pytest.mark.parametrize("wanted", ["//evil.example", "https://evil.example", "/\\evil.example"])
def test_the_way_back_leads_nowhere_else(sqlite_city: FastAPI, wanted: str) -> None:
    client = TestClient(sqlite_city, base_url=HTTPS, follow_redirects=False)
    entered = client.get(away(client, f"/sign-in/oidc?next={wanted}"))
    assert (entered.status_code, entered.headers["location"]) == (303, "/account")


def test_setting_out_is_limited_by_address(sqlite_city: FastAPI) -> None:
    client = TestClient(sqlite_city, base_url=HTTPS, follow_redirects=False)
    statuses = [client.get("/sign-in/oidc").status_code for _ in range(attempts.PER_PLACE + 1)]
    assert statuses == [303] * attempts.PER_PLACE + [429]


def test_a_provider_that_does_not_answer_is_said_so(sqlite_city: FastAPI, provider: Provider) -> None:
    provider.close()
    client = TestClient(sqlite_city, base_url=HTTPS, follow_redirects=False)
    assert code_of(client.get("/sign-in/oidc")) == (503, "oidc.provider")


def test_without_a_provider_there_is_no_such_door(city: Database, tmp_path: Path) -> None:
    client = TestClient(create_app(city, Settings(data_dir=tmp_path), with_clock=False))
    assert code_of(client.get("/sign-in/oidc")) == (404, "oidc.off")
    assert "/sign-in/oidc" not in client.get("/sign-in").text


def test_a_provider_without_https_is_refused_at_the_start(city: Database, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="https"):
        create_app(city, Settings(data_dir=tmp_path, oidc_issuer="http://idp.example"), with_clock=False)


def test_an_administrator_links_an_account_and_it_has_no_password_any_more(
    app: FastAPI, city: Database, provider: Provider
) -> None:
    admin = signed_in(app, city, made(city, "root", "system_admin"))
    planner = made(city, "two", "planner")
    address = f"/api/v1/accounts/{planner.id}"
    match = {"if-match": admin.get(address).headers["etag"]}
    taken = admin.put(f"{address}/identity", json={"subject": provider.subject}, headers=match)
    assert code_of(taken) == (409, "oidc.taken")
    linked = admin.put(f"{address}/identity", json={"subject": "2"}, headers=match)
    assert linked.json()["linked"] is True
    provider.subject = "2"
    browser = TestClient(app, base_url=HTTPS, follow_redirects=False)
    assert browser.get(away(browser)).status_code == 303
    assert browser.get("/api/v1/me").json()["name"] == "two"
    assert admin.post(f"{address}/password").status_code == 200
    assert code_of(browser.get(away(browser))) == (401, "oidc.not_linked"), "a new password unlinks"
