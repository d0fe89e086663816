"""Registers over HTTP and by command: uploads, paging, private data, transitions, problems with remedies."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from app.db.database import Database
from app.main import create_app
from app.registers import uscc
from app.registers.tables import Department, Inspector
from app.settings import Settings

CSV = "企业名称,统一社会信用代码,注册地址,信用风险分类\n"
ROOT = Path(__file__).resolve().parents[2]


def lines(count: int) -> str:
    codes = [uscc.make(f"91650102M{number:08d}") for number in range(count)]
    return CSV + "".join(f"企业{n},{code},乌鲁木齐市天山区中山路{n}号,A\n" for n, code in enumerate(codes))


@pytest.fixture
def client(sqlite_database: Database, tmp_path: Path) -> TestClient:
    settings = Settings(data_dir=tmp_path, upload_limit_mb=1)
    return TestClient(create_app(sqlite_database, settings, with_clock=False), raise_server_exceptions=False)


def upload(
    client: TestClient, text: str, register: str = "targets", encoding: str = "utf-8"
) -> dict[str, object]:
    answer = client.post(
        f"/api/v1/registers/{register}/imports", files={"file": ("名单.csv", text.encode(encoding))}
    )
    body: dict[str, object] = answer.json() | {
        "http": answer.status_code,
        "location": answer.headers.get("location"),
    }
    return body


def test_an_upload_is_imported_and_its_refusals_can_be_fetched(client: TestClient) -> None:
    report = upload(client, lines(5) + "坏企业,123,天山区,A\n", encoding="gb18030")
    assert report["http"] == 201
    assert [report[name] for name in ("register", "rows", "added", "refused")] == ["targets", 6, 5, 1]
    refusals = client.get(str(report["location"]))
    assert refusals.headers["content-type"].startswith("text/csv")
    assert "code.length" in refusals.text
    (record,) = client.get("/api/v1/registers/imports").json()["items"]
    assert (record["file_name"], record["counts"]["added"]) == ("名单.csv", 5)
    assert client.get("/api/v1/registers").json()["targets"] == 5


def test_targets_come_by_the_page_and_never_with_their_class(client: TestClient) -> None:
    upload(client, lines(5))
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = client.get("/api/v1/registers/targets", params={"cursor": cursor, "limit": 2}).json()
        seen += [row["target_id"] for row in page["items"]]
        assert all("credit" not in row for row in page["items"])
        cursor = page["next"]
    assert len(seen) == len(set(seen)) == 5
    one = client.get(f"/api/v1/registers/targets/{seen[0]}").json()
    assert (one["district"], one["place_source"]) == ("650102", "gazetteer")
    assert client.get("/api/v1/registers/targets", params={"district": "650104"}).json()["items"] == []
    assert len(client.get("/api/v1/registers/targets", params={"name": "企业3"}).json()["items"]) == 1


@pytest.mark.parametrize(
    ("text", "code"),
    [("幸运数字\n7\n", "register.missing_column"), (CSV.strip() + ",幸运数字\n", "register.unknown_column")],
)
def test_a_bad_header_is_a_problem_with_its_remedy(client: TestClient, text: str, code: str) -> None:
    problem = upload(client, text)
    assert (problem["http"], problem["code"]) == (422, code)
    assert problem["remedy"]
    assert "列" in str(problem["detail"])


def test_an_upload_too_large_is_refused_by_its_length_or_as_it_comes(client: TestClient) -> None:
    problem = upload(client, "x" * (2 << 20))
    assert (problem["http"], problem["code"]) == (413, "request.too_large")
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n'
    chunks = (part for part in [head, *[b"x" * 65_536] * 40])
    headers = {"content-type": "multipart/form-data; boundary=b"}
    answer = client.post("/api/v1/registers/targets/imports", content=chunks, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (413, "request.too_large")


def test_unknown_things_are_not_found(client: TestClient) -> None:
    for path in ("targets/NOBODY", "imports/77/refusals"):
        answer = client.get(f"/api/v1/registers/{path}", headers={"accept-language": "en"})
        assert answer.status_code == 404
        assert answer.json()["remedy"]


def test_inspectors_have_no_names_outside(client: TestClient, sqlite_database: Database) -> None:
    with sqlite_database.write() as session:
        session.add(Department(code="SCJG", name_zh="市场监督管理局"))
        session.flush()
        session.add(Inspector(code="XJ-1", department="SCJG", name="张三", certificate_no="650100123"))
    assert client.get("/api/v1/registers/inspectors").json()["items"] == [
        {"code": "XJ-1", "department": "SCJG"}
    ]
    (department,) = client.get("/api/v1/registers/departments").json()["items"]
    assert (department["code"], department["inspectors"]) == ("SCJG", 1)


def test_an_item_goes_step_by_step(client: TestClient, sqlite_database: Database) -> None:
    with sqlite_database.write() as session:
        session.add(Department(code="SCJG", name_zh="市场监督管理局"))
    body = {"code": "food-1", "title_zh": "食品经营检查", "department": "SCJG"}
    made = client.post("/api/v1/registers/items", json=body)
    assert made.json()["status"] == "draft"
    tag = made.headers["etag"]
    steps = "/api/v1/registers/items/food-1/versions/1/transitions"
    wrong = client.post(steps, json={"to": "published"}, headers={"If-Match": tag})
    assert (wrong.status_code, wrong.json()["code"]) == (409, "item.illegal_step")
    for to in ("reviewed", "published"):
        moved = client.post(steps, json={"to": to}, headers={"If-Match": tag})
        assert moved.json()["status"] == to
        tag = moved.headers["etag"]
    (item,) = client.get("/api/v1/registers/items", params={"status": "published"}).json()["items"]
    assert item["version"] == 1
    assert client.get("/api/v1/registers/joint-proposals").json() == {"items": [], "next": None}


def test_the_command_prints_one_object_as_its_last_line(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text(lines(3) + "坏企业,123,天山区,A\n", "utf-8")
    command = [sys.executable, "-m", "app", "register", "import", str(path), "--json"]
    env = os.environ | {"DATA_DIR": str(tmp_path / "var"), "DATABASE_URL": ""}
    out = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT, env=env)
    report = json.loads(out.stdout.splitlines()[-1])
    assert [report[name] for name in ("rows", "added", "changed", "unchanged", "refused")] == [4, 3, 0, 0, 1]
    assert report["seconds"]["total"] > 0
    assert "code.length" in Path(report["refusals_file"]).read_text("utf-8-sig")
    for line in (["show"], ["refusals"], ["import", str(path)]):
        again = subprocess.run([*command[:4], *line], capture_output=True, text=True, cwd=ROOT, env=env)
        assert again.returncode == 0, again.stderr
        assert "名录" in again.stderr or "code.length" in again.stderr or "rows" in again.stderr
