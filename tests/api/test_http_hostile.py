"""Hostile input against the real process over real sockets: refused with a reason, quickly, while others are served."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import Malformed
from app.http.limits import check_json

BODY_SECONDS, IDLE_SECONDS = 3.0, 1.0
QUICK = 5.0


@dataclass
class Served:
    """The process, where it answers, and what it wrote."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    def get(self, path: str) -> httpx2.Response:
        """One request of somebody else."""
        return httpx2.get(f"http://127.0.0.1:{self.port}{path}", timeout=10)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """`python -m app serve` with short patience."""
    folder = tmp_path_factory.mktemp("served")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    env = {
        "DATABASE_URL": "", "DATA_DIR": str(folder), "TICK_SECONDS": "3600", "BODY_LIMIT_KB": "64",
        "UPLOAD_LIMIT_MB": "1", "BODY_SECONDS": str(BODY_SECONDS), "IDLE_SECONDS": str(IDLE_SECONDS),
    }  # fmt: skip
    log = folder / "log"
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "app", "serve", "--port", str(port)],
            env={**os.environ, **env},
            stdout=subprocess.DEVNULL,
            stderr=errors,
        )
    found = Served(process, port, log)
    try:
        _wait(found)
        yield found
    finally:
        process.kill()
        process.wait()


def _wait(served: Served) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            if served.get("/health/ready").status_code == 200:
                return
        except httpx2.HTTPError:
            pass
        assert time.monotonic() < deadline, served.log.read_text()
        time.sleep(0.2)


def exchange(port: int, *parts: bytes, pause: float = 0.0) -> tuple[int, dict[str, Any]]:
    """Send raw bytes; (status, problem). Nobody waits longer than `QUICK` for it."""
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", port), timeout=QUICK) as connection:
        for part in parts:
            try:
                connection.sendall(part)
            except OSError:
                break
            time.sleep(pause)
        answer = b""
        try:
            while chunk := connection.recv(65_536):
                answer += chunk
        except ConnectionResetError:
            pass
    assert time.monotonic() - began < QUICK + pause * len(parts)
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body) if body.startswith(b"{") else {}


def post(
    body: bytes, path: bytes = b"/api/v1/rounds", length: int | None = None, kind: bytes = b"application/json"
) -> bytes:
    """A request's bytes."""
    size = str(len(body) if length is None else length).encode()
    head = b"POST " + path + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: " + kind
    return head + b"\r\nContent-Length: " + size + b"\r\n\r\n" + body


def get(path: bytes, extra: bytes = b"") -> bytes:
    """A request's bytes."""
    return b"GET " + path + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + extra + b"\r\n"


REFUSED: list[tuple[str, bytes, int, str]] = [
    ("declared too large", post(b"", length=1 << 30), 413, "request.too_large"),
    ("declared beyond number", post(b"", length=10**18), 413, "request.too_large"),
    ("upload too large", post(b"", b"/api/v1/registers/targets/imports", 1 << 30), 413, "request.too_large"),
    ("large as sent", post(b"[" + b"1," * 40_000 + b"1]"), 413, "request.too_large"),
    ("deep", post(b"[" * 30_000), 400, "request.depth"),
    ("deep objects", post(b'{"a":' * 10_000 + b"1" + b"}" * 10_000), 400, "request.depth"),
    ("no JSON", post(b"{"), 400, "request.json"),
    ("no number", post(b'{"plan": NaN}'), 400, "request.json"),
    ("endless number", post(b'{"plan": ' + b"9" * 5_000 + b"}"), 400, "request.json"),
    ("no UTF-8", post(b'{"plan": "\xff\xfe"}'), 400, "request.encoding"),
    ("overlong UTF-8", post(b'{"plan": "\xc0\x80"}'), 400, "request.encoding"),
    ("NUL", post(b'{"plan": "a\\u0000b", "period": "1"}'), 400, "request.nul"),
    ("half a pair", post(b'{"plan": "\\ud800", "period": "1"}'), 400, "request.surrogate"),
    ("half a pair in a name", post(b'{"\\udfff": 1}'), 400, "request.surrogate"),
    ("NUL in the path", get(b"/api/v1/rounds/a%00b"), 400, "request.control"),
    ("newline in the query", get(b"/api/v1/rounds?plan=a%0Ab"), 400, "request.control"),
    ("no UTF-8 in the path", get(b"/rounds/%ff"), 400, "request.encoding"),
    ("up and out", get(b"/static/../../etc/passwd"), 404, "http.404"),
    ("up and out, in disguise", get(b"/static/%2e%2e/%2e%2e/etc/passwd"), 404, "http.404"),
    ("up and out, twice in disguise", get(b"/static/%252e%252e%252fetc%252fpasswd"), 404, "static.absent"),
    ("full-width code", get(b"/api/v1/plans/%EF%BC%91"), 422, "request.invalid"),
    ("headers too large", get(b"/health/live", b"X: " + b"a" * 70_000 + b"\r\n"), 431, "request.headers"),
    ("too many headers", get(b"/health/live", b"X: a\r\n" * 1_000), 431, "request.headers"),
    ("no HTTP", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n", 400, ""),
    ("two lengths", post(b"{").replace(b"Host: x", b"Content-Length: 2"), 400, ""),
    ("negative length", post(b"", length=-1), 400, ""),
]  # fmt: skip


@pytest.mark.parametrize(
    ("raw", "status", "code"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED]
)
def test_hostile_requests_are_refused_with_a_reason(
    served: Served, raw: bytes, status: int, code: str
) -> None:
    answered, problem = exchange(served.port, raw)
    assert (answered, problem.get("code", "")) == (status, code)
    if code:
        assert problem["detail"]
        assert problem["type"].endswith(code)
    assert served.get("/health/live").status_code == 200


def test_a_large_body_of_unknown_length_is_cut_off(served: Served) -> None:
    head = b"POST /api/v1/rounds HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunk = b"8000\r\n" + b" " * 0x8000 + b"\r\n"
    assert exchange(served.port, head, *[chunk] * 8)[0] == 413


@pytest.mark.parametrize("path", [b"/api/v1/rounds", b"/api/v1/registers/targets/imports"])
def test_slow_bodies_time_out_while_others_are_served(served: Served, path: bytes) -> None:
    slow = []
    kind = b"multipart/form-data; boundary=b"
    for _ in range(50):
        connection = socket.create_connection(("127.0.0.1", served.port), timeout=20)
        connection.sendall(post(b"", path, 100, kind))
        slow.append(connection)
    began = time.monotonic()
    times = []
    while time.monotonic() - began < IDLE_SECONDS:
        asked = time.monotonic()
        assert served.get("/api/v1/rounds").status_code == 200
        times.append(time.monotonic() - asked)
    assert max(times) < 2.0
    for connection in slow:
        with connection:
            assert connection.recv(100).split()[1] == b"408"


def test_a_body_that_drips_times_out_as_a_whole(served: Served) -> None:
    drips = [b" "] * int((BODY_SECONDS + 2) / 0.5)
    assert exchange(served.port, post(b"", length=1000), *drips, pause=0.5)[0] == 408


@pytest.mark.parametrize("before", [b"", b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n"])
def test_headers_that_never_end_are_given_up(served: Served, before: bytes) -> None:
    with socket.create_connection(("127.0.0.1", served.port), timeout=20) as connection:
        if before:
            connection.sendall(before)
            answer = b""
            while not answer.endswith(b'{"status":"alive"}'):  # head and body may come apart
                part = connection.recv(4096)
                assert part, answer
                answer += part
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")
        began = time.monotonic()
        assert connection.recv(1) == b""
        assert time.monotonic() - began < 15


def test_no_word_of_a_request_is_logged_and_every_line_is_json(served: Served) -> None:
    canary = "650102199001011234"
    served.get(f"/api/v1/registers/targets/{canary}")
    served.get(f"/api/v1/registers/targets?name={canary}")
    httpx2.post(f"http://127.0.0.1:{served.port}/api/v1/rounds", json={"plan": canary}, timeout=10)
    text = served.log.read_text()
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    assert canary not in text
    routes = {line.get("route") for line in lines}
    assert "/api/v1/registers/targets/{target_id}" in routes
    assert "Traceback" not in text


def test_it_stops_gracefully(served: Served) -> None:
    """Last in this file: the process is gone afterwards."""
    with socket.create_connection(("127.0.0.1", served.port), timeout=10) as connection:
        connection.sendall(post(b"", length=20))
        time.sleep(0.3)
        served.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        connection.sendall(b'{"plan":1}          ')
        assert connection.recv(100).split()[1] == b"422", "what was begun is answered"
    assert served.process.wait(timeout=20) in (0, -signal.SIGTERM)


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=10)
LEAVES = st.none() | st.booleans() | st.integers() | TEXTS
INNER = LEAVES | st.lists(LEAVES, max_size=3) | st.dictionaries(TEXTS, LEAVES, max_size=3)
VALUES = INNER | st.lists(INNER, max_size=3) | st.dictionaries(TEXTS, INNER, max_size=3)


@given(VALUES)
def test_ordinary_json_passes(value: Any) -> None:
    for ascii_only in (True, False):
        check_json(json.dumps(value, ensure_ascii=ascii_only).encode(), 64)


@given(st.binary(max_size=60))
def test_any_bytes_are_json_or_refused(body: bytes) -> None:
    try:
        check_json(body, 64)
    except Malformed:
        return
    json.loads(body)
