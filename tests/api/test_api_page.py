"""The API's own page: everything in the OpenAPI document, nothing from elsewhere, no word left untranslated."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from app.db.database import Database
from app.main import create_app
from app.settings import Settings


@pytest.mark.parametrize(("path", "heading"), [("/api/docs", "接口"), ("/en/api/docs", "API")])
def test_every_operation_is_listed_without_script(
    sqlite_database: Database, tmp_path: Path, path: str, heading: str
) -> None:
    app = create_app(sqlite_database, Settings(data_dir=tmp_path), with_clock=False)
    with TestClient(app) as client:
        answer = client.get(path)
        paths = client.get("/api/openapi.json").json()["paths"]
    assert answer.status_code == 200
    assert f"<h1>{heading}</h1>" in answer.text
    assert "<script" not in answer.text
    assert "https://" not in answer.text
    assert all(f"<code>{known}</code>" in answer.text for known in paths)
    assert "default-src 'self'" in answer.headers["content-security-policy"]
