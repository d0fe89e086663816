"""The auditors' page: what it says before and after an audit, and a package that verifies elsewhere."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import zipfile
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from app.audit import job
from app.cli import app as commands
from app.http import dependencies
from app.ledger import checkpoints
from app.main import create_app
from app.settings import Settings, settings
from tests.accounts import made, signed_in
from tests.integration.test_audit import later, recorded, void_twice
from tests.visited_round import Visited, reveal


def served(visited: Visited, now: datetime) -> FastAPI:
    app = create_app(visited.desk.db, Settings(data_dir=visited.desk.vault.directory), with_clock=False)
    app.dependency_overrides[dependencies._now] = lambda: now
    return app


def auditor(visited: Visited, now: datetime, role: str = "auditor") -> TestClient:
    app = served(visited, now)
    return signed_in(app, visited.desk.db, made(visited.desk.db, role, role, at=now))


def test_an_audit_through_the_page(visited: Visited) -> None:
    """Asked for, stopped, asked for again, done; then every rule stands with its threshold and its cases."""
    at = later(visited)
    recorded(visited, 0, at, timedelta(minutes=2))
    void_twice(visited, at)
    client = auditor(visited, at + timedelta(hours=1))
    assert "There has been no audit yet." in client.get("/en/staff/audit").text
    assert "Stop the audit" in client.post("/en/staff/audit").text
    assert "Begin an audit" in client.post("/en/staff/audit/stop").text
    again = client.post("/en/staff/audit/stop")
    assert again.status_code == 409
    assert "No audit is under way." in again.text
    client.post("/en/staff/audit")
    assert job.run_once(visited.desk.db, visited.desk.vault.directory, at + timedelta(hours=1)) is not None
    page = client.get("/en/staff/audit").text
    assert "Results recorded soon after the arrival · 1" in page
    assert "Within 10 minutes of the arrival" in page
    assert "Round voided · 2" in page
    assert "张三" not in page
    assert "到场后 10 分钟之内" in client.get("/staff/audit").text


def test_others_are_refused_and_the_record_keeps_who_looked(visited: Visited) -> None:
    at = later(visited)
    planner = auditor(visited, at, "planner")
    assert planner.get("/staff/audit").status_code == 403
    assert planner.post("/staff/audit").status_code == 403
    assert planner.get(f"/staff/audit/packages/{visited.round_id}").status_code == 403
    looks = auditor(visited, at)
    looks.get("/staff/audit")
    assert "audit_page" in looks.get("/admin/record?route=audit_page").text


def test_a_package_verifies_elsewhere(visited: Visited, tmp_path: Path) -> None:
    """As its own README says it, with the checkpoint of the day, of which the bundle's is a part."""
    at = later(visited)
    client = auditor(visited, at + timedelta(hours=1))
    address = f"/staff/audit/packages/{visited.round_id}"
    early = client.get(address, headers={"accept-language": "en"})
    assert (early.status_code, early.json()["code"]) == (409, "bundle.before_reveal")
    row = reveal(visited, at + timedelta(hours=2))
    recorded(visited, 0, row.updated_at + timedelta(hours=1))
    checkpoints.due(visited.desk.db, visited.desk.vault.directory, row.updated_at + timedelta(hours=2))
    answer = client.get(address)
    assert answer.status_code == 200
    assert f"audit-{visited.round_id}.zip" in answer.headers["content-disposition"]
    with zipfile.ZipFile(BytesIO(answer.content)) as archive:
        archive.extractall(tmp_path / "taken")
    readme = (tmp_path / "taken" / "README.txt").read_text(encoding="utf-8")
    lines = re.findall(r"^  python (.+)$", readme, re.MULTILINE)
    assert len(lines) == 2
    for line in lines:
        done = subprocess.run(
            [sys.executable, *shlex.split(line)], cwd=tmp_path / "taken", capture_output=True
        )
        assert done.returncode == 0, done.stdout.decode()
        assert "agrees with the checkpoint seen" in done.stdout.decode()
    left = [path for path in (visited.desk.vault.directory / "bundles").iterdir() if path.is_file()]
    assert left == []


def test_the_command_prints_the_same(visited_of_its_own: Visited, monkeypatch: pytest.MonkeyPatch) -> None:
    recorded(visited_of_its_own, 0, later(visited_of_its_own), timedelta(minutes=2))
    monkeypatch.setenv("DATABASE_URL", visited_of_its_own.desk.db.url)
    settings.cache_clear()
    try:
        said = CliRunner().invoke(commands, ["log", "anomalies"])
        told = CliRunner().invoke(commands, ["log", "anomalies", "--json"])
    finally:
        settings.cache_clear()
    assert (said.exit_code, told.exit_code) == (0, 0)
    assert "2.0 min" in said.stderr
    assert '"code": "recorded_fast", "count": 1' in told.stdout.splitlines()[-1]
