"""The log as pages: what it shows is what the API gives, in order, and the proof on the page holds."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from app.db.database import Database
from app.disclosure import log_pages
from app.main import create_app
from app.settings import Settings
from tests.disclosure_round import publish


@pytest.fixture
def client(database: Database, tmp_path: Path) -> TestClient:
    """A stranger, to whom a revealed round's log is shown three entries at a time."""
    publish(database, "open")
    app = create_app(database, Settings(data_dir=tmp_path), with_clock=False)
    return TestClient(app, headers={"accept": "text/html"})


def test_every_entry_is_reached_page_by_page(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_pages, "ENTRIES", 3)
    size = client.get("/api/v1/log/entries").json()["size"]
    assert size > 4
    found: list[int] = []
    path: str | None = "/log"
    while path is not None:
        shown = client.get(path).text
        found += [int(n) for n in re.findall(r'href="/log/([0-9]+)"', shown)]
        onward = re.search(r'rel="next" href="(\?before=[0-9]+)"', shown)
        path = f"/log{onward[1]}" if onward else None
    assert found == list(reversed(range(size)))


def test_the_page_shows_the_checkpoint_and_an_entrys_own_proof(client: TestClient) -> None:
    shown = html.unescape(client.get("/en/log").text)
    assert client.get("/api/v1/log/checkpoint").text.strip() in shown
    assert client.get("/api/v1/log/keys").json()["log"][0] in shown
    assert "Round revealed <code>round.reveal</code>" in shown
    entry = html.unescape(client.get("/log/2").text)
    assert client.get("/api/v1/log/proof?index=2").text.strip() in entry
    assert client.get("/api/v1/log/entries?start=2&limit=1").json()["entries"][0]["body"] in entry


@pytest.mark.parametrize(("path", "status"), [("/log/999999", 404), ("/log/x", 422), ("/log?before=-1", 422)])
def test_what_is_not_there_is_not_found(client: TestClient, path: str, status: int) -> None:
    assert client.get(path).status_code == status


def test_an_empty_log_says_so(database: Database, tmp_path: Path) -> None:
    app = create_app(database, Settings(data_dir=tmp_path), with_clock=False)
    assert "日志还没有签名的条目" in TestClient(app).get("/log").text
