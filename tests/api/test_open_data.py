"""Open data: the forms agree with each other and with the pages, change with them, and are signed."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import re
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from openpyxl import load_workbook
from starlette.types import Message

from app.db.database import Database
from app.disclosure import data_pages, open_data, open_files
from app.disclosure.datasets import DATASETS, RESULTS
from app.disclosure.open_files import FORMATS, cell
from app.errors import Refused
from app.http import dependencies
from app.http.in_process import STRANGER
from app.main import create_app
from app.settings import Settings
from app.visits import service
from app.visits.desk import Actor
from app.visits.service import Change
from benchmarks.portal_rows import NOW, fill
from scheduler.notes import VerifierKey
from tests.api.test_result_pages import disclosed
from tests.visited_round import Visited


def stranger(visited: Visited, folder: Path, moments: list[datetime]) -> TestClient:
    app = create_app(visited.desk.db, Settings(data_dir=folder), with_clock=False)
    app.dependency_overrides[dependencies._now] = lambda: moments[0]
    return TestClient(app, headers={"accept": "text/html"})


def downloaded(client: TestClient, to: Path) -> Path:
    to.mkdir()
    for name in (*open_data.file_names(), open_data.MANIFEST):
        answer = client.get(f"/data/{name}")
        assert answer.status_code == 200, name
        (to / name).write_bytes(answer.content)
    return to


def key_of(client: TestClient) -> VerifierKey:
    return VerifierKey.parse(client.get("/api/v1/log/keys").json()["log"][-1])


def test_every_form_says_what_the_pages_say_and_the_manifest_signs_them(
    visited: Visited, tmp_path: Path
) -> None:
    visit, check = disclosed(visited)
    moments = [visited.at(visit, 60)]
    client = stranger(visited, visited.desk.vault.directory, moments)
    folder = downloaded(client, tmp_path / "copy")
    for one in DATASETS.values():
        whole = json.loads((folder / f"{one.id}.json").read_text(encoding="utf-8"))
        assert all(tuple(row) == one.names for row in whole)
        cells = [[cell(value) for value in row.values()] for row in whole]
        plain = list(csv.reader(io.StringIO((folder / f"{one.id}.csv").read_text(encoding="utf-8"))))
        excel = list(
            csv.reader(io.StringIO((folder / f"{one.id}.excel.csv").read_text(encoding="utf-8-sig")))
        )
        sheet = load_workbook(folder / f"{one.id}.xlsx").active
        assert sheet is not None
        book = [[str(value or "") for value in row] for row in sheet.iter_rows(values_only=True)]
        assert plain == excel == book == [list(one.names), *cells]
        keys = [tuple(row.values())[: one.key] for row in whole]
        assert len(set(keys)) == len(keys)
    (row,) = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    assert row == client.get(f"/api/v1/results/{check.key}").json()
    page = client.get("/results").text
    assert re.findall(r"/results/([0-9a-f]{20})", page) == [row["result_id"]]
    assert row["name"] in page
    assert open_data.verify(folder, key_of(client)) == open_data.file_names()
    listed = json.loads((folder / open_data.CATALOGUE).read_text(encoding="utf-8"))["dcat:dataset"]
    linked = {form["dcat:downloadURL"]["@id"] for one in listed for form in one["dcat:distribution"]}
    assert linked == {f"{one}.{form}" for one in DATASETS for form in FORMATS}
    bend(folder, key_of(client))


def bend(folder: Path, key: VerifierKey) -> None:
    """A changed file, a changed line and another text are each noticed."""
    manifest = (folder / open_data.MANIFEST).read_text(encoding="utf-8")
    for name, text in (
        ("results.csv", (folder / "results.csv").read_text(encoding="utf-8") + "x"),
        (open_data.MANIFEST, manifest.replace("results.csv", "other.csv")),
        (open_data.MANIFEST, manifest.replace(open_data.HEADER, "x")),
    ):
        kept = (folder / name).read_text(encoding="utf-8")
        (folder / name).write_text(text, encoding="utf-8")
        with pytest.raises(Refused):
            open_data.verify(folder, key)
        (folder / name).write_text(kept, encoding="utf-8")
    (folder / "items.json").unlink()
    with pytest.raises(Refused, match="items"):
        open_data.verify(folder, key)


def test_a_correction_is_found_by_its_day_and_reaches_the_files_within_the_hour(
    visited: Visited, tmp_path: Path
) -> None:
    visit, check = disclosed(visited)
    moments = [visited.at(visit, 60)]
    client = stranger(visited, visited.desk.vault.directory, moments)
    assert client.get("/data/results.json").json()[0]["result"] == "no_problem"
    day = moments[0].date() + timedelta(days=1)
    assert client.get(f"/data/results.json?since={day}").json() == []
    assert client.get(f"/data/results.csv?since={day}").text.splitlines() == [",".join(RESULTS.names)]
    moments[0] += timedelta(days=1)
    corrector = Actor("corrector", "reviewer")
    change = Change("recording_error", "confirmer", "not_disclosed", "ordered")
    service.correct(visited.desk, check.key, change, corrector, moments[0])
    (changed,) = client.get(f"/data/results.json?since={day}").json()
    (kept,) = client.get("/data/results.json").json()
    assert changed == kept
    assert [told["result"] for told in changed["history"]] == ["no_problem", "not_disclosed"]
    book = client.get(f"/data/results.xlsx?since={day}")
    assert int(book.headers["content-length"]) == len(book.content)
    (sheet,) = load_workbook(io.BytesIO(book.content)).worksheets
    assert [row[0] for row in sheet.iter_rows(values_only=True)] == ["result_id", changed["result_id"]]
    moments[0] += timedelta(minutes=5)
    assert client.get("/data/results.json").json() == [changed]


def test_rows_by_day_of_change_are_never_whole_in_memory(
    sqlite_database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data_pages, "PIECE", 4 << 10)
    monkeypatch.setattr(open_files, "PIECE", 20)
    fill(sqlite_database, 600)
    app = create_app(sqlite_database, Settings(data_dir=tmp_path), with_clock=False)
    app.dependency_overrides[dependencies._now] = lambda: NOW
    for form in FORMATS:
        few, many = (asyncio.run(pieces_of(app, form, f"2026-{month:02}-01")) for month in (11, 1))
        assert sum(many) > 3 * sum(few), form
        assert max(many) < 1.5 * max(few), form
        assert max(many) <= 20 << 10, form


async def pieces_of(app: FastAPI, form: str, since: str) -> list[int]:
    """Lengths of what a server is given to send, one after the other."""
    sent: list[int] = []
    scope = {
        "type": "http", "method": "GET", "scheme": "http", "path": f"/data/results.{form}", "root_path": "",
        "query_string": f"since={since}".encode(), "headers": [], "client": STRANGER, "server": ("test", 80),
    }  # fmt: skip

    asked: list[Message] = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> Message:
        return asked.pop() if asked else await asyncio.Future()

    async def send(message: Message) -> None:
        if message["type"] == "http.response.body":
            sent.append(len(message["body"]))
        else:
            assert message["status"] == 200

    await app(scope, receive, send)
    return sent


@pytest.mark.parametrize(
    "path", ["/data/none.csv", "/data/rounds.csv?since=2026-01-01", "/data/dictionary.json?since=2026-01-01"]
)
def test_what_is_not_offered_is_absent(visited: Visited, tmp_path: Path, path: str) -> None:
    visit, _ = visited.visit()
    client = stranger(visited, tmp_path, [visited.at(visit)])
    assert client.get(path).status_code == 404


def test_the_dictionary_says_every_column_in_both_languages() -> None:
    for one in open_data.dictionary()["datasets"].values():
        for column in one["columns"]:
            assert column["zh"] != column["en"]
