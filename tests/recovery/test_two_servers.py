"""Two servers whose clocks differ, killed over and over with the PostgreSQL beneath them: each month has one round."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

FULL = os.environ.get("TRIALS") == "full"
KILLS, RESTARTS = (120, 16) if FULL else (4, 1)
PATIENCE = 2 * 3600.0


@pytest.fixture
def folder() -> Iterator[Path]:
    """Outside pytest's folders, as PostgreSQL's files have to be (see `postgres_url`)."""
    path = Path(tempfile.mkdtemp(prefix="double-random-two-"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


def test_two_servers_make_one_round_a_month_in_order(folder: Path) -> None:
    command = [sys.executable, "-m", "tests.two_servers", str(folder)]
    command += ["--kills", str(KILLS), "--restarts", str(RESTARTS)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)
    assert done.stdout, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    assert (done.returncode, said["broken"]) == (0, [])
    assert (said["kills"], said["restarts"], said["rounds"]) == (KILLS, RESTARTS, 6)
