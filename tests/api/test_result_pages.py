"""Pages of published results: found by what the address asks, one with its basis and history, and nobody's secrets."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from app.http import dependencies
from app.main import create_app
from app.settings import Settings
from app.visits import service
from app.visits.desk import Actor
from app.visits.records import Record
from app.visits.tables import Visit, VisitCheck
from tests.visited_round import CLERK, Visited


def disclosed(visited: Visited) -> tuple[Visit, VisitCheck]:
    """A check without a finding, carried from notice to publication."""
    visit, (check,) = visited.visit()
    desk, at = visited.desk, visited.at(visit)
    crews = visited.crews(visit.key)
    service.notify(desk, visit.key, CLERK, at)
    service.arrive(desk, visit.key, crews, CLERK, at + timedelta(minutes=1))
    at += timedelta(minutes=2)
    service.answer(desk, visit.key, {row["code"]: ("yes", "") for row in visit.checklist}, CLERK, at)
    inspector = Actor(crews[check.department][0], "inspector", check.department)
    service.record(desk, check.key, Record("no_problem", "none", "内部备注", None), inspector, at)
    service.review(desk, check.key, Actor("reviewer", "reviewer"), at)
    return visit, service.disclose(desk, check.key, Actor("publisher", "publisher"), at)


def browser(visited: Visited, kept: Path, before_reveal: bool) -> TestClient:
    visit, _ = visited.visit()
    settings = Settings(data_dir=kept, results_before_reveal=before_reveal)
    app = create_app(visited.desk.db, settings, with_clock=False)
    app.dependency_overrides[dependencies._now] = lambda: visited.at(visit, 60)
    return TestClient(app, headers={"accept": "text/html"})


def test_a_result_is_found_by_its_filters_and_its_page_tells_no_secret(
    visited: Visited, tmp_path: Path
) -> None:
    visit, check = disclosed(visited)
    client = browser(visited, tmp_path, before_reveal=True)
    item = check.items[0].partition("@")[0]
    day = str(check.completed_on)
    for matching in (
        {"name": visit.name[1:-1]},
        {"code": visit.code.lower()},
        {"department": check.department, "item": item, "district": visit.district, "result": "no_problem"},
        {"since": day, "until": day, "name": "", "round_id": visit.round_id},
    ):
        assert f"/results/{check.key}" in client.get("/results", params=matching).text, matching
    for other in ({"name": "%"}, {"code": "0"}, {"since": "2099-01-01"}, {"result": "uncooperative"}):
        assert check.key not in client.get("/results", params=other).text, other
    secrets = (*check.crew, visit.address, visit.nonce, "内部备注", "reviewer", "publisher")
    for path in (f"/results/{check.key}", "/results"):
        for prefix, word in (("", "未发现问题"), ("/en", "No problem found")):
            answer = client.get(prefix + path)
            assert answer.status_code == 200
            assert word in answer.text
            assert visit.name in answer.text
            assert [text for text in secrets if text and text in answer.text] == []
            tag = answer.headers["etag"]
            assert client.get(prefix + path, headers={"if-none-match": tag}).status_code == 304


def test_before_the_reveal_a_result_is_answered_like_one_that_is_absent(
    visited: Visited, tmp_path: Path
) -> None:
    visit, check = disclosed(visited)
    client = browser(visited, tmp_path, before_reveal=False)
    hidden, absent = client.get(f"/results/{check.key}"), client.get("/results/" + "0" * 20)
    assert hidden.status_code == absent.status_code == 404
    assert hidden.text.replace(check.key, "0" * 20) == absent.text
    assert visit.name not in client.get("/results").text


@pytest.mark.parametrize("query", ["since=soon", "cursor=x", "code=" + "1" * 300])
def test_what_cannot_be_asked_is_refused(visited: Visited, tmp_path: Path, query: str) -> None:
    assert browser(visited, tmp_path, before_reveal=True).get(f"/results?{query}").status_code == 422
