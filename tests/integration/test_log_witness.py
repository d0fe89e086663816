"""A witness of another department: cosigns what continues, refuses what does not; the service keeps cosignatures."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from app.db.database import Database
from app.errors import Refused
from app.ledger import checkpoints, keys, repository, witness
from app.main import create_app
from app.settings import Settings
from scheduler.merkle import path_leads_to
from scheduler.notes import (
    Checkpoint,
    ConsistencyProof,
    InclusionProof,
    Note,
    SignerKey,
    VerifierKey,
)
from scheduler.suite import SHA256

NOW = datetime(2026, 3, 2, 1, tzinfo=UTC)
AT = int(NOW.timestamp())
WITNESS = SignerKey("witness.example/w1", bytes(range(32)))
KEY = WITNESS.verifier().as_cosigner()


def refused(code: str) -> Any:
    return pytest.raises(Refused, match=code.replace(".", r"\."))


def grow(db: Database, directory: Path, count: int, what: str = "0") -> None:
    with db.write() as session:
        for _ in range(count):
            entry = {"type": "t", "subject": "s", "actor_role": "r", "digest": what}
            repository.append(session, entry, NOW)
        checkpoints.make(session, directory, NOW)


def offered(db: Database, old: int, size: int | None = None) -> ConsistencyProof:
    with db.read() as session:
        row = checkpoints.found(session, size)
        return checkpoints.consistency(session, old, row, row.note)


def log_keys(directory: Path) -> list[VerifierKey]:
    signer = keys.load(directory)
    assert signer is not None
    return [signer.verifier()]


def test_a_witness_cosigns_what_continues_and_nothing_older(database: Database, tmp_path: Path) -> None:
    state, log = tmp_path / "state", tmp_path / "log"
    grow(database, log, 3)
    first = witness.cosign(offered(database, 0), state, WITNESS, log_keys(log), AT)
    assert first.require([KEY])[0].timestamp == AT
    grow(database, log, 5)
    second = witness.cosign(offered(database, 4), state, WITNESS, log_keys(log), AT + 1)
    assert Checkpoint.parse(second.text).size == 9
    assert state.read_text() == str(second)
    with refused("witness.older"):
        witness.cosign(offered(database, 0, 4), state, WITNESS, log_keys(log), AT)
    grow(database, log, 2)
    with refused("witness.proof_from"):
        witness.cosign(offered(database, 4), state, WITNESS, log_keys(log), AT)
    assert state.read_text() == str(second)


def test_history_rewritten_with_the_logs_own_key_is_not_cosigned(database: Database, tmp_path: Path) -> None:
    state, log = tmp_path / "state", tmp_path / "log"
    grow(database, log, 3)
    witness.cosign(offered(database, 0), state, WITNESS, log_keys(log), AT)
    before = state.read_text()
    with database.write() as session:
        _forget(session)
    (log / checkpoints.CHECKPOINT_FILE).unlink()
    grow(database, log, 6, "1")
    with refused("witness.inconsistent"):
        witness.cosign(offered(database, 4), state, WITNESS, log_keys(log), AT)
    with refused("witness.inconsistent"):
        witness.cosign(offered(database, 4, None), state, WITNESS, log_keys(log), AT)
    assert state.read_text() == before


def _forget(session: Any) -> None:
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SET LOCAL session_replication_role = replica"))
    else:
        names = session.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).scalars()
        for name in names.all():
            session.execute(text(f"DROP TRIGGER {name}"))
    for table in ("log_checkpoint", "log_node", "log_entry"):
        session.execute(text(f"DELETE FROM {table}"))


def test_another_logs_checkpoint_is_not_cosigned(sqlite_database: Database, tmp_path: Path) -> None:
    grow(sqlite_database, tmp_path / "log", 3)
    stranger = SignerKey("log.example", b"\x07" * 32).verifier()
    with refused("note.signature"):
        witness.cosign(offered(sqlite_database, 0), tmp_path / "state", WITNESS, [stranger], AT)
    assert not (tmp_path / "state").exists()


def test_the_service_keeps_cosignatures_of_announced_witnesses_alone(
    database: Database, tmp_path: Path
) -> None:
    grow(database, tmp_path, 3)
    with database.read() as session:
        row = checkpoints.found(session)
        note = Note.parse(row.note)
    cosigned = str(note.signed_also([WITNESS.cosign(note.text, AT)]))
    with refused("witness.unknown"), database.write() as session:
        witness.store(session, cosigned, NOW)
    with database.write() as session:
        keys.trust_witness(session, KEY, NOW)
    for _ in range(2):
        with database.write() as session:
            assert [row.name for row in witness.store(session, cosigned, NOW)] == [WITNESS.name]
    with database.read() as session:
        assert str(checkpoints.cosigned(session, row)) == cosigned
    other = Checkpoint(note.text.split("\n")[0], row.size, bytes(32)).text
    with refused("witness.other_text"), database.write() as session:
        witness.store(session, str(Note(other, (WITNESS.cosign(other, AT),))), NOW)


def test_the_api_gives_what_a_stranger_verifies(sqlite_database: Database, tmp_path: Path) -> None:
    grow(sqlite_database, tmp_path, 6)
    app = create_app(sqlite_database, Settings(data_dir=tmp_path), with_clock=False)
    with TestClient(app) as client:
        note = Note.parse(client.get("/api/v1/log/checkpoint").text)
        announced = client.get("/api/v1/log/keys").json()
        head = Checkpoint.parse(note.text)
        note.require([VerifierKey.parse(announced["log"][-1])])
        page = client.get("/api/v1/log/entries?start=2&limit=3").json()
        assert [row["index"] for row in page["entries"]] == [2, 3, 4]
        assert page["next"] == 5
        for row in page["entries"]:
            proof = InclusionProof.parse(client.get(f"/api/v1/log/proof?index={row['index']}").text)
            leaf = row["body"].encode()
            assert path_leads_to(SHA256, leaf, proof.index, head.size, proof.path, head.root)
        assert client.get("/api/v1/log/proof?index=7").status_code == 404
        assert client.get("/api/v1/log/checkpoint?size=3").status_code == 404
        assert ConsistencyProof.parse(client.get("/api/v1/log/consistency?old=3").text).old == 3
        text_plain = {"Content-Type": "text/plain; charset=utf-8"}
        with sqlite_database.write() as session:
            keys.trust_witness(session, KEY, NOW)
        cosigned = note.signed_also([WITNESS.cosign(note.text, AT)])
        sent = client.post("/api/v1/log/cosignatures", content=str(cosigned).encode(), headers=text_plain)
        assert sent.status_code == 204, sent.text
        assert client.get(f"/api/v1/log/checkpoint?size={head.size}").text == str(cosigned)
        bad = client.post("/api/v1/log/cosignatures", content=b"nothing", headers=text_plain)
        assert bad.status_code == 422


def test_the_command_needs_no_database(sqlite_database: Database, tmp_path: Path) -> None:
    log, home = tmp_path / "log", tmp_path / "home"
    home.mkdir()
    grow(sqlite_database, log, 3)
    (home / "offer").write_text(str(offered(sqlite_database, 0)))
    (home / "key").write_text(WITNESS.text)

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "app", "log", *arguments, "--log-key", log_keys(log)[0].text]
        environment = {"PATH": "/usr/bin", "PYTHONPATH": str(Path(__file__).parents[2])}
        return subprocess.run(command, cwd=home, capture_output=True, text=True, check=False, env=environment)

    done = run("witness", "offer", "--state", "state", "--key", "key")
    assert done.returncode == 0, done.stderr
    assert Note.parse(done.stdout).require([KEY])
    assert not (home / "var").exists()
    checked = run("verify", "state", "--seen", "state")
    assert checked.returncode == 0, checked.stderr
    assert json.loads(checked.stdout)["size"] == 4
    (home / "offer").write_text((home / "offer").read_text().replace("\n4\n", "\n5\n"))
    assert run("witness", "offer", "--state", "state", "--key", "key").returncode == 1
