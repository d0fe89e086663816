"""Rounds over HTTP: asked for once, followed as an operation, refused as problem details."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.db.database import Database
from app.main import create_app
from app.rounds.vault import Vault
from app.rounds.worker import run_once
from app.settings import Settings
from optimizer.progress import Silent
from tests.small_city import plan_data

Publish = Callable[..., str]
DIGITS = {"kind": "witness_digits", "digits": 20}
REAL: dict[str, Any] = {"entropy": [{**DIGITS, "id": "first"}], "entropy_seats": [{**DIGITS, "id": "second"}]}


@pytest.fixture
def client(city: Database, tmp_path: Path) -> Iterator[TestClient]:
    """The whole application over the small city, its clock standing still."""
    app = create_app(city, Settings(data_dir=tmp_path), with_clock=False)
    with TestClient(app, headers={"accept-language": "en"}) as client:
        yield client


def work(db: Database, folder: Path) -> None:
    """What the worker beside the service does, on the real clock."""
    while run_once(db, Vault(folder), 60, None, progress=Silent()) is not None:
        pass


def test_a_round_is_asked_for_followed_and_fed(
    client: TestClient, city: Database, publish: Publish, tmp_path: Path
) -> None:
    code = publish(**REAL)
    asked = client.post("/api/v1/rounds", json={"plan": code, "period": "2026-Q1"})
    assert asked.status_code == 202
    assert client.get(asked.headers["location"]).json()["status"] == "running"
    work(city, tmp_path)
    round_id = asked.json()["subject"]
    assert client.get(f"/api/v1/rounds/{round_id}").json()["waiting_for"] == "entropy"
    wrong = client.post(f"/api/v1/rounds/{round_id}/entropy", json={"source": "first", "value": "12"})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "entropy.digits")
    right = client.post(f"/api/v1/rounds/{round_id}/entropy", json={"source": "first", "value": "7" * 20})
    assert right.status_code == 200
    work(city, tmp_path)
    assert client.get(f"/api/v1/rounds/{round_id}").json()["waiting_for"] == "entropy_seats"
    assert client.get(asked.headers["location"]).json()["status"] == "waiting"


def test_small_strata_wait_for_an_approver_by_name(
    client: TestClient, city: Database, publish: Publish, tmp_path: Path
) -> None:
    tasks = [{**task, "strata_by": ["credit", "district"]} for task in plan_data()["tasks"]]
    asked = client.post("/api/v1/rounds", json={"plan": publish(tasks=tasks, **REAL), "period": "2026-Q1"})
    work(city, tmp_path)
    round_id = asked.json()["subject"]
    shown = client.get(f"/api/v1/rounds/{round_id}").json()
    assert (shown["stage"], shown["waiting_for"]) == ("frozen", "approval")
    approval = f"/api/v1/rounds/{round_id}/approval"
    assert client.post(approval, json={"by": "处长"}).status_code == 428
    tag = client.get(f"/api/v1/rounds/{round_id}").headers["etag"]
    assert client.post(approval, json={"by": "处长"}, headers={"If-Match": tag}).status_code == 200
    work(city, tmp_path)
    assert client.get(f"/api/v1/rounds/{round_id}").json()["stage"] == "committed"


def test_a_second_try_is_a_conflict_that_names_the_first(client: TestClient, publish: Publish) -> None:
    body = {"plan": publish(), "period": "2026-Q1"}
    first = client.post("/api/v1/rounds", json=body).json()["subject"]
    again = client.post("/api/v1/rounds", json=body)
    assert again.status_code == 409
    assert again.headers["content-type"] == "application/problem+json"
    assert (again.json()["code"], again.json()["params"]["round_id"]) == ("round.exists", first)
    assert again.json()["remedy"]


def test_an_unknown_plan_and_an_unknown_round_are_not_found(client: TestClient) -> None:
    assert client.post("/api/v1/rounds", json={"plan": "none", "period": "2026"}).status_code == 404
    assert client.get("/api/v1/rounds/none").json()["code"] == "round.absent"
    assert client.get("/api/v1/operations/999").json()["code"] == "operation.absent"


def test_a_void_needs_two_persons_and_stays_visible(client: TestClient, publish: Publish) -> None:
    round_id = client.post("/api/v1/rounds", json={"plan": publish(), "period": "2026-Q1"}).json()["subject"]
    alone = {"reason": "frame_wrong", "by": "甲", "confirmed_by": "甲"}
    assert client.post(f"/api/v1/rounds/{round_id}/void", json=alone).json()["code"] == "void.rule"
    both = {**alone, "confirmed_by": "乙"}
    seen = {"If-Match": client.get(f"/api/v1/rounds/{round_id}").headers["etag"]}
    assert client.post(f"/api/v1/rounds/{round_id}/void", json=both, headers=seen).json()["status"] == "void"
    (row,) = client.get("/api/v1/rounds").json()["items"]
    assert (row["status"], row["problem"]) == ("void", {"code": "void.frame_wrong"})


def test_bad_bodies_name_the_field(client: TestClient) -> None:
    answer = client.post("/api/v1/rounds", json={"plan": "a plan", "period": "2026"})
    assert answer.status_code == 422
    assert answer.json()["params"] == {"field": "body.plan"}


def test_openapi_describes_every_route_with_its_problems(client: TestClient) -> None:
    document = client.get("/api/openapi.json").json()
    paths = {path for path in document["paths"] if path.startswith("/api/v1/rounds")}
    assert {"/api/v1/rounds", "/api/v1/rounds/{round_id}/entropy", "/api/v1/rounds/{round_id}/void"} <= paths
    assert document["paths"]["/api/v1/rounds"]["post"]["responses"]["409"]
    assert document["components"]["schemas"]["RoundIn"]["examples"]


def test_now_is_a_real_moment(client: TestClient, publish: Publish, now: datetime) -> None:
    round_id = client.post("/api/v1/rounds", json={"plan": publish(), "period": "2026-Q1"}).json()["subject"]
    created = datetime.fromisoformat(client.get(f"/api/v1/rounds/{round_id}").json()["created_at"])
    assert created > now
