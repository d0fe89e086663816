"""`round pack | visits | explain | move | replan | stop` as an operator types them, on a round that is drawn."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from app import front
from app.db.database import Database
from app.rounds import service
from app.rounds.vault import Vault
from app.settings import settings
from app.whole_round import SimulatedClock, Trip, answers, carry
from optimizer.progress import Silent

Run = Callable[..., tuple[int, Any]]


@pytest.fixture
def drawn(city: Database, publish: Callable[..., str], now: datetime, tmp_path: Path) -> str:
    """A round whose targets are drawn and not packed yet."""
    vault = Vault(tmp_path)
    trip = Trip(
        city, vault, tmp_path, Silent(), None, SimulatedClock(now), approved_by="审批人", until="drawn"
    )
    row = carry(trip, service.create(city, publish(), "2026-Q1", now), answers(trip))
    assert (row.stage, row.status) == ("drawn", "running")
    return row.round_id


@pytest.fixture
def run(
    city: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Iterator[Run]:
    """`python -m app round …` in this process; its exit status, and the JSON on the last line."""
    monkeypatch.setenv("DATABASE_URL", city.url)
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    settings.cache_clear()

    def call(*arguments: str) -> tuple[int, Any]:
        monkeypatch.setattr(sys, "argv", ["app", "round", *arguments, "--json"])
        with pytest.raises(SystemExit) as ended:
            front.main()
        return int(ended.value.code or 0), json.loads(capsys.readouterr().out.splitlines()[-1])

    yield call
    settings.cache_clear()


def test_a_drawn_round_is_packed_looked_at_and_not_packed_again(drawn: str, run: Run) -> None:
    status, said = run("visits", drawn)
    assert (status, said["problem"]["code"]) == (1, "round.stage")
    status, packed = run("pack", drawn)
    assert (status, packed["stage"], packed["unscheduled"]) == (0, "packed", 0)
    status, listed = run("visits", drawn)
    assert (status, len(listed["visits"])) == (0, packed["entries"])
    starts = [(row["date"], row["start"]) for row in listed["visits"]]
    assert starts == sorted(starts)
    day = starts[-1][0]
    status, one_day = run("visits", drawn, "--day", day)
    assert one_day["visits"] == [row for row in listed["visits"] if row["date"] == day]
    assert run("explain", drawn)[0] == 0
    status, again = run("pack", drawn)
    same = ("stage", "entries", "inspector_days", "travel_min", "host_min")
    assert (status, [again[name] for name in same]) == (0, [packed[name] for name in same])


def test_what_is_over_or_missing_is_refused_with_its_rule(drawn: str, run: Run) -> None:
    assert run("pack", drawn)[0] == 0
    visit = run("visits", drawn)[1]["visits"][0]
    asked = {
        "change.visit": ("move", drawn, visit["visit_id"], "--avoid", visit["date"], "--reason", "企业停产"),
        "change.no_reason": ("replan", drawn, "--cancel", visit["visit_id"], "--reason", " "),
        "round.absent": ("explain", "nowhere"),
    }
    for code, arguments in asked.items():
        status, said = run(*arguments)
        assert (status, said["problem"]["code"]) == (1, code)
        assert all(said["problem"][text] for text in ("zh", "en", "remedy_zh", "remedy_en"))
