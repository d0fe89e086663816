"""No process outlives the one that started it, however that one ends.

Every process of the family holds the same pipe as its standard output, so the pipe ends when the last of them does.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from app.db.database import Database
from tests.recovery.test_serve import PATIENCE, answers, free_port, until

POOL = """
import time
from app.processes import pool

with pool(2) as two:
    for _ in range(2):
        two.submit(pow, 1, 1).result()
    for work in {work}:
        two.submit(exec, work)
    print("working", flush=True)
    time.sleep(1000)
"""
WORK = {"idle": [], "busy": ["while True: pass"] * 2}


@pytest.mark.parametrize("work", WORK)
def test_workers_end_when_their_parent_is_killed(work: str) -> None:
    script = POOL.format(work=WORK[work])
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "working\n"
        parent.kill()
        assert parent.communicate(timeout=PATIENCE)[0] == ""


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_a_service_that_ends_leaves_no_worker(city: Database, tmp_path: Path, end: signal.Signals) -> None:
    port = free_port()
    environment = {"DATABASE_URL": city.url, "DATA_DIR": str(tmp_path), "TICK_SECONDS": "1"}
    command = [sys.executable, "-m", "app", "serve", "--port", str(port)]
    with subprocess.Popen(
        command, env={**os.environ, **environment}, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as service:
        until(lambda: answers(f"http://127.0.0.1:{port}"), "the service answers")
        until(lambda: len(children(service.pid)) > 1, "its worker runs beside the resource tracker")
        service.send_signal(end)
        assert service.communicate(timeout=PATIENCE)[0] == b""


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_a_service_that_is_stopped_gives_everything_back(
    city: Database, tmp_path: Path, end: signal.Signals
) -> None:
    """Nothing of what Python says at the end of a process that left semaphores, and no traceback."""
    port = free_port()
    environment = {
        "DATABASE_URL": city.url,
        "DATA_DIR": str(tmp_path),
        "TICK_SECONDS": "1",
        "LOG_LEVEL": "error",
    }
    command = [sys.executable, "-m", "app", "serve", "--port", str(port)]
    with subprocess.Popen(
        command,
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as service:
        until(lambda: answers(f"http://127.0.0.1:{port}"), "the service answers")
        until(lambda: len(children(service.pid)) > 1, "its worker runs beside the resource tracker")
        os.killpg(service.pid, end) if end == signal.SIGINT else service.send_signal(end)
        said = service.communicate(timeout=PATIENCE)[1].decode()
    assert "leaked" not in said, said
    assert "Traceback" not in said, said


def children(process: int) -> list[str]:
    """Ids of a process's own children (Linux)."""
    tasks = Path(f"/proc/{process}/task")
    return [child for task in tasks.iterdir() for child in (task / "children").read_text().split()]
