"""`round run` killed at any stage and run again: the same round goes on, nothing lost, nothing twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.db.database import Database
from app.ledger import repository as ledger
from app.rounds.tables import STAGES, Round
from app.whole_round import FIGURES

Publish = Callable[..., str]
PATIENCE = 120.0
WITNESSES = {"id": "witnesses", "kind": "witness_digits", "digits": 20}
ONCE = ("round.manifest", "round.entropy", "round.seal", "round.plan", "round.seats", "round.reveal")


def command(db: Database, folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """`python -m app round …` over `db` with short leases, in a process group of its own."""
    environment = {**os.environ, "DATABASE_URL": db.url, "DATA_DIR": str(folder), "LEASE_SECONDS": "2"}
    with (folder / "errors.txt").open("a") as errors:
        return subprocess.Popen(
            [sys.executable, "-m", "app", "round", *arguments, "--json", "--out", str(folder / "out")],
            env=environment,
            start_new_session=True,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )


def said(process: subprocess.Popen[str]) -> dict[str, Any]:
    """The object on its last line."""
    out, _ = process.communicate(timeout=PATIENCE)
    found: dict[str, Any] = json.loads(out.splitlines()[-1])
    return found


def stage_of(db: Database, round_id: str) -> str | None:
    with db.read() as session:
        row = session.get(Round, round_id)
        return row.stage if row else None


@pytest.mark.parametrize("stage", ["created", "committed", "packed"])
def test_a_killed_run_is_resumed(city: Database, publish: Publish, tmp_path: Path, stage: str) -> None:
    code, round_id = publish(), "spring-2026-Q1-1"
    process = command(city, tmp_path, "run", code, "--simulate")
    give_up = time.monotonic() + PATIENCE
    while (reached := stage_of(city, round_id)) is None or STAGES.index(reached) < STAGES.index(stage):
        assert time.monotonic() < give_up
        time.sleep(0.002)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    again = said(command(city, tmp_path, "run", code, "--simulate"))
    assert again["problem"]["code"] == "round.exists"
    assert "round resume" in again["problem"]["remedy_en"]
    done = said(command(city, tmp_path, "resume", round_id, "--simulate"))
    assert (done["stage"], done["verified"]) == ("revealed", True), done
    with city.read() as session:
        logged = Counter(row["entry"]["type"] for row in ledger.entries(session, round_id))
    assert {kind: logged[kind] for kind in ONCE} == dict.fromkeys(ONCE, 1)


def test_a_waiting_round_has_all_the_figures(city: Database, publish: Publish, tmp_path: Path) -> None:
    code = publish(entropy=[WITNESSES], entropy_seats=[{**WITNESSES, "id": "second"}])
    summary = said(command(city, tmp_path, "run", code))
    assert (summary["waiting_for"], summary["entries"]) == ("entropy", None)
    assert set(FIGURES) | {"seconds", "peak_mb", "bundle", "verified", "assurance"} <= summary.keys()
