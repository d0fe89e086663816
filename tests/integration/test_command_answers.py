"""What commands say: refusals as JSON where JSON was asked for, and input that is no input."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from app import console, front
from app.db.database import Database
from app.settings import settings

Run = Callable[..., tuple[int, Any]]


@pytest.fixture
def run(
    sqlite_database: Database,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> Iterator[Run]:
    """`python -m app …` in this process; its exit status, and the JSON on the last line of standard output."""
    monkeypatch.setenv("DATABASE_URL", sqlite_database.url)
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    settings.cache_clear()

    def call(*arguments: str) -> tuple[int, Any]:
        monkeypatch.setattr(sys, "argv", ["app", *arguments])
        with pytest.raises(SystemExit) as ended:
            front.main()
        lines = capsys.readouterr().out.splitlines()
        return int(ended.value.code or 0), json.loads(lines[-1]) if lines else None

    yield call
    settings.cache_clear()


def test_a_refusal_is_json_where_json_was_asked_for(run: Run) -> None:
    status, said = run("round", "show", "nowhere", "--json")
    assert status == 1
    assert said["problem"]["code"] == "round.absent"
    assert all(said["problem"][text] for text in ("zh", "en", "remedy_zh", "remedy_en"))
    assert run("round", "show", "nowhere") == (1, None)


def test_a_secret_that_is_none_is_refused(run: Run) -> None:
    status, said = run("round", "deposit", "spring-2026-Q1-1", "--party", "x", "--secret", "no hex")
    assert (status, said) == (1, None)


def test_the_working_day_calendar_is_shown_by_command(run: Run) -> None:
    status, said = run("calendar", "show", "2026", "--json")
    assert (status, said["year"]) == (0, 2026), said


def test_impossible_ports_and_stages_are_usage_errors(run: Run) -> None:
    assert run("serve", "--port", "70000")[0] == 2
    assert run("demo", "--until", "yesterday", "--no-serve")[0] == 2


def test_yes_and_no_are_no_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    console.table("t", ("a", "b"), [("verified", True), ("rows", 1200)])
    shown = capsys.readouterr().err
    assert "yes" in shown
    assert "1,200" in shown


def test_ctrl_c_is_said_in_a_line(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> Database:
        raise KeyboardInterrupt

    said: list[str] = []
    monkeypatch.setattr("app.rounds.commands._database", interrupted)
    monkeypatch.setattr(console, "say", said.append)
    assert run("round", "show", "any") == (130, None)
    assert len(said) == 1
