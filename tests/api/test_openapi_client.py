"""A typed Python client, generated from the description by openapi-python-client, type-checked and used for real.

The generator pins an older typer than the service uses, so it lives in an environment of its own (`make test` makes
it from requirements/client.txt), as it does where the client is used.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn

from app.db.database import Database
from app.main import create_app
from app.registers.tables import Department
from app.settings import Settings
from tests.accounts import made, token_of

ROOT = Path(__file__).resolve().parents[2]
CLIENT = ROOT / ".venv" / "client" / "bin"
SCRIPT = Path(__file__).with_name("client_script.py")

pytestmark = pytest.mark.skipif(not (CLIENT / "python").exists(), reason="made by `make test`")


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that holds the generated package."""
    folder = tmp_path_factory.mktemp("client")
    command = [
        str(CLIENT / "openapi-python-client"), "generate", "--path", str(SCRIPT.with_name("openapi.json")),
        "--output-path", str(folder / "double_random_client"), "--meta", "none",
    ]  # fmt: skip
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PATH": f"{CLIENT}:{os.environ['PATH']}"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture
def served(sqlite_database: Database, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """A server with one department: its address, and a coordinator's token."""
    with sqlite_database.write() as session:
        session.add(Department(code="SC", name_zh="市场监管"))
    token = token_of(sqlite_database, made(sqlite_database, "one", "coordinator"))
    app = create_app(sqlite_database, Settings(data_dir=tmp_path), with_clock=False)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}", token
    server.should_exit = True
    thread.join()


def test_the_generated_client_does_real_work(generated: Path, served: tuple[str, str]) -> None:
    done = subprocess.run(
        [str(CLIENT / "python"), str(SCRIPT), *served],
        capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(generated)}, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout == "item-0 item-1 item-2"


def test_its_types_hold_where_it_is_used(generated: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.py"
    wrong.write_text(SCRIPT.read_text("utf-8").replace('code=f"item-{number}"', "code=number"), "utf-8")
    options = [
        "--python-executable",
        str(CLIENT / "python"),
        "--config-file",
        os.devnull,
        "--follow-imports=silent",
    ]
    for script, expected in ((SCRIPT, 0), (wrong, 1)):
        done = subprocess.run(
            [sys.executable, "-m", "mypy", *options, "--cache-dir", str(generated / "cache"), str(script)],
            capture_output=True, text=True, check=False, cwd=generated,
            env={**os.environ, "MYPYPATH": str(generated)},
        )  # fmt: skip
        assert done.returncode == expected, done.stdout
