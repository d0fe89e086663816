"""Plans over HTTP: saved, refused with problem details in both languages, published."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from app.db.database import Database
from app.http import problem
from app.http.access import of_all_departments
from app.plans.api import router
from app.plans.example import EXAMPLE
from app.registers.tables import CheckItem, Department, SupervisionRule

NOW = datetime(2026, 11, 20, tzinfo=UTC)


@pytest.fixture
def client(database: Database) -> Iterator[TestClient]:
    """The plans' routes over a database with what the example names."""
    with database.write() as session:
        session.add_all([Department(code="SC", name_zh="市场监管"), Department(code="XF", name_zh="消防")])
        session.flush()
        session.add(SupervisionRule(code="SC-food", department="SC"))
        for code in ("SC-FOOD-01", "XF-FIRE-01"):
            session.add(
                CheckItem(
                    code=code,
                    version=1,
                    title_zh=code,
                    department=code[:2],
                    status="published",
                    changed_at=NOW,
                )
            )
    application = FastAPI()
    application.state.database = database
    problem.install(application)
    application.include_router(router, prefix="/api/v1")
    application.dependency_overrides[of_all_departments] = lambda: None  # nobody is asked here who they are
    with TestClient(application) as made:
        yield made


def seen(client: TestClient, path: str) -> dict[str, str]:
    """If-Match with the state of what lies at `path`."""
    return {"If-Match": client.get(path).headers["etag"]}


def example(**changed: Any) -> dict[str, Any]:
    """The example's document, changed."""
    return copy.deepcopy(EXAMPLE) | changed


def test_a_plan_from_draft_to_publication_to_withdrawal(client: TestClient) -> None:
    made = client.post("/api/v1/plans", json=example())
    assert made.status_code == 201
    assert made.headers["location"] == "/api/v1/plans/food-2027"
    assert made.json()["status"] == "draft"
    assert client.get("/api/v1/plans/food-2027/problems").json()["items"] == []
    published = client.post(
        "/api/v1/plans/food-2027/publication", headers=seen(client, "/api/v1/plans/food-2027")
    )
    assert (published.status_code, published.json()["status"]) == (200, "published")
    assert client.get("/api/v1/plans/food-2027").json() == published.json()
    (line,) = client.get("/api/v1/plans", params={"status": "published"}).json()["items"]
    assert (line["code"], line["tasks"], line["version"]) == ("food-2027", 1, 1)
    withdrawn = client.delete(
        "/api/v1/plans/food-2027/publication", headers=seen(client, "/api/v1/plans/food-2027")
    )
    assert withdrawn.json()["status"] == "withdrawn"


def test_a_revision_is_a_new_version(client: TestClient) -> None:
    client.post("/api/v1/plans", json=example())
    revised = client.put(
        "/api/v1/plans/food-2027",
        json=example(title_zh="修订"),
        headers=seen(client, "/api/v1/plans/food-2027"),
    )
    assert (revised.json()["version"], revised.json()["title_zh"]) == (2, "修订")
    other = client.put("/api/v1/plans/other", json=example())
    assert (other.status_code, other.json()["code"]) == (422, "plan.other_code")


def test_a_refusal_is_a_problem_in_the_readers_language(client: TestClient) -> None:
    client.post("/api/v1/plans", json=example(privacy="open"))
    chinese = client.post(
        "/api/v1/plans/food-2027/publication", headers=seen(client, "/api/v1/plans/food-2027")
    )
    assert chinese.status_code == 422
    assert chinese.headers["content-type"] == "application/problem+json"
    assert chinese.json()["code"] == "plan.open_internal"
    assert chinese.json()["params"]["task"] == "food"
    assert "保密" in chinese.json()["detail"]
    english = client.post(
        "/api/v1/plans/food-2027/publication",
        headers={"Accept-Language": "en"} | seen(client, "/api/v1/plans/food-2027"),
    )
    assert "sealed" in english.json()["detail"]
    assert "strata_by" in english.json()["remedy"]
    listed = client.get("/api/v1/plans/food-2027/problems").json()["items"]
    assert [found["code"] for found in listed] == ["plan.open_internal"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/api/v1/plans", {"code": "x"}, 422),
        ("PUT", "/api/v1/plans/food-2027", None, 422),
        ("GET", "/api/v1/plans/none", None, 404),
        ("POST", "/api/v1/plans/none/publication", None, 404),
        ("GET", "/api/v1/plans/%E8%AE%A1", None, 422),
        ("GET", "/api/v1/calendar/2027", None, 404),
        ("PUT", "/api/v1/calendar/2028", {"year": 2027}, 422),
    ],
)
def test_wrong_requests(
    client: TestClient, method: str, path: str, body: dict[str, Any] | None, status: int
) -> None:
    answer = client.request(method, path, json=body)
    assert answer.status_code == status
    assert answer.json()["code"]


def test_the_same_plan_twice_is_a_conflict(client: TestClient) -> None:
    client.post("/api/v1/plans", json=example())
    again = client.post("/api/v1/plans", json=example())
    assert (again.status_code, again.json()["code"]) == (409, "plan.exists")


def test_the_calendar(client: TestClient) -> None:
    packaged = client.get("/api/v1/calendar/2026").json()
    assert packaged["makeup"]["2026-02-14"] == "春节"
    assert packaged["confirmed"]
    year = {
        "year": 2027,
        "holidays": {"2027-01-01": "元旦"},
        "makeup": {},
        "confirmed": True,
        "source": "通知",
    }
    assert client.put("/api/v1/calendar/2027", json=year).json() == year
    assert client.get("/api/v1/calendar/2027").json() == year
    wrong = client.put("/api/v1/calendar/2027", json=year | {"makeup": {"2027-01-04": ""}})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "calendar.makeup_weekday")


def test_the_description_shows_the_worked_example(client: TestClient) -> None:
    described = client.get("/openapi.json").json()["paths"]["/api/v1/plans"]["post"]["requestBody"]
    assert described["content"]["application/json"]["examples"]["plan"]["value"]["code"] == "food-2027"
