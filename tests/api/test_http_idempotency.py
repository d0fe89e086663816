"""Idempotency-Key: one effect and one answer, however often and however concurrently it is sent."""

from __future__ import annotations

import copy
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import col, select, update

from app.db.database import Database
from app.http.tables import KeptAnswer
from app.ledger.tables import LogEntry
from app.main import create_app
from app.plans.example import EXAMPLE
from app.registers.tables import Department, RegisterImport
from app.settings import Settings

KEY = {"Idempotency-Key": "5f0a"}
ITEM = {"code": "food-1", "title_zh": "食品经营检查", "department": "SC"}


@pytest.fixture
def client(database: Database, tmp_path: Path) -> TestClient:
    """The application and one department."""
    with database.write() as session:
        session.add(Department(code="SC", name_zh="市场监管"))
    return TestClient(create_app(database, Settings(data_dir=tmp_path), with_clock=False))


def plan(**changed: Any) -> dict[str, Any]:
    """The example, changed."""
    return copy.deepcopy(EXAMPLE) | changed


def test_the_same_request_again_gets_the_same_answer(client: TestClient) -> None:
    first = client.post("/api/v1/plans", json=plan(), headers=KEY)
    again = client.post("/api/v1/plans", json=plan(), headers=KEY)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert again.headers["location"] == first.headers["location"]
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    assert client.post("/api/v1/plans", json=plan()).status_code == 409


def test_another_body_under_the_same_key_is_refused(client: TestClient) -> None:
    client.post("/api/v1/plans", json=plan(), headers=KEY)
    other = client.post("/api/v1/plans", json=plan(code="other"), headers=KEY)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency.other_request")
    assert client.get("/api/v1/plans/other").status_code == 404


def test_keys_belong_to_their_caller_and_route(client: TestClient) -> None:
    client.post("/api/v1/plans", json=plan(), headers=KEY)
    somebody = client.post("/api/v1/plans", json=plan(), headers={**KEY, "Cookie": "other=1"})
    assert (somebody.status_code, somebody.json()["code"]) == (409, "plan.exists")
    elsewhere = client.post("/api/v1/registers/items", json=ITEM, headers=KEY)
    assert elsewhere.status_code == 201


def test_after_a_refusal_the_key_is_free(client: TestClient) -> None:
    bad = client.post("/api/v1/registers/items", json={**ITEM, "department": "none"}, headers=KEY)
    assert bad.status_code == 422
    assert client.post("/api/v1/registers/items", json=ITEM, headers=KEY).status_code == 201


def test_an_upload_is_known_again_whatever_its_boundary(client: TestClient, database: Database) -> None:
    def send(text: str) -> Any:
        files = {"file": ("a.csv", ("部门编号,部门名称\n" + text).encode())}
        return client.post("/api/v1/registers/departments/imports", files=files, headers=KEY)

    first, again = send("XF,消防\n"), send("XF,消防\n")
    assert first.status_code == 201, first.text
    assert again.content == first.content
    assert send("YJ,应急\n").json()["code"] == "idempotency.other_request"
    with database.read() as session:
        assert len(session.exec(select(RegisterImport)).all()) == 1


def test_many_at_once_have_one_effect(client: TestClient, database: Database) -> None:
    def send(_: int) -> tuple[int, bytes]:
        answer = client.post("/api/v1/plans", json=plan(), headers=KEY)
        return answer.status_code, answer.content

    with ThreadPoolExecutor(8) as pool:
        answers = set(pool.map(send, range(8)))
    assert len(answers) == 1
    assert answers.pop()[0] == 201


def test_a_claim_whose_holder_died_runs_out(client: TestClient, database: Database) -> None:
    assert client.post("/api/v1/registers/items", json=ITEM, headers=KEY).status_code == 201
    past = datetime.now(UTC) - timedelta(seconds=1)
    with database.write() as session:
        session.execute(update(KeptAnswer).values(status=None, body=None, claimed_until=past))
    after = client.post("/api/v1/registers/items", json=ITEM, headers=KEY)
    assert after.status_code == 428, "carried out anew: the draft that the first attempt made is there"
    with database.read() as session:
        assert session.exec(select(KeptAnswer)).all() == []
        assert session.exec(select(LogEntry)).all() == []


def test_what_is_kept_is_dropped_after_a_day(client: TestClient, database: Database) -> None:
    client.post("/api/v1/plans", json=plan(), headers=KEY)
    old = datetime.now(UTC) - timedelta(hours=25)
    with database.write() as session:
        session.execute(update(KeptAnswer).values(created_at=old))
    assert client.post("/api/v1/registers/items", json=ITEM, headers=KEY).status_code == 201
    with database.read() as session:
        assert len(session.exec(select(KeptAnswer).where(col(KeptAnswer.created_at) <= old)).all()) == 0


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb"])
def test_a_key_that_is_none_is_refused(client: TestClient, key: str) -> None:
    answer = client.post("/api/v1/plans", json=plan(), headers={"Idempotency-Key": key})
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency.key")
