"""Every problem is said in both languages, with a code and a remedy, and as a page where a browser asks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import httpx2
import pytest
from fastapi.testclient import TestClient
from pydantic import BaseModel, ValidationError
from pydantic_core.core_schema import ErrorType

from app.db.database import Database
from app.errors import Refused
from app.http.faults import KINDS, SAYINGS, said
from app.http.problem import MEDIA_TYPE
from app.ledger import checkpoints
from app.ledger import repository as ledger
from app.main import create_app
from app.plans.service import parse_document
from app.settings import Settings
from tests.small_city import NOW, plan_data

CHINESE = re.compile(r"[\u4e00-\u9fff]")
JSON = {"Content-Type": "application/json"}
REFUSED: dict[str, tuple[int, str, str, str, dict[str, str], bytes]] = {
    "no address": (404, "http.404", "GET", "/api/v1/nothing", {}, b""),
    "no round": (404, "round.absent", "GET", "/api/v1/rounds/none", {}, b""),
    "no method": (405, "http.405", "PATCH", "/api/v1/rounds", {}, b""),
    "no field": (422, "request.invalid", "POST", "/api/v1/rounds", JSON, b"{}"),
    "unknown field": (422, "request.invalid", "POST", "/api/v1/plans", JSON, b'{"nothing": 1}'),
    "a number too large": (422, "request.invalid", "GET", "/api/v1/rounds?limit=501", {}, b""),
    "no number": (422, "request.invalid", "GET", "/api/v1/rounds?limit=x", {}, b""),
    "plain text": (
        415,
        "request.media_type",
        "POST",
        "/api/v1/rounds",
        {"Content-Type": "text/plain"},
        b"{}",
    ),
    "no type": (415, "request.media_type", "POST", "/api/v1/rounds", {}, b"{}"),
    "no file": (415, "request.media_type", "POST", "/api/v1/registers/targets/imports", JSON, b"{}"),
    "no JSON": (400, "request.json", "POST", "/api/v1/rounds", JSON, b"{"),
    "a cursor": (422, "cursor.invalid", "GET", "/api/v1/rounds?cursor=x", {}, b""),
}


@pytest.fixture
def client(sqlite_database: Database, tmp_path: Path) -> Iterator[TestClient]:
    """Over a log with one signed checkpoint."""
    with sqlite_database.write() as session:
        ledger.append(session, {"type": "t", "subject": "r", "actor_role": "service", "digest": "0"}, NOW)
    checkpoints.due(sqlite_database, tmp_path, NOW)
    app = create_app(sqlite_database, Settings(data_dir=tmp_path), with_clock=False)
    with TestClient(app, raise_server_exceptions=False) as served:
        yield served


def ask(client: TestClient, case: str, **headers: str) -> httpx2.Response | Any:
    """The answer to one of the requests above."""
    _, _, method, path, own, body = REFUSED[case]
    return client.request(method, path, content=body, headers={**own, **headers})


@pytest.mark.parametrize("case", REFUSED)
def test_a_problem_is_said_in_both_languages(client: TestClient, case: str) -> None:
    status, code, *_ = REFUSED[case]
    chinese, english = ask(client, case), ask(client, case, **{"Accept-Language": "en"})
    for answer in (chinese, english):
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert answer.headers["content-type"] == MEDIA_TYPE
    for text in ("detail", "remedy"):
        assert CHINESE.search(chinese.json()[text]), chinese.json()
        assert english.json()[text]
        assert not CHINESE.search(english.json()[text]), english.json()
    assert not re.search(r"[a-z]+ [a-z]+ [a-z]+", chinese.json()["detail"]), "an English sentence"


def test_what_is_taken_here_is_named(client: TestClient) -> None:
    assert "application/json" in ask(client, "plain text").json()["remedy"]
    assert "multipart/form-data" in ask(client, "no file").json()["remedy"]
    assert ask(client, "no method").headers["allow"]


@pytest.mark.parametrize(("path", "language"), [("/nothing", "zh-CN"), ("/en/nothing", "en")])
def test_pages_of_problems_and_of_the_api_show_the_newest_checkpoint(
    client: TestClient, path: str, language: str
) -> None:
    root = client.get("/api/v1/log/checkpoint").text.split("\n")[2]
    prefix = path.removesuffix("/nothing")
    for address, status in ((path, 404), (f"{prefix}/api/docs", 200), (f"{prefix}/rounds/none", 404)):
        answer = client.get(address, headers={"Accept": "text/html"})
        assert (answer.status_code, answer.headers["content-language"]) == (status, language)
        assert f"<code>{root}</code>" in answer.text


def test_a_page_says_its_problem_where_the_database_is_gone(tmp_path: Path) -> None:
    nothing = Database(f"sqlite:///{tmp_path / 'absent' / 'nothing.db'}")
    app = create_app(nothing, Settings(data_dir=tmp_path), with_clock=False)
    with TestClient(app, raise_server_exceptions=False) as served:
        answer = served.get("/nothing", headers={"Accept": "text/html"})
    assert answer.status_code == 404
    assert 'class="checkpoint"' not in answer.text


def test_every_kind_of_fault_has_a_chinese_saying() -> None:
    known = set(get_args(ErrorType))
    assert set(SAYINGS) <= known
    assert set(KINDS) == {kind for kind in KINDS if any(one.startswith(kind) for one in known)}


class Numbers(BaseModel):
    """Bounds of both kinds."""

    few: int = 1
    names: list[str] = []


@pytest.mark.parametrize(
    ("value", "zh"), [({"few": "x"}, "须为整数"), ({"few": 1.5}, "须为整数"), ({"names": 1}, "须为列表")]
)
def test_a_fault_is_said_in_chinese(value: dict[str, Any], zh: str) -> None:
    with pytest.raises(ValidationError) as found:
        Numbers.model_validate(value)
    assert said(found.value.errors()[0])[0] == zh


@pytest.mark.parametrize(
    ("change", "zh"),
    [
        ({"risk_limit_ppm": "0.0001 ‰"}, "细于百万分之一"),
        ({"risk_limit_ppm": 0.5}, "百万分之几"),
        ({"recurrence": "monthly day 1 09:00"}, "只须写一项"),
        ({"title_zh": "a\u200bb"}, "title_zh"),
        ({"schedule": {"days": 0}}, "schedule.days"),
    ],
)
def test_a_plan_is_refused_in_chinese_too(change: dict[str, Any], zh: str) -> None:
    with pytest.raises(Refused, match=r"plan\.unreadable") as refused:
        parse_document(plan_data(**change))
    assert zh in refused.value.problem.zh
    assert not re.search(r"[a-z]+ [a-z]+ [a-z]+", refused.value.problem.zh.replace(".", " . "))
