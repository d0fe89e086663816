"""Annual plans as a stranger finds them: versions with what changed and why, files that say the same, no drafts."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from openpyxl import load_workbook

from app.db.database import Database
from app.http import dependencies
from app.main import create_app
from app.plans import service
from app.plans.differences import differences
from app.settings import Settings
from tests import small_city
from tests.small_city import NOW, QUARTERLY

REASON = "按上级部署提高比例"


def saved(db: Database, **changed: Any) -> None:
    document = service.parse_document(small_city.plan_data(recurrence=QUARTERLY, period=None) | changed)
    if service.list_plans(db):
        service.revise(db, document)
    else:
        service.create(db, document, NOW)


@pytest.fixture
def client(city: Database, tmp_path: Path) -> TestClient:
    """Two published versions, and a draft of a third."""
    saved(city)
    code = service.list_plans(city)[0].code
    service.publish(city, code, NOW)
    tasks = small_city.plan_data()["tasks"]
    tasks[0]["title_zh"] = "改了名的任务"
    saved(city, tasks=tasks)
    service.publish(city, code, NOW + timedelta(days=1), reason=REASON)
    saved(city, tasks=tasks, title_zh="未公布的草稿")
    app = create_app(city, Settings(data_dir=tmp_path), with_clock=False)
    app.dependency_overrides[dependencies._now] = lambda: NOW + timedelta(days=2)
    return TestClient(app, headers={"accept": "text/html"})


def test_versions_are_shown_with_their_changes_and_reason_and_drafts_are_not(client: TestClient) -> None:
    listed = client.get("/plans").text
    code = small_city.plan_data()["code"]
    assert f'href="/plans/{code}"' in listed
    shown = client.get(f"/plans/{code}").text
    for said in (REASON, "改了名的任务", "第 2 版", "首次公布。"):
        assert said in shown
    assert small_city.plan_data()["tasks"][0]["title_zh"] in shown  # as it was before
    earlier = client.get(f"/plans/{code}/versions/1").text
    assert "旧版本" in earlier
    english = client.get(f"/en/plans/{code}").text
    assert "Reason for the change" in english
    assert client.get(f"/plans/{code}/versions/3").status_code == 404
    draft = [
        client.get(path).text for path in ("/plans", f"/plans/{code}", f"/plans/{code}/files/2/plan.json")
    ]
    assert not [text for text in draft if "未公布的草稿" in text]


def test_files_say_what_the_page_says(client: TestClient) -> None:
    code, titles = small_city.plan_data()["code"], ["改了名的任务"]
    titles += [task["title_zh"] for task in small_city.plan_data()["tasks"][1:]]
    for path in (f"/plans/{code}/files/2/plan", "/plans/files/plans"):
        plain = list(csv.reader(io.StringIO(client.get(f"{path}.csv").content.decode())))
        excel = list(csv.reader(io.StringIO(client.get(f"{path}-excel.csv").content.decode("utf-8-sig"))))
        book = load_workbook(io.BytesIO(client.get(f"{path}.xlsx").content)).active
        assert book is not None
        sheet = [[str(cell or "") for cell in row] for row in book.iter_rows(values_only=True)]
        assert plain == excel == sheet
        assert [row[3] for row in plain[1:]] == titles
    document = client.get(f"/plans/{code}/files/1/plan.json").json()
    bare = {name: value for name, value in document.items() if name not in ("version", "digest")}
    assert service.digest(service.parse_document(bare)) == document["digest"]


def test_the_next_draw_is_counted_down_to(client: TestClient) -> None:
    home = client.get("/").text
    assert "下一次抽取" in home
    assert "2026-04-01 09:00" in home
    assert "<strong>28</strong>" in home  # from 4 March to 1 April


def test_a_field_put_into_a_list_changes_no_other() -> None:
    old = {"title_zh": "a", "tasks": [{"task_id": "x", "min": 1}], "caps": [{"code": "c", "max": 1}]}
    new = {"title_zh": "b", "tasks": [{"task_id": "w", "min": 2}, {"task_id": "x", "min": 1}], "caps": []}
    found = [(row.task, row.field, row.before, row.after) for row in differences(old, new)]
    assert ("", "title_zh", "a", "b") in found
    assert ("w", "min", None, 2) in found
    assert ("", "caps.c.max", 1, None) in found
    assert not [row for row in found if row[0] == "x"]


def test_nothing_to_come_is_said_by_silence(city: Database, tmp_path: Path) -> None:
    app = create_app(city, Settings(data_dir=tmp_path), with_clock=False)
    with city.read() as session:
        assert service.upcoming(session, datetime(2026, 3, 2, tzinfo=UTC)) == []
    client = TestClient(app)
    assert "下一次抽取" not in client.get("/").text
    assert "还没有公布的计划" in client.get("/plans").text
