"""The service as it is run: its own process, its worker in another, killed and started again."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlmodel import text

from app.db.database import Database
from app.ledger import repository as ledger

Publish = Callable[..., str]
PATIENCE = 120.0


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(db: Database, folder: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """`python -m app serve` over `db`, its tick and leases short, in a process group of its own."""
    port = free_port()
    settings = {"DATABASE_URL": db.url, "DATA_DIR": str(folder), "TICK_SECONDS": "1", "LEASE_SECONDS": "3"}
    process = subprocess.Popen(
        [sys.executable, "-m", "app", "serve", "--port", str(port)],
        env={**os.environ, **settings},
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        until(lambda: answers(address), "the service answers")
        yield address, process
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def answers(address: str) -> bool:
    """Whether anything is served there yet."""
    try:
        return httpx2.get(f"{address}/api/v1/rounds", timeout=2).status_code == 200
    except httpx2.HTTPError:
        return False


def until(true: Callable[[], bool], what: str) -> None:
    """Wait for something to become true."""
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, f"waited {PATIENCE:.0f} s in vain until {what}"
        time.sleep(0.2)


def shown(address: str, round_id: str) -> dict[str, Any]:
    """The round as the API shows it."""
    found: dict[str, Any] = httpx2.get(f"{address}/api/v1/rounds/{round_id}", timeout=10).json()
    return found


def test_the_worker_carries_a_round_to_its_reveal_and_survives_being_killed(
    city: Database, publish: Publish, tmp_path: Path
) -> None:
    body = {"plan": publish(), "period": "2026-Q1"}
    with serving(city, tmp_path) as (address, _):
        asked = httpx2.post(f"{address}/api/v1/rounds", json=body, timeout=10)
        assert asked.status_code == 202
        round_id = str(asked.json()["subject"])
        until(lambda: shown(address, round_id)["stage"] != "created", "the freeze is done")
    with city.read() as session:
        before = {name: ledger.load(session, round_id, name) for name in ledger.names(session, round_id)}
    with serving(city, tmp_path) as (address, _):
        until(lambda: shown(address, round_id)["waiting_for"] == "reveal", "the round waits for its reveal")
        again = httpx2.post(f"{address}/api/v1/rounds", json=body, timeout=10)
        assert again.status_code == 409
        assert httpx2.get(f"{address}/rounds/{round_id}", timeout=10).status_code == 200
        assert httpx2.get(f"{address}/api/v1/rounds/{round_id}/bundle", timeout=10).status_code in (404, 409)
    with city.read() as session:
        for name, data in before.items():
            assert ledger.load(session, round_id, name) == data, f"{name} changed after a crash"
        logged = [entry["entry"] for entry in ledger.entries(session, round_id)]
        types = [(entry["type"], entry.get("stage")) for entry in logged]
    assert len(types) == len(set(types)), "a stage was logged twice"


def refused(folder: Path, *arguments: str) -> str:
    """What a command that is refused says."""
    done = subprocess.run(
        [sys.executable, "-m", "app", *arguments],
        env={**os.environ, "DATA_DIR": str(folder), "DATABASE_URL": ""},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert "Traceback" not in done.stderr
    return done.stderr


def test_any_address_but_loopback_is_refused(tmp_path: Path) -> None:
    assert "serve.not_loopback" in refused(tmp_path, "serve", "--host", "0.0.0.0")


@pytest.mark.parametrize("command", [["serve"], ["demo", "--size", "S"]], ids=lambda command: command[0])
def test_a_port_in_use_is_refused_before_anything_is_done(tmp_path: Path, command: list[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = refused(tmp_path, *command, "--port", str(port))
    assert "serve.port" in said
    assert f"端口 {port} 已被占用" in said
    assert f"Port {port} of 127.0.0.1 is in use already" in said
    assert said.count("--port 8010") == 2
    assert not (tmp_path / "demo-S").exists()


def test_a_schema_of_a_later_version_is_refused(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'double-random.db'}")
    with database.write() as session:
        session.execute(text("CREATE TABLE alembic_version (version_num TEXT)"))
        session.execute(text("INSERT INTO alembic_version VALUES ('9999_later')"))
    database.close()
    for command in (("serve",), ("round", "list"), ("log", "checkpoint")):
        assert "database.newer" in refused(tmp_path, *command)


@pytest.mark.parametrize("path", ["/", "/en/"])
def test_home_is_served(city: Database, tmp_path: Path, path: str) -> None:
    with serving(city, tmp_path) as (address, _):
        answer = httpx2.get(f"{address}{path}", timeout=10)
    assert answer.status_code == 200
    assert "<h1" in answer.text
