"""A firm signs in and sees its own record: its visits once announced, results once reviewed, nothing of others."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlmodel import text
from standardwebhooks.webhooks import Webhook as Verifier

from app.db.database import Database, sqlite_backup
from app.http import dependencies
from app.http.sealing import new_signing_secret
from app.main import create_app
from app.people import attempts, contacts, messages
from app.people.contacts import Contact
from app.settings import Settings
from app.visits import service
from app.visits.desk import Actor
from app.visits.records import Record
from app.visits.tables import Visit, VisitCheck
from tests.accounts import HTTPS, firm_signed_in, made
from tests.receiver import Receiver
from tests.visited_round import CLERK, Visited, reveal


def client_of(visited: Visited, tmp_path: Path) -> TestClient:
    app = create_app(visited.desk.db, Settings(data_dir=tmp_path), with_clock=False)
    return TestClient(app, base_url=HTTPS, follow_redirects=False, headers={"accept": "text/html"})


def test_in_with_the_code_that_came_and_out_again(visited: Visited, tmp_path: Path) -> None:
    db, client = visited.desk.db, client_of(visited, tmp_path)
    made(db, "one", "planner")
    contacts.register(db, [Contact("T0001", "sms", "13912345678")], "operator", datetime.now(UTC))
    sent = client.get("/en/firm")
    assert (sent.status_code, sent.headers["location"]) == (303, "/en/firm/sign-in")
    asked = client.post("/firm/sign-in/code", data={"firm": "T0001"}).text
    unknown = client.post("/firm/sign-in/code", data={"firm": "T0002"}).text
    assert asked.replace("T0001", "T0002") == unknown
    assert "139" not in asked
    assert messages.turn(db, Settings(data_dir=tmp_path))()
    (file,) = (tmp_path / "messages").iterdir()
    code = re.search(r"\d{8}", json.loads(file.read_text("utf-8"))["text"])
    assert code
    for wrong in ({"firm": "T0001", "code": "1"}, {"firm": "T0002", "code": code[0]}):
        assert client.post("/firm/sign-in", data=wrong).status_code == 401
    entered = client.post("/en/firm/sign-in", data={"firm": "T0001", "code": code[0]})
    assert (entered.status_code, entered.headers["location"]) == (303, "/en/firm")
    assert "__Host-session=" in entered.headers["set-cookie"]
    page = client.get("/en/firm").text
    assert "企业1" in page
    assert "139****78" in page
    for closed in ("/api/v1/plans", "/api/v1/visits", "/api/v1/me/tokens", "/account"):
        assert client.get(closed).status_code == 403
    assert client.post("/api/v1/me/tokens", json={"name": "x", "scopes": ["plans:read"]}).status_code == 403
    csrf = re.search(r'name="csrf" value="(\w+)"', page)
    assert csrf
    out = client.post("/en/sign-out", data={"csrf": csrf[1]})
    assert out.headers["location"] == "/en/firm/sign-in"
    assert client.get("/api/v1/me").status_code == 401


def test_the_code_comes_through_a_gateway_that_was_away_at_first(
    visited: Visited, tmp_path: Path, receiver: Receiver
) -> None:
    """Over real HTTP: signed, tried again with the same id, wiped here once it is taken, and it opens the door."""
    secret = new_signing_secret()
    settings = Settings(
        data_dir=tmp_path, message_gateway=f"http://127.0.0.1:{receiver.port}/sms", message_secret=secret,
        webhook_private_hosts="127.0.0.1",
    )  # fmt: skip
    db, client = visited.desk.db, client_of(visited, tmp_path)
    contacts.register(db, [Contact("T0001", "sms", "13912345678")], "operator", datetime.now(UTC))
    client.post("/firm/sign-in/code", data={"firm": "T0001"})
    receiver.answers = [503]
    assert messages.turn(db, settings)(), "tried"
    assert not messages.turn(db, settings)(), "not due again yet"
    assert messages.send_one(db, messages.sender(settings), datetime.now(UTC) + messages.RETRIES[0])
    (_, first), (headers, body) = receiver.got
    assert first == body
    assert len({got["webhook-id"] for got, _ in receiver.got}) == 1
    told = Verifier(secret).verify(body, headers)
    assert (told["channel"], told["address"]) == ("sms", "13912345678")
    with db.read() as session:
        row = session.execute(text("SELECT status, address, text FROM message")).one()
    assert tuple(row) == ("sent", "", "")
    code = re.search(r"\d{8}", told["text"])
    assert code
    assert client.post("/firm/sign-in", data={"firm": "T0001", "code": code[0]}).status_code == 303
    assert not (tmp_path / "messages").exists()


def test_too_many_tries_are_told_so(visited: Visited, tmp_path: Path) -> None:
    client = client_of(visited, tmp_path)
    form = {"firm": "T0001", "code": "00000000"}
    codes = [client.post("/firm/sign-in", data=form).status_code for _ in range(attempts.PER_ACCOUNT + 1)]
    assert codes == [401] * attempts.PER_ACCOUNT + [429]


def step(visited: Visited, visit: Visit, check: VisitCheck, until: str, later: int = 0) -> None:
    """Walk a check of one department from the notice to `until`, so many minutes later in the day."""
    desk = visited.desk

    def at(visit: Visit, minutes: int = 0) -> datetime:
        return visited.at(visit, minutes + later)

    crews = visited.crews(visit.key)
    service.notify(desk, visit.key, CLERK, at(visit, -60))
    if until == "notified":
        return
    service.arrive(desk, visit.key, crews, Actor(crews[check.department][0]), at(visit))
    answers = {question["code"]: ("yes", "") for question in visit.checklist}
    service.answer(desk, visit.key, answers, Actor("P-1"), at(visit, 5))
    service.record(desk, check.key, Record("no_problem", "none", "", None), Actor("P-1"), at(visit, 10))
    if until == "recorded":
        return
    service.review(desk, check.key, Actor("P-2"), at(visit, 20))
    if until == "reviewed":
        return
    service.disclose(desk, check.key, Actor("P-3"), at(visit, 30))


RESULT = "未发现问题"


@pytest.mark.parametrize("until", ["approved", "notified", "recorded", "reviewed", "disclosed"])
def test_a_firm_is_told_what_it_may_know_by_now(visited_sqlite: Visited, tmp_path: Path, until: str) -> None:
    visited = copied(visited_sqlite, tmp_path)
    visit, (check,) = visited.visit()
    if until != "approved":
        step(visited, visit, check, until)
    app = create_app(visited.desk.db, Settings(data_dir=tmp_path), with_clock=False)
    app.dependency_overrides[dependencies._now] = lambda: visited.at(visit, 60)
    firm = firm_signed_in(app, visited.desk.db, visit.target_id)
    page = firm.get("/firm").text
    assert (str(visit.day) in page) == (until != "approved"), "the embargo holds until the notice"
    assert (RESULT in page) == (until in ("reviewed", "disclosed"))
    assert ("提出异议" in page) == (until == "disclosed")
    assert (f"{visit.day.year} 年 1 次" in page) == (until in ("recorded", "reviewed", "disclosed"))  # type: ignore[union-attr]  # has a day
    notice = firm.get(f"/firm/visits/{visit.key}/notice")
    assert notice.status_code == (404 if until == "approved" else 200)
    visited.desk.db.close()


def copied(visited: Visited, tmp_path: Path) -> Visited:
    sqlite_backup(visited.desk.db.url, str(tmp_path / "copy.db"))
    return visited.on(Database(f"sqlite:///{tmp_path / 'copy.db'}"), tmp_path)


def test_a_firm_objects_to_its_own_result_and_sees_nothing_of_others(
    visited: Visited, tmp_path: Path
) -> None:
    db = visited.desk.db
    (visit, (check,)), (other, (others,)) = sorted(
        (visited.visit(), visited.visit(skip=1)), key=lambda pair: visited.at(pair[0])
    )
    step(visited, visit, check, "disclosed")
    step(visited, other, others, "disclosed", later=120)
    with db.write() as session:
        session.execute(
            text("UPDATE target SET name = '别家企业' WHERE target_id = :id"), {"id": other.target_id}
        )
    app = create_app(db, Settings(data_dir=tmp_path), with_clock=False)
    app.dependency_overrides[dependencies._now] = lambda: visited.at(other, 180)
    firm = firm_signed_in(app, db, visit.target_id)
    firm.headers["accept"] = "application/json"
    page = firm.get("/firm").text
    csrf = re.search(r'name="csrf" value="(\w+)"', page)
    assert csrf
    form = {"text": "金额有误，请核对", "csrf": csrf[1]}
    address = "/firm/checks/{}/objection"
    assert firm.post(address.format(check.key), data={"text": "x"}, follow_redirects=False).status_code == 403
    assert firm.post(address.format(others.key), data=form, follow_redirects=False).status_code == 404
    assert firm.post(address.format(check.key), data=form, follow_redirects=False).status_code == 303
    again = firm.post(address.format(check.key), data=form, follow_redirects=False)
    assert again.status_code == 409
    assert "金额有误" in firm.get("/firm").text
    with db.read() as session:
        kept = session.execute(text("SELECT check_key, filed_by FROM visit_objection")).all()
    assert [tuple(row) for row in kept] == [(check.key, f"firm:{visit.target_id}")]
    stranger = firm_signed_in(app, db, other.target_id).get("/firm").text
    assert "金额有误" not in stranger
    assert firm.get(f"/firm/visits/{other.key}/notice").status_code == 404
    assert others.key not in firm.get("/firm").text


def test_after_the_reveal_a_firm_takes_its_proof(visited: Visited, tmp_path: Path) -> None:
    db, visit = visited.desk.db, visited.visit()[0]
    app = create_app(db, Settings(data_dir=tmp_path), with_clock=False)
    firm = firm_signed_in(app, db, visit.target_id)
    firm.headers["accept"] = "application/json"
    address = f"/firm/rounds/{visited.round_id}"
    assert firm.get(address).status_code == 404
    reveal(visited, visited.trip.clock.now())
    assert visited.round_id in firm.get("/firm").text
    page = firm.get(address).text
    found = re.findall(r'href="(/firm/rounds/[^"]+\.json)"', page)
    assert found
    opening = firm.get(found[0]).json()
    assert opening["round_id"] == visited.round_id
    assert [firm.get(link).json()["drawn"] for link in found].count(True) >= 1
    assert firm_signed_in(app, db, "T-unknown").get(found[0]).status_code == 422
