"""Workers killed at every stage's boundaries and at random moments, or stopped while another takes over."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

KILLS = 500 if os.environ.get("TRIALS") == "full" else 30
PATIENCE = 6 * 3600.0


def lived(url: str, folder: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    """Exit status of the harness and what it says."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.kill_harness", url, str(folder), *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert done.stdout, done.stderr
    said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return done.returncode, said


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    """Where the harness makes its databases."""
    return "sqlite:///" if request.param == "sqlite" else str(request.getfixturevalue("postgres_url"))


def test_nothing_is_lost_or_doubled_and_no_seed_changes(url: str, tmp_path: Path) -> None:
    status, said = lived(url, tmp_path, "--kills", str(KILLS))
    assert (status, said["broken"]) == (0, [])
    assert said["random"] >= KILLS
    assert said["lives"] >= 2
    assert said["stalls"] > 0


@pytest.mark.parametrize("control", ["transaction", "fence"])
def test_the_harness_notices_a_control_that_is_off(url: str, tmp_path: Path, control: str) -> None:
    """A transaction in two halves breaks at the first boundary; a missing fence as soon as a stopped worker goes on."""
    status, said = lived(url, tmp_path, "--without", control, "--kills", "0")
    assert status == 1
    assert said["broken"]
