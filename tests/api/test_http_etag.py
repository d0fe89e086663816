"""If-Match on everything that can change: 428 without, 412 on another state, one of two at once wins."""

from __future__ import annotations

import copy
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.db.database import Database
from app.main import create_app
from app.plans.example import EXAMPLE
from app.registers.tables import Department
from app.rounds.tables import Round
from app.settings import Settings

NOW = datetime(2026, 3, 2, 1, tzinfo=UTC)
ITEM = {"code": "food-1", "title_zh": "食品经营检查", "department": "SC"}
YEAR = {"year": 2026, "holidays": {"2026-01-01": "元旦"}, "makeup": {}, "confirmed": True, "source": "通知"}
CHANGES: list[tuple[str, str, str, Any]] = [
    ("/api/v1/plans/food-2027", "PUT", "/api/v1/plans/food-2027", EXAMPLE),
    ("/api/v1/plans/food-2027", "DELETE", "/api/v1/plans/food-2027/publication", None),
    ("/api/v1/plans/food-2027", "POST", "/api/v1/plans/food-2027/publication", None),
    ("/api/v1/calendar/2026", "PUT", "/api/v1/calendar/2026", YEAR),
    (
        "/api/v1/registers/items/food-1/versions/1",
        "POST",
        "/api/v1/registers/items/food-1/versions/1/transitions",
        {"to": "reviewed"},
    ),
    ("/api/v1/registers/items/food-1/versions/1", "POST", "/api/v1/registers/items", ITEM),
    ("/api/v1/rounds/r", "POST", "/api/v1/rounds/r/approval", {"by": "甲"}),
    (
        "/api/v1/rounds/r",
        "POST",
        "/api/v1/rounds/r/void",
        {"reason": "frame_wrong", "by": "甲", "confirmed_by": "乙"},
    ),
    ("/api/v1/rounds/r", "POST", "/api/v1/rounds/r/retry", None),
]


@pytest.fixture
def client(database: Database, tmp_path: Path) -> TestClient:
    """One of everything that can change."""
    with database.write() as session:
        session.add_all([Department(code="SC", name_zh="市场监管"), Department(code="XF", name_zh="消防")])
        session.add(
            Round(
                round_id="r",
                plan="p",
                plan_digest="0",
                period="1",
                sequence=1,
                created_at=NOW,
                updated_at=NOW,
            )
        )
    client = TestClient(create_app(database, Settings(data_dir=tmp_path), with_clock=False))
    assert client.post("/api/v1/plans", json=EXAMPLE).status_code == 201
    assert client.post("/api/v1/registers/items", json=ITEM).status_code == 201
    return client


@pytest.mark.parametrize(("shown", "method", "path", "body"), CHANGES)
def test_a_change_needs_the_state_it_was_made_for(
    client: TestClient, shown: str, method: str, path: str, body: Any
) -> None:
    before = client.get(shown)
    without = client.request(method, path, json=body)
    assert (without.status_code, without.json()["code"]) == (428, "precondition.required")
    other = client.request(method, path, json=body, headers={"If-Match": '"0"'})
    assert (other.status_code, other.json()["code"]) == (412, "precondition.failed")
    assert client.get(shown).json() == before.json()
    right = client.request(method, path, json=body, headers={"If-Match": before.headers["etag"]})
    assert right.status_code not in (412, 428)


@pytest.mark.parametrize("path", sorted({row[0] for row in CHANGES}))
def test_what_a_reader_has_is_not_sent_again(client: TestClient, path: str) -> None:
    tag = client.get(path).headers["etag"]
    for given in (tag, f'"x", W/{tag}', "*"):
        again = client.get(path, headers={"If-None-Match": given})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert client.get(path, headers={"If-None-Match": '"x"'}).status_code == 200


def test_every_change_changes_the_tag(client: TestClient) -> None:
    tags = [client.get("/api/v1/plans/food-2027").headers["etag"]]
    for title in ("一", "二", "三"):
        body = copy.deepcopy(EXAMPLE) | {"title_zh": title}
        answer = client.put("/api/v1/plans/food-2027", json=body, headers={"If-Match": tags[-1]})
        tags.append(answer.headers["etag"])
        assert client.get("/api/v1/plans/food-2027").headers["etag"] == tags[-1]
    assert len(set(tags)) == 4


def test_of_many_who_saw_the_same_state_one_changes_it(client: TestClient) -> None:
    tag = client.get("/api/v1/plans/food-2027").headers["etag"]

    def put(title: str) -> int:
        body = copy.deepcopy(EXAMPLE) | {"title_zh": title}
        return client.put("/api/v1/plans/food-2027", json=body, headers={"If-Match": tag}).status_code

    with ThreadPoolExecutor(8) as pool:
        answers = sorted(pool.map(put, (f"第{n}版" for n in range(8))))
    assert answers == [200] + [412] * 7
    assert client.get("/api/v1/plans/food-2027").json()["version"] == 2


def test_a_year_that_is_not_there_needs_no_condition(client: TestClient) -> None:
    year = {**YEAR, "year": 2031, "holidays": {"2031-01-01": "元旦"}}
    impossible = client.put("/api/v1/calendar/2031", json=year, headers={"If-Match": '"0"'})
    assert impossible.status_code == 412
    assert client.put("/api/v1/calendar/2031", json=year).status_code == 200
    assert client.put("/api/v1/calendar/2031", json=year).status_code == 428
